// Comparisons and truth values: constants, without derivatives.
#include <cmath>

#include "call.hpp"

namespace xgrad::onnx {

namespace {

using Integer = std::int64_t;

struct Less {
  template <class E>
  bool operator()(E a, E b) const {
    return a < b;
  }
};
struct LessEqual {
  template <class E>
  bool operator()(E a, E b) const {
    return a <= b;
  }
};
struct Greater {
  template <class E>
  bool operator()(E a, E b) const {
    return a > b;
  }
};
struct GreaterEqual {
  template <class E>
  bool operator()(E a, E b) const {
    return a >= b;
  }
};
struct Equal {
  template <class E>
  bool operator()(E a, E b) const {
    return a == b;
  }
};
struct And {
  bool operator()(bool a, bool b) const { return a && b; }
};
struct Or {
  bool operator()(bool a, bool b) const { return a || b; }
};
struct Xor {
  bool operator()(bool a, bool b) const { return a != b; }
};

template <class T, class F>
Values<T> compare(Call<T>& c) {
  switch (c.look(0).index()) {
    case 0: {
      const Variable<T> a = c.real(0), b = c.real(1);
      return one<T>(zip<bool>(a.value(), b.value(), F(), c.where));
    }
    case 1: {
      const Labels a = c.integers(0), b = c.integers(1);
      return one<T>(zip<bool>(a, b, F(), c.where));
    }
    default: {
      const Mask a = c.truths(0), b = c.truths(1);
      return one<T>(zip<bool>(a, b, F(), c.where));
    }
  }
}
template <class T, class F>
Values<T> combine(Call<T>& c) {
  const Mask a = c.truths(0), b = c.truths(1);
  return one<T>(zip<bool>(a, b, F(), c.where));
}
template <class T>
Values<T> negate(Call<T>& c) {
  return one<T>(map<bool>(c.truths(0), [](bool x) { return !x; }));
}
template <class T>
Values<T> is_nan(Call<T>& c) {
  return one<T>(map<bool>(c.real(0).value(), [](T x) { return std::isnan(x); }));
}
template <class T>
Values<T> is_inf(Call<T>& c) {
  const bool negative = c.integer("detect_negative", 1) != 0, positive = c.integer("detect_positive", 1) != 0;
  return one<T>(map<bool>(c.real(0).value(), [=](T x) { return std::isinf(x) && (x < 0 ? negative : positive); }));
}
template <class T>
Values<T> choose(Call<T>& c) {
  const Mask condition = c.truths(0);
  Values<T> both;
  both.push_back(c.take(1));
  both.push_back(c.take(2));
  return one<T>(
      rearrange(c, std::move(both), [&](auto x) { return xgrad::where(condition, std::move(x[0]), std::move(x[1]), c.where); }));
}

}  // namespace

template <class T>
void add_logic(Table<T>& table) {
  table.insert({
      {"And", {combine<T, And>}},
      {"Equal", {compare<T, Equal>}},
      {"Greater", {compare<T, Greater>}},
      {"GreaterOrEqual", {compare<T, GreaterEqual>}},
      {"IsInf", {is_inf<T>}},
      {"IsNaN", {is_nan<T>}},
      {"Less", {compare<T, Less>}},
      {"LessOrEqual", {compare<T, LessEqual>}},
      {"Not", {negate<T>}},
      {"Or", {combine<T, Or>}},
      {"Where", {choose<T>}},
      {"Xor", {combine<T, Xor>}},
  });
}
template void add_logic<float>(Table<float>&);
template void add_logic<double>(Table<double>&);

}  // namespace xgrad::onnx
