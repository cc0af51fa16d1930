#pragma once
/// The kernels: pointers and sizes in, no graph, no containers. Their files are compiled once per instruction set ("level"), with
/// -DXGRAD_LEVEL=base, v2, v3 or v4 and, but for base, -march=x86-64-v2 and so on. The best level that the processor has is chosen
/// when a kernel is first needed.
///
/// To add a kernel file: put its function pointers into Table, declare its fill function in XGRAD_DECLARE_LEVEL, call it from
/// `fill` in dispatch.cpp, and define it in the file like formula.cpp does: everything in `namespace xgrad::kernels::XGRAD_LEVEL`,
/// and in there all but the fill functions in an unnamed namespace. A function with a linkable name and without the level in it
/// could be kept by the linker in its AVX-512 version for everybody.
#include <atomic>
#include <cstddef>
#include <string_view>

#include <xgrad/core/api.hpp>
#include <xgrad/core/primitive.hpp>

namespace xgrad::kernels {

/// d[i] = f(a[i], b[i], c[i]) for i < n; d may be one of the others. Arrays have room for whole vectors of 64 bytes. b and c are
/// not read by primitives with fewer operands, but must point somewhere.
template <class T>
using Elementwise = void (*)(T* d, const T* a, const T* b, const T* c, std::size_t n);

/// The kernels of one level.
template <class T>
struct Table {
  /// By primitive and by which operands are scalars, a pointer to one value: bit 0 for a, 1 for b, 2 for c. Not all of them.
  Elementwise<T> formula[primitive_count][8];

  // Along one contiguous row (rows.cpp); nothing beyond its n elements is touched.
  T (*sum_row)(const T* x, std::size_t n);                   ///< pairwise
  void (*add_row)(T* sum, const T* x, std::size_t n);        ///< sum += x
  T (*max_row)(const T* x, std::size_t n);                   ///< n > 0; NaN if any is
  T (*exp_row)(const T* x, T shift, T* out, std::size_t n);  ///< out = exp(x - shift); returns the sum of out
  void (*scale_row)(T* x, T factor, std::size_t n);          ///< x *= factor

  /// One step of optim::SGD on n parameters w with gradients g and momentum m, null for none (optim.cpp).
  void (*sgd)(T* w, const T* g, T* m, std::size_t n, T lr, T momentum, T decay, bool nesterov);
};

#define XGRAD_DECLARE_LEVEL(level)   \
  namespace level {                  \
  void fill_formula(Table<float>&);  \
  void fill_formula(Table<double>&); \
  void fill_rows(Table<float>&);     \
  void fill_rows(Table<double>&);    \
  void fill_optim(Table<float>&);    \
  void fill_optim(Table<double>&);   \
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
