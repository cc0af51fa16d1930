#pragma once
/// What convolutions and pools say of their windows.
#include <algorithm>

#include <xgrad/ops/conv.hpp>

#include "call.hpp"

namespace xgrad::onnx {

/// Of images, kernels and all numbers that say how windows lie: products of two of them, and a few such added up, are integers
/// still.
inline constexpr std::int64_t most_length = std::int64_t{1} << 30;

/// Along each axis but the first two.
struct Windows {
  std::vector<std::int64_t> kernel, strides, dilations, before, after;
  std::size_t rank() const noexcept { return kernel.size(); }
  Extent2d stride2d() const { return {strides[0], strides[1]}; }
  Extent2d dilation2d() const { return {dilations[0], dilations[1]}; }
  Padding2d padding2d() const { return {before[0], after[0], before[1], after[1]}; }
};

/// Reads them from the attributes; auto_pad becomes padding. `kernel` is that of the weights, empty where there are none.
template <class T>
Windows read_windows(Call<T>& c, const Shape& image, std::vector<std::int64_t> kernel) {
  Windows w;
  if (image.size() < 3) c.refuse("the images have the shape " + to_string(image) + "; it must be (n, c, …)");
  const std::size_t rank = image.size() - 2;
  for (std::size_t k = 2; k < image.size(); ++k)
    if (image[k] > static_cast<std::size_t>(most_length))
      c.refuse("the images have the shape " + to_string(image) + "; an axis must be no longer than 2^30");
  const auto check = [&](std::string_view name, const std::vector<std::int64_t>& values) {
    for (const std::int64_t n : values)
      if (n < 1 || n > most_length) c.refuse(std::string(name) + " has " + std::to_string(n) + "; it must be from 1 to 2^30");
  };
  const auto list = [&](std::string_view name, std::int64_t otherwise) {
    std::vector<std::int64_t> values = c.integers(name);
    if (values.empty()) values.assign(rank, otherwise);
    if (values.size() != rank)
      c.refuse(std::string(name) + " has " + std::to_string(values.size()) + " numbers; there must be one for each of " +
               std::to_string(rank) + " axes");
    check(name, values);
    return values;
  };
  w.kernel = list("kernel_shape", 1);
  if (!kernel.empty()) {
    if (c.given("kernel_shape") && w.kernel != kernel) c.refuse("kernel_shape is not that of the weights; they must be equal");
    check("the weights' kernel", kernel);
    w.kernel = std::move(kernel);
  } else if (!c.given("kernel_shape")) {
    c.refuse("kernel_shape is missing; the node must have it");
  }
  w.strides = list("strides", 1);
  w.dilations = list("dilations", 1);
  const std::string way = c.text("auto_pad", "NOTSET");
  const std::vector<std::int64_t> pads = c.integers("pads");
  w.before.assign(rank, 0);
  w.after.assign(rank, 0);
  if (way == "NOTSET") {
    if (!pads.empty() && pads.size() != 2 * rank)
      c.refuse("there are " + std::to_string(pads.size()) + " pads; there must be two for each axis");
    for (std::size_t k = 0; k < rank && !pads.empty(); ++k) {
      w.before[k] = pads[k];
      w.after[k] = pads[rank + k];
      if (pads[k] < 0 || pads[rank + k] < 0 || pads[k] > most_length || pads[rank + k] > most_length)
        c.refuse("pads have a negative or an enormous number; they must be from 0 to 2^30");
    }
  } else if (way == "SAME_UPPER" || way == "SAME_LOWER") {
    for (std::size_t k = 0; k < rank; ++k) {
      const auto length = static_cast<std::int64_t>(image[k + 2]);
      const std::int64_t windows = (length + w.strides[k] - 1) / w.strides[k];
      const std::int64_t all =
          std::max<std::int64_t>((windows - 1) * w.strides[k] + (w.kernel[k] - 1) * w.dilations[k] + 1 - length, 0);
      w.before[k] = way == "SAME_LOWER" ? (all + 1) / 2 : all / 2;
      w.after[k] = all - w.before[k];
    }
  } else if (way != "VALID") {
    c.refuse("auto_pad is '" + way + "'; it must be NOTSET, SAME_UPPER, SAME_LOWER or VALID");
  }
  return w;
}

/// (n, c, h, w) to (n, h, w, c), and back.
template <class T>
Variable<T> channels_last(Variable<T> x, Where at) {
  std::vector<std::ptrdiff_t> order{0};
  const auto rank = static_cast<std::ptrdiff_t>(x.shape().size());
  for (std::ptrdiff_t k = 2; k < rank; ++k) order.push_back(k);
  order.push_back(1);
  return permute(std::move(x), std::move(order), at);
}
template <class T>
Variable<T> channels_first(Variable<T> x, Where at) {
  const auto rank = static_cast<std::ptrdiff_t>(x.shape().size());
  std::vector<std::ptrdiff_t> order{0, rank - 1};
  for (std::ptrdiff_t k = 1; k < rank - 1; ++k) order.push_back(k);
  return permute(std::move(x), std::move(order), at);
}

/// Along one axis: which element each place of each window is, and whether it is padding.
struct WindowPlaces {
  std::size_t windows = 0, size = 0;
  Labels index;  ///< (windows · size), into the axis with `before` and `after` more at its ends, as far as windows reach
  std::int64_t before = 0, after = 0;
  std::vector<std::int64_t> inside, counted;  ///< of each window: places in the image; … and in the padding that the file asks for
};
WindowPlaces window_places(std::int64_t length, const Windows& w, std::size_t axis, bool ceil_mode, Where at);

/// Images (n, c, …) as windows (n, c, o1, k1, o2, k2, …), with `fill` where there is padding.
template <class T>
Variable<T> unfold(Variable<T> x, const std::vector<WindowPlaces>& places, double fill, Where at);

}  // namespace xgrad::onnx
