// Shapes, and where elements stand.
#include <algorithm>
#include <limits>
#include <numeric>

#include "call.hpp"

namespace xgrad::onnx {

namespace {

using Integer = std::int64_t;

Shape lengths_of(const std::vector<Integer>& list, Where at) {
  Shape shape;
  for (const Integer n : list) {
    if (n < 0) throw ShapeError(at, "onnx", "a shape has the length " + std::to_string(n) + "; it must be at least 0");
    shape.push_back(static_cast<std::size_t>(n));
  }
  return shape;
}

template <class T>
Value<T> reshaped(const Call<T>& c, Value<T> x, const Shape& shape) {
  return rearrange_one<T>(c, std::move(x), [&](auto v) { return xgrad::reshape(std::move(v), shape, c.where); });
}

template <class T>
Values<T> reshape_to(Call<T>& c) {
  const bool zero_is_zero = c.integer("allowzero", 0) != 0;
  const std::vector<Integer> list = c.opset() < 5 ? c.integers("shape") : c.list(1);
  const Shape from = c.shape(0);
  Shape to;
  std::size_t rest = list.size();
  for (std::size_t k = 0; k < list.size(); ++k) {
    if (list[k] == 0 && !zero_is_zero) {
      if (k >= from.size())
        c.refuse("the shape has a 0 for axis " + std::to_string(k) + ", which the input lacks; it must be a length");
      to.push_back(from[k]);
    } else if (list[k] == -1) {
      if (rest != list.size()) c.refuse("the shape has two lengths of -1; there must be at most one");
      rest = k;
      to.push_back(1);
    } else {
      if (list[k] < 0) c.refuse("the shape has the length " + std::to_string(list[k]) + "; it must be at least -1");
      to.push_back(static_cast<std::size_t>(list[k]));
    }
  }
  if (rest != list.size()) {
    const std::size_t known = size_of(to), all = size_of(from);
    if (known == 0 || all % known != 0) c.refuse(to_string(from) + " does not divide evenly into the shape with -1; it must");
    to[rest] = all / known;
  }
  return one<T>(reshaped(c, c.take(0), to));
}

template <class T>
Values<T> flatten_to(Call<T>& c) {
  const Shape shape = c.shape(0);
  const auto rank = static_cast<Integer>(shape.size());
  Integer axis = c.integer("axis", 1);
  if (axis < -rank || axis > rank)
    c.refuse("axis is " + std::to_string(axis) + "; it must be an axis of " + to_string(shape) + " or its end");
  if (axis < 0) axis += rank;
  const auto a = static_cast<std::size_t>(axis);
  return one<T>(reshaped(c, c.take(0), Shape{size_of(shape, 0, a), size_of(shape, a, shape.size())}));
}

template <class T>
Values<T> transposed(Call<T>& c) {
  std::vector<Integer> perm = c.integers("perm");
  const std::size_t rank = c.shape(0).size();
  if (perm.empty())
    for (std::size_t k = rank; k-- > 0;) perm.push_back(static_cast<Integer>(k));
  return one<T>(rearrange_one<T>(c, c.take(0), [&](auto v) { return permute(std::move(v), places(perm), c.where); }));
}

/// Axes as an attribute (before opset 13) or as an input.
template <class T>
std::vector<Integer> axes_of(Call<T>& c, std::size_t input) {
  std::vector<Integer> axes = c.integers("axes");
  if (c.has(input)) axes = c.list(input);
  return axes;
}

template <class T>
Values<T> squeezed(Call<T>& c) {
  const std::vector<Integer> axes = axes_of(c, 1);
  const Axes which = axes.empty() ? Axes() : Axes(places(axes));
  return one<T>(rearrange_one<T>(c, c.take(0), [&](auto v) { return squeeze(std::move(v), which, c.where); }));
}
template <class T>
Values<T> unsqueezed(Call<T>& c) {
  const std::vector<Integer> axes = axes_of(c, 1);
  const Shape from = c.shape(0);
  const std::vector<bool> fresh = Axes(places(axes)).flags(from.size() + axes.size());
  Shape to;
  std::size_t next = 0;
  for (const bool is_new : fresh) to.push_back(is_new ? 1 : from[next++]);
  return one<T>(reshaped(c, c.take(0), to));
}

template <class T>
Values<T> concatenated(Call<T>& c) {
  const int axis = c.axis(c.integer("axis", 0), c.shape(0).size());
  Values<T> all;
  for (std::size_t k = 0; k < c.inputs(); ++k) all.push_back(c.take(k));
  return one<T>(rearrange(c, std::move(all), [&](auto x) { return concat(std::move(x), axis, c.where); }));
}

template <class T>
Values<T> parts(Call<T>& c) {
  const Shape shape = c.shape(0);
  const int axis = c.axis(c.integer("axis", 0), shape.size());
  const auto length = static_cast<Integer>(shape[static_cast<std::size_t>(axis)]);
  std::vector<Integer> lengths = c.integers("split");
  if (c.has(1)) lengths = c.list(1);
  const Integer wanted = c.integer("num_outputs", static_cast<Integer>(c.outputs()));
  if (lengths.empty()) {
    if (c.outputs() == 0) c.refuse("the node has no outputs; it must have one at least");
    if (wanted < 1 || wanted != static_cast<Integer>(c.outputs()))
      c.refuse("num_outputs is " + std::to_string(wanted) + "; it must be " + std::to_string(c.outputs()) +
               ", the number of outputs");
    const Integer each = (length + wanted - 1) / wanted;
    if (length % wanted != 0 && !c.given("num_outputs"))
      c.refuse("an axis of length " + std::to_string(length) + " is split into " + std::to_string(wanted) +
               " equal parts; it must divide");
    for (Integer k = 0; k < wanted; ++k) lengths.push_back(std::clamp<Integer>(length - k * each, 0, each));
  }
  Integer sum = 0;
  for (const Integer n : lengths)
    if (n < 0 || n > length || (sum += n) > length)
      c.refuse("the parts are longer than the axis; they must add up to " + std::to_string(length));
  if (sum != length) c.refuse("the parts add up to " + std::to_string(sum) + "; they must add up to " + std::to_string(length));
  const Value<T> x = c.take(0);
  Values<T> result;
  Integer start = 0;
  for (const Integer n : lengths) {
    result.push_back(
        rearrange_one<T>(c, x, [&](auto v) { return slice(std::move(v), axis, {.start = start, .stop = start + n}, c.where); }));
    start += n;
  }
  return result;
}

template <class T>
Values<T> sliced(Call<T>& c) {
  const bool old = c.given("starts");
  const std::vector<Integer> starts = old ? c.integers("starts") : c.list(1), ends = old ? c.integers("ends") : c.list(2);
  std::vector<Integer> axes = axes_of(c, 3), steps = c.has(4) ? c.list(4) : std::vector<Integer>(starts.size(), 1);
  if (axes.empty() && !starts.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), Integer{0});
  }
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    c.refuse("starts, ends, axes and steps have different lengths; these must be equal");
  const Shape shape = c.shape(0);
  std::vector<Slice> slices(shape.size());
  for (std::size_t k = 0; k < starts.size(); ++k) {
    const auto axis = static_cast<std::size_t>(c.axis(axes[k], shape.size()));
    const auto length = static_cast<Integer>(shape[axis]);
    Slice& part = slices[axis];
    part.step = steps[k];
    part.start = starts[k];
    // below the first element, which only a backward slice can reach, is no number to ONNX and "no end" to us
    const Integer end = ends[k];
    if (steps[k] < 0 && end < -length)
      part.stop = std::nullopt;
    else
      part.stop = end;
  }
  return one<T>(rearrange_one<T>(c, c.take(0), [&](auto v) { return slice(std::move(v), slices, c.where); }));
}

