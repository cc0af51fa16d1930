#pragma once
/// The operations as plain loops over doubles: slow, and simple enough to be believed.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace naive {

using xgrad::Shape;
using A = xgrad::Array<double>;

/// f(index) for every index of a shape, in row-major order.
template <class F>
void each(const Shape& shape, F f) {
  if (xgrad::size_of(shape) == 0) return;
  Shape index(shape.size(), 0);
  while (true) {
    f(index);
    std::size_t k = shape.size();
    while (k > 0 && ++index[k - 1] == shape[k - 1]) index[--k] = 0;
    if (k == 0) return;
  }
}

/// The element at an index of a shape that `a` broadcasts to.
template <class Array>
auto& at(Array&& a, const Shape& index) {
  std::size_t place = 0;
  const std::size_t extra = index.size() - a.dimension();
  for (std::size_t k = 0; k < a.dimension(); ++k) place = place * a.shape()[k] + (a.shape()[k] == 1 ? 0 : index[extra + k]);
  return a.data()[place];
}

template <class F>
A fill(const Shape& shape, F f) {
  A out(shape);
  each(shape, [&](const Shape& index) { at(out, index) = f(index); });
  return out;
}

inline A sum(const A& x, const std::vector<std::size_t>& axes, const Shape& result) {
  A out = xgrad::zeros<double>(result);
  each(x.shape(), [&](Shape index) {
    Shape kept;
    for (std::size_t k = 0; k < index.size(); ++k)
      if (std::find(axes.begin(), axes.end(), k) == axes.end())
        kept.push_back(index[k]);
      else if (result.size() == index.size())
        kept.push_back(0);
    at(out, kept) += at(x, index);
  });
  return out;
}

inline A reshape(A x, const Shape& shape) {
  x.reshape(shape);
  return x;
}

inline A permute(const A& x, const std::vector<std::size_t>& axes) {
  Shape shape;
  for (std::size_t axis : axes) shape.push_back(x.shape()[axis]);
  return fill(shape, [&](const Shape& index) {
    Shape from(index.size());
    for (std::size_t k = 0; k < axes.size(); ++k) from[axes[k]] = index[k];
    return at(x, from);
  });
}

inline A swap_last(const A& x) {
  std::vector<std::size_t> axes;
  for (std::size_t k = 0; k < x.dimension(); ++k) axes.push_back(k);
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return permute(x, axes);
}

inline A matmul(A a, A b, bool transpose_a = false, bool transpose_b = false) {
  const bool row = a.dimension() == 1, column = b.dimension() == 1;
  if (row) a.reshape({1, a.size()});
  if (column) b.reshape({b.size(), 1});
  if (transpose_a) a = swap_last(a);
  if (transpose_b) b = swap_last(b);
  const auto batch = [](const A& x) { return Shape(x.shape().begin(), x.shape().end() - 2); };
  Shape shape = xgrad::broadcast_shapes(batch(a), batch(b));
  shape.push_back(a.shape()[a.dimension() - 2]);
  shape.push_back(b.shape().back());
  A out = fill(shape, [&](const Shape& index) {
    double total = 0;
    Shape ia = index, ib = index;
    for (std::size_t k = 0; k < a.shape().back(); ++k) {
      ia.back() = ib[ib.size() - 2] = k;
      // a length of 1 that is no broadcast is safe: its only index is 0
      total += at(a, ia) * at(b, ib);
    }
    return total;
  });
  Shape squeezed(shape.begin(), shape.end() - 2);
  if (!row) squeezed.push_back(shape[shape.size() - 2]);
  if (!column) squeezed.push_back(shape.back());
  return reshape(out, squeezed);
}

struct Window {
  std::ptrdiff_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
};

