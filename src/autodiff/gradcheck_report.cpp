// The text of a GradcheckReport.
#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include <xgrad/autodiff/gradcheck.hpp>
#include <xgrad/core/shape.hpp>
#include <xgrad/core/text.hpp>

namespace xgrad {
namespace {

/// The cells of an input's line.
std::vector<std::string> line(const GradcheckInput& input) {
  const std::size_t size = size_of(input.shape);
  const std::string name = printable(input.name);
  std::string checked = input.entries == size ? fmt::format("all {}", size) : fmt::format("{} of {}", input.entries, size);
  if (input.directions) checked += fmt::format(", {} directions", input.directions);
  if (input.visible > 0 && std::isfinite(input.visible)) checked += fmt::format(" (errors above {:.0e})", input.visible);
  if (input.entries + input.directions == 0)
    return {name, to_string(input.shape), checked, "", "", "", "", input.ok ? "ok" : "FAILED"};
  std::string worst = input.located ? to_string(input.index) : "a direction";
  if (!input.result_index.empty()) worst += " of result " + to_string(input.result_index);
  return {name,
          to_string(input.shape),
          std::move(checked),
          std::move(worst),
          fmt::format("{:.9g}", input.analytic),
          fmt::format("{:.9g}", input.numeric),
          fmt::format("{:.1e}", input.error),
          input.ok ? "ok" : "FAILED"};
}

}  // namespace

bool AllowZero::covers(const std::string& name) const {
  return all || std::ranges::any_of(names, [&](const std::string& some) {
           return name == some || (name.starts_with(some) && name[some.size()] == '.');
         });
}

std::string to_string(const GradcheckReport& report) {
  std::string text = "gradcheck at " + to_string(report.where);
  if (!report.failure.empty()) return text + " FAILED: " + printable(report.failure);
  const auto bad = std::ranges::count_if(report.inputs, [](const GradcheckInput& input) { return !input.ok; });
  text += bad == 0 ? fmt::format(": ok, {}", report.method)
                   : fmt::format(" FAILED for {} of {}, {}", bad, report.inputs.size(), report.method);
  std::vector<std::vector<std::string>> lines{
      {"order", "input", "shape", "checked", "worst at", "analytic", "numeric", "rel. error", ""}};
  for (const GradcheckInput& input : report.inputs) {
    lines.push_back(line(input));
    lines.back().insert(lines.back().begin(), std::to_string(input.order));
  }
  std::vector<std::size_t> widths(lines[0].size());
  for (const auto& cells : lines)
    for (std::size_t c = 0; c < cells.size(); ++c) widths[c] = std::max(widths[c], cells[c].size());
  for (std::size_t l = 0; l < lines.size(); ++l) {
    std::string row = "\n ";
    for (std::size_t c = 0; c < widths.size(); ++c) {
      const bool number = c >= 5 && c <= 7;
      row += number ? fmt::format(" {:>{}} ", lines[l][c], widths[c]) : fmt::format(" {:<{}} ", lines[l][c], widths[c]);
    }
    text += row.substr(0, row.find_last_not_of(' ') + 1);
    if (l > 0 && !report.inputs[l - 1].note.empty()) text += "\n         " + report.inputs[l - 1].note;
  }
  return text;
}

}  // namespace xgrad
