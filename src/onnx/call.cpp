#include "call.hpp"

#include <cmath>

namespace xgrad::onnx {

std::vector<std::size_t> broadcast_places(const Shape& from, const Shape& to) {
  const std::size_t rank = to.size(), missing = rank - from.size();
  std::vector<std::size_t> steps(rank, 0), index(rank, 0);
  std::size_t step = 1;
  for (std::size_t k = from.size(); k-- > 0;) {
    if (from[k] > 1) steps[missing + k] = step;
    step *= from[k];
  }
  std::vector<std::size_t> result(size_of(to));
  std::size_t place = 0;
  for (std::size_t& r : result) {
    r = place;
    for (std::size_t k = rank; k-- > 0;) {
      place += steps[k];
      if (++index[k] < to[k]) break;
      place -= steps[k] * to[k];
      index[k] = 0;
    }
  }
  return result;
}

namespace {
constexpr double most = 9007199254740992.0;  // 2^53
}

Variable<double> exactly(const Labels& values, Where at) {
  Array<double> result = make_array<double>(values.shape(), at);
  for (std::size_t k = 0; k < values.size(); ++k) {
    result.data()[k] = static_cast<double>(values.data()[k]);
    if (!(std::abs(result.data()[k]) < most))
      throw ValueError(at, "onnx", "an integer is " + std::to_string(values.data()[k]) + "; here it must be below 2^53 in size");
  }
  return result;
}

Labels whole(const Array<double>& values, Where at) {
  Labels result = make_array<std::int64_t>(values.shape(), at);
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (!(std::abs(values.data()[k]) < most))
      throw ValueError(at, "onnx",
                       "an integer becomes " + std::to_string(values.data()[k]) + "; here it must stay below 2^53 in size");
    result.data()[k] = static_cast<std::int64_t>(values.data()[k]);
  }
  return result;
}

template <class T>
Variable<T> to_real(const Value<T>& value) {
  if (value.index() == 0) return std::get<0>(value);
  if (value.index() == 1) return map<T>(std::get<1>(value), [](std::int64_t x) { return static_cast<T>(x); });
  return map<T>(std::get<2>(value), [](bool x) { return static_cast<T>(x); });
}

template <class T>
Labels to_integers(const Value<T>& value) {
  if (value.index() == 1) return std::get<1>(value);
  if (value.index() == 2) return map<std::int64_t>(std::get<2>(value), [](bool x) { return std::int64_t{x}; });
  return map<std::int64_t>(std::get<0>(value).value(), [](T x) -> std::int64_t {
    constexpr double edge = 9223372036854775808.0;  // 2^63; ONNX leaves open what becomes of numbers beyond it
    if (std::isnan(x)) return 0;
    if (static_cast<double>(x) >= edge) return std::numeric_limits<std::int64_t>::max();
    if (static_cast<double>(x) < -edge) return std::numeric_limits<std::int64_t>::min();
    return static_cast<std::int64_t>(x);
  });
}

template <class T>
Mask to_truths(const Value<T>& value) {
  if (value.index() == 2) return std::get<2>(value);
  if (value.index() == 1) return map<bool>(std::get<1>(value), [](std::int64_t x) { return x != 0; });
  return map<bool>(std::get<0>(value).value(), [](T x) { return x != T(0); });
}

template Variable<float> to_real<float>(const Value<float>&);
template Variable<double> to_real<double>(const Value<double>&);
template Labels to_integers<float>(const Value<float>&);
template Labels to_integers<double>(const Value<double>&);
template Mask to_truths<float>(const Value<float>&);
template Mask to_truths<double>(const Value<double>&);

}  // namespace xgrad::onnx