/// f(place in images, place in weights, place in outputs) for every product of a convolution.
template <class F>
void convolve(const Shape& x, const Shape& w, const Shape& y, Window s, F f) {
  each({y[0], y[1], y[2], y[3], w[1], w[2], w[3]}, [&](const Shape& i) {
    const auto h = static_cast<std::ptrdiff_t>(i[4]) + static_cast<std::ptrdiff_t>(i[1]) * s.stride_h - s.pad_h;
    const auto v = static_cast<std::ptrdiff_t>(i[5]) + static_cast<std::ptrdiff_t>(i[2]) * s.stride_w - s.pad_w;
    if (h < 0 || v < 0 || h >= static_cast<std::ptrdiff_t>(x[1]) || v >= static_cast<std::ptrdiff_t>(x[2])) return;
    f(Shape{i[0], static_cast<std::size_t>(h), static_cast<std::size_t>(v), i[6]}, Shape{i[3], i[4], i[5], i[6]},
      Shape{i[0], i[1], i[2], i[3]});
  });
}
inline Shape conv_shape(const Shape& x, const Shape& w, Window s) {
  const auto length = [](std::size_t n, std::size_t k, std::ptrdiff_t stride, std::ptrdiff_t pad) {
    return (n + 2 * static_cast<std::size_t>(pad) - k) / static_cast<std::size_t>(stride) + 1;
  };
  return {x[0], length(x[1], w[1], s.stride_h, s.pad_h), length(x[2], w[2], s.stride_w, s.pad_w), w[0]};
}
inline A conv2d(const A& x, const A& w, Window s, const A* bias = nullptr) {
  A y = xgrad::zeros<double>(conv_shape(x.shape(), w.shape(), s));
  convolve(x.shape(), w.shape(), y.shape(), s,
           [&](const Shape& i, const Shape& j, const Shape& k) { at(y, k) += at(x, i) * at(w, j); });
  if (bias) each(y.shape(), [&](const Shape& k) { at(y, k) += bias->data()[k[3]]; });
  return y;
}
inline A conv2d_input_grad(const A& g, const A& w, const Shape& shape, Window s) {
  A x = xgrad::zeros<double>(shape);
  convolve(shape, w.shape(), g.shape(), s,
           [&](const Shape& i, const Shape& j, const Shape& k) { at(x, i) += at(g, k) * at(w, j); });
  return x;
}
inline A conv2d_weight_grad(const A& x, const A& g, const Shape& shape, Window s) {
  A w = xgrad::zeros<double>(shape);
  convolve(x.shape(), shape, g.shape(), s,
           [&](const Shape& i, const Shape& j, const Shape& k) { at(w, j) += at(g, k) * at(x, i); });
  return w;
}

inline A max_pool2d(const A& x, std::size_t kh, std::size_t kw, std::size_t sh, std::size_t sw) {
  const Shape& n = x.shape();
  return fill({n[0], (n[1] - kh) / sh + 1, (n[2] - kw) / sw + 1, n[3]}, [&](const Shape& i) {
    double best = -std::numeric_limits<double>::infinity();
    each({kh, kw}, [&](const Shape& k) { best = std::max(best, at(x, {i[0], i[1] * sh + k[0], i[2] * sw + k[1], i[3]})); });
    return best;
  });
}

inline A log_softmax(const A& x, std::size_t axis) {
  return fill(x.shape(), [&](Shape index) {
    const double own = at(x, index);
    double total = 0;
    for (index[axis] = 0; index[axis] < x.shape()[axis]; ++index[axis]) total += std::exp(at(x, index) - own);
    return -std::log(total);
  });
}
inline A softmax(const A& x, std::size_t axis) {
  A y = log_softmax(x, axis);
  std::transform(y.data(), y.data() + y.size(), y.data(), [](double v) { return std::exp(v); });
  return y;
}

/// One loss per label.
inline A cross_entropy(const A& x, const xgrad::Labels& labels) {
  const A y = log_softmax(x, x.dimension() - 1);
  return fill(labels.shape(), [&](Shape index) {
    index.push_back(static_cast<std::size_t>(at(labels, index)));
    return -at(y, index);
  });
}
inline A total(const A& x, double divisor = 1) {
  double result = 0;
  for (std::size_t k = 0; k < x.size(); ++k) result += x.data()[k];
  return xgrad::full<double>(Shape{}, result / divisor);
}

}  // namespace naive
