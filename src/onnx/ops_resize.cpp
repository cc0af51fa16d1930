// Images at another size. Along each axis the result is a matrix times the input: whatever the way of interpolation, its gradient
// is the transpose's product. The nearest pixels are taken by index.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <xgrad/ops/linalg.hpp>

#include "call.hpp"

namespace xgrad::onnx {

namespace {

using Integer = std::int64_t;

struct ResizeWay {
  std::string mode, transformation, nearest;
  double cubic = -0.75, outside_value = 0;
  bool exclude_outside = false, antialias = false;
};

/// Where result i is in the input, by the formulas of ONNX's Resize.
double origin(const ResizeWay& way, std::size_t i, std::size_t length, std::size_t result, double scale, double first,
              double last) {
  const auto x = static_cast<double>(i), from = static_cast<double>(length), to = scale * from, whole = static_cast<double>(result);
  const std::string& t = way.transformation;
  if (t == "asymmetric") return x / scale;
  if (t == "align_corners") return whole == 1 ? 0 : x * (from - 1) / (to - 1);
  if (t == "tf_crop_and_resize") {
    const double at = whole == 1 ? (last - first) * (from - 1) / 2 : x * (last - first) * (from - 1) / (to - 1);
    return at + first * (from - 1);
  }
  if (t == "pytorch_half_pixel" && whole == 1) return -0.5;
  const double half = (x + 0.5) / scale - 0.5;
  return t == "half_pixel_symmetric" ? from / 2 * (1 - whole / to) + half : half;
}

double cubic_weight(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

/// Weights of the pixels from `first` on, relative to the one left of the place; `ratio`, from 0 exclusive to 1, is how far right
/// of it the place is.
struct Taps {
  Integer first;
  std::vector<double> weights;
};
Taps taps_of(const ResizeWay& way, double ratio, double scale) {
  const double reach = way.mode == "cubic" ? 2 : 1, shrink = way.antialias ? std::min(scale, 1.0) : 1;
  Taps taps{static_cast<Integer>(std::floor(-reach / shrink)) + 1, {}};
  const Integer count = 2 - 2 * taps.first;
  double total = 0;
  for (Integer k = 0; k < count; ++k) {
    const double x = (static_cast<double>(taps.first + k) - ratio) * shrink;
    taps.weights.push_back(way.mode == "cubic" ? cubic_weight(x, way.cubic) : std::clamp(1 - std::abs(x), 0.0, 1.0));
    total += taps.weights.back();
  }
  if (way.antialias)
    for (double& w : taps.weights) w /= total;
  return taps;
}

Integer nearest_pixel(const ResizeWay& way, double at) {
  const double below = std::floor(at), ratio = at - below;
  bool up = false;
  if (way.nearest == "round_prefer_floor") up = ratio > 0.5;
  if (way.nearest == "round_prefer_ceil") up = ratio >= 0.5;
  if (way.nearest == "ceil") up = ratio > 0;
  return static_cast<Integer>(below) + up;
}

template <class T>
Variable<T> along_axis(Variable<T> x, std::size_t axis, const ResizeWay& way, std::size_t result, double scale, double first,
                       double last, Where where) {
  const std::size_t length = x.shape()[axis];
  const auto edge = static_cast<Integer>(length) - 1;
  const bool crop = way.transformation == "tf_crop_and_resize";
  const auto beyond = [&](double at) { return crop && (at < 0 || at > static_cast<double>(edge)); };
  Shape one_axis(x.shape().size() - axis, 1);  // for what is added along it
  one_axis[0] = result;
  bool any_beyond = false;
  Mask outside = full<bool>(one_axis, false, where);
  for (std::size_t i = 0; i < result; ++i)
    if (beyond(origin(way, i, length, result, scale, first, last))) any_beyond = outside.data()[i] = true;
  if (way.mode == "nearest") {
    Labels index = make_array<Integer>(Shape{result}, where);
    for (std::size_t i = 0; i < result; ++i) {
      const double at = std::clamp(origin(way, i, length, result, scale, first, last), -1.0, static_cast<double>(length));
      index.data()[i] = std::clamp<Integer>(nearest_pixel(way, at), 0, edge);
    }
    x = index_select(std::move(x), static_cast<int>(axis), index, where);
  } else {
    Array<T> matrix = zeros<T>(Shape{result, length}, where);
    for (std::size_t i = 0; i < result; ++i) {
      if (outside.data()[i]) continue;
      const double at = origin(way, i, length, result, scale, first, last), left = std::ceil(at) - 1;
      Taps taps = taps_of(way, at - left, scale);
      double total = 0;
      for (std::size_t k = 0; k < taps.weights.size(); ++k) {
        const Integer pixel = static_cast<Integer>(left) + taps.first + static_cast<Integer>(k);
        if (way.exclude_outside && (pixel < 0 || pixel > edge)) taps.weights[k] = 0;
        total += taps.weights[k];
      }
      for (std::size_t k = 0; k < taps.weights.size(); ++k) {
        const Integer pixel = std::clamp<Integer>(static_cast<Integer>(left) + taps.first + static_cast<Integer>(k), 0, edge);
        matrix.data()[i * length + static_cast<std::size_t>(pixel)] +=
            static_cast<T>(taps.weights[k] / (way.exclude_outside ? total : 1));
      }
    }
    std::vector<std::ptrdiff_t> order;
    for (std::size_t k = 0; k < x.shape().size(); ++k) order.push_back(static_cast<std::ptrdiff_t>(k));
    std::swap(order[axis], order.back());
    x = matmul(permute(std::move(x), order, where), Variable<T>(std::move(matrix)), {.transpose_b = true}, where);
    x = permute(std::move(x), order, where);
  }
  if (any_beyond) x = xgrad::where(outside, scalar<T>(way.outside_value), std::move(x), where);
  return x;
}

/// Scales or sizes, one for each of `axes`, as sizes of the result and the scales to compute with.
template <class T>
Values<T> resized(Call<T>& c, const ResizeWay& way, const std::vector<Integer>& axes, std::vector<double> scales,
                  std::vector<Integer> sizes, const std::vector<double>& roi, const std::string& policy) {
  Variable<T> x = c.real(0);
  const Shape shape = x.shape();
  if ((way.mode != "nearest" && way.mode != "linear" && way.mode != "cubic") || (way.mode == "nearest" && way.antialias))
    c.refuse("mode is '" + way.mode + "'; it must be nearest, linear or cubic, and not nearest with antialias");
  if (scales.empty() == sizes.empty()) c.refuse("there must be either scales or sizes");
  if ((scales.empty() ? sizes.size() : scales.size()) != axes.size())
    c.refuse("scales or sizes are not as many as the axes; they must be");
  std::vector<std::size_t> which;
  for (const Integer axis : axes) which.push_back(static_cast<std::size_t>(c.axis(axis, shape.size())));
  if (sizes.empty()) {
    for (std::size_t k = 0; k < axes.size(); ++k) {
      const double size = std::floor(scales[k] * static_cast<double>(shape[which[k]]));
      if (!(scales[k] > 0) || !(size >= 1 && size < 1e9))
        c.refuse("a scale is " + std::to_string(scales[k]) + "; it must leave a pixel");
      sizes.push_back(static_cast<Integer>(size));
    }
  } else {
    for (std::size_t k = 0; k < axes.size(); ++k) {
      if (sizes[k] < 1 || sizes[k] > 1000000000 || shape[which[k]] == 0)
        c.refuse("a size is " + std::to_string(sizes[k]) + "; it must be at least 1, of images with pixels");
      scales.push_back(static_cast<double>(sizes[k]) / static_cast<double>(shape[which[k]]));
    }
    if (policy == "not_larger" || policy == "not_smaller") {
      const double scale = policy == "not_larger" ? *std::min_element(scales.begin(), scales.end())
                                                  : *std::max_element(scales.begin(), scales.end());
      for (std::size_t k = 0; k < axes.size(); ++k) {
        scales[k] = scale;
        const double size = std::floor(scale * static_cast<double>(shape[which[k]]) + 0.5);
        if (!(size < 1e9)) c.refuse("a size becomes " + std::to_string(size) + "; it must be below 10^9");
        sizes[k] = std::max<Integer>(static_cast<Integer>(size), 1);
      }
    } else if (policy != "stretch") {
      c.refuse("keep_aspect_ratio_policy is '" + policy + "'; it must be stretch, not_larger or not_smaller");
    }
  }
  if (x.size() == 0) {  // its axes may be of any length
    Shape to = shape;
    for (std::size_t k = 0; k < axes.size(); ++k) to[which[k]] = static_cast<std::size_t>(sizes[k]);
    return one<T>(reshape(std::move(x), to, c.where));
  }
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const double first = roi.empty() ? 0 : roi[k], last = roi.empty() ? 1 : roi[axes.size() + k];
    const bool same =
        static_cast<std::size_t>(sizes[k]) == shape[which[k]] && scales[k] == 1 && way.transformation != "tf_crop_and_resize";
    if (!same) x = along_axis(std::move(x), which[k], way, static_cast<std::size_t>(sizes[k]), scales[k], first, last, c.where);
  }
  return one<T>(std::move(x));
}

std::vector<Integer> all_axes(std::size_t rank) {
  std::vector<Integer> axes(rank);
  std::iota(axes.begin(), axes.end(), Integer{0});
  return axes;
}
template <class T>
std::vector<double> reals(Call<T>& c, std::size_t input) {
  const Variable<T> values = c.real(input);
  if (values.requires_grad()) c.refuse("input " + std::to_string(input) + " needs a gradient; it must be a constant");
  return {values.value().data(), values.value().data() + values.size()};
}

template <class T>
Values<T> resize(Call<T>& c) {
  ResizeWay way;
  way.mode = c.text("mode", "nearest");
  const std::size_t rank = c.shape(0).size();
  if (c.opset() < 11) {
    way.transformation = "asymmetric";
    way.nearest = "floor";
    return resized(c, way, all_axes(rank), reals(c, 1), {}, {}, "stretch");
  }
  way.transformation = c.text("coordinate_transformation_mode", "half_pixel");
  way.nearest = c.text("nearest_mode", "round_prefer_floor");
  way.cubic = c.number("cubic_coeff_a", -0.75);
  way.outside_value = c.number("extrapolation_value", 0);
  way.exclude_outside = c.integer("exclude_outside", 0) != 0;
  way.antialias = c.integer("antialias", 0) != 0;
  for (const char* known :
       {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize", ""}) {
    if (way.transformation == known) break;
    if (!*known)
      c.refuse("coordinate_transformation_mode is '" + way.transformation +
               "'; it must be half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric or "
               "tf_crop_and_resize");
  }
  for (const char* known : {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", ""}) {
    if (way.nearest == known) break;
    if (!*known) c.refuse("nearest_mode is '" + way.nearest + "'; it must be round_prefer_floor, round_prefer_ceil, floor or ceil");
  }
  std::vector<Integer> axes = c.integers("axes");
  const std::string policy = c.text("keep_aspect_ratio_policy", "stretch");
  if (axes.empty()) axes = all_axes(rank);
  std::vector<double> roi, scales;
  std::vector<Integer> sizes;
  if (c.has(1) && way.transformation == "tf_crop_and_resize") roi = reals(c, 1);
  if (c.has(2)) scales = reals(c, 2);
  if (c.has(3)) sizes = c.list(3);
  if (way.transformation == "tf_crop_and_resize" && roi.size() != 2 * axes.size())
    c.refuse("roi has " + std::to_string(roi.size()) + " numbers; there must be two for each axis");
  for (const double edge : roi)
    if (!(std::abs(edge) <= 1e6)) c.refuse("roi has " + std::to_string(edge) + "; it must be from -10^6 to 10^6");
  return resized(c, way, axes, std::move(scales), std::move(sizes), roi, policy);
}
template <class T>
Values<T> upsample(Call<T>& c) {
  ResizeWay way;
  way.mode = c.text("mode", "nearest");
  way.transformation = "asymmetric";
  way.nearest = "floor";
  const std::span<const float> given = c.numbers("scales");
  std::vector<double> scales(given.begin(), given.end());
  if (scales.empty()) scales = reals(c, 1);
  return resized(c, way, all_axes(c.shape(0).size()), std::move(scales), {}, {}, "stretch");
}

}  // namespace

template <class T>
void add_resize(Table<T>& table) {
  table.insert({
      {"Resize", {resize<T>, 0b1110}},
      {"Upsample", {upsample<T>, 0b10}},
  });
}
template void add_resize<float>(Table<float>&);
template void add_resize<double>(Table<double>&);

}  // namespace xgrad::onnx
