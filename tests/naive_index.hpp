#pragma once
/// Reductions, orders and movements of elements as plain loops.
#include "naive.hpp"

namespace naive {

/// f(elements) of each group of elements along the axes, under this shape.
template <class F>
A reduce(const A& x, const std::vector<std::size_t>& axes, const Shape& result, F f) {
  Shape groups = x.shape(), group(x.dimension(), 1);
  for (std::size_t axis : axes) {
    groups[axis] = 1;
    group[axis] = x.shape()[axis];
  }
  return reshape(fill(groups,
                      [&](const Shape& first) {
                        std::vector<double> elements;
                        each(group, [&](Shape index) {
                          for (std::size_t k = 0; k < index.size(); ++k) index[k] += first[k];
                          elements.push_back(at(x, index));
                        });
                        return f(elements);
                      }),
                 result);
}
template <class F>
A reduce_all(const A& x, F f) {
  std::vector<std::size_t> axes;
  for (std::size_t k = 0; k < x.dimension(); ++k) axes.push_back(k);
  return reduce(x, axes, {}, f);
}

/// f(elements), `length` of them, in place of the elements of an axis.
template <class F>
A along(const A& x, std::size_t axis, std::size_t length, F f) {
  Shape shape = x.shape();
  shape[axis] = length;
  return fill(shape, [&](Shape index) {
    const std::size_t place = index[axis];
    std::vector<double> elements;
    for (index[axis] = 0; index[axis] < x.shape()[axis]; ++index[axis]) elements.push_back(at(x, index));
    return f(elements)[place];
  });
}

using List = std::vector<double>;

inline double greatest_of(const List& x) { return *std::max_element(x.begin(), x.end()); }
inline double least_of(const List& x) { return *std::min_element(x.begin(), x.end()); }
inline double variance(const List& x, double ddof = 0) {
  double mean = 0, squares = 0;
  for (double v : x) mean += v / static_cast<double>(x.size());
  for (double v : x) squares += (v - mean) * (v - mean);
  return squares / (static_cast<double>(x.size()) - ddof);
}
inline double logsumexp(const List& x) {
  double total = 0;
  for (double v : x) total += std::exp(v);
  return std::log(total);
}
inline double norm(const List& x, double p = 2) {
  double total = 0;
  for (double v : x) total += std::pow(std::abs(v), p);
  return std::pow(total, 1 / p);
}
inline double product(const List& x) {
  double result = 1;
  for (double v : x) result *= v;
  return result;
}
inline List running_sums(List x) {
  for (std::size_t k = 1; k < x.size(); ++k) x[k] += x[k - 1];
  return x;
}
inline List running_products(List x) {
  for (std::size_t k = 1; k < x.size(); ++k) x[k] *= x[k - 1];
  return x;
}
inline List sorted(List x, bool descending = false) {
  std::sort(x.begin(), x.end());
  if (descending) std::reverse(x.begin(), x.end());
  return x;
}
inline double median(const List& x) {
  const List s = sorted(x);
  return (s[(s.size() - 1) / 2] + s[s.size() / 2]) / 2;
}

/// The elements of an axis that Python's range(start, stop, step) names.
inline A range(const A& x, std::size_t axis, int start, int stop, int step) {
  std::vector<std::size_t> places;
  for (int k = start; step > 0 ? k < stop : k > stop; k += step) places.push_back(static_cast<std::size_t>(k));
  Shape shape = x.shape();
  shape[axis] = places.size();
  return fill(shape, [&](Shape index) {
    index[axis] = places[index[axis]];
    return at(x, index);
  });
}

/// x in the middle of a larger array: `outside(index)` of signed places elsewhere.
template <class F>
A padded(const A& x, const std::vector<std::pair<int, int>>& widths, F outside) {
  Shape shape = x.shape();
  for (std::size_t k = 0; k < shape.size(); ++k) shape[k] += static_cast<std::size_t>(widths[k].first + widths[k].second);
  return fill(shape, [&](const Shape& index) {
    std::vector<int> place;
    Shape inside;
    bool is_inside = true;
    for (std::size_t k = 0; k < index.size(); ++k) {
      place.push_back(static_cast<int>(index[k]) - widths[k].first);
      is_inside = is_inside && place[k] >= 0 && place[k] < static_cast<int>(x.shape()[k]);
      inside.push_back(static_cast<std::size_t>(place[k]));
    }
    return is_inside ? at(x, inside) : outside(place);
  });
}

}  // namespace naive
