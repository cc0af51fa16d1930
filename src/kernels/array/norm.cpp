#include "norm.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <xgrad/core/parallel.hpp>

#include "../scratch.hpp"
#include "../table.hpp"
#include "sum.hpp"

namespace xgrad::kernels {
namespace {

/// Room for n numbers, or equal ones, or a vector per channel, repeated.
template <class T>
struct Row : Scratch<T> {
  explicit Row(std::size_t n) : Scratch<T>(n) {}
  Row(std::size_t n, T value) : Scratch<T>(n) { std::fill_n(this->data(), n, value); }
  Row(const T* channels, std::size_t n, std::size_t times) : Scratch<T>(n * times) {
    for (std::size_t k = 0; k < times; ++k) std::copy_n(channels, n, this->data() + k * n);
  }
};

/// Rows shorter than this are taken together.
constexpr std::size_t wide = 256;
/// Long rows added one after the other before sums of sums begin.
constexpr std::size_t run = 64;

/// How many of `rows` rows of n elements to take together.
std::size_t together(std::size_t rows, std::size_t n) {
  return std::clamp<std::size_t>(wide / std::max<std::size_t>(n, 1), 1, std::max<std::size_t>(rows, 1));
}

/// sum (n) = the sum over rows of (a - a0)(b - b0), where a and b are (rows, n), a0 and b0 (n); unless it is null, sum_a (n) = that
/// of a alone, from the same walk through memory.
template <class T>
void column_products(const T* a, const T* a0, const T* b, const T* b0, T* sum, std::size_t rows, std::size_t n,
                     T* sum_a = nullptr) {
  const auto& kernel = table<T>();
  if (rows == 1) {
    std::fill_n(sum, n, T(0));
    if (sum_a) std::copy_n(a, n, sum_a);
    return kernel.add_products_row(sum, a, a0, b, b0, n);
  }
  const std::size_t m = together(rows, n), long_rows = rows / m, length = m * n, pieces = (long_rows + run - 1) / run;
  const Row<T> a0s(a0, n, m), b0s(b0, n, m), parts(pieces * length, T(0)), parts_a(sum_a ? pieces * length : 0, T(0));
  parallel_for(pieces, run * length, [&](std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; ++p)
      for (std::size_t r = p * run; r < std::min((p + 1) * run, long_rows); ++r) {
        kernel.add_products_row(parts.data() + p * length, a + r * length, a0s.data(), b + r * length, b0s.data(), length);
        if (sum_a) kernel.add_row(parts_a.data() + p * length, a + r * length, length);
      }
  });
  kernels::sum(parts.data(), sum, 1, pieces * m, n);
  if (sum_a) kernels::sum(parts_a.data(), sum_a, 1, pieces * m, n);
  for (std::size_t r = long_rows * m; r < rows; ++r) {
    kernel.add_products_row(sum, a + r * n, a0, b + r * n, b0, n);
    if (sum_a) kernel.add_row(sum_a, a + r * n, n);
  }
}

/// The sum over the rows of x (rows, n): x itself when it is one row, else computed into `room`.
template <class T>
const T* column_sums(const T* x, T* room, std::size_t rows, std::size_t n) {
  if (rows == 1) return x;
  kernels::sum(x, room, 1, rows, n);
  return room;
}

/// The sum of p q. `room` is for n.
template <class T>
T dot_product(const T* p, const T* q, const T* zeros, T* room, std::size_t n) {
  column_products(p, zeros, q, zeros, room, 1, n);
  return table<T>().sum_row(room, n);
}

/// body(sample, room) for all samples: many of them side by side; each of a few has all threads to itself. `room` are vectors of
/// so many channels, for the sample's own use.
template <class T, std::size_t N, class Body>
void each_sample(const NormShape& s, std::size_t channels, Body body) {
  const auto some = [&](std::size_t begin, std::size_t end) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      const std::array<Row<T>, N> room{(static_cast<void>(I), Row<T>(channels))...};
      for (std::size_t i = begin; i < end; ++i) body(i, room);
    }
    (std::make_index_sequence<N>{});
  };
  if (s.samples >= static_cast<std::size_t>(num_threads()))
    parallel_for(s.samples, s.rows * s.channels(), some);
  else
    some(0, s.samples);
}

