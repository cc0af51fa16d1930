#include "patches.hpp"

#include <algorithm>
#include <cstring>

#include <xgrad/core/parallel.hpp>

#include "../matrix/gemm.hpp"
#include "../scratch.hpp"
#include "../table.hpp"

namespace xgrad::kernels {
namespace {

/// For output row i (or column), which of the k elements of a kernel fall inside the image: [first, last), and where the first
/// lands.
struct Inside {
  std::size_t first, last, start;
  Inside(std::size_t i, std::size_t stride, std::size_t pad, std::size_t dilation, std::size_t k, std::size_t length) {
    const std::size_t origin = i * stride;  // of the kernel, in the padded image
    const auto steps = [&](std::size_t to) { return to > origin ? (to - origin + dilation - 1) / dilation : 0; };
    first = std::min(k, steps(pad));
    last = std::max(first, std::min(k, steps(length + pad)));
    start = origin + first * dilation - pad;
  }
};

/// Most runs are short: a call of memmove would cost more than the copy. Four elements at a time, the last four perhaps twice.
template <class T>
void copy_run(const T* from, T* to, std::size_t n) {
  if (n > 64) return static_cast<void>(std::copy_n(from, n, to));
  if (n < 4) {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
    return;
  }
  for (std::size_t i = 0; i + 4 < n; i += 4) std::memcpy(to + i, from + i, 4 * sizeof(T));
  std::memcpy(to + n - 4, from + n - 4, 4 * sizeof(T));
}

template <class T>
void add_run(const T* from, T* to, std::size_t n) {
  if (n > 8) return table<T>().add_row(to, from, n);
  for (std::size_t i = 0; i < n; ++i) to[i] += from[i];
}

/// run(place in the image, place in the patch, length) for each stretch that lies one after the other in both: a row of the kernel,
/// or one pixel of it where neighbours of the kernel are not neighbours in the image.
template <class Run>
void each_run(const Inside& v, const Inside& u, const ConvShape& s, Run run) {
  if (u.first == u.last) return;
  const std::size_t gc = s.group_c();
  const bool whole_rows = s.groups == 1 && s.dilation_w == 1;
  const std::size_t length = whole_rows ? (u.last - u.first) * gc : gc, runs = whole_rows ? 1 : u.last - u.first;
  for (std::size_t i = v.first; i < v.last; ++i) {
    std::size_t image = ((v.start + (i - v.first) * s.dilation_h) * s.w + u.start) * s.c, patch = (i * s.kw + u.first) * gc;
    for (std::size_t j = 0; j < runs; ++j, image += s.dilation_w * s.c, patch += gc) run(image, patch, length);
  }
}

}  // namespace

template <class T>
void im2col(const T* images, T* patches, const ConvShape& s) {
  parallel_for(s.n * s.oh, s.ow * s.columns(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) {
      const T* image = images + k / s.oh * s.h * s.w * s.c;
      const Inside v(k % s.oh, s.stride_h, s.top, s.dilation_h, s.kh, s.h);
      T* patch = patches + k * s.ow * s.columns();
      for (std::size_t j = 0; j < s.ow; ++j, patch += s.columns()) {
        const Inside u(j, s.stride_w, s.left, s.dilation_w, s.kw, s.w);
        if (v.last - v.first < s.kh || u.last - u.first < s.kw) std::fill_n(patch, s.columns(), T(0));
        each_run(v, u, s, [&](std::size_t from, std::size_t to, std::size_t n) { copy_run(image + from, patch + to, n); });
      }
    }
  });
}

template <class T>
void col2im(const T* patches, T* images, const ConvShape& s) {
  parallel_for(s.n, s.oh * s.ow * s.columns(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; ++n) {
      T* image = images + n * s.h * s.w * s.c;
      const T* patch = patches + n * s.oh * s.ow * s.columns();
      for (std::size_t i = 0; i < s.oh; ++i) {
        const Inside v(i, s.stride_h, s.top, s.dilation_h, s.kh, s.h);
        for (std::size_t j = 0; j < s.ow; ++j, patch += s.columns()) {
          const Inside u(j, s.stride_w, s.left, s.dilation_w, s.kw, s.w);
          each_run(v, u, s, [&](std::size_t to, std::size_t from, std::size_t n_) { add_run(patch + from, image + to, n_); });
        }
      }
    }
  });
}

#define XGRAD_INSTANTIATE(T)                            \
  template void im2col(const T*, T*, const ConvShape&); \
  template void col2im(const T*, T*, const ConvShape&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)
#undef XGRAD_INSTANTIATE

namespace patches {
namespace {

/// p + n; of an array without elements, whose pointer may be null, there is no other place.
template <class P>
P* shifted(P* p, std::size_t n) {
  return p ? p + n : p;
}

/// One group: where its channels, outputs and weights begin, and its patches, which pointwise are the images themselves.
template <class T>
struct Group {
  const ConvShape& s;
  std::size_t channel, output, weight, stride;
  T* room;  ///< for patches; null where the images are

  const T* patches(const T* images) const {
    if (!room) return shifted(images, channel);
    im2col(shifted(images, channel), room, s);
    return room;
  }
};
template <class T, class F>
void each_group(const ConvShape& s, F f) {
  const bool pointwise = s.pointwise();
  const Scratch<T> room(pointwise ? 0 : s.rows() * s.columns());
  for (std::size_t k = 0; k < s.groups; ++k) {
    const std::size_t output = k * s.group_o();
    f(Group<T>{s, k * s.group_c(), output, output * s.columns(), pointwise ? s.c : s.columns(), pointwise ? nullptr : room.data()});
  }
}

}  // namespace

template <class T>
void forward(const ConvArrays<T>& x, const ConvShape& s) {
  each_group<T>(s, [&](const Group<T>& group) {
    gemm(false, true, s.rows(), s.group_o(), s.columns(), group.patches(x.images), shifted(x.weights, group.weight),
         shifted(x.out, group.output), {group.stride, s.columns(), s.o}, false, shifted(x.bias, group.output));
  });
}
template <class T>
void input_grad(const ConvArrays<T>& x, const ConvShape& s) {
  if (!s.pointwise()) std::fill_n(x.out, s.n * s.h * s.w * s.c, T(0));
  each_group<T>(s, [&](const Group<T>& group) {
    T* const out = shifted(x.out, group.channel);
    gemm(false, false, s.rows(), s.columns(), s.group_o(), shifted(x.result, group.output), shifted(x.weights, group.weight),
         group.room ? group.room : out, {s.o, s.columns(), group.stride});
    if (group.room) col2im(group.room, out, s);
  });
}
template <class T>
void weight_grad(const ConvArrays<T>& x, const ConvShape& s) {
  each_group<T>(s, [&](const Group<T>& group) {
    gemm(true, false, s.group_o(), s.columns(), s.rows(), shifted(x.result, group.output), group.patches(x.images),
         shifted(x.out, group.weight), {s.o, group.stride, s.columns()});
  });
}

#define XGRAD_INSTANTIATE(T)                                        \
  template void forward(const ConvArrays<T>&, const ConvShape&);    \
  template void input_grad(const ConvArrays<T>&, const ConvShape&); \
  template void weight_grad(const ConvArrays<T>&, const ConvShape&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace patches
}  // namespace xgrad::kernels