template <class T>
Values<T> expanded(Call<T>& c) {
  const Shape shape = broadcast_shapes(c.shape(0), lengths_of(c.list(1), c.where));
  return one<T>(rearrange_one<T>(c, c.take(0), [&](auto v) { return broadcast_to(std::move(v), shape, c.where); }));
}
template <class T>
Values<T> tiled(Call<T>& c) {
  const std::vector<Integer> repeats = c.list(1);
  if (repeats.size() != c.shape(0).size())
    c.refuse("there are " + std::to_string(repeats.size()) + " repeats; there must be one for each axis");
  return one<T>(rearrange_one<T>(c, c.take(0), [&](auto v) { return tile(std::move(v), places(repeats), c.where); }));
}

/// The elements of `inner` are where a padded array has those of what was padded.
Mask padding_mask(const Shape& inner, const std::vector<PadWidth>& widths, Where at) {
  const Variable<double> zero(zeros<double>(inner, at));
  const Variable<double> padded = pad(zero, widths, {.value = 1}, at);
  return map<bool>(padded.value(), [](double x) { return x != 0; });
}

template <class T>
Values<T> padded(Call<T>& c) {
  const std::string mode = c.text("mode", "constant");
  const std::vector<Integer> pads = c.given("pads") ? c.integers("pads") : c.list(1);
  const double old_value = c.number("value", 0);
  const bool filled = c.has(2);
  const Shape shape = c.shape(0);
  std::vector<Integer> axes;
  if (c.has(3)) {
    axes = c.list(3);
  } else {
    axes.resize(shape.size());
    std::iota(axes.begin(), axes.end(), Integer{0});
  }
  if (pads.size() != 2 * axes.size())
    c.refuse("there are " + std::to_string(pads.size()) + " pads; there must be two for each axis");
  std::vector<PadWidth> widths(shape.size());
  std::vector<Slice> cuts(shape.size());
  bool cut = false;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const auto axis = static_cast<std::size_t>(c.axis(axes[k], shape.size()));
    const Integer before = pads[k], after = pads[axes.size() + k];
    widths[axis] = {std::max<Integer>(before, 0), std::max<Integer>(after, 0)};
    if (before < 0)
      cuts[axis].start = before == std::numeric_limits<Integer>::min() ? std::numeric_limits<Integer>::max() : -before;
    if (after < 0) cuts[axis].stop = after;
    cut |= before < 0 || after < 0;
  }
  Value<T> x = c.take(0);
  if (cut) x = rearrange_one<T>(c, std::move(x), [&](auto v) { return slice(std::move(v), cuts, c.where); });
  if (mode == "edge" || mode == "reflect") {
    const PadOptions options{.mode = mode == "edge" ? PadMode::edge : PadMode::reflect};
    return one<T>(rearrange_one<T>(c, std::move(x), [&](auto v) { return pad(v, widths, options, c.where); }));
  }
  if (mode != "constant") c.refuse("mode is '" + mode + "'; it must be constant, edge or reflect");
  if (x.index() == 0 && !filled) return one<T>(pad(std::get<0>(x), widths, {.value = old_value}, c.where));
  const Mask outside = padding_mask(shape_of<T>(x), widths, c.where);
  Values<T> both;
  Value<T> fill = filled ? c.take(2) : zero_like<T>(x);
  if (size_of(shape_of<T>(fill)) != 1)
    c.refuse("the value to pad with has the shape " + to_string(shape_of<T>(fill)) + "; it must be one number");
  both.push_back(std::move(x));
  both.push_back(std::move(fill));
  return one<T>(rearrange(c, std::move(both), [&](auto v) {
    auto number = xgrad::reshape(std::move(v[1]), Shape{}, c.where);
    return xgrad::where(outside, std::move(number), pad(v[0], widths, {}, c.where), c.where);
  }));
}

