#include <xgrad/draw/report.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <xgrad/draw/markup.hpp>

#include "../core/open.hpp"

extern char** environ;

namespace xgrad::draw {
namespace {

std::string shape_text(const Shape& shape) { return fmt::format("{}", fmt::join(shape, "\u202f×\u202f")); }
std::string count_text(std::size_t count) { return count == 0 ? "" : grouped(count); }

std::string_view last_word(std::string_view name) { return name.substr(name.rfind(' ') + 1); }

}  // namespace

std::vector<std::string> charts(const History& history, std::string_view at) {
  std::vector<std::pair<std::string, std::vector<Series>>> groups;
  for (const std::string& name : history.names()) {
    const std::string_view word = last_word(name);
    auto group = std::ranges::find(groups, word, [](const auto& g) -> std::string_view { return g.first; });
    if (group == groups.end()) group = groups.emplace(groups.end(), std::string(word), std::vector<Series>());
    Series series = history.series(name);
    const std::size_t n = series.x.size(), most = std::clamp<std::size_t>(n / 20, 40, 200);
    series.dots = n <= most;
    group->second.push_back(series.dots ? std::move(series) : averaged(series, most));
  }
  std::vector<std::string> result;
  for (const auto& group : groups) {
    const std::string& word = group.first;
    const std::vector<Series>& series = group.second;
    const auto all = [&](auto good) {
      return std::ranges::all_of(series, [&](const Series& s) { return std::ranges::all_of(s.y, good); });
    };
    Axis up;
    if (word == "accuracy" && all([](double y) { return y >= 0 && y <= 1; })) up.scale = Scale::share;
    if (word == "loss" && all([](double y) { return y > 0; })) up.scale = Scale::log;
    result.push_back(chart(
        series, {.title = series.size() == 1 ? series[0].name : word, .x = {.label = std::string(at)}, .y = up, .height = 340}));
  }
  return result;
}

std::optional<std::string> graphviz_svg(const std::string& dot) {
  // Files rather than pipes: nobody waits for anybody, however large the graph.
  const File in(std::tmpfile()), out(std::tmpfile());
  if (!in || !out || std::fwrite(dot.data(), 1, dot.size(), in.get()) != dot.size() || std::fflush(in.get()) != 0) return {};
  std::rewind(in.get());

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string program = "dot", format = "-Tsvg";
  char* const arguments[] = {program.data(), format.data(), nullptr};
  pid_t child = 0;
  const int code = posix_spawnp(&child, "dot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) return {};
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return {};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return {};

  std::string svg;
  std::rewind(out.get());
  for (char buffer[4096]; const std::size_t n = std::fread(buffer, 1, sizeof buffer, out.get());) svg.append(buffer, n);
  const std::size_t begin = svg.find("<svg");  // the XML header and the document type have no place in a page
  if (begin == svg.npos) return {};
  return svg.substr(begin);
}

void add_network(Page& page, const nn::Summary& summary, const std::string& dot) {
  std::vector<std::vector<std::string>> lines{{"layer", "operation", "output", "kernel", "parameters", "multiply-adds"},
                                              {"input", "", shape_text(summary.input)}};
  std::size_t work = 0;
  std::string remarks;
  for (const nn::SummaryRow& row : summary.rows) {
    lines.push_back(
        {row.name, row.op, shape_text(row.output), row.kernel, count_text(row.parameters), count_text(row.multiply_adds)});
    work += row.multiply_adds;
    if (!row.remarks.empty())
      remarks +=
          fmt::format("{}{}: {}", remarks.empty() ? "" : "; ", row.name.empty() ? row.op : row.name, fmt::join(row.remarks, "; "));
  }
  lines.push_back({"total", "", fmt::format("{:.0f}\u202fkB", static_cast<double>(summary.bytes) / 1000), "",
                   grouped(summary.parameters), grouped(work)});
  const std::optional<std::string> svg = dot.empty() ? std::nullopt : graphviz_svg(dot);
  // A drawing that is not wide stands beside the table: <svg width="312pt" …
  const bool narrow = svg && svg->starts_with("<svg width=\"") && std::strtod(svg->c_str() + 12, nullptr) < 400;
  page.html(narrow ? "<div class=\"network\"><div>" : "<div><div>").table(lines, "    rr", true);
  if (!remarks.empty()) page.text(remarks);
  if (!summary.unused.empty()) page.note(fmt::format("Unused, so they will not be trained: {}", fmt::join(summary.unused, ", ")));
  page.html("</div>");
  if (svg)
    page.html("<div class=\"card graph\">" + *svg + "</div>");
  else if (!dot.empty())
    page.source("Graphviz was not found here, so the graph is not drawn. Its source, for dot -Tsvg", dot);
  page.html("</div>");
}

Page report(const Report& r, Where at) {
  Page page(r.title, r.kicker);
  if (const Metrics& m = r.metrics; m.samples > 0)
    page.headline(fmt::format("{:.2f}", 100 * m.accuracy()), "%",
                  fmt::format("of {} samples recognised, {} not", grouped(m.samples), grouped(m.samples - m.right)));
  page.facts(r.facts);
  if (!r.history.empty()) page.section("Learning").charts(charts(r.history, r.at));
  if (r.metrics.confusion.dimension() == 2)
    page.section("What it takes for what",
                 "A row for each true class, a column for each guess. On the right the share of a class that was recognised, below "
                 "the share of a guess that was right.")
        .confusion(r.metrics.confusion, r.classes, at);
  if (!r.summary.rows.empty()) {
    page.section("The network", r.dot.empty() ? "What it computes for one sample."
                                              : "What it computes for one sample, and the graph that one training step records: "
                                                "backward runs through it from the loss to the weights.");
    add_network(page, r.summary, r.dot);
  }
  return page;
}

}  // namespace xgrad::draw
