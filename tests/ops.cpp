// Every operation's row in op_table.hpp: its values, its gradients, what it keeps, that it has one at all.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "op_table.hpp"
#include "rows_conv.hpp"
#include "rows_elementwise.hpp"
#include "rows_index.hpp"
#include "rows_linalg.hpp"
#include "rows_loss.hpp"
#include "rows_norm.hpp"
#include "rows_reduce.hpp"

using namespace op_table;

namespace {

std::vector<A> sample(const Row& row, const std::vector<Shape>& shapes, std::uint64_t seed) {
  Generator generator(seed);
  std::vector<A> result;
  std::size_t total = 0, used = 0;
  for (const Shape& shape : shapes) total += size_of(shape);
  const std::vector<std::size_t> order = generator.permutation(total);
  for (std::size_t k = 0; k < shapes.size(); ++k) {
    const Domain domain = row.domains[std::min(k, row.domains.size() - 1)];
    A x(shapes[k]);
    for (double& value : std::span(x.data(), x.size()))
      if (row.distinct)  // one grid for all inputs, so that no two elements come near each other
        value = domain.low + (domain.high - domain.low) * (static_cast<double>(order[used++]) + 0.5) / static_cast<double>(total);
      else
        do value = generator.uniform(domain.low, domain.high);
        while (std::abs(value - domain.avoid) < 0.05);
    result.push_back(std::move(x));
  }
  return result;
}

template <class T>
std::vector<Variable<T>> leaves(const std::vector<A>& values) {
  std::vector<Variable<T>> result;
  for (const A& value : values) {
    Array<T> x(value.shape());
    std::transform(value.data(), value.data() + value.size(), x.data(), [](double v) { return static_cast<T>(v); });
    result.emplace_back(std::move(x), true);
  }
  return result;
}

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

/// The shapes a row is tried with. For an elementwise operation each set of them that means something else in broadcasting.
std::vector<std::vector<Shape>> shape_sets(const Row& row) {
  if (!row.shapes.empty()) return {row.shapes};
  switch (row.kept.size()) {
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

/// Largest distance, relative to the largest value. Infinite when the shapes differ or a NaN is on one side only.
template <class X, class Y>
double distance(const X& x, const Y& y_) {
  if (x.shape() != y_.shape()) return std::numeric_limits<double>::infinity();
  double largest = 1, apart = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double p = static_cast<double>(x.data()[k]), q = static_cast<double>(y_.data()[k]);
    if (std::isnan(p) != std::isnan(q)) return std::numeric_limits<double>::infinity();
    if (std::isnan(p) || p == q) continue;
    largest = std::max({largest, std::abs(p), std::abs(q)});
    apart = std::max(apart, std::abs(p - q));
  }
  return apart / largest;
}

std::vector<Row> all_rows() {
  std::vector<Row> rows = elementwise_rows();
  for (auto* more :
       {structural_rows, more_elementwise_rows, activation_rows, class_loss_rows, element_loss_rows, reduced_loss_rows,
        conv_family_rows, window_rows, product_rows, equation_rows, norm_rows, sequence_rows, reduce_rows, shape_rows, index_rows})
    for (Row& r : more()) rows.push_back(std::move(r));
  return rows;
}

/// f(row, shapes) for every row, with its name in the messages.
template <class F>
void each_row(F f) {
  for (const Row& r : all_rows())
    for (const auto& shapes : shape_sets(r)) {
      std::string what = r.name;
      for (const Shape& shape : shapes) what += " " + to_string(shape);
      INFO(what);
      f(r, shapes);
    }
}

/// The way to what a node keeps of its own output.
struct Peek : Node<double> {
  static const Ref<Storage<double>>& output(const Node<double>& node) { return node.*(&Peek::output_); }
};

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
  std::vector<const Node<double>*> nodes{result.node().get()};
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    count(Peek::output(*nodes[n]));
    for (const Edge<double>& edge : nodes[n]->edges()) {
      if (edge.node) nodes.push_back(edge.node.get());
      count(edge.kept);
    }
  }
  return kept;
}

}  // namespace

TEST_CASE("ops: forward is what a plain loop gives") {
  each_row([](const Row& r, const std::vector<Shape>& shapes) {
    const std::vector<A> values = sample(r, shapes, 1);
    const std::vector<Variable<double>> x = leaves<double>(values);
    const Variable<double> result = r.run(x);
    CHECK(result.shape() == reference(r, values).shape());
    CHECK(distance(result.value(), reference(r, values)) < 1e-13);
    CHECK(result.requires_grad());
    for (std::size_t k = 0; k < x.size(); ++k) CHECK(x[k].value() == values[k]);  // nobody wrote into an input
    const NoGrad no_grad;
    CHECK(r.run(x).value() == result.value());
    for (std::size_t k = 0; k < x.size(); ++k) CHECK(x[k].value() == values[k]);
  });
  for (const Row& r : all_rows()) {  // long enough for whole vectors, their rest, and threads
    if (!r.formula) continue;
    CAPTURE(r.name);
    for (const Shape& shape : {Shape{5, 67}, Shape{70001}}) {
      const std::vector<A> values = sample(r, std::vector<Shape>(r.kept.size(), shape), 2);
      CHECK(distance(r.run(leaves<double>(values)).value(), reference(r, values)) < 1e-13);
    }
  }
}