template <class T>
Values<T> depth_to_space(Call<T>& c) {
  const std::string mode = c.text("mode", "DCR");
  const Integer block = c.integer("blocksize", 0);
  const Shape s = c.shape(0);
  if (mode != "DCR" && mode != "CRD") c.refuse("mode is '" + mode + "'; it must be DCR or CRD");
  if (s.size() != 4) c.refuse("the input has the shape " + to_string(s) + "; it must have 4 axes");
  const auto b = static_cast<std::size_t>(block);
  if (block < 1 || block > 65535 || s[1] % (b * b) != 0)
    c.refuse("blocksize is " + std::to_string(block) + "; its square must divide the channels");
  const std::size_t d = s[1] / (b * b);
  const bool dcr = mode == "DCR";
  const Shape six = dcr ? Shape{s[0], b, b, d, s[2], s[3]} : Shape{s[0], d, b, b, s[2], s[3]};
  const std::vector<std::ptrdiff_t> order =
      dcr ? std::vector<std::ptrdiff_t>{0, 3, 4, 1, 5, 2} : std::vector<std::ptrdiff_t>{0, 1, 4, 2, 5, 3};
  const Shape four{s[0], d, s[2] * b, s[3] * b};
  return one<T>(rearrange_one<T>(c, c.take(0), [&](auto v) {
    return xgrad::reshape(permute(xgrad::reshape(std::move(v), six, c.where), order, c.where), four, c.where);
  }));
}
template <class T>
Values<T> space_to_depth(Call<T>& c) {
  const Integer block = c.integer("blocksize", 0);
  const Shape s = c.shape(0);
  if (s.size() != 4) c.refuse("the input has the shape " + to_string(s) + "; it must have 4 axes");
  const auto b = static_cast<std::size_t>(block);
  if (block < 1 || block > 65535 || s[2] % b != 0 || s[3] % b != 0)
    c.refuse("blocksize is " + std::to_string(block) + "; it must divide height and width");
  const Shape six{s[0], s[1], s[2] / b, b, s[3] / b, b}, four{s[0], s[1] * b * b, s[2] / b, s[3] / b};
  return one<T>(rearrange_one<T>(c, c.take(0), [&](auto v) {
    return xgrad::reshape(permute(xgrad::reshape(std::move(v), six, c.where), {0, 3, 5, 1, 2, 4}, c.where), four, c.where);
  }));
}

