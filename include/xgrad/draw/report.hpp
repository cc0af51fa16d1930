#pragma once
/// What a run found out, as a page, and the parts that it is made of.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/data/evaluate.hpp>
#include <xgrad/draw/history.hpp>
#include <xgrad/draw/page.hpp>
#include <xgrad/nn/summary.hpp>

namespace xgrad::draw {

/// Charts of a history, one for each last word of its names: "loss" and "test loss" are one chart. Of a name with many points means
/// over stretches are drawn. A chart of "accuracy" has the scale of shares, one of "loss" whose values are all positive is
/// logarithmic, others are linear. `at` is what the times are.
XGRAD_API std::vector<std::string> charts(const History& history, std::string_view at = "step");

/// What Graphviz makes of a graph such as to_dot returns: an `<svg>` element. Nothing where its program `dot` is not installed or
/// fails.
XGRAD_API std::optional<std::string> graphviz_svg(const std::string& dot);

/// The layers of a network as a table, and the graph of a step in a drawing, if `dot` (see to_dot) is given; where Graphviz is not
/// installed its source.
XGRAD_API void add_network(Page& page, const nn::Summary& summary, const std::string& dot = {});

/// Of any network. What is empty is left out.
struct Report {
  std::string title, kicker = {};
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< about the run: what, and its value
  History history = {};
  std::string at = "step";                ///< what the history's times are
  Metrics metrics = {};                   ///< on a test set
  std::vector<std::string> classes = {};  ///< what they are called
  nn::Summary summary = {};
  std::string dot = {};  ///< the graph of a step
};

/// Headline, facts, curves, confusion matrix and network:
///
///     draw::report({.title = "ResNet-20 on CIFAR-10", .history = history, .metrics = nn::evaluate(net, test),
///                   .classes = test.names(), .summary = nn::summary(net, {1, 32, 32, 3})}).write("report.html");
///
/// More may be added to the page.
XGRAD_API Page report(const Report& report, Where at = Where::current());

}  // namespace xgrad::draw
