#include "winograd.hpp"

#include <algorithm>
#include <array>

#include <xgrad/core/parallel.hpp>

#include "../array/sum.hpp"
#include "../scratch.hpp"
#include "../table.hpp"

namespace xgrad::kernels::winograd {
namespace {

constexpr std::size_t frequencies = 16;

/// From one frequency to the next where each has n values. Not a power of two: the 16 that a transform writes together would
/// all want the same places in the cache.
std::size_t spaced(std::size_t n) { return (n + 255) / 256 * 256 + panel_width; }

/// n images of h × w × c.
template <class T>
struct Images {
  T* data;
  std::size_t n, h, w, c;

  /// Where a pixel is, or `outside`. Rows and columns may be negative, as what they wrap around to.
  T* pixel(std::size_t image, std::size_t row, std::size_t column, T* outside) const {
    return row < h && column < w ? data + ((image * h + row) * w + column) * c : outside;
  }
};

/// The tiles of 2×2 that cover images of a size, counted row by row.
struct Tiles {
  std::size_t n, high, wide;

  template <class T>
  explicit Tiles(const Images<T>& results) : n(results.n), high((results.h + 1) / 2), wide((results.w + 1) / 2) {}
  std::size_t count() const { return n * high * wide; }

  /// The pixels of a square at tile t, shifted up by `top` and left by `left`.
  template <std::size_t side, class T>
  std::array<T*, side * side> square(std::size_t t, const Images<T>& images, T* outside, std::size_t top = 0,
                                     std::size_t left = 0) const {
    std::array<T*, side * side> pixels;
    const std::size_t row = t / wide % high * 2 - top, column = t % wide * 2 - left;
    for (std::size_t i = 0; i < side; ++i)
      for (std::size_t j = 0; j < side; ++j) pixels[i * side + j] = images.pixel(t / (wide * high), row + i, column + j, outside);
    return pixels;
  }
};

/// How many tiles to treat at a time: as many as leave what they are transformed to in the second-level cache, and enough to be
/// worth reading the filters; the same number for every thread.
std::size_t tiles_at_a_time(std::size_t tiles, std::size_t channels, std::size_t threads, std::size_t size,
                            std::size_t least = 64) {
  const std::size_t most = std::max(least, (std::size_t{192} << 10) / (frequencies * channels * size));
  const std::size_t rounds = (tiles + threads * most - 1) / (threads * most);
  return std::max<std::size_t>(1, (tiles + threads * rounds - 1) / (threads * rounds));
}

/// results = images convolved with filters that have been transformed, in panels: (frequency, panel, image channel, 16).
template <class T>
void by_filters(const Images<const T>& images, const T* filters, const T* bias, const Images<T>& results, std::size_t top,
                std::size_t left) {
  const Tiles tiles(results);
  const std::size_t c = images.c, o = results.c, total = tiles.count();
  const std::size_t group = tiles_at_a_time(total, c + o, static_cast<std::size_t>(num_threads()), sizeof(T));
  const Scratch<T> zeros(c);
  std::fill_n(zeros.data(), c, T(0));
  const Table<T>& kernels = table<T>();
  parallel_for((total + group - 1) / group, group * c * o, [&](std::size_t begin, std::size_t end) {
    const std::size_t value_step = spaced(group * c), product_step = spaced(group * o);
    const Scratch<T> values(frequencies * value_step), products(frequencies * product_step), beyond(o);
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t first = k * group, count = std::min(group, total - first);
      for (std::size_t t = 0; t < count; ++t) {
        const auto pixels = tiles.square<4, const T>(first + t, images, zeros.data(), top, left);
        kernels.winograd_pixels(pixels.data(), c, values.data() + t * c, value_step, panel_width);
      }
      for (std::size_t f = 0; f < frequencies; ++f)
        kernels.multiply_panels(count, c, values.data() + f * value_step, c, 1, filters + f * spaced(c * o), panel_width,
                                o / panel_width, c * panel_width, products.data() + f * product_step, o, false);
      for (std::size_t t = 0; t < count; ++t) {
        const auto pixels = tiles.square<2, T>(first + t, results, beyond.data());
        kernels.winograd_results(products.data() + t * o, product_step, o, bias, pixels.data());
      }
    }
  });
}

/// Visits filters (o, 3, 3, c) in blocks of panel_width filters and panel_width of their channels: block(i, j) for the block that
/// begins at filter i and channel j.
template <class F>
void in_blocks(const ConvShape& s, F block) {
  const std::size_t across = s.c / panel_width;
  parallel_for(s.o / panel_width * across, panel_width * panel_width * frequencies, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) block(k / across * panel_width, k % across * panel_width);
  });
}

}  // namespace

template <class T>
void forward(const ConvArrays<T>& x, const ConvShape& s) {
  constexpr std::size_t square = panel_width * panel_width;
  const Scratch<T> filters(frequencies * spaced(s.c * s.o));
  in_blocks(s, [&](std::size_t i, std::size_t j) {
    alignas(64) T taps[9 * square];  // (tap, channel, filter)
    for (std::size_t u = 0; u < panel_width; ++u)
      for (std::size_t t = 0; t < 9; ++t) {
        const T* const from = x.weights + ((i + u) * 9 + t) * s.c + j;
        for (std::size_t v = 0; v < panel_width; ++v) taps[t * square + v * panel_width + u] = from[v];
      }
    table<T>().winograd_filters(taps, square, panel_width, filters.data() + i * s.c + j * panel_width, spaced(s.c * s.o));
  });
  by_filters<T>({x.images, s.n, s.h, s.w, s.c}, filters.data(), x.bias, {x.out, s.n, s.oh, s.ow, s.o}, s.top, s.left);
}

