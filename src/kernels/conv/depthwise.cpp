#include "depthwise.hpp"

#include <algorithm>
#include <vector>

#include <xgrad/core/parallel.hpp>

#include "../table.hpp"

// Depthwise convolution and its two gradients are one kernel: every result is a sum of products of two arrays at places that
// follow one another in equal steps.

namespace xgrad::kernels {
namespace {

/// The lengths along one axis: places p of the image, o of the output and k of the kernel belong together when
/// p + pad = o * stride + k * dilation.
struct Axis {
  std::size_t image, out, kernel, stride, pad, dilation;

  std::ptrdiff_t place(std::size_t o, std::size_t k) const {
    return static_cast<std::ptrdiff_t>(o * stride + k * dilation) - static_cast<std::ptrdiff_t>(pad);
  }
};
Axis height(const ConvShape& s) { return {s.h, s.oh, s.kh, s.stride_h, s.top, s.dilation_h}; }
Axis width(const ConvShape& s) { return {s.w, s.ow, s.kw, s.stride_w, s.left, s.dilation_w}; }

/// Collects pairs that come in equal steps.
struct Collect {
  Taps taps{};
  void add(std::size_t a, std::size_t b) {
    const auto pa = static_cast<std::ptrdiff_t>(a), pb = static_cast<std::ptrdiff_t>(b);
    if (taps.count == 0) {
      taps.a_first = pa;
      taps.b_first = pb;
    } else if (taps.count == 1) {
      taps.a_step = pa - taps.a_first;
      taps.b_step = pb - taps.b_first;
    }
    ++taps.count;
  }
};

/// For each output, image and kernel place the pairs of the other two, named in the order of the kernels' arguments.
std::vector<Taps> output_taps(const Axis& x) {
  std::vector<Taps> result(x.out);
  for (std::size_t o = 0; o < x.out; ++o) {
    Collect pairs;
    for (std::size_t k = 0; k < x.kernel; ++k)
      if (const std::ptrdiff_t p = x.place(o, k); p >= 0 && p < static_cast<std::ptrdiff_t>(x.image))
        pairs.add(static_cast<std::size_t>(p), k);
    result[o] = pairs.taps;
  }
  return result;
}
std::vector<Taps> image_taps(const Axis& x) {
  std::vector<Taps> result(x.image);
  for (std::size_t p = 0; p < x.image; ++p) {
    Collect pairs;
    for (std::size_t k = 0; k < x.kernel; ++k)
      if (p + x.pad >= k * x.dilation) {
        const std::size_t origin = p + x.pad - k * x.dilation;
        if (origin % x.stride == 0 && origin / x.stride < x.out) pairs.add(origin / x.stride, k);
      }
    result[p] = pairs.taps;
  }
  return result;
}
std::vector<Taps> kernel_taps(const Axis& x) {
  std::vector<Taps> result(x.kernel);
  for (std::size_t k = 0; k < x.kernel; ++k) {
    Collect pairs;
    for (std::size_t o = 0; o < x.out; ++o)
      if (const std::ptrdiff_t p = x.place(o, k); p >= 0 && p < static_cast<std::ptrdiff_t>(x.image))
        pairs.add(static_cast<std::size_t>(p), o);
    result[k] = pairs.taps;
  }
  return result;
}

/// out (n, rows, columns, c): sums of products of a (n, …, a_width, c) and b (…, b_width, c), where b has b_size elements per image
/// or, when 0, serves them all. `work` is about how many products a result sums.
template <class T>
void products(const T* a, std::size_t a_size, std::size_t a_width, const T* b, std::size_t b_size, std::size_t b_width, T* out,
              std::size_t n, std::size_t c, const std::vector<Taps>& rows, const std::vector<Taps>& columns, std::size_t work) {
  const std::size_t row = columns.size() * c;
  parallel_for(n * rows.size(), row * work, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t image = k / rows.size();
      table<T>().product_row(a + image * a_size, static_cast<std::ptrdiff_t>(a_width * c), b + image * b_size,
                             static_cast<std::ptrdiff_t>(b_width * c), c, rows[k % rows.size()], columns.data(), columns.size(),
                             out + k * row);
    }
  });
}

}  // namespace

template <class T>
void depthwise(const T* images, const T* weights, T* out, const ConvShape& s) {
  products(images, s.h * s.w * s.c, s.w, weights, 0, s.kw, out, s.n, s.c, output_taps(height(s)), output_taps(width(s)),
           s.kh * s.kw);
}
template <class T>
void depthwise_input_grad(const T* g, const T* weights, T* images, const ConvShape& s) {
  products(g, s.oh * s.ow * s.c, s.ow, weights, 0, s.kw, images, s.n, s.c, image_taps(height(s)), image_taps(width(s)),
           s.kh * s.kw);
}
template <class T>
void depthwise_weight_grad(const T* images, const T* g, T* weights, const ConvShape& s) {
  products(images, s.h * s.w * s.c, s.w, g, s.oh * s.ow * s.c, s.ow, weights, s.n, s.c, kernel_taps(height(s)),
           kernel_taps(width(s)), s.oh * s.ow);
}

#define XGRAD_INSTANTIATE(T)                                                    \
  template void depthwise(const T*, const T*, T*, const ConvShape&);            \
  template void depthwise_input_grad(const T*, const T*, T*, const ConvShape&); \
  template void depthwise_weight_grad(const T*, const T*, T*, const ConvShape&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels
