#pragma once
/// Convolution, pooling and resampling as plain loops.
#include "naive.hpp"

namespace naive {

/// The options of the library's ops, as plain numbers.
struct Conv {
  std::ptrdiff_t stride_h = 1, stride_w = 1, top = 0, bottom = 0, left = 0, right = 0, dilation_h = 1, dilation_w = 1, groups = 1;

  Conv() = default;
  explicit Conv(const xgrad::Conv2dOptions& o)
      : stride_h(o.stride.h),
        stride_w(o.stride.w),
        top(o.padding.top),
        bottom(o.padding.bottom),
        left(o.padding.left),
        right(o.padding.right),
        dilation_h(o.dilation.h),
        dilation_w(o.dilation.w),
        groups(o.groups) {}

  Shape result(const Shape& x, const Shape& w) const {
    const auto length = [](std::size_t n, std::size_t k, std::ptrdiff_t stride, std::ptrdiff_t dilation, std::ptrdiff_t pad) {
      const auto extent = dilation * (static_cast<std::ptrdiff_t>(k) - 1) + 1;
      return static_cast<std::size_t>((static_cast<std::ptrdiff_t>(n) + pad - extent) / stride + 1);
    };
    return {x[0], length(x[1], w[1], stride_h, dilation_h, top + bottom), length(x[2], w[2], stride_w, dilation_w, left + right),
            w[0]};
  }
  /// f(index into images, into weights, into results) for every product of a convolution.
  template <class F>
  void each_product(const Shape& x, const Shape& w, F f) const {
    const Shape y = result(x, w);
    const auto in_group = w[3], out_group = w[0] / static_cast<std::size_t>(groups);
    each({y[0], y[1], y[2], y[3], w[1], w[2], w[3]}, [&](const Shape& i) {
      const auto row = static_cast<std::ptrdiff_t>(i[1]) * stride_h + static_cast<std::ptrdiff_t>(i[4]) * dilation_h - top;
      const auto column = static_cast<std::ptrdiff_t>(i[2]) * stride_w + static_cast<std::ptrdiff_t>(i[5]) * dilation_w - left;
      if (row < 0 || column < 0 || row >= static_cast<std::ptrdiff_t>(x[1]) || column >= static_cast<std::ptrdiff_t>(x[2])) return;
      f(Shape{i[0], static_cast<std::size_t>(row), static_cast<std::size_t>(column), i[3] / out_group * in_group + i[6]},
        Shape{i[3], i[4], i[5], i[6]}, Shape{i[0], i[1], i[2], i[3]});
    });
  }
  A forward(const A& x, const A& w, const A* bias = nullptr) const {
    A y = xgrad::zeros<double>(result(x.shape(), w.shape()));
    each_product(x.shape(), w.shape(), [&](const Shape& i, const Shape& j, const Shape& k) { at(y, k) += at(x, i) * at(w, j); });
    if (bias) each(y.shape(), [&](const Shape& k) { at(y, k) += bias->data()[k[3]]; });
    return y;
  }
  A input_grad(const A& g, const A& w, const Shape& shape, const A* bias = nullptr) const {
    A x = xgrad::zeros<double>(shape);
    each_product(shape, w.shape(), [&](const Shape& i, const Shape& j, const Shape& k) { at(x, i) += at(g, k) * at(w, j); });
    if (bias) each(shape, [&](const Shape& k) { at(x, k) += bias->data()[k[3]]; });
    return x;
  }
  A weight_grad(const A& x, const A& g, const Shape& shape) const {
    A w = xgrad::zeros<double>(shape);
    each_product(x.shape(), shape, [&](const Shape& i, const Shape& j, const Shape& k) { at(w, j) += at(g, k) * at(x, i); });
    return w;
  }
  /// A row per output position; a row has the pixels of the window in row-major order with their channels.
  A columns(const A& x, std::size_t kh, std::size_t kw) const {
    const Shape one{1, kh, kw, x.shape()[3]}, y = result(x.shape(), one);
    A rows = xgrad::zeros<double>({y[0] * y[1] * y[2], kh * kw * x.shape()[3]});
    each_product(x.shape(), one, [&](const Shape& i, const Shape& j, const Shape& k) {
      at(rows, {(k[0] * y[1] + k[1]) * y[2] + k[2], (j[1] * kw + j[2]) * one[3] + j[3]}) = at(x, i);
    });
    return rows;
  }
  A images(const A& rows, const Shape& shape, std::size_t kh, std::size_t kw) const {
    const Shape one{1, kh, kw, shape[3]}, y = result(shape, one);
    A x = xgrad::zeros<double>(shape);
    each_product(shape, one, [&](const Shape& i, const Shape& j, const Shape& k) {
      at(x, i) += at(rows, {(k[0] * y[1] + k[1]) * y[2] + k[2], (j[1] * kw + j[2]) * one[3] + j[3]});
    });
    return x;
  }
};

/// Pooling of a padded image. `choose` gets the values of a window's pixels inside the image, in row-major order, and how many of
/// its pixels are in the padded image.
struct Pool {
  std::ptrdiff_t size_h, size_w, stride_h, stride_w, top = 0, bottom = 0, left = 0, right = 0;
  bool ceil_mode = false;