/// row(first element, length) for the rows of a sample, in runs of m · channels elements.
template <class F>
void each_run(const NormShape& s, std::size_t m, F f) {
  const std::size_t n = s.channels();
  parallel_for((s.rows + m - 1) / m, m * n, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) f(r * m * n, (std::min((r + 1) * m, s.rows) - r * m) * n);
  });
}

/// f(channel, group) for all channels.
template <class F>
void each_channel(const NormShape& s, F f) {
  for (std::size_t group = 0, c = 0; group < s.groups; ++group)
    for (std::size_t k = 0; k < s.width; ++k, ++c) f(c, group);
}

/// Whether a variance is more than what rounding in the mean makes of equal elements, which is as large as any.
template <class T>
bool clear_of_rounding(T mean, T variance) {
  const T bound = 1000 * std::numeric_limits<T>::epsilon() * mean;
  return !(variance > 0 && variance < bound * bound);
}

}  // namespace

template <class T>
void norm_statistics(const NormShape& s, const T* x, T* mean, T* variance) {
  const std::size_t n = s.channels();
  const T count = static_cast<T>(s.count());
  if (s.size() == 0) {  // and no loops over the other lengths
    for (T* statistic : {mean, variance}) std::fill_n(statistic, s.samples * s.groups, std::numeric_limits<T>::quiet_NaN());
    return;
  }
  each_sample<T, 2>(s, n, [&](std::size_t i, const auto& room) {
    T *sums = room[0].data(), *centre = room[1].data();
    const T* from = x + i * s.rows * n;
    // the groups' parts of the channels' sums, divided by what they are sums of
    const auto fold = [&](const T* channel_sums, T* to) {
      for (std::size_t group = 0; group < s.groups; ++group)
        to[i * s.groups + group] = table<T>().sum_row(channel_sums + group * s.width, s.width) / count;
    };
    const auto squares = [&] {
      for (std::size_t group = 0; group < s.groups; ++group)
        std::fill_n(centre + group * s.width, s.width, mean[i * s.groups + group]);
      column_products(from, centre, from, centre, sums, s.rows, n);
      fold(sums, variance);
    };
    fold(column_sums(from, sums, s.rows, n), mean);
    squares();
    const T *means = mean + i * s.groups, *variances = variance + i * s.groups;
    if (!std::equal(means, means + s.groups, variances, clear_of_rounding<T>)) {  // the mean once more, of what is left
      const Row<T> left(s.rows * n), ones(n, T(1)), zeros(n, T(0));
      for (std::size_t r = 0; r < s.rows; ++r)
        table<T>().normalise_row(left.data() + r * n, from + r * n, centre, ones.data(), zeros.data(), n);
      const Row<T> before(means, s.groups, 1);
      fold(column_sums(left.data(), sums, s.rows, n), mean);
      for (std::size_t group = 0; group < s.groups; ++group) mean[i * s.groups + group] += before[group];
      squares();
    }
  });
}

template <class T>
void norm_forward(const NormShape& s, const T* x, const T* mean, const T* rstd, const T* weight, const T* bias, T* out) {
  if (s.size() == 0) return;
  const std::size_t n = s.channels(), m = together(s.rows, n);
  const Row<T> shift = bias ? Row<T>(bias, n, m) : Row<T>(n * m, T(0));
  each_sample<T, 2>(s, n * m, [&](std::size_t i, const auto& room) {
    T *centre = room[0].data(), *scale = room[1].data();
    each_channel(s, [&](std::size_t c, std::size_t group) {
      centre[c] = mean[i * s.groups + group];
      scale[c] = rstd[i * s.groups + group] * (weight ? weight[c] : T(1));
    });
    for (std::size_t k = 1; k < m; ++k)
      for (T* row : {centre, scale}) std::copy_n(row, n, row + k * n);
    const std::size_t first = i * s.rows * n;
    each_run(s, m, [&](std::size_t at, std::size_t length) {
      table<T>().normalise_row(out + first + at, x + first + at, centre, scale, shift.data(), length);
    });
  });
}

