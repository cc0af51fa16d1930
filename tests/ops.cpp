// Every operation's row in op_table.hpp: its values, its gradients, what it keeps, that it has one at all.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "../src/graph/walk.hpp"
#include "op_table.hpp"

using namespace op_table;

namespace {

A reference(const Row& row, const std::vector<A>& x) {
  if (row.forward) return row.forward(x);
  Shape shape = x[0].shape();
  for (const A& other_input : x) shape = broadcast_shapes(shape, other_input.shape());
  return naive::fill(shape, [&](const Shape& index) {
    std::vector<double> elements;
    for (const A& input : x) elements.push_back(naive::at(input, index));
    return row.formula(elements);
  });
}

/// What check_op shall ask of a row that is called with these shapes.
testing::OpRow op_row(const Row& row, const std::vector<Shape>& shapes, int order) {
  const bool empty = std::ranges::any_of(shapes, [](const Shape& shape) { return size_of(shape) == 0; });
  return {.shapes = shapes,
          .domains = row.details.domains,
          .reference = [&row](In x) { return reference(row, x); },
          .kept = row.details.kept,
          .order = order,
          .distinct = row.details.distinct,
          .allow_zero = row.details.allow_zero || empty,
          .seed = 3};
}

/// The shapes a row is tried with. For an elementwise operation each set of them that means something else in broadcasting.
std::vector<std::vector<Shape>> shape_sets(const Row& row) {
  if (!row.shapes.empty()) return {row.shapes};
  switch (row.details.kept.size()) {
    case 1:
      return {{{3, 4}}, {{}}, {{1}}, {{0}}, {{2, 0, 3}}, {{2, 1, 5}}};
    case 2:
      return {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{3}, {2, 3}},    {{2, 1}, {1, 3}},    {{}, {2, 3}},
              {{2, 3}, {}},     {{}, {}},      {{1, 1}, {3}},    {{2, 1, 3}, {4, 1}}, {{2, 3, 2}, {3, 1}},
              {{0, 3}, {1, 3}}, {{1}, {0}},    {{2, 1}, {2, 0}}, {{4, 1}, {4, 1}},    {{5}, {1}}};
    default:
      return {{{2, 3}, {3}, {2, 1}}, {{}, {2}, {}}, {{3}, {3}, {3}}, {{0, 2}, {1, 2}, {}}, {{2, 1, 1}, {1, 2, 1}, {1, 1, 2}}};
  }
}

/// All rows, or those of the operations that XGRAD_OPS names: XGRAD_OPS=conv2d,linear build/tests/ops.
const std::vector<Row>& all_rows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> result;
    const char* names = std::getenv("XGRAD_OPS");
    for (auto* topic :
         {formula_rows, basic_rows, elementwise_rows, activation_rows, class_loss_rows, element_loss_rows, reduced_loss_rows,
          conv_rows, window_rows, product_rows, equation_rows, norm_rows, sequence_rows, reduce_rows, shape_rows, index_rows})
      for (Row& row : topic())
        if (!names || ("," + std::string(names) + ",").find("," + row.op + ",") != std::string::npos)
          result.push_back(std::move(row));
    return result;
  }();
  REQUIRE(!rows.empty());
  return rows;
}

void check(const Row& row, const std::vector<Shape>& shapes, int order) {
  std::string what = row.name;
  for (const Shape& shape : shapes) what += " " + to_string(shape);
  const testing::OpReport report = testing::check_op(row.run, op_row(row, shapes, order));
  CHECK_MESSAGE(report.ok(), what, ": ", to_string(report));
  CHECK(report.passed.size() + report.failures.size() >= (order > 0 ? 8 : 7));  // nothing was left out
}

/// What is kept by a graph of which only input k needs a gradient, as in op_table. Numbers (0-d constants) do not count.
std::uint32_t kept_for(const Row& row, const std::vector<A>& values, std::size_t k) {
  std::vector<Variable<double>> x;
  for (std::size_t i = 0; i < values.size(); ++i) x.emplace_back(A(values[i]), i == k);
  const Variable<double> result = row.run(x);
  std::uint32_t kept = none;
  const auto count = [&](const Ref<Storage<double>>& value) {
    if (!value) return;
    std::uint32_t found = value->array.size() > 1 ? other : none;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (value == x[i].storage()) found = use::input(i);
    kept |= value == result.storage() ? y : found;
  };
  for (const Node<double>* node : xgrad::detail::ancestors<double>({result.node().get()})) {
    count(node->kept_output());
    for (const Edge<double>& edge : node->edges()) count(edge.kept);
  }
  return kept;
}

}  // namespace

