#pragma once
/// What to load of a file, and what came of it.
#include <optional>
#include <string>
#include <vector>

#include <xgrad/core/print.hpp>

namespace xgrad::nn {

struct LoadOptions {
  /// The path under which the file has what is loaded, "backbone" for "backbone.conv1.weight". Without one it is the root if that
  /// fits as well as any, else the path under which the file has most of the names.
  std::optional<std::string> prefix = {};
  /// Whether all must fit. Otherwise what fits is loaded, and the report says what did not.
  bool strict = true;
};

/// What a file, or a struct, has under a name: "F32" and (6, 5).
struct EntryType {
  std::string element;
  Shape shape;
};
/// A name that a file and a struct do not both have, or with other elements or another shape.
struct Misfit {
  std::string name;
  std::optional<EntryType> file = {}, memory = {};  ///< none where it has no such name
};

/// What `load` did.
struct LoadReport {
  std::string prefix;               ///< the path in the file, "" for its root
  std::vector<std::string> loaded;  ///< names in the struct
  std::vector<Misfit> missing;      ///< the struct has them, the file has not
  std::vector<Misfit> unexpected;   ///< the file has them under the prefix, the struct has not
  std::vector<Misfit> misshapen;    ///< both have them, with other elements or shapes

  /// Whether nothing was left.
  bool complete() const noexcept { return missing.empty() && unexpected.empty() && misshapen.empty(); }
};

/// A line with how many were loaded, then a table of what was not: its name, what the file has and what the struct has.
XGRAD_API std::string to_string(const LoadReport& report);

}  // namespace xgrad::nn

template <>
struct fmt::formatter<xgrad::nn::LoadReport> : xgrad::detail::TextFormatter {};