// With h = (x - mean) rstd, v = g · weight, and means over what shares a mean: gx = rstd (v - mean(v) - h mean(v h)).
template <class T>
void norm_backward(const NormShape& s, const T* x, const T* g, const T* mean, const T* rstd, const T* weight, T* gx, T* gweight,
                   T* gbias) {
  if (s.size() == 0) {
    for (T* gradient : {gweight, gbias})
      if (gradient) std::fill_n(gradient, s.channels(), T(0));
    return;
  }
  const std::size_t n = s.channels(), m = together(s.rows, n);
  const T count = static_cast<T>(s.count());
  const Row<T> zeros(n, T(0));
  // sums of g and of g h over each sample's rows
  const Row<T> all_g(s.rows == 1 ? 0 : s.samples * n), all_gh(gweight ? s.samples * n : 0);
  each_sample<T, 6>(s, n * m, [&](std::size_t i, const auto& room) {
    T *centre = room[0].data(), *p = room[1].data(), *q = room[2].data(), *r = room[3].data(), *scratch = room[4].data();
    const T *from = x + i * s.rows * n, *of = g + i * s.rows * n;
    T* sum_gh = gweight ? all_gh.data() + i * n : room[5].data();
    T* own_g = s.rows == 1 ? nullptr : all_g.data() + i * n;
    const T* sum_g = own_g ? own_g : of;
    for (std::size_t group = 0; group < s.groups; ++group)
      std::fill_n(centre + group * s.width, s.width, mean[i * s.groups + group]);
    column_products(of, zeros.data(), from, centre, sum_gh, s.rows, n, own_g);
    each_channel(s, [&](std::size_t c, std::size_t group) { sum_gh[c] *= rstd[i * s.groups + group]; });
    if (!gx) return;
    each_channel(s, [&](std::size_t c, std::size_t group) { p[c] = rstd[i * s.groups + group] * (weight ? weight[c] : T(1)); });
    for (std::size_t group = 0; group < s.groups; ++group) {
      const std::size_t c = group * s.width;
      const T total = dot_product(p + c, sum_g + c, zeros.data(), scratch, s.width);
      const T total_h = dot_product(p + c, sum_gh + c, zeros.data(), scratch, s.width);
      std::fill_n(q + c, s.width, -total_h * rstd[i * s.groups + group] / count);
      std::fill_n(r + c, s.width, -total / count);
    }
    for (std::size_t k = 1; k < m; ++k)
      for (T* row : {centre, p, q, r}) std::copy_n(row, n, row + k * n);
    T* to = gx + i * s.rows * n;
    each_run(s, m, [&](std::size_t at, std::size_t length) {
      table<T>().normalise_grad_row(to + at, of + at, p, from + at, centre, q, r, length);
    });
  });
  if (gweight) kernels::sum(all_gh.data(), gweight, 1, s.samples, n);
  if (gbias) kernels::sum(s.rows == 1 ? g : all_g.data(), gbias, 1, s.samples, n);
}

#define XGRAD_INSTANTIATE(T)                                                                          \
  template void norm_statistics(const NormShape&, const T*, T*, T*);                                  \
  template void norm_forward(const NormShape&, const T*, const T*, const T*, const T*, const T*, T*); \
  template void norm_backward(const NormShape&, const T*, const T*, const T*, const T*, const T*, T*, T*, T*);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels
