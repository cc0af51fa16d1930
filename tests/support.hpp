#pragma once
// What many tests share.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace xgrad_test {

inline constexpr double inf = std::numeric_limits<double>::infinity(), na = std::numeric_limits<double>::quiet_NaN();

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A leaf of this shape.
template <class T = double>
xgrad::Variable<T> leaf(const xgrad::Shape& shape, const std::vector<double>& values) {
  xgrad::Array<T> value(shape);
  REQUIRE(value.size() == values.size());
  std::transform(values.begin(), values.end(), value.data(), [](double x) { return static_cast<T>(x); });
  return xgrad::Variable<T>(std::move(value), true);
}
template <class T = double>
xgrad::Variable<T> leaf(const std::vector<double>& values) {
  return leaf<T>(xgrad::Shape{values.size()}, values);
}

/// Equal, NaN to NaN.
template <class T>
bool is(const xgrad::Array<T>& x, const std::vector<double>& expected, double tolerance = 0) {
  if (x.size() != expected.size()) return false;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double v = static_cast<double>(x.data()[k]), e = expected[k];
    if (!(v == e || (std::isnan(v) && std::isnan(e)) || std::abs(v - e) <= tolerance)) {
      MESSAGE("element ", k, " is ", v, ", expected ", e);
      return false;
    }
  }
  return true;
}

/// The gradient of sum(y) with respect to x.
template <class T>
xgrad::Array<T> gradient(const xgrad::Variable<T>& y, const xgrad::Variable<T>& x) {
  return grad(sum(y), {x})[0].value();
}

/// The text of the error that `f` throws; "" when it throws none.
template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const xgrad::Error& error) {
    return error.what();
  }
  return "";
}

/// … which is an E: no other will do.
template <class E, class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

/// Text of an error without its place, which must be `line` of the calling file.
template <class F>
std::string error(std::uint32_t line, F f, const char* file = __builtin_FILE()) {
  try {
    f();
  } catch (const xgrad::Error& e) {
    CHECK(e.where().line() == line);
    CHECK(std::strcmp(e.where().file_name(), file) == 0);
    CHECK(!e.op().empty());
    return e.op() + ": " + e.message();
  }
  return "no error";
}

}  // namespace xgrad_test