TEST_CASE("ops: what check_op asks of every operation, in every shape") {
  for (const Row& row : all_rows()) {
    // third order for one shape of the elementwise operations and the convolution; of the others see below
    int order = row.formula || row.op == "conv2d" ? 3 : 2;
    for (const auto& shapes : shape_sets(row)) check(row, shapes, order), order = 2;
  }
}

TEST_CASE("ops: arrays long enough for whole vectors, their rest, and threads") {
  for (const Row& row : all_rows())
    if (row.formula)
      for (const Shape& shape : {Shape{5, 67}, Shape{70001}}) check(row, std::vector<Shape>(row.details.kept.size(), shape), 0);
}

TEST_CASE("ops: a random combination of many results, to third order") {
  for (const Row& row : all_rows()) {
    CAPTURE(row.name);
    const testing::OpRow asked = op_row(row, shape_sets(row)[0], 3);
    std::vector<Variable<double>> x;
    for (A& value : sample(asked)) x.emplace_back(std::move(value), true);
    const auto report =
        gradcheck(row.run, x, {.order = 3, .seed = 5, .allow_zero = asked.allow_zero, .max_entries = 6, .samples = 4});
    CHECK_MESSAGE(report.ok(), to_string(report));
  }
}

TEST_CASE("ops: exactly what a gradient needs is kept") {
  for (const Row& row : all_rows()) {
    const std::vector<A> values = sample(op_row(row, shape_sets(row)[0], 1));
    REQUIRE(row.details.kept.size() == values.size());
    // a copy of less than two elements looks like a number
    if (std::ranges::any_of(values, [](const A& value) { return value.size() < 2; })) continue;
    for (std::size_t k = 0; k < values.size(); ++k) {
      CAPTURE(row.name);
      CAPTURE(k);
      CHECK(kept_for(row, values, k) == row.details.kept[k]);
    }
  }
}

TEST_CASE("ops: the options of every operation, and of those that its gradients are made of") {
  if (std::getenv("XGRAD_OPS")) return;
  // Of all calls the one with the longest text, the first by alphabet: which is met first is the compiler's choice, as the order is
  // in which a call's arguments are computed.
  std::map<std::string, std::string> found;
  const Observe observe([&](const auto& event) {
    if (event.what != Seen::result) return;
    std::string line = std::string(event.op) + ":";
    for (const Attribute& attribute : event.attributes()) line += " " + to_string(attribute);
    std::string& longest = found[std::string(event.op)];
    if (line.size() > longest.size() || (line.size() == longest.size() && line < longest)) longest = line;
  });
  for (const Row& row : all_rows()) {
    std::vector<Variable<double>> x;
    for (A& value : sample(op_row(row, shape_sets(row)[0], 1))) x.emplace_back(std::move(value), true);
    const auto gradients = grad(sum(row.run(x)), x, {.create_graph = true, .allow_unused = true});
  }
  std::string lines;
  for (const auto& [op, line] : found) lines += line + "\n";
  const char* const file = XGRAD_TEST_DATA "/../files/attributes.txt";
  if (std::getenv("XGRAD_WRITE")) std::ofstream(file) << lines;  // scripts/generate
  std::ostringstream expected;
  expected << std::ifstream(file).rdbuf();
  CHECK_MESSAGE(lines == expected.str(), "scripts/generate writes tests/files/attributes.txt anew; it should be\n", lines);
}

TEST_CASE("ops: every operation that a header declares has a row") {
  if (std::getenv("XGRAD_OPS")) return;
  std::set<std::string> rows{"any",     "all",           "less",  "less_equal",
                             "greater", "greater_equal", "equal", "not_equal"};  // no gradient: see conventions.cpp
  for (const Row& r : all_rows()) rows.insert(r.op);
  const std::filesystem::path root = std::filesystem::path(XGRAD_TEST_DATA).parent_path().parent_path();
  std::size_t found = 0;
  const std::regex declaration(R"((?:Variable<T>|Mask|\bauto) (\w+)\()");
  for (const auto& file : std::filesystem::directory_iterator(root / "include/xgrad/ops")) {
    std::ostringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string code =
        std::regex_replace(text.str(), std::regex(R"(namespace detail \{[^]*?\n\}  // namespace detail|#define(.*\\\n)*.*)"), "");
    for (std::sregex_iterator it(code.begin(), code.end(), declaration), end; it != end; ++it) {
      const std::string name = (*it)[1];
      if (name == "operator") continue;
      ++found;
      CHECK_MESSAGE(rows.contains(name), name, " of ", file.path().filename().string(), " has no row in tests/rows_*.cpp");
    }
  }
  CHECK(found >= 40);
}