TEST_CASE("ops: first and second derivatives are those of finite differences") {
  each_row([](const Row& r, const std::vector<Shape>& shapes) {
    bool empty = false;
    for (const Shape& shape : shapes) empty = empty || size_of(shape) == 0;
    const auto report = gradcheck(r.run, leaves<double>(sample(r, shapes, 3)), {.order = 2, .allow_zero = r.allow_zero || empty});
    CHECK_MESSAGE(report.ok(), to_string(report));
  });
}

TEST_CASE("ops: a random combination of many results, to third order") {
  for (const Row& r : all_rows()) {
    CAPTURE(r.name);
    const auto shapes = shape_sets(r)[0];
    bool empty = false;
    for (const Shape& shape : shapes) empty = empty || size_of(shape) == 0;
    const auto report = gradcheck(r.run, leaves<double>(sample(r, shapes, 4)),
                                  {.order = 3, .seed = 5, .allow_zero = r.allow_zero || empty, .max_entries = 6, .samples = 4});
    CHECK_MESSAGE(report.ok(), to_string(report));
  }
}

TEST_CASE("ops: float agrees with double") {
  each_row([](const Row& r, const std::vector<Shape>& shapes) {
    std::vector<A> values = sample(r, shapes, 6);
    for (A& value : values)
      for (double& v : std::span(value.data(), value.size())) v = static_cast<float>(v);
    const auto x = leaves<double>(values);
    const auto xf = leaves<float>(values);
    const auto result = r.run(x);
    const auto result_float = r.run_float(xf);
    CHECK(distance(result_float.value(), result.value()) < 1e-5);
    const auto g = grad(sum(square(result)), x, {.allow_unused = true});
    const auto gf = grad(sum(square(result_float)), xf, {.allow_unused = true});
    for (std::size_t k = 0; k < x.size(); ++k) CHECK(distance(gf[k].value(), g[k].value()) < 1e-5);
  });
}

TEST_CASE("ops: gradients through last references that are written over") {
  // Each input is an intermediate result whose buffer nobody else holds: the op may take it, the gradients must not notice.
  each_row([](const Row& r, const std::vector<Shape>& shapes) {
    const auto x = leaves<double>(sample(r, shapes, 7));
    const auto direct = grad(sum(square(r.run(x))), x, {.allow_unused = true});
    const auto moved = [&] {
      std::vector<Variable<double>> copies;
      for (const auto& v : x) copies.push_back(v * 1.0);
      Variable<double> result = r.run(copies);
      copies.clear();
      return sum(square(std::move(result)));
    }();
    const auto through = grad(moved, x, {.allow_unused = true});
    for (std::size_t k = 0; k < x.size(); ++k) CHECK(distance(through[k].value(), direct[k].value()) < 1e-14);
  });
}

TEST_CASE("ops: nothing is kept beyond what a gradient needs") {
  for (const Row& r : all_rows()) {
    const auto shapes = shape_sets(r)[0];
    const auto values = sample(r, shapes, 8);
    for (std::size_t k = 0; k < values.size(); ++k) {
      CAPTURE(r.name);
      CAPTURE(k);
      bool countable = true;  // a copy of less than two elements looks like a number
      for (const A& value : values) countable = countable && value.size() > 1;
      if (countable) CHECK(kept_for(r, values, k) == r.kept[k]);
    }
    REQUIRE(r.kept.size() == values.size());
  }
}

TEST_CASE("ops: every operation that a header declares has a row") {
  std::set<std::string> rows{"any",     "all",           "less",  "less_equal",
                             "greater", "greater_equal", "equal", "not_equal"};  // no gradient: see conventions.cpp
  for (const Row& r : all_rows()) rows.insert(r.op);
  const std::filesystem::path root = std::filesystem::path(XGRAD_TEST_DATA).parent_path().parent_path();
  std::size_t found = 0;
  const std::regex declaration(R"((?:Variable<T>|Mask|\bauto) (\w+)\()");
  for (const auto& file : std::filesystem::directory_iterator(root / "include/xgrad/ops")) {
    std::ostringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string code = std::regex_replace(text.str(), std::regex(R"(namespace detail \{[^]*?\n\}|#define(.*\\\n)*.*)"), "");
    for (std::sregex_iterator it(code.begin(), code.end(), declaration), end; it != end; ++it) {
      const std::string name = (*it)[1];
      if (name == "operator") continue;
      ++found;
      CHECK_MESSAGE(rows.contains(name), name, " of ", file.path().filename().string(), " has no row in tests/op_table.hpp");
    }
  }
  CHECK(found >= 40);
}
