// PyTorch's values, first and second gradients, for every operation that PyTorch has too: golden/golden.jsonl, made by
// golden/make.py. The tables in golden/ say how xgrad is called for its cases.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "golden/table.hpp"

using namespace xgrad;
using golden::In;

namespace {

using Doubles = Array<double>;

/// A line of the file; make.py says what is in it.
struct Case {
  std::string name, why;
  std::vector<Doubles> in, out, grad, second, tangent;
  std::vector<std::size_t> leaves;
  bool each = false;
};

Doubles read(const nlohmann::json& json) {  // [shape, values]
  Shape shape;
  for (const auto& length : json.at(0)) shape.push_back(length.get<std::size_t>());
  Doubles result(shape);
  REQUIRE(result.size() == json.at(1).size());
  for (std::size_t k = 0; k < result.size(); ++k) {
    const auto& value = json.at(1).at(k);
    result.data()[k] = value.is_string() ? ::std::stod(value.get<std::string>()) : value.get<double>();
  }
  return result;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> result;
    std::ifstream file(XGRAD_TEST_DATA "/golden.jsonl");
    for (std::string line; std::getline(file, line);) {
      const auto json = nlohmann::json::parse(line);
      Case& c = result.emplace_back();
      c.name = json.at("case");
      json.at("leaves").get_to(c.leaves);
      c.why = json.value("why", "");
      c.each = json.value("each", false);
      const auto arrays = [&](const char* key, std::vector<Doubles>& to) {
        if (!json.contains(key)) return;
        for (const auto& array : json.at(key)) to.push_back(read(array));
      };
      arrays("in", c.in);
      arrays("out", c.out);
      arrays("grad", c.grad);
      arrays("second", c.second);
      arrays("tangent", c.tangent);
    }
    return result;
  }();
  return all;
}

const std::vector<golden::Row>& rows() {
  static const golden::Table table = [] {
    golden::Table result;
    for (auto* fill : {golden::unary_rows, golden::binary_rows, golden::reduce_rows, golden::shape_rows, golden::index_rows,
                       golden::linalg_rows, golden::convolution_rows, golden::pool_rows, golden::class_loss_rows,
                       golden::element_loss_rows, golden::norm_rows, golden::network_rows, golden::layer_rows})
      fill(result);
    return result;
  }();
  return table.rows;
}

/// Fixed numbers between -1 and 1, as make.py has them.
template <class T>
Variable<T> weights(const Shape& shape, std::uint64_t salt, bool requires_grad = false) {
  Array<T> result(shape);
  std::uint64_t state = 12345 + 7919 * salt;
  for (std::size_t k = 0; k < result.size(); ++k) {
    state = (state * 1103515245 + 12345) % (1u << 31);
    result.data()[k] = static_cast<T>(2 * static_cast<int>((state >> 16) % 32) - 31) / 32;
  }
  return Variable<T>(std::move(result), requires_grad);
}

/// How far x is from what was expected, relative to the largest element of that, or to each. An array without an element above
/// 1/10 is what larger numbers cancel to; it is measured against 1/10. Infinite when shapes differ, and
/// unless NaNs and infinities are in the same places.
template <class T>
double distance(const Array<T>& x, const Doubles& expected, bool each) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (x.shape() != expected.shape()) return infinite;
  double largest = 0, apart = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double e = expected.data()[k], found = static_cast<double>(x.data()[k]);
    if (std::isnan(e) != std::isnan(found) || ((std::isinf(e) || std::isinf(found)) && e != found)) return infinite;
    if (!std::isfinite(e) || (e == 0 && std::abs(found) < 1e-20)) continue;  // PyTorch's 0 may be what it has rounded away
    largest = std::max(largest, std::abs(e));
    if (const double d = std::abs(found - e); d > 0) apart = std::max(apart, each ? d / std::abs(e) : d);
  }
  return each ? apart : apart / std::max(largest, 0.1);
}

/// Counts what is off, and says it.
struct Judge {
  const Case& c;
  double tolerance;
  template <class T>
  void operator()(const std::string& what, const std::vector<Variable<T>>& found, const std::vector<Doubles>& expected) const {
    CHECK_MESSAGE(found.size() == expected.size(), c.name, ": ", what, ": ", found.size(), " arrays, not ", expected.size());
    for (std::size_t k = 0; k < std::min(found.size(), expected.size()); ++k) {
      const double off = distance(found[k].value(), expected[k], c.each);
      CHECK_MESSAGE(off <= tolerance, c.name, ": ", what, " ", k, " is off by ", off, ": ", text(found[k].value()), ", not ",
                    text(expected[k]));
    }
  }

 private:
  template <class T>
  static std::string text(const Array<T>& x) {
    std::ostringstream out;
    out.precision(10);
    out << to_string(x.shape());
    for (std::size_t k = 0; k < std::min<std::size_t>(x.size(), 12); ++k) out << " " << x.data()[k];
    return out.str();
  }
};

