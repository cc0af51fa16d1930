// Pools. Those of images without dilation are the library's own; all others, in any number of axes, go through their windows.
#include <algorithm>
#include <cmath>
#include <limits>

#include <xgrad/ops/extremes.hpp>
#include <xgrad/ops/pool.hpp>
#include <xgrad/ops/statistics.hpp>

#include "windows.hpp"

namespace xgrad::onnx {

WindowPlaces window_places(std::int64_t length, const Windows& w, std::size_t axis, bool ceil_mode, Where where) {
  const std::int64_t stride = w.strides[axis], before = w.before[axis], after = w.after[axis],
                     reach = (w.kernel[axis] - 1) * w.dilations[axis] + 1;
  const std::int64_t room = length + before + after - reach;
  if (room < 0)
    throw ShapeError(where, "onnx",
                     "a window reaches over " + std::to_string(reach) + " elements and the axis has " +
                         std::to_string(length + before + after) + " with its padding; it must be no longer");
  std::int64_t count = room / stride + 1;
  if (ceil_mode && room % stride != 0 && count * stride < length + before) ++count;  // it begins in the image or before it
  WindowPlaces p;
  p.windows = static_cast<std::size_t>(count);
  p.size = static_cast<std::size_t>(w.kernel[axis]);
  p.before = before;
  p.after = std::max(after, (count - 1) * stride + reach - length - before);
  p.index = make_array<std::int64_t>(Shape{p.windows * p.size}, where);
  for (std::size_t i = 0; i < p.windows; ++i) {
    std::int64_t inside = 0, counted = 0;
    for (std::size_t k = 0; k < p.size; ++k) {
      const std::int64_t at = static_cast<std::int64_t>(i) * stride + static_cast<std::int64_t>(k) * w.dilations[axis];
      p.index.data()[i * p.size + k] = at;
      inside += at >= before && at < before + length;
      counted += at < before + length + after;
    }
    p.inside.push_back(inside);
    p.counted.push_back(counted);
  }
  return p;
}

template <class T>
Variable<T> unfold(Variable<T> x, const std::vector<WindowPlaces>& places, double fill, Where at) {
  std::vector<PadWidth> widths(2);
  bool any = false;
  for (const WindowPlaces& p : places) {
    widths.push_back({p.before, p.after});
    any |= p.before > 0 || p.after > 0;
  }
  if (any) x = pad(std::move(x), widths, {.value = fill}, at);
  Shape shape{x.shape()[0], x.shape()[1]};
  for (std::size_t k = 0; k < places.size(); ++k) {
    x = index_select(std::move(x), static_cast<int>(k + 2), places[k].index, at);
    shape.push_back(places[k].windows);
    shape.push_back(places[k].size);
  }
  return reshape(std::move(x), shape, at);
}
template Variable<float> unfold<float>(Variable<float>, const std::vector<WindowPlaces>&, double, Where);
template Variable<double> unfold<double>(Variable<double>, const std::vector<WindowPlaces>&, double, Where);

namespace {

/// The axes of the windows' places, as unfold makes them.
Axes window_axes(std::size_t rank) {
  std::vector<std::ptrdiff_t> axes;
  for (std::size_t k = 0; k < rank; ++k) axes.push_back(static_cast<std::ptrdiff_t>(2 * k + 3));
  return Axes(std::move(axes));
}
std::vector<WindowPlaces> all_places(const Shape& image, const Windows& w, bool ceil_mode, Where at) {
  std::vector<WindowPlaces> places;
  for (std::size_t k = 0; k < w.rank(); ++k)
    places.push_back(window_places(static_cast<std::int64_t>(image[k + 2]), w, k, ceil_mode, at));
  return places;
}

/// Whether the library's own pool can do it: padding less than the window.
bool simple(const Windows& w) {
  if (w.rank() != 2) return false;
  for (std::size_t k = 0; k < 2; ++k)
    if (w.dilations[k] != 1 || w.before[k] >= w.kernel[k] || w.after[k] >= w.kernel[k]) return false;
  return true;
}

template <class T>
Values<T> max_pool(Call<T>& c) {
  const bool ceil_mode = c.integer("ceil_mode", 0) != 0;
  c.integer("storage_order", 0);  // of the indices, which are not made
  const Windows w = read_windows(c, c.shape(0), {});
  Variable<T> x = c.real(0);
  if (simple(w)) {
    const Pool2dOptions options{.stride = w.stride2d(), .padding = w.padding2d(), .ceil_mode = ceil_mode};
    return one<T>(
        channels_first(max_pool2d(channels_last(std::move(x), c.where), {w.kernel[0], w.kernel[1]}, options, c.where), c.where));
  }
  const auto places = all_places(x.shape(), w, ceil_mode, c.where);
  return one<T>(
      amax(unfold(std::move(x), places, -std::numeric_limits<double>::infinity(), c.where), window_axes(w.rank()), {}, c.where));
}

template <class T>
Values<T> average_pool(Call<T>& c) {
  const bool ceil_mode = c.integer("ceil_mode", 0) != 0, count_pad = c.integer("count_include_pad", 0) != 0;
  const Windows w = read_windows(c, c.shape(0), {});
  Variable<T> x = c.real(0);
  if (simple(w)) {
    const AvgPool2dOptions options{
        .stride = w.stride2d(), .padding = w.padding2d(), .ceil_mode = ceil_mode, .count_include_pad = count_pad};
    return one<T>(
        channels_first(avg_pool2d(channels_last(std::move(x), c.where), {w.kernel[0], w.kernel[1]}, options, c.where), c.where));
  }
  const auto places = all_places(x.shape(), w, ceil_mode, c.where);
  Variable<T> total = sum(unfold(std::move(x), places, 0, c.where), window_axes(w.rank()), {}, c.where);
  for (std::size_t k = 0; k < w.rank(); ++k) {  // the divisor is a product over the axes
    Shape shape(w.rank(), 1);
    shape[k] = places[k].windows;
    Array<T> counts = make_array<T>(shape, c.where);
    for (std::size_t i = 0; i < places[k].windows; ++i)
      counts.data()[i] = static_cast<T>(count_pad ? places[k].counted[i] : places[k].inside[i]);
    total = div(std::move(total), Variable<T>(std::move(counts)), c.where);
  }
  return one<T>(std::move(total));
}

template <class T>
Values<T> lp_pool(Call<T>& c) {
  const bool ceil_mode = c.integer("ceil_mode", 0) != 0;
  const auto p = static_cast<double>(c.integer("p", 2));
  const Windows w = read_windows(c, c.shape(0), {});
  Variable<T> x = c.real(0);
  const auto places = all_places(x.shape(), w, ceil_mode, c.where);
  return one<T>(norm(unfold(std::move(x), places, 0, c.where), window_axes(w.rank()), {.p = p}, c.where));
}

Axes all_but_two(std::size_t rank) {
  std::vector<std::ptrdiff_t> axes;
  for (std::size_t k = 2; k < rank; ++k) axes.push_back(static_cast<std::ptrdiff_t>(k));
  return Axes(std::move(axes));
}
template <class T>
Values<T> global_average(Call<T>& c) {
  const Axes axes = all_but_two(c.shape(0).size());
  return one<T>(mean(c.real(0), axes, {.keepdims = true}, c.where));
}
template <class T>
Values<T> global_max(Call<T>& c) {
  const Axes axes = all_but_two(c.shape(0).size());
  return one<T>(amax(c.real(0), axes, {.keepdims = true}, c.where));
}
template <class T>
Values<T> global_lp(Call<T>& c) {
  const Axes axes = all_but_two(c.shape(0).size());
  const auto p = static_cast<double>(c.integer("p", 2));
  return one<T>(norm(c.real(0), axes, {.p = p, .keepdims = true}, c.where));
}

}  // namespace

template <class T>
void add_pools(Table<T>& table) {
  table.insert({
      {"AveragePool", {average_pool<T>}},
      {"GlobalAveragePool", {global_average<T>}},
      {"GlobalLpPool", {global_lp<T>}},
      {"GlobalMaxPool", {global_max<T>}},
      {"LpPool", {lp_pool<T>}},
      {"MaxPool", {max_pool<T>}},
  });
}
template void add_pools<float>(Table<float>&);
template void add_pools<double>(Table<double>&);

}  // namespace xgrad::onnx
