#pragma once
/// The kernels: pointers and sizes in, no graph, no containers. Their files are compiled once per instruction set ("level"), with
/// -DXGRAD_LEVEL=base, v2, v3 or v4 and, but for base, -march=x86-64-v2 and so on. The best level that the processor has is chosen
/// when a kernel is first needed.
///
/// To add a kernel file: put its function pointers into Table, declare its fill function in XGRAD_DECLARE_LEVEL, call it in
/// XGRAD_LEVEL_FILLS of dispatch.cpp, and define it for both types in the file as tiles.cpp does: everything in `namespace
/// xgrad::kernels::XGRAD_LEVEL`, and in there all but the fill functions in an unnamed namespace. A function with a linkable name
/// and without the level in it could be kept by the linker in its AVX-512 version for everybody.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <xgrad/core/api.hpp>
#include <xgrad/core/primitive.hpp>

#include "windows.hpp"

namespace xgrad::kernels {

/// Columns of the matrices that multiply_panels takes: whole vectors at every level.
inline constexpr std::size_t panel_width = 16;
/// Sums of up to so many terms have a kernel of their own.
inline constexpr std::size_t short_sum = 8;

/// d[i] = f(a[i], b[i], c[i]) for i < n; d may be one of the others. Arrays have room for whole vectors of 64 bytes. b and c are
/// not read by primitives with fewer operands, but must point somewhere.
template <class T>
using Elementwise = void (*)(T* d, const T* a, const T* b, const T* c, std::size_t n);

/// A primitive within a chain, as chain.cpp runs it.
template <class T>
struct Link {
  std::uint16_t code;
  const T *b, *c;  ///< its operands beside the one that the link before computed, in order
  T* to;           ///< of a store_link
};
/// The code of a link that stores what the one before computed, and hands it on.
inline constexpr std::uint16_t store_link = 0;

/// What a link does: a primitive, which of its operands comes from the link before, and which of the others are scalars (bit 0 for
/// b, 1 for c).
constexpr std::uint16_t link_code(Primitive op, unsigned place, unsigned scalars) {
  return static_cast<std::uint16_t>(static_cast<unsigned>(op) * 12 + place * 4 + scalars);
}

/// The primitives that a chain may have: all in cheap.hpp.
constexpr bool can_chain(Primitive op) {
  using P = Primitive;
  switch (op) {
    case P::neg:
    case P::abs:
    case P::square:
    case P::relu:
    case P::sqrt:
    case P::flush:
    case P::add:
    case P::sub:
    case P::mul:
    case P::div:
    case P::maximum:
    case P::minimum:
    case P::less:
    case P::less_equal:
    case P::where:
    case P::fma:
    case P::fms:
    case P::fnma:
      return true;
    default:
      return false;
  }
}

/// The kernels of one level.
template <class T>
struct Table {
  /// By primitive and by which operands are scalars, a pointer to one value: bit 0 for a, 1 for b, 2 for c. Not all of them.
  Elementwise<T> formula[primitive_count][8];
  /// Several primitives, at least one, the first of them on a. d may be an operand, and arrays have room, as in `formula`.
  void (*chain)(T* d, const T* a, const Link<T>* links, std::size_t count, std::size_t n);

  // Along one contiguous row (rows.cpp); nothing beyond its n elements is touched.
  T (*sum_row)(const T* x, std::size_t n);                                       ///< pairwise
  void (*sum_each_row)(const T* x, T* out, std::size_t rows, std::size_t n);     ///< out (rows): sum_row of each row of x (rows, n)
  void (*add_row)(T* sum, const T* x, std::size_t n);                            ///< sum += x
  T (*exp_row)(const T* x, T shift, T* out, std::size_t n);                      ///< out = exp(x - shift); returns the sum of out
  T (*exp_sum_row)(const T* x, T shift, std::size_t n);                          ///< that sum alone
  void (*exp_scaled_row)(const T* x, T shift, T factor, T* out, std::size_t n);  ///< out = exp(x - shift) factor
  void (*scale_row)(T* x, T factor, std::size_t n);                              ///< x *= factor
  void (*lower_row)(const T* x, T a, T b, T* out, std::size_t n);                ///< out = (x - a) - b
  /// out (n) = the sum of a few rows of n, one after the other, `distance` apart; rows > 0
  void (*sum_few_rows)(const T* x, T* out, std::size_t rows, std::size_t n, std::size_t distance);
  /// The gradient for x of y = softmax(x), or log(softmax(x)), from that for y.
  void (*softmax_grad_row)(const T* y, const T* g, T* out, std::size_t n);
  void (*log_softmax_grad_row)(const T* y, const T* g, T* out, std::size_t n);

  // The smallest [0] and the largest [1], NaN if any is (extremes.cpp).
  T (*extreme_row[2])(const T* x, std::size_t n);                ///< n > 0
  void (*extreme_into[2])(T* best, const T* x, std::size_t n);   ///< best = the better of best and x
  std::size_t (*place_row)(const T* x, std::size_t n, T value);  ///< of the first element that is `value` or NaN; n if none is