template <class T>
void check(const Case& c, In<T> (*run)(const In<T>&), const Judge& judge) {
  In<T> x;
  for (std::size_t k = 0; k < c.in.size(); ++k) {
    Array<T> value(c.in[k].shape());
    std::transform(c.in[k].data(), c.in[k].data() + value.size(), value.data(), [](double v) { return static_cast<T>(v); });
    x.emplace_back(std::move(value), std::find(c.leaves.begin(), c.leaves.end(), k) != c.leaves.end());
  }
  In<T> leaves;
  for (const std::size_t k : c.leaves) leaves.push_back(x[k]);
  const auto loss = [&](In<T>& seeds) {
    const In<T> y = run(x);
    judge("result", y, c.out);
    Variable<T> total(0);
    for (std::size_t j = 0; j < y.size(); ++j)
      if (y[j].requires_grad()) total += sum(y[j] * seeds.emplace_back(weights<T>(y[j].shape(), j, true)));
    return total;
  };
  In<T> seeds;
  const Variable<T> first = loss(seeds);
  if (leaves.empty()) return;
  REQUIRE_MESSAGE(first.requires_grad(), c.name);
  judge("gradient", grad(first, leaves, {.allow_unused = true}), c.grad);
  if (c.second.empty()) return;

  seeds.clear();
  const In<T> g = grad(loss(seeds), leaves, {.create_graph = true, .allow_unused = true});
  judge("recorded gradient", g, c.grad);
  Variable<T> total(0);
  for (std::size_t k = 0; k < g.size(); ++k) total += sum(g[k] * weights<T>(g[k].shape(), 100 + c.leaves[k]));
  leaves.insert(leaves.end(), seeds.begin(), seeds.end());
  In<T> second;
  if (total.requires_grad()) {
    second = grad(total, leaves, {.allow_unused = true});
  } else {  // the gradient is 0 wherever it is taken
    for (const Variable<T>& v : leaves) second.emplace_back(zeros<T>(v.shape()));
  }
  const auto middle = second.begin() + static_cast<std::ptrdiff_t>(g.size());
  judge("second gradient", In<T>(second.begin(), middle), c.second);
  judge("tangent", In<T>(middle, second.end()), c.tangent);
}

/// f(case, row) for every case that has a row.
template <class F>
void each_case(F f) {
  std::map<std::string, const golden::Row*> of;
  for (const golden::Row& row : rows())
    for (const std::string& config : row.configs) of[row.name + "/" + config] = &row;
  for (const Case& c : cases())
    if (const auto row = of.find(c.name); row != of.end()) {
      try {
        f(c, *row->second);
      } catch (const Error& error) {
        FAIL_CHECK(c.name, ": ", error.what());
      }
    }
}

/// Operations without a case, and why.
const std::map<std::string, std::string> no_equivalent{
    {"distance_transform_pool2d", "PyTorch has none"},
    {"dropout", "each library draws its own mask"},
    {"dropout2d", "each library draws its own mask"},
    {"elementwise", "makes operations, is none"},
    {"uniform", "random"},
    {"normal", "random"},
    {"truncated_normal", "random"},
    {"bernoulli", "random"},
    {"gumbel", "random"},
    {"randint", "random"},
    {"permutation", "random"},
    {"categorical", "random"},
};

}  // namespace

TEST_CASE("golden: float64") {
  each_case([](const Case& c, const golden::Row& row) { check<double>(c, row.run, {c, 1e-10}); });
}

TEST_CASE("golden: float32") {
  each_case([](const Case& c, const golden::Row& row) { check<float>(c, row.run_float, {c, row.tolerance}); });
  for (const golden::Row& row : rows()) CHECK((row.tolerance == 1e-5) == row.why.empty());
}

TEST_CASE("golden: every case has a row, and every row its cases") {
  std::multiset<std::string> in_file, in_table;
  for (const Case& c : cases()) in_file.insert(c.name);
  for (const golden::Row& row : rows())
    for (const std::string& config : row.configs) in_table.insert(row.name + "/" + config);
  for (const std::string& name : in_file) {
    CHECK_MESSAGE(in_table.count(name) == 1, name, " has ", in_table.count(name), " rows in tests/golden/*.cpp");
    CHECK_MESSAGE(in_file.count(name) == 1, name, " is in golden.jsonl ", in_file.count(name), " times");
  }
  for (const std::string& name : in_table)
    CHECK_MESSAGE(in_file.contains(name), name, " is not in golden.jsonl: add it to tests/golden/tables and run make.py");
  for (const Case& c : cases()) {  // nothing is left out without the table saying so
    CHECK_MESSAGE(c.grad.size() == c.leaves.size(), c.name);
    CHECK_MESSAGE(c.second.size() == (c.why.empty() ? c.leaves.size() : 0), c.name);
  }
}

TEST_CASE("golden: every operation that a header declares has a case, or a reason") {
  std::set<std::string> covered;
  for (const Case& c : cases()) covered.insert(c.name.substr(0, c.name.find_first_of(" /")));
  const std::filesystem::path root = std::filesystem::path(XGRAD_TEST_DATA).parent_path().parent_path();
  std::set<std::string> declared;
  const std::regex declaration(R"((?:\b(?:Variable|Array|TopK|SignAndLog|LSTMState)<T>>?|\bMask|\bLabels|\bauto) (\w+)\()");
  for (const auto& file : std::filesystem::directory_iterator(root / "include/xgrad/ops")) {
    std::ostringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string code =
        std::regex_replace(text.str(), std::regex(R"(namespace detail \{[^]*?\n\}  // namespace detail|#define(.*\\\n)*.*)"), "");
    for (std::sregex_iterator it(code.begin(), code.end(), declaration), end; it != end; ++it)
      if ((*it)[1] != "operator") declared.insert((*it)[1]);
  }
  CHECK(declared.size() >= 150);
  for (const std::string& name : declared)
    CHECK_MESSAGE(
        covered.contains(name) != no_equivalent.contains(name), name,
        std::string(covered.contains(name) ? " has a case, and a reason to have none" : " has neither a case nor a reason"));
  for (const auto& entry : no_equivalent) CHECK_MESSAGE(declared.contains(entry.first), entry.first, " is not declared any more");
}
