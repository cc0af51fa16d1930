#pragma once
/// How xgrad is called for each case of golden.jsonl: a row per operation and way of calling it, in the .cpp beside this.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace golden {

using namespace xgrad;

template <class T>
using In = std::vector<Variable<T>>;

// Whatever an operation returns, as results. Labels and masks become numbers.
template <class T>
void collect(In<T>& out, const Variable<T>& x) {
  out.push_back(x);
}
template <class T, Expression E>
void collect(In<T>& out, const E& x) {
  Array<T> numbers(Shape(x.shape().begin(), x.shape().end()));
  for (std::size_t k = 0; k < x.size(); ++k) numbers.data()[k] = static_cast<T>(x.data()[k]);
  out.emplace_back(std::move(numbers));
}
template <class T>
void collect(In<T>& out, const In<T>& xs) {
  out.insert(out.end(), xs.begin(), xs.end());
}
template <class T>
void collect(In<T>& out, const TopK<T>& x) {
  out.push_back(x.values);
  collect(out, x.indices);
}
template <class T>
void collect(In<T>& out, const SignAndLog<T>& x) {
  out.insert(out.end(), {x.sign, x.logabsdet});
}
template <class T>
void collect(In<T>& out, const LSTMState<T>& x) {
  out.insert(out.end(), {x.h, x.c});
}

/// The integers that an input holds.
template <class T>
Labels labels(const Variable<T>& x) {
  Labels result(x.shape());
  for (std::size_t k = 0; k < x.size(); ++k) result.data()[k] = static_cast<std::int64_t>(x.value().data()[k]);
  return result;
}

struct Row {
  std::string name;                  ///< of the cases: the operation, then, after a space, how it is called
  std::vector<std::string> configs;  ///< the cases are name/config
  In<double> (*run)(const In<double>&);
  In<float> (*run_float)(const In<float>&);
  double tolerance = 1e-5;  ///< of float
  std::string why = {};     ///< it is another one

  /// Another tolerance for float.
  void in_float(double allowed, std::string reason) {
    tolerance = allowed;
    why = std::move(reason);
  }
};

template <class T, class F>
In<T> call(const In<T>& x) {
  In<T> out;
  collect(out, F{}(x));
  return out;
}

/// The parts of "a, b, c".
inline std::vector<std::string> list(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(", ", begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 2;
  }
  return parts;
}

class Table {
 public:
  std::vector<Row> rows;

  /// `configs` are separated by ", ".
  template <class F>
  Row& add(std::string name, const std::string& configs, F) {
    rows.push_back({.name = std::move(name), .configs = list(configs), .run = call<double, F>, .run_float = call<float, F>});
    return rows.back();
  }
};

/// A row of `table`, whose expression sees the inputs as x.
#define ROW(name, configs, ...) table.add(name, configs, [](const auto& x) { return __VA_ARGS__; })

void unary_rows(Table& table);
void binary_rows(Table& table);
void reduce_rows(Table& table);
void shape_rows(Table& table);
void index_rows(Table& table);
void linalg_rows(Table& table);
void convolution_rows(Table& table);
void pool_rows(Table& table);
void class_loss_rows(Table& table);
void element_loss_rows(Table& table);
void norm_rows(Table& table);
void network_rows(Table& table);
void layer_rows(Table& table);

}  // namespace golden
