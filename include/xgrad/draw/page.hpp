#pragma once
/// One HTML file that needs nothing but itself: no network, no scripts, no fonts. Light or dark as its reader's system is.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/indices.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/draw/image.hpp>

namespace xgrad::draw {

/// How a picture goes with the page's colours.
enum class Look : std::uint8_t {
  as_is,
  ink,           ///< light on black, as MNIST is: by day dark on white
  around_white,  ///< as to_colours makes it: by night around black
};

struct Picture {
  Pixels image;
  std::string caption = {}, note = {};  ///< below it, each on a line of its own
  std::string tip = {};                 ///< shown when the pointer is on it
  Look look = Look::as_is;
};

/// A page that is made from above to below. All texts are plain: `<` is shown as that.
///
///     draw::Page page("Ten epochs", "a study");
///     page.headline("98.7", "%", "of 5000 images recognised").facts({{"optimiser", "Adam"}, {"batch", "64"}});
///     page.section("Learning", "Both axes are logarithmic.").charts({draw::chart(…), draw::chart(…)});
///     page.section("Mistakes").pictures(wrong);
///     page.write("report.html");
class Page {
 public:
  /// `kicker` stands above the title, in small letters.
  XGRAD_API explicit Page(std::string_view title, std::string_view kicker = {});

  /// What follows stands below this heading.
  XGRAD_API Page& section(std::string_view heading, std::string_view lead = {});
  /// One number in large letters, and what it means.
  XGRAD_API Page& headline(std::string_view number, std::string_view unit, std::string_view meaning);
  XGRAD_API Page& text(std::string_view paragraph);
  /// A paragraph that is to be seen.
  XGRAD_API Page& note(std::string_view paragraph);
  /// Names and values in small print, side by side.
  XGRAD_API Page& facts(const std::vector<std::pair<std::string, std::string>>& facts);
  /// The first line has the headings. `right` has an r for each column of numbers, as xgrad::aligned takes it. With `total` the
  /// last line stands out.
  XGRAD_API Page& table(const std::vector<std::vector<std::string>>& lines, std::string_view right = {}, bool total = false);
  /// Charts or other `<svg>` elements, side by side where there is room.
  XGRAD_API Page& charts(const std::vector<std::string>& svgs);
  /// Throws as png does.
  XGRAD_API Page& pictures(const std::vector<Picture>& pictures, Where at = Where::current());
  /// Counts (classes, classes) as Metrics::confusion has them: a row for each true class, a column for each guess, and the share of
  /// each class and each guess that was right. What has no name is called by its number. Throws ShapeError unless it is square,
  /// ValueError for a negative count.
  XGRAD_API Page& confusion(const Indices& counts, const std::vector<std::string>& names = {}, Where at = Where::current());
  /// A long text that is folded away below `what`.
  XGRAD_API Page& source(std::string_view what, std::string_view text);
  /// Markup as it is, which must be well-formed.
  XGRAD_API Page& html(std::string_view markup);

  /// The whole file: HTML that is well-formed XML, too, as long as what `html` and `charts` were given is.
  XGRAD_API std::string str() const;
  /// Writes it, whole or not at all. Throws FileError as WholeFile.
  XGRAD_API void write(const std::filesystem::path& path, Where at = Where::current()) const;

 private:
  std::string title_, body_;
  bool in_section_ = false;
};

/// "61 706": digits in threes, with a narrow space that does not break.
XGRAD_API std::string grouped(std::uint64_t number);

}  // namespace xgrad::draw