  static std::size_t length(std::size_t n, std::ptrdiff_t size, std::ptrdiff_t stride, std::ptrdiff_t before, std::ptrdiff_t after,
                            bool ceil_mode) {
    // window by window: one counts when it fits, or with ceil_mode when it begins before the padding on the far side
    const auto whole = static_cast<std::ptrdiff_t>(n);
    std::size_t count = 0;
    for (std::ptrdiff_t first = -before;; first += stride, ++count) {
      const bool fits = first + size <= whole + after;
      const bool began = ceil_mode && first < whole && first - stride + size < whole + after;
      if (!fits && !began) return count;
    }
  }

  template <class Choose>
  A operator()(const A& x, Choose choose) const {
    const Shape& n = x.shape();
    const auto rows = static_cast<std::ptrdiff_t>(n[1]), columns = static_cast<std::ptrdiff_t>(n[2]);
    return fill({n[0], length(n[1], size_h, stride_h, top, bottom, ceil_mode),
                 length(n[2], size_w, stride_w, left, right, ceil_mode), n[3]},
                [&](const Shape& i) {
                  std::vector<double> values;
                  std::size_t padded = 0;
                  for (std::ptrdiff_t u = 0; u < size_h; ++u)
                    for (std::ptrdiff_t v = 0; v < size_w; ++v) {
                      const auto row = static_cast<std::ptrdiff_t>(i[1]) * stride_h - top + u;
                      const auto column = static_cast<std::ptrdiff_t>(i[2]) * stride_w - left + v;
                      padded += row < rows + bottom && column < columns + right ? 1u : 0u;
                      if (row >= 0 && row < rows && column >= 0 && column < columns)
                        values.push_back(at(x, {i[0], static_cast<std::size_t>(row), static_cast<std::size_t>(column), i[3]}));
                    }
                  return choose(values, padded);
                });
  }
};

inline double largest(const std::vector<double>& values, std::size_t = 0) {
  return *std::max_element(values.begin(), values.end());
}
inline double smallest(const std::vector<double>& values, std::size_t = 0) {
  return *std::min_element(values.begin(), values.end());
}
inline double mean_of_padded(const std::vector<double>& values, std::size_t padded) {
  double total = 0;
  for (double v : values) total += v;
  return total / static_cast<double>(padded);
}
inline double mean_of_pixels(const std::vector<double>& values, std::size_t = 0) { return mean_of_padded(values, values.size()); }

template <class Choose>
A adaptive_pool(const A& x, std::size_t oh, std::size_t ow, Choose choose) {
  const Shape& n = x.shape();
  const auto first = [](std::size_t i, std::size_t length, std::size_t parts) {
    return static_cast<std::size_t>(std::floor(static_cast<double>(i * length) / static_cast<double>(parts)));
  };
  const auto last = [](std::size_t i, std::size_t length, std::size_t parts) {
    return static_cast<std::size_t>(std::ceil(static_cast<double>((i + 1) * length) / static_cast<double>(parts)));
  };
  return fill({n[0], oh, ow, n[3]}, [&](const Shape& i) {
    std::vector<double> values;
    for (std::size_t u = first(i[1], n[1], oh); u < last(i[1], n[1], oh); ++u)
      for (std::size_t v = first(i[2], n[2], ow); v < last(i[2], n[2], ow); ++v) values.push_back(at(x, {i[0], u, v, i[3]}));
    return choose(values, 0);
  });
}

/// Every displacement of every place, as the definition has it.
inline A distance_transform_pool2d(const A& x, const A& w, std::ptrdiff_t stride_h, std::ptrdiff_t stride_w, std::ptrdiff_t reach_h,
                                   std::ptrdiff_t reach_w) {
  const Shape& n = x.shape();
  const auto rows = static_cast<std::ptrdiff_t>(n[1]), columns = static_cast<std::ptrdiff_t>(n[2]);
  const auto length = [](std::ptrdiff_t l, std::ptrdiff_t stride) { return static_cast<std::size_t>((l + stride - 1) / stride); };
  return fill({n[0], length(rows, stride_h), length(columns, stride_w), n[3]}, [&](const Shape& i) {
    const auto row = static_cast<std::ptrdiff_t>(i[1]) * stride_h, column = static_cast<std::ptrdiff_t>(i[2]) * stride_w;
    double best = -std::numeric_limits<double>::infinity();
    for (std::ptrdiff_t dy = -row; dy < rows - row; ++dy)
      for (std::ptrdiff_t dx = -column; dx < columns - column; ++dx) {
        if (std::abs(dy) > reach_h || std::abs(dx) > reach_w) continue;
        const auto v = static_cast<double>(dx), u = static_cast<double>(dy);
        const double score = at(x, {i[0], static_cast<std::size_t>(row + dy), static_cast<std::size_t>(column + dx), i[3]});
        const double* k = w.data() + 4 * i[3];
        best = std::max(best, score - (k[0] * v * v + k[1] * v + k[2] * u * u + k[3] * u));
      }
    return best;
  });
}

/// place(i) is where result i of an axis is taken.
template <class Place>
A resample(const A& x, std::size_t oh, std::size_t ow, Place place) {
  const Shape& n = x.shape();
  return fill({n[0], oh, ow, n[3]}, [&](const Shape& i) {
    const double row = place(i[1], n[1], oh), column = place(i[2], n[2], ow);
    double total = 0;
    for (std::size_t u = 0; u < n[1]; ++u)  // a tent of width 1 around each pixel, the image's edges going on outside
      for (std::size_t v = 0; v < n[2]; ++v) {
        const double near_u = std::min(row, static_cast<double>(n[1] - 1)),
                     near_v = std::min(column, static_cast<double>(n[2] - 1));
        total += std::max(0.0, 1 - std::abs(near_u - static_cast<double>(u))) *
                 std::max(0.0, 1 - std::abs(near_v - static_cast<double>(v))) * at(x, {i[0], u, v, i[3]});
      }
    return total;
  });
}
inline double nearest(std::size_t i, std::size_t n, std::size_t out) {
  return std::floor(static_cast<double>(i * n) / static_cast<double>(out));
}
inline double centred(std::size_t i, std::size_t n, std::size_t out) {
  return std::max(0.0, (static_cast<double>(i) + 0.5) * static_cast<double>(n) / static_cast<double>(out) - 0.5);
}
inline double cornered(std::size_t i, std::size_t n, std::size_t out) {
  return out == 1 ? 0 : static_cast<double>(i) * static_cast<double>(n - 1) / static_cast<double>(out - 1);
}

}  // namespace naive