template <class T>
Values<T> identity(Call<T>& c) {
  return one<T>(c.take(0));
}

template <class T>
Values<T> triangle(Call<T>& c) {
  const bool upper = c.integer("upper", 1) != 0;
  const Integer k = c.has(1) ? c.integer_input(1) : 0;
  const Shape shape = c.shape(0);
  if (shape.size() < 2) c.refuse("the input has the shape " + to_string(shape) + "; it must have 2 axes or more");
  if (size_of(shape) == 0) return one<T>(c.take(0));  // an axis may be of any length then
  const std::size_t rows = shape[shape.size() - 2], columns = shape[shape.size() - 1];
  Mask kept = make_array<bool>(Shape{rows, columns}, c.where);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) {
      const Integer diagonal = static_cast<Integer>(j) - static_cast<Integer>(i);
      kept.data()[i * columns + j] = upper ? diagonal >= k : diagonal <= k;
    }
  Values<T> both;
  both.push_back(c.take(0));
  both.push_back(zero_like<T>(both[0]));
  return one<T>(
      rearrange(c, std::move(both), [&](auto v) { return xgrad::where(kept, std::move(v[0]), std::move(v[1]), c.where); }));
}

}  // namespace

template <class T>
void add_shapes(Table<T>& table) {
  table.insert({
      {"Concat", {concatenated<T>}},
      {"DepthToSpace", {depth_to_space<T>}},
      {"Expand", {expanded<T>}},
      {"Flatten", {flatten_to<T>}},
      {"Identity", {identity<T>}},
      {"Pad", {padded<T>, 0b100}},
      {"Reshape", {reshape_to<T>}},
      {"Slice", {sliced<T>}},
      {"SpaceToDepth", {space_to_depth<T>}},
      {"Split", {parts<T>}},
      {"Squeeze", {squeezed<T>}},
      {"Tile", {tiled<T>}},
      {"Transpose", {transposed<T>}},
      {"Trilu", {triangle<T>}},
      {"Unsqueeze", {unsqueezed<T>}},
  });
}
template void add_shapes<float>(Table<float>&);
template void add_shapes<double>(Table<double>&);

}  // namespace xgrad::onnx