/// The convolution of g with the filters turned around, whose inputs are what were outputs.
template <class T>
void input_grad(const ConvArrays<T>& x, const ConvShape& s) {
  const Scratch<T> filters(frequencies * spaced(s.c * s.o));
  in_blocks(s, [&](std::size_t i, std::size_t j) {
    table<T>().winograd_filters(x.weights + (i * 9 + 8) * s.c + j, -static_cast<std::ptrdiff_t>(s.c), 9 * s.c,
                                filters.data() + j * s.o + i * panel_width, spaced(s.c * s.o));
  });
  by_filters<T>({x.result, s.n, s.oh, s.ow, s.o}, filters.data(), nullptr, {x.out, s.n, s.h, s.w, s.c}, 2 - s.top, 2 - s.left);
}

/// Per frequency the product of what the gradients and the pixels of all tiles become. Threads share out the tiles, and each makes
/// a sum of its own; or, where such sums are large, first the tiles and then the filters.
template <class T>
void weight_grad(const ConvArrays<T>& x, const ConvShape& s) {
  const Images<const T> pixels{x.images, s.n, s.h, s.w, s.c}, gradients{x.result, s.n, s.oh, s.ow, s.o};
  const Tiles tiles(gradients);
  const std::size_t total = tiles.count(), step = spaced(s.c * s.o), size = frequencies * step, panels = s.o / panel_width;
  const bool apart = size * sizeof(T) <= std::size_t{1} << 20;
  const std::size_t parts = apart ? std::min(static_cast<std::size_t>(num_threads()), total) : 1;
  const std::size_t group = tiles_at_a_time((total + parts - 1) / parts, s.c + s.o, 1, sizeof(T), apart ? 64 : 256);
  const std::size_t value_step = spaced(group * s.c), change_step = spaced(group * s.o);
  const Scratch<T> sums(parts * size), zeros(std::max(s.c, s.o));
  std::fill_n(zeros.data(), std::max(s.c, s.o), T(0));
  const Table<T>& kernels = table<T>();

  struct Group {
    std::size_t first, count;
    T *values, *changes, *sum;  // (frequency, panel, tile, 16) of pixels and gradients, and (frequency, o, c)
    bool add;
  };
  const auto transform = [&](const Group& some, std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
      const auto square = tiles.square<4, const T>(some.first + t, pixels, zeros.data(), s.top, s.left);
      kernels.winograd_pixels(square.data(), s.c, some.values + t * panel_width, value_step, group * panel_width);
      const auto results = tiles.square<2, const T>(some.first + t, gradients, zeros.data());
      kernels.winograd_gradient(results.data(), s.o, some.changes + t * panel_width, change_step, group * panel_width);
    }
  };
  const auto multiply = [&](const Group& some, std::size_t begin, std::size_t end) {
    for (std::size_t f = 0; f < frequencies; ++f)
      for (std::size_t i = begin; i < end; ++i)
        kernels.multiply_panels(panel_width, some.count, some.changes + f * change_step + i * group * panel_width, 1, panel_width,
                                some.values + f * value_step, panel_width, s.c / panel_width, group * panel_width,
                                some.sum + f * step + i * panel_width * s.c, s.c, some.add);
  };
  // a single part runs on this thread, so that the loops inside may have the others
  parallel_for(parts, parts > 1 ? total * s.c * s.o : 0, [&](std::size_t part, std::size_t last_part) {
    const Scratch<T> values(frequencies * value_step), changes(frequencies * change_step);
    for (; part < last_part; ++part) {
      const std::size_t begin = total * part / parts, end = total * (part + 1) / parts;
      for (std::size_t t = begin; t < end; t += group) {
        const Group some{t, std::min(group, end - t), values.data(), changes.data(), sums.data() + part * size, t > begin};
        parallel_for(some.count, frequencies * (s.c + s.o), [&](std::size_t from, std::size_t to) { transform(some, from, to); });
        parallel_for(panels, some.count * s.c * panel_width, [&](std::size_t from, std::size_t to) { multiply(some, from, to); });
      }
    }
  });
  for (std::size_t k = 1; k < parts; ++k) add_to(sums.data(), sums.data() + k * size, size);
  parallel_for(s.o, frequencies * s.c, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) kernels.winograd_filter_grad(sums.data() + k * s.c, step, s.c, x.out + k * 9 * s.c);
  });
}

bool suits(const ConvShape& s) {
  return s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 &&
         s.top <= 2 && s.left <= 2 && s.n * s.h * s.w > 0 && s.c > 0 && s.o > 0 && s.c % panel_width == 0 && s.o % panel_width == 0;
}

#define XGRAD_INSTANTIATE(T)                                        \
  template void forward(const ConvArrays<T>&, const ConvShape&);    \
  template void input_grad(const ConvArrays<T>&, const ConvShape&); \
  template void weight_grad(const ConvArrays<T>&, const ConvShape&);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::kernels::winograd
