#include "depthwise.hpp"

#include <algorithm>
#include <vector>

#include <xgrad/core/parallel.hpp>

#include "../array/permute.hpp"
#include "../array/sum.hpp"
#include "../scratch.hpp"
#include "../table.hpp"

// Depthwise convolution and its two gradients are one kernel: every result is a sum of products of two arrays at places that
// follow one another in equal steps.

namespace xgrad::kernels::channels {
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

template <class T>
void transpose(const T* from, T* to, std::size_t rows, std::size_t columns) {
  const std::size_t shape[] = {rows, columns}, axes[] = {1, 0};
  permute(from, to, shape, axes, 2);
}

/// ... as a depthwise one.
ConvShape widened(ConvShape s) {
  s.c = s.groups = s.o;
  return s;
}
/// Images in which each channel is repeated, in `room`, or the images where that is once.
template <class T>
const T* repeated(const T* images, T* room, const ConvShape& s) {
  const std::size_t repeat = s.group_o();
  if (repeat == 1) return images;
  T* to = room;
  for (const T *from = images, *end = from + s.n * s.h * s.w * s.c; from < end; ++from, to += repeat)
    std::fill_n(to, repeat, *from);
  return room;
}
/// Elements of such images.
std::size_t repeated_size(const ConvShape& s) { return s.group_o() > 1 ? s.n * s.h * s.w * s.o : 0; }

}  // namespace

template <class T>
void forward(const ConvArrays<T>& x, const ConvShape& s) {
  if (s.o == 0) return;
  const Scratch<T> wide(repeated_size(s)), weights(s.kh * s.kw * s.o);
  transpose(x.weights, weights.data(), s.o, s.kh * s.kw);
  depthwise(repeated(x.images, wide.data(), s), weights.data(), x.out, widened(s));
  if (x.bias)
    parallel_for(s.rows(), s.o, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) table<T>().add_row(x.out + i * s.o, x.bias, s.o);
    });
}
template <class T>
void input_grad(const ConvArrays<T>& x, const ConvShape& s) {
  const std::size_t repeat = s.group_o(), size = s.n * s.h * s.w * s.c;
  if (s.o == 0) return static_cast<void>(std::fill_n(x.out, size, T(0)));  // nothing comes out, and nothing goes back
  const Scratch<T> wide(repeated_size(s)), weights(s.kh * s.kw * s.o);
  transpose(x.weights, weights.data(), s.o, s.kh * s.kw);
  depthwise_input_grad(x.result, weights.data(), repeat > 1 ? wide.data() : x.out, widened(s));
  if (repeat == 1) return;
  const T* from = wide.data();
  for (T *to = x.out, *end = to + size; to < end; ++to) {
    *to = *from++;
    for (std::size_t k = 1; k < repeat; ++k) *to += *from++;
  }
}
template <class T>
void weight_grad(const ConvArrays<T>& x, const ConvShape& s) {
  if (s.o == 0) return;
  const std::size_t taps = s.kh * s.kw;
  const Scratch<T> wide(repeated_size(s)), weights(taps * s.o), each(s.n * taps * s.o);
  depthwise_weight_grad(repeated(x.images, wide.data(), s), x.result, each.data(), widened(s));
  sum(each.data(), weights.data(), 1, s.n, taps * s.o);
  transpose(weights.data(), x.out, taps, s.o);
}

#define XGRAD_INSTANTIATE(T)                                        \
  template void forward(const ConvArrays<T>&, const ConvShape&);    \
  template void input_grad(const ConvArrays<T>&, const ConvShape&); \
  template void weight_grad(const ConvArrays<T>&, const ConvShape&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels::channels
