// Convolutions. Images are turned to (n, h, w, c) and back around each.
#include <algorithm>

#include <xgrad/ops/linalg.hpp>

#include "windows.hpp"

namespace xgrad::onnx {

namespace {

template <class T>
std::vector<std::int64_t> kernel_of(Call<T>& c) {
  const Shape images = c.shape(0), weights = c.shape(1);
  if (weights.size() < 3 || weights.size() != images.size())
    c.refuse("the images have the shape " + to_string(images) + " and the weights " + to_string(weights) +
             "; they must have equally many axes, 3 or more");
  std::vector<std::int64_t> kernel;
  for (std::size_t k = 2; k < weights.size(); ++k) kernel.push_back(static_cast<std::int64_t>(weights[k]));
  return kernel;
}

/// One axis as a second one of length 1 in front.
template <class T>
Variable<T> with_height(const Variable<T>& x, Where at) {
  const Shape& s = x.shape();
  return reshape(x, Shape{s[0], s[1], 1, s[2]}, at);
}
template <class T>
Variable<T> without_height(const Variable<T>& x, Where at) {
  const Shape& s = x.shape();
  return reshape(x, Shape{s[0], s[1], s[3]}, at);
}
void add_height(Windows& w) {
  for (auto* list : {&w.kernel, &w.strides, &w.dilations}) list->insert(list->begin(), 1);
  for (auto* list : {&w.before, &w.after}) list->insert(list->begin(), 0);
}

/// In any number of axes: windows, and one matrix product for each group.
template <class T>
Variable<T> convolve_any(const Variable<T>& x, const Variable<T>& w, const Windows& windows, std::size_t groups, Where at) {
  std::vector<WindowPlaces> places;
  for (std::size_t k = 0; k < windows.rank(); ++k)
    places.push_back(window_places(static_cast<std::int64_t>(x.shape()[k + 2]), windows, k, false, at));
  const std::size_t n = x.shape()[0], rank = windows.rank(), outputs = w.shape()[0];
  Variable<T> unfolded = unfold(x, places, 0, at);
  std::vector<std::ptrdiff_t> order{0};
  Shape result{n};
  for (std::size_t k = 0; k < rank; ++k) {
    order.push_back(static_cast<std::ptrdiff_t>(2 * k + 2));
    result.push_back(places[k].windows);
  }
  order.push_back(1);
  for (std::size_t k = 0; k < rank; ++k) order.push_back(static_cast<std::ptrdiff_t>(2 * k + 3));
  const std::size_t rows = size_of(result), terms = size_of(w.shape(), 1, w.shape().size());
  const Variable<T> columns = reshape(permute(std::move(unfolded), std::move(order), at), Shape{rows, groups, terms}, at);
  const Variable<T> weights = reshape(w, Shape{groups, outputs / groups, terms}, at);
  // (groups, rows, terms) by (groups, terms, outputs)
  const Variable<T> product = matmul(permute(columns, {1, 0, 2}, at), weights, {.transpose_b = true}, at);
  result.push_back(outputs);
  return channels_first(reshape(permute(product, {1, 0, 2}, at), result, at), at);
}

template <class T>
Variable<T> with_bias(Call<T>& c, Variable<T> y) {
  if (!c.has(2)) return y;
  Shape shape(y.shape().size(), 1);
  shape[1] = y.shape()[1];
  return add(std::move(y), reshape(c.real(2), shape, c.where), c.where);
}

template <class T>
Values<T> conv(Call<T>& c) {
  const std::int64_t groups = c.integer("group", 1);
  Windows w = read_windows(c, c.shape(0), kernel_of(c));
  Variable<T> x = c.real(0), weights = c.real(1);
  if (groups < 1 || x.shape()[1] % static_cast<std::size_t>(groups) != 0 ||
      weights.shape()[0] % static_cast<std::size_t>(groups) != 0 ||
      x.shape()[1] / static_cast<std::size_t>(groups) != weights.shape()[1])
    c.refuse("the images have the shape " + to_string(x.shape()) + ", the weights " + to_string(weights.shape()) +
             " and there are " + std::to_string(groups) +
             " groups; the channels must be those of the weights times the groups, and the outputs a multiple of the groups");
  if (w.rank() > 2) return one<T>(with_bias(c, convolve_any(x, weights, w, static_cast<std::size_t>(groups), c.where)));
  const bool line = w.rank() == 1;
  if (line) {
    add_height(w);
    x = with_height(x, c.where);
    weights = with_height(weights, c.where);
  }
  const Conv2dOptions options{.stride = w.stride2d(), .padding = w.padding2d(), .dilation = w.dilation2d(), .groups = groups};
  Variable<T> bias = c.has(2) ? c.real(2) : Variable<T>();
  x = channels_last(std::move(x), c.where);
  weights = channels_last(std::move(weights), c.where);
  Variable<T> y = channels_first(conv2d(std::move(x), std::move(weights), std::move(bias), options, c.where), c.where);
  return one<T>(line ? without_height(y, c.where) : std::move(y));
}

template <class T>
Values<T> conv_transpose(Call<T>& c) {
  const std::int64_t groups = c.integer("group", 1);
  std::vector<std::int64_t> more = c.integers("output_padding"), wanted = c.integers("output_shape");
  const std::string way = c.text("auto_pad", "NOTSET");
  const Shape image = c.shape(0);
  if (wanted.size() == image.size() && image.size() > 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  Windows w = read_windows(c, image, kernel_of(c));
  if (w.rank() > 2)
    c.refuse("the images have " + std::to_string(w.rank()) +
             " axes besides batch and channels; of this operator they must be 1 or 2");
  if (more.empty()) more.assign(w.rank(), 0);
  for (std::size_t k = 0; k < more.size(); ++k)
    if (more[k] < 0 || more[k] > 1 << 30) c.refuse("output_padding has " + std::to_string(more[k]) + "; it must be at least 0");
  if (wanted.empty() && way.starts_with("SAME"))
    for (std::size_t k = 0; k < w.rank(); ++k) wanted.push_back(static_cast<std::int64_t>(image[k + 2]) * w.strides[k]);
  if (more.size() != w.rank() || (!wanted.empty() && wanted.size() != w.rank()))
    c.refuse("output_padding or output_shape have another number of axes than the images; it must be equal");
  for (std::size_t k = 0; k < w.rank() && !wanted.empty(); ++k) {  // the padding follows from the shape
    if (wanted[k] < 1 || wanted[k] > most_length)
      c.refuse("output_shape has " + std::to_string(wanted[k]) + "; it must be from 1 to 2^30");
    const std::int64_t full_length =
        (static_cast<std::int64_t>(image[k + 2]) - 1) * w.strides[k] + more[k] + (w.kernel[k] - 1) * w.dilations[k] + 1;
    const std::int64_t cut = full_length - wanted[k];
    if (cut < 0) {  // longer than anything reaches: zeros at the end
      w.before[k] = w.after[k] = 0;
      more[k] -= cut;
    } else {
      w.before[k] = way == "SAME_UPPER" ? cut / 2 : cut - cut / 2;
      w.after[k] = cut - w.before[k];
    }
  }
  Variable<T> x = c.real(0), weights = c.real(1);
  const bool line = w.rank() == 1;
  if (line) {
    add_height(w);
    more.insert(more.begin(), 0);
    x = with_height(x, c.where);
    weights = with_height(weights, c.where);
  }
  if (groups < 1 || weights.shape()[0] != x.shape()[1])
    c.refuse("the images have the shape " + to_string(x.shape()) + " and the weights " + to_string(weights.shape()) +
             "; their channels must be equal");
  for (std::size_t k = 0; k < 2; ++k)
    if (more[k] >= w.strides[k] && w.after[k] > 0)
      c.refuse("output_padding is " + std::to_string(more[k]) + "; beside padding it must be less than the stride");
  // Of the weights (c, o, kh, kw) here those of the library are (c, kh, kw, o). Rows that are longer than the library's own rule
  // allows are zeros, added behind.
  std::vector<PadWidth> behind(4);
  Extent2d output_padding{std::min(more[0], w.strides[0] - 1), std::min(more[1], w.strides[1] - 1)};
  behind[2].after = more[0] - output_padding.h;
  behind[3].after = more[1] - output_padding.w;
  const ConvTranspose2dOptions options{.stride = w.stride2d(),
                                       .padding = w.padding2d(),
                                       .output_padding = output_padding,
                                       .dilation = w.dilation2d(),
                                       .groups = groups};
  x = channels_last(std::move(x), c.where);
  weights = channels_last(std::move(weights), c.where);
  Variable<T> y = channels_first(conv_transpose2d(std::move(x), std::move(weights), options, c.where), c.where);
  if (behind[2].after > 0 || behind[3].after > 0) y = pad(y, behind, {}, c.where);
  if (line) y = without_height(y, c.where);
  return one<T>(with_bias(c, std::move(y)));
}

}  // namespace

template <class T>
void add_convolutions(Table<T>& table) {
  table.insert({
      {"Conv", {conv<T>}},
      {"ConvTranspose", {conv_transpose<T>}},
  });
}
template void add_convolutions<float>(Table<float>&);
template void add_convolutions<double>(Table<double>&);

}  // namespace xgrad::onnx
