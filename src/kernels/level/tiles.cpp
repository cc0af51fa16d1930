// The transforms of Winograd's convolution. Compiled once per level.
#include "../table.hpp"
#include "vec.hpp"

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

// Winograd's F(2×2, 3×3): a tile of 2×2 results of a 3×3 convolution comes from 4×4 pixels with 16 products instead of 36. With
// B, G and A as in Lavin and Gray, "Fast algorithms for convolutional neural networks" (2016), the results are
// Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A. Each function treats one tile, or one filter, for all its channels, or a block of filters.

template <class T>
struct Four {
  Vec<T> x[4];
};
template <class T>
Four<T> pixels_side(Vec<T> a, Vec<T> b, Vec<T> c, Vec<T> d) {  // Bᵀ
  return {{a - c, b + c, c - b, b - d}};
}
template <class T>
Four<T> filter_side(Vec<T> a, Vec<T> b, Vec<T> c) {  // G
  const Vec<T> half(T(0.5)), outer = (a + c) * half, inner = b * half;
  return {{a, outer + inner, outer - inner, c}};
}
template <class T>
Four<T> gradient_side(Vec<T> a, Vec<T> b) {  // A
  return {{a, a + b, a - b, -b}};
}

/// Where the 16 values of a tile go: one per frequency, in panels of 16 channels.
template <class T>
void put(T* out, std::size_t distance, std::size_t row, const Four<T>& x) {
#pragma GCC unroll 4
  for (std::size_t j = 0; j < 4; ++j) store(out + (4 * row + j) * distance, x.x[j]);
}

template <class T>
void winograd_pixels(const T* const* pixels, std::size_t c, T* out, std::size_t distance, std::size_t panel) {
  for (std::size_t k = 0; k < c; k += Vec<T>::size) {
    T* const to = out + k / panel_width * panel + k % panel_width;
    Four<T> columns[4];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j)
      columns[j] = pixels_side(load(pixels[j] + k), load(pixels[4 + j] + k), load(pixels[8 + j] + k), load(pixels[12 + j] + k));
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i)
      put(to, distance, i, pixels_side(columns[0].x[i], columns[1].x[i], columns[2].x[i], columns[3].x[i]));
  }
}

template <class T>
void winograd_filters(const T* taps, std::ptrdiff_t tap, std::size_t row, T* out, std::size_t distance) {
  for (std::size_t r = 0; r < panel_width; ++r, out += panel_width)
    for (std::size_t k = 0; k < panel_width; k += Vec<T>::size) {
      const T* const from = taps + r * row + k;
      Four<T> columns[3];
#pragma GCC unroll 3
      for (std::ptrdiff_t j = 0; j < 3; ++j)
        columns[j] = filter_side(load(from + j * tap), load(from + (3 + j) * tap), load(from + (6 + j) * tap));
#pragma GCC unroll 4
      for (std::size_t i = 0; i < 4; ++i) put(out + k, distance, i, filter_side(columns[0].x[i], columns[1].x[i], columns[2].x[i]));
    }
}

template <class T>
void winograd_gradient(const T* const* results, std::size_t c, T* out, std::size_t distance, std::size_t panel) {
  for (std::size_t k = 0; k < c; k += Vec<T>::size) {
    T* const to = out + k / panel_width * panel + k % panel_width;
    const Four<T> left = gradient_side(load(results[0] + k), load(results[2] + k));
    const Four<T> right = gradient_side(load(results[1] + k), load(results[3] + k));
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) put(to, distance, i, gradient_side(left.x[i], right.x[i]));
  }
}

template <class T>
void winograd_results(const T* products, std::size_t distance, std::size_t c, const T* bias, T* const* results) {
  for (std::size_t k = 0; k < c; k += Vec<T>::size) {
    Vec<T> upper[4], lower[4];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      const T* const from = products + j * distance + k;
      const Vec<T> second = load(from + 4 * distance), third = load(from + 8 * distance);
      upper[j] = load(from) + second + third;
      lower[j] = second - third - load(from + 12 * distance);
    }
    const Vec<T> start = bias ? load(bias + k) : Vec<T>(T(0));
    store(results[0] + k, upper[0] + upper[1] + upper[2] + start);
    store(results[1] + k, upper[1] - upper[2] - upper[3] + start);
    store(results[2] + k, lower[0] + lower[1] + lower[2] + start);
    store(results[3] + k, lower[1] - lower[2] - lower[3] + start);
  }
}

/// Gᵀ
template <class T>
void filter_back(Vec<T> a, Vec<T> b, Vec<T> c, Vec<T> d, Vec<T>* out) {
  const Vec<T> half(T(0.5));
  out[0] = a + (b + c) * half;
  out[1] = (b - c) * half;
  out[2] = (b + c) * half + d;
}

template <class T>
void winograd_filter_grad(const T* products, std::size_t distance, std::size_t c, T* taps) {
  for (std::size_t k = 0; k < c; k += Vec<T>::size) {
    Vec<T> columns[4][3];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      const T* const from = products + j * distance + k;
      filter_back(load(from), load(from + 4 * distance), load(from + 8 * distance), load(from + 12 * distance), columns[j]);
    }
#pragma GCC unroll 3
    for (std::size_t i = 0; i < 3; ++i) {
      Vec<T> row[3];
      filter_back(columns[0][i], columns[1][i], columns[2][i], columns[3][i], row);
#pragma GCC unroll 3
      for (std::size_t j = 0; j < 3; ++j) store(taps + (3 * i + j) * c + k, row[j]);
    }
  }
}

template <class T>
void fill(Table<T>& table) {
  table.winograd_pixels = winograd_pixels<T>;
  table.winograd_filters = winograd_filters<T>;
  table.winograd_gradient = winograd_gradient<T>;
  table.winograd_results = winograd_results<T>;
  table.winograd_filter_grad = winograd_filter_grad<T>;
}

}  // namespace

void fill_tiles(Table<float>& table) { fill(table); }
void fill_tiles(Table<double>& table) { fill(table); }

}  // namespace xgrad::kernels::XGRAD_LEVEL
