#pragma once
/// Orders.
#include <xgrad/core/indices.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/ops/reduce.hpp>

namespace xgrad {

struct SortOptions {
  bool descending = false;
};
/// The elements of an axis in order. NaN counts as largest, and equal elements stay in their order. Throws ShapeError when
/// x has no such axis, or more than 2³² - 1 elements along it.
///
/// Shapes: (…) → the same
/// Gradient: g back to where each element came from
template <class T>
XGRAD_API Variable<T> sort(Variable<T> x, int axis = -1, SortOptions options = {}, Where at = Where::current());
/// The places from which sort takes its elements. Errors as sort.
///
/// Shapes: (…) → the same
/// Gradient: none: these are labels
template <class T>
XGRAD_API Labels argsort(const Variable<T>& x, int axis = -1, SortOptions options = {}, Where at = Where::current());

template <class T>
struct TopK {
  Variable<T> values;
  Labels indices;
};
struct TopKOptions {
  bool largest = true;
};
/// The k largest (or smallest) elements along an axis, best first, and where they are; otherwise as sort. Throws ValueError when k
/// is not from 0 to the axis's length.
///
/// Shapes: (…, n, …) → (…, k, …)
/// Gradient: g back to where each element came from
template <class T>
XGRAD_API TopK<T> topk(Variable<T> x, std::ptrdiff_t k, int axis = -1, TopKOptions options = {}, Where at = Where::current());
/// The median along `axes`; the mean of the middle two of an even number. NaN if any is, or over no elements. Throws
/// ShapeError for an axis out of range or given twice, and over more than 2³² - 1 elements.
///
/// Shapes: (…) → without the axes
/// Gradient: g to the middle one, or half to each of the middle two
template <class T>
XGRAD_API Variable<T> median(Variable<T> x, Axes axes = {}, ReduceOptions options = {}, Where at = Where::current());

}  // namespace xgrad
