#pragma once
/// Vec<T>: a few numbers at once, so that kernels are written once for every level. On v2 to v4 it is xsimd's batch, on base one
/// number. For kernel files only.
#include <cmath>
#include <cstddef>

#ifndef XGRAD_LEVEL
#error "kernel files are compiled with -DXGRAD_LEVEL=base, v2, v3 or v4"
#endif
#define XGRAD_JOIN_(a, b) a##b
#define XGRAD_JOIN(a, b) XGRAD_JOIN_(a, b)
#define XGRAD_IS_base 1

// XGRAD_SIMD says whether this level is compiled with xsimd. xsimd becomes xgrad_xsimd::v3 and so on: version 8.1 has
// functions without the architecture in their name (the reductions behind sin and cos), and of equal names the linker keeps one.
#if XGRAD_JOIN(XGRAD_IS_, XGRAD_LEVEL)
#define XGRAD_SIMD 0
#else
#define XGRAD_SIMD 1
#define xsimd xgrad_xsimd::XGRAD_LEVEL
#include <xsimd/xsimd.hpp>
#undef xsimd
#endif

namespace xgrad::kernels::XGRAD_LEVEL {
namespace {

#if XGRAD_SIMD

namespace xs = xgrad_xsimd::XGRAD_LEVEL;

template <class T>
using Vec = xs::batch<T>;
using xs::abs;
using xs::ceil;
using xs::cos;
using xs::exp;
using xs::expm1;
using xs::floor;
using xs::log;
using xs::log1p;
using xs::nearbyint;
using xs::select;
using xs::sin;
using xs::sqrt;
using xs::tanh;

template <class T>
Vec<T> load(const T* p) {
  return Vec<T>::load_unaligned(p);
}
template <class T>
void store(T* p, Vec<T> x) {
  x.store_unaligned(p);
}
/// The same bits taken for numbers of type To. xsimd wants an element type from version 10 on, a batch before.
template <class To, class T>
xs::batch<To> bits_as(xs::batch<T> x) {
#if XSIMD_VERSION_MAJOR >= 10
  return xs::bitwise_cast<To>(x);
#else
  return xs::bitwise_cast<xs::batch<To> >(x);
#endif
}
template <class T>
Vec<T> multiply_add(Vec<T> a, Vec<T> b, Vec<T> c) {  // a * b + c
  return xs::fma(a, b, c);
}
template <class T>
Vec<T> multiply_sub(Vec<T> a, Vec<T> b, Vec<T> c) {  // a * b - c
  return xs::fms(a, b, c);
}
template <class T>
Vec<T> sub_multiply(Vec<T> a, Vec<T> b, Vec<T> c) {  // c - a * b
  return xs::fnma(a, b, c);
}
template <class V>
typename V::value_type add_lanes(V x) {
  if constexpr (requires { reduce_add(x); })
    return reduce_add(x);
  else
    return hadd(x);  // its name before xsimd 9
}

#else

/// The part of xsimd::batch that kernels use, for one number.
template <class T>
struct Vec {
  using value_type = T;
  static constexpr std::size_t size = 1;
  T x;
  Vec() = default;
  Vec(T value) : x(value) {}  // NOLINT(google-explicit-constructor): as xsimd's

  friend Vec operator-(Vec a) { return -a.x; }
  friend Vec operator+(Vec a, Vec b) { return a.x + b.x; }
  friend Vec operator-(Vec a, Vec b) { return a.x - b.x; }
  friend Vec operator*(Vec a, Vec b) { return a.x * b.x; }
  friend Vec operator/(Vec a, Vec b) { return a.x / b.x; }
  friend bool operator<(Vec a, Vec b) { return a.x < b.x; }
  friend bool operator<=(Vec a, Vec b) { return a.x <= b.x; }
  friend bool operator>(Vec a, Vec b) { return a.x > b.x; }
  friend bool operator>=(Vec a, Vec b) { return a.x >= b.x; }
  friend bool operator==(Vec a, Vec b) { return a.x == b.x; }
  friend bool operator!=(Vec a, Vec b) { return a.x != b.x; }
  friend Vec select(bool condition, Vec a, Vec b) { return condition ? a : b; }
  friend Vec abs(Vec a) { return std::abs(a.x); }
  friend Vec floor(Vec a) { return std::floor(a.x); }
  friend Vec ceil(Vec a) { return std::ceil(a.x); }
  friend Vec nearbyint(Vec a) { return std::nearbyint(a.x); }
  friend Vec sqrt(Vec a) { return std::sqrt(a.x); }
  friend Vec exp(Vec a) { return std::exp(a.x); }
  friend Vec expm1(Vec a) { return std::expm1(a.x); }
  friend Vec log(Vec a) { return std::log(a.x); }
  friend Vec log1p(Vec a) { return std::log1p(a.x); }
  friend Vec sin(Vec a) { return std::sin(a.x); }
  friend Vec cos(Vec a) { return std::cos(a.x); }
  friend Vec tanh(Vec a) { return std::tanh(a.x); }
};

template <class T>
Vec<T> load(const T* p) {
  return *p;
}
template <class T>
void store(T* p, Vec<T> x) {
  *p = x.x;
}
// Without the instruction std::fma is a slow function.
template <class T>
Vec<T> multiply_add(Vec<T> a, Vec<T> b, Vec<T> c) {
  return a * b + c;
}
template <class T>
Vec<T> multiply_sub(Vec<T> a, Vec<T> b, Vec<T> c) {
  return a * b - c;
}
template <class T>
Vec<T> sub_multiply(Vec<T> a, Vec<T> b, Vec<T> c) {
  return c - a * b;
}
template <class T>
T add_lanes(Vec<T> x) {
  return x.x;
}

#endif

// a != a would do, but xsimd 8.1 says no to NaN != NaN from AVX on.
template <class T>
auto is_nan(Vec<T> a) {
  return !(a == a);
}

// xsimd's max and min drop a NaN depending on the order of the operands; these keep it.
template <class T>
Vec<T> maximum(Vec<T> a, Vec<T> b) {
  return select(is_nan(a), a, select(a > b, a, b));
}
template <class T>
Vec<T> minimum(Vec<T> a, Vec<T> b) {
  return select(is_nan(a), a, select(a < b, a, b));
}

}  // namespace
}  // namespace xgrad::kernels::XGRAD_LEVEL
