#pragma once
/// What a run of training has measured.
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/fields.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/draw/chart.hpp>

namespace xgrad::draw {

/// Measurements by name, each at a time of its own: a step, an epoch, or a part of one. It is state like any other: a member of a
/// run is saved with its checkpoint and goes on where that ends.
///
///     draw::History history;
///     history.add(step, {{"loss", loss.item()}});
///     history.add(step, {{"test loss", m.loss()}, {"test accuracy", m.accuracy()}});
///     draw::write_csv("history.csv", history);
class History {
 public:
  using Values = std::initializer_list<std::pair<std::string_view, double>>;

  /// Throws ValueError when the time is not finite, a name is empty or has a line end; then nothing is added.
  XGRAD_API void add(double time, Values values, Where at = Where::current());

  /// In the order in which they first came.
  XGRAD_API std::vector<std::string> names() const;
  /// What was measured of this name, x being the times. No points where there is none.
  XGRAD_API Series series(std::string_view name) const;
  bool empty() const { return values_.empty(); }

 private:
  std::string names_;  // one a line
  std::vector<std::uint32_t> which_;
  std::vector<double> at_, values_;
  XGRAD_FIELDS(names_, which_, at_, values_)
};

/// A line for each time, in rising order, a column for each name, the first of which is `time`; what was not measured at a time is
/// empty. Of what was measured twice at a time the later counts. read_csv reads it.
XGRAD_API std::string to_csv(const History& history, std::string_view time = "step");
XGRAD_API void write_csv(const std::filesystem::path& path, const History& history, std::string_view time = "step",
                         Where at = Where::current());

/// Facts about a run, and its history: {"facts": {"batch": "64"}, "history": {"loss": {"at": [1, 2], "value": [0.5, 0.25]}}}. What
/// is not finite is null, as JSON knows no such numbers.
XGRAD_API std::string to_json(const History& history, const std::vector<std::pair<std::string, std::string>>& facts = {});
XGRAD_API void write_json(const std::filesystem::path& path, const History& history,
                          const std::vector<std::pair<std::string, std::string>>& facts = {}, Where at = Where::current());

}  // namespace xgrad::draw