  // A row of n results, each of c channels, from an image of w pixels in a row (windows.cpp). The pools also say where in the image
  // the chosen elements are: the first in row-major order, and NaN before all. Where windows are equally wide and c < few_channels,
  // there may be `places`, n * c of them: where in the image's row the window of each result begins.
  // add_scaled_row: sum += factor x.
  void (*max_pool_row)(const T* image, std::size_t w, std::size_t c, Window rows, const Window* columns, std::size_t n,
                       const std::int32_t* places, T* out, std::int32_t* index);
  void (*min_pool_row)(const T* image, std::size_t w, std::size_t c, Window rows, const Window* columns, std::size_t n,
                       const std::int32_t* places, T* out, std::int32_t* index);
  void (*avg_pool_row)(const T* image, std::size_t w, std::size_t c, Window rows, const Window* columns, std::size_t n, T* out);
  /// out[j] = the sum of the products of a and b at the taps of `rows` and columns[j], per channel; a_row and b_row are the
  /// distances from row to row.
  void (*product_row)(const T* a, std::ptrdiff_t a_row, const T* b, std::ptrdiff_t b_row, std::size_t c, Taps rows,
                      const Taps* columns, std::size_t n, T* out);
  /// Takes value - cost where it is more than the best so far, or NaN, and its place with it.
  void (*improve_row)(const T* value, const T* cost, const std::int32_t* place, T* best, std::int32_t* at, std::size_t n);
  void (*add_scaled_row)(T* sum, const T* x, T factor, std::size_t n);

  // Of normalisation, with vectors along the row (norm_rows.cpp): sum += (a - a0)(b - b0); out = (x - x0) scale + bias;
  // out = g p + (x - x0) q + r.
  void (*add_products_row)(T* sum, const T* a, const T* a0, const T* b, const T* b0, std::size_t n);
  void (*normalise_row)(T* out, const T* x, const T* x0, const T* scale, const T* bias, std::size_t n);
  void (*normalise_grad_row)(T* out, const T* g, const T* p, const T* x, const T* x0, const T* q, const T* r, std::size_t n);

  // Matrix products (panels.cpp): c (m, n) = a (m, k) b (k, n), or with `add` c plus that. Rows of a, of c and of what b is
  // stored as begin a_row, c_row and b_row apart.
  /// n is a number of panels of panel_width columns; those of b begin b_panel apart. Element (i, p) of a is a[i * a_row + p *
  /// a_step].
  void (*multiply_panels)(std::size_t m, std::size_t k, const T* a, std::size_t a_row, std::size_t a_step, const T* b,
                          std::size_t b_row, std::size_t panels, std::size_t b_panel, T* c, std::size_t c_row, bool add);
  /// c = a b for 1 to short_sum terms: c is written row by row. The panels of b are as packed, k rows of panel_width, one after
  /// the other.
  void (*multiply_short)(std::size_t m, std::size_t k, const T* a, std::size_t a_row, std::size_t a_step, const T* b,
                         std::size_t panels, T* c, std::size_t c_row);
  /// b is stored transposed.
  void (*multiply_transposed)(std::size_t m, std::size_t n, std::size_t k, const T* a, std::size_t a_row, const T* b,
                              std::size_t b_row, T* c, std::size_t c_row, bool add);

  // The transforms of Winograd's convolution (tiles.cpp), for c channels, a multiple of panel_width. A tile's values are at 16
  // frequencies, `distance` apart; channels in panels, `panel` apart, or one after the other when that is panel_width.
  /// From 4×4 pixels.
  void (*winograd_pixels)(const T* const* pixels, std::size_t c, T* out, std::size_t distance, std::size_t panel);
  /// From 3×3 weights: panel_width rows of panel_width, `row` apart; taps are `tap` apart. The rows follow one another in `out`.
  void (*winograd_filters)(const T* taps, std::ptrdiff_t tap, std::size_t row, T* out, std::size_t distance);
  /// From the gradient for 2×2 results.
  void (*winograd_gradient)(const T* const* results, std::size_t c, T* out, std::size_t distance, std::size_t panel);
  /// To 2×2 results, plus a bias unless it is null.
  void (*winograd_results)(const T* products, std::size_t distance, std::size_t c, const T* bias, T* const* results);
  /// To the gradient (3, 3, c) for a filter.
  void (*winograd_filter_grad)(const T* products, std::size_t distance, std::size_t c, T* taps);
};

#define XGRAD_DECLARE_LEVEL(level)     \
  namespace level {                    \
  void fill_formula(Table<float>&);    \
  void fill_formula(Table<double>&);   \
  void fill_chain(Table<float>&);      \
  void fill_chain(Table<double>&);     \
  void fill_rows(Table<float>&);       \
  void fill_rows(Table<double>&);      \
  void fill_extremes(Table<float>&);   \
  void fill_extremes(Table<double>&);  \
  void fill_norm_rows(Table<float>&);  \
  void fill_norm_rows(Table<double>&); \
  void fill_multiply(Table<float>&);   \
  void fill_multiply(Table<double>&);  \
  void fill_tiles(Table<float>&);      \
  void fill_tiles(Table<double>&);     \
  void fill_windows(Table<float>&);    \
  void fill_windows(Table<double>&);   \
  }
XGRAD_DECLARE_LEVEL(base)
#if defined(__x86_64__)
XGRAD_DECLARE_LEVEL(v2)
XGRAD_DECLARE_LEVEL(v3)
XGRAD_DECLARE_LEVEL(v4)
#endif
#undef XGRAD_DECLARE_LEVEL

/// The level in use: "base", "v2", "v3" or "v4". XGRAD_ISA in the environment overrides the choice.
XGRAD_API std::string_view level_name();
/// Whether that is more than the base level.
bool above_base();

template <class T>
inline constinit std::atomic<const Table<T>*> chosen_table = nullptr;
template <class T>
XGRAD_API const Table<T>& choose_table();
extern template XGRAD_API const Table<float>& choose_table<float>();
extern template XGRAD_API const Table<double>& choose_table<double>();

/// The kernels of the level in use. May be called from constructors of static objects.
template <class T>
inline const Table<T>& table() {
  const Table<T>* t = chosen_table<T>.load(std::memory_order_acquire);
  return t ? *t : choose_table<T>();
}

}  // namespace xgrad::kernels
