#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>

#include "../core/unravel.hpp"
#include "export.hpp"

// Views: a part of an array, at even distances, and what else moves elements. The option says where it begins and how far its
// elements are apart in memory.
namespace xgrad::onnx {
namespace {

constexpr std::int64_t far = std::numeric_limits<std::int64_t>::max();

/// Where along its axes an element of an array is.
Ints places_of(std::int64_t offset, const Shape& shape) {
  Ints places(shape.size());
  for (std::size_t k = shape.size(); k-- > 0;) {
    if (shape[k] == 0) throw Refused{"it is of nothing"};
    places[k] = offset % whole(shape[k]);
    offset /= whole(shape[k]);
  }
  return places;
}
Ints strides_of(const Shape& shape) {
  Ints strides(shape.size(), 1);
  for (std::size_t k = shape.size(); k-- > 1;) strides[k - 1] = strides[k] * whole(shape[k]);
  return strides;
}

/// Whether the runs agree on a number, those that know it, and which it is. (No std::optional: g++ 12 takes it for uninitialised.)
struct Agreement {
  bool holds = true, known = false;
  std::int64_t value = 0;
};
template <class F>
Agreement agreement(const F& of_run) {
  Agreement result;
  for (std::size_t run = 0; run < Exporter::runs; ++run) {
    const std::optional<std::int64_t> here = of_run(run);
    if (!here) continue;
    if (result.known && result.value != *here) return {.holds = false};
    result.known = true;
    result.value = *here;
  }
  return result;
}
template <class F>
Agreement agreed(const F& of_run, const char* why) {
  const Agreement result = agreement(of_run);
  if (!result.holds) throw Refused{why};
  return result;
}

/// How an operation cuts in a run.
struct Reading {
  Ints own, strides;  ///< of the whole array and of the part
  Ints starts;
};
/// `value` is the whole array.
std::array<Reading, Exporter::runs> readings(const Exporter& e, std::size_t value) {
  std::array<Reading, Exporter::runs> result;
  for (std::size_t run = 0; run < Exporter::runs; ++run) {
    const Shape& shape = e.shape(value, run);
    result[run] = {strides_of(shape), integers_of(e.op(run), "view.strides"),
                   places_of(integer_of(e.op(run), "view.offset"), shape)};
  }
  return result;
}

/// A place along an axis, counted from the end where that alone is the same in all runs. Nothing where a run takes no element.
template <class F>
std::int64_t place_of(const Exporter& e, std::size_t value, std::size_t axis, const F& place) {
  const auto from_end = [&](std::size_t run) {
    std::optional<std::int64_t> result = place(run);
    if (result) *result -= whole(e.shape(value, run)[axis]);
    return result;
  };
  Agreement result = agreement(place);
  if (!result.holds) result = agreed(from_end, "where it begins depends on the number of samples");
  return result.value;
}

void write_slice(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output, rank = e.shape(x).size();
  const auto runs = readings(e, x);
  if (e.shape(y).size() != rank) throw Refused{"it has not the axes of what it reads"};
  const Order order = e.order_for(y);
  Ints starts, ends, axes, steps;
  for (std::size_t k = 0; k < rank; ++k) {
    const auto length = [&](std::size_t run) { return whole(e.shape(y, run)[k]); };
    const auto there = [&](std::size_t run) { return whole(e.shape(x, run)[k]); };
    const auto all = [&](const auto& good) { return good(0) && good(1) && good(2); };
    // of one element the step is not known
    const Agreement found = agreed(
        [&](std::size_t run) {
          const std::int64_t own = runs[run].own[k], stride = runs[run].strides[k];
          if (length(run) != 1 && (stride == 0 || stride % own != 0)) throw Refused{"it is not along the axes"};
          return length(run) == 1 ? std::optional<std::int64_t>() : stride / own;
        },
        "its step depends on the number of samples");
    const std::int64_t step = found.known ? found.value : 1;
    if (step == 1 && all([&](std::size_t run) { return length(run) == there(run); })) continue;
    const auto start_in = [&](std::size_t run) { return runs[run].starts[k]; };
    const std::int64_t start =
        place_of(e, x, k, [&](std::size_t run) { return length(run) == 0 ? std::optional<std::int64_t>() : start_in(run); });
    // one step behind the last, and whether that is behind the end
    const auto end_in = [&](std::size_t run) { return start_in(run) + step * length(run); };
    const bool same = all([&](std::size_t run) { return length(run) == length(0); });
    const bool to_the_end = !(same && length(0) == 0) && all([&](std::size_t run) {
      return length(run) == 0 || (step > 0 ? end_in(run) >= there(run) : end_in(run) < 0);
    });
    const std::int64_t end = start + step * length(0);
    if (!to_the_end && (!same || start < 0 || end < 0)) throw Refused{"where it ends depends on the number of samples"};
    starts.push_back(start);
    ends.push_back(!to_the_end ? end : step > 0 ? far : -far);
    axes.push_back(whole(placed(k, order)));
    steps.push_back(step);
  }
  std::string name = e.get(x, order);
  if (!axes.empty()) name = e.node("Slice", {name, e.integers(starts), e.integers(ends), e.integers(axes), e.integers(steps)});
  e.set_output(std::move(name), order);
}

/// One index of an axis, which is gone then.
void write_select(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output, rank = e.shape(x).size();
  const auto runs = readings(e, x);
  if (e.shape(y).size() + 1 != rank) throw Refused{"it has not one axis less than what it reads"};
  const auto fits = [&](std::size_t run, std::size_t axis) {
    const Shape &from = e.shape(x, run), &to = e.shape(y, run);
    for (std::size_t k = 0; k < to.size(); ++k) {
      const std::size_t here = k < axis ? k : k + 1;
      if (to[k] != from[here] || (to[k] != 1 && runs[run].strides[k] != runs[run].own[here]) || runs[run].starts[here] != 0)
        return false;
    }
    return true;
  };
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (!fits(0, axis) || !fits(1, axis) || !fits(2, axis)) continue;
    const std::int64_t place = place_of(e, x, axis, [&](std::size_t run) { return std::optional(runs[run].starts[axis]); });
    return e.set_output(e.node("Gather", {e.get(x), e.index(place)}, {{"axis", whole(axis)}}));
  }
  throw Refused{"it is not along the axes"};
}

void write_pad(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output, rank = e.shape(y).size();
  const auto runs = readings(e, y);
  for (std::size_t run = 0; run < Exporter::runs; ++run)
    if (runs[run].strides != runs[run].own || e.shape(x, run).size() != rank) throw Refused{"it is not along the axes"};
  const Order order = e.order_for(y);
  Ints pads(2 * rank);
  for (std::size_t k = 0; k < rank; ++k) {
    const auto before = [&](std::size_t run) { return std::optional(runs[run].starts[k]); };
    const auto both = [&](std::size_t run) { return std::optional(whole(e.shape(y, run)[k]) - whole(e.shape(x, run)[k])); };
    const char* why = "how much it pads depends on the number of samples";
    const std::int64_t first = agreed(before, why).value;
    pads[placed(k, order)] = first;
    pads[rank + placed(k, order)] = agreed(both, why).value - first;
  }
  e.set_output(e.node("Pad", {e.get(x, order), e.integers(pads), e.scalar(number_of(e, "background"))}), order);
}

/// A vector on a diagonal of zeros: each place takes an element, or the 0 behind the last.
void write_diagonal_matrix(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output;
  if (e.shape(x) != e.other_shape(x)) throw Refused{"its size depends on the number of samples"};
  const std::int64_t offset = integer_of(e, "view.offset"), stride = integers_of(e, "view.strides")[0];
  Ints places(size_of(e.shape(y)), whole(e.shape(x)[0]));
  for (std::size_t k = 0; k < e.shape(x)[0]; ++k) places[static_cast<std::size_t>(offset + whole(k) * stride)] = whole(k);
  const std::string source = e.node("Concat", {e.get(x), e.tensor("zero", Shape{1}, {0})}, {{"axis", std::int64_t{0}}});
  e.set_output(e.node("Gather", {source, e.index_tensor("places", places, Ints(e.shape(y).begin(), e.shape(y).end()))}));
}

/// A view that is not along the axes, such as a diagonal: elements by their numbers, in the flat array or in that of each sample.
void write_view(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output;
  if (e.op().inputs.size() == 1 && find(e.op().attributes, "background")) return write_diagonal_matrix(e);
  const auto runs = readings(e, x);
  const std::size_t first = e.shape(x) != e.other_shape(x) ? 1 : 0;
  const auto numbers = [&](std::size_t run) {
    const Shape& shape = e.shape(y, run);
    const Ints& strides = runs[run].strides;
    if (first == 1 &&
        (shape.empty() || shape[0] != e.shape(x, run)[0] || strides[0] != runs[run].own[0] || runs[run].starts[0] != 0))
      throw Refused{"it is not along the axes"};
    Ints result(size_of(shape, first, shape.size()), integer_of(e.op(run), "view.offset"));
    for (std::size_t k = 0; k < result.size(); ++k) {
      const Shape index = unravel_index(k, shape);  // of the first sample
      for (std::size_t axis = first; axis < shape.size(); ++axis) result[k] += whole(index[axis]) * strides[axis];
    }
    return result;
  };
  const Ints places = numbers(0);
  if (numbers(1) != places || numbers(2) != places) throw Refused{"what it reads depends on the number of samples"};
  const std::string flat = e.node("Reshape", {e.get(x), e.integers(first == 1 ? Ints{0, -1} : Ints{-1})});
  const Ints dims(e.shape(y).begin() + static_cast<std::ptrdiff_t>(first), e.shape(y).end());
  e.set_output(e.node("Gather", {flat, e.index_tensor("places", places, dims)}, {{"axis", whole(first)}}));
}

/// Part of an array replaced, axis by axis: of what is there and what is new, one behind the other, each place takes its own.
void write_slice_update(Exporter& e) {
  const std::size_t y = e.op().output;
  const auto runs = readings(e, y);
  const auto lengths = [&](std::size_t run) { return integers_of(e.op(run), "view.shape"); };
  struct Part {
    std::size_t axis;
    Ints places, sources;
  };
  std::vector<Part> parts;
  for (std::size_t k = 0; k < e.shape(y).size(); ++k) {
    const auto step = [&](std::size_t run) { return lengths(run)[k] == 1 ? 1 : runs[run].strides[k] / runs[run].own[k]; };
    bool all = true, same = true;
    for (std::size_t run = 0; run < Exporter::runs; ++run) {
      all = all && lengths(run)[k] == whole(e.shape(y, run)[k]) && step(run) == 1;
      same = same && lengths(run)[k] == lengths(0)[k] && e.shape(y, run)[k] == e.shape(y)[k] && step(run) == step(0) &&
             runs[run].starts[k] == runs[0].starts[k];
    }
    if (all) continue;
    if (!same) throw Refused{"what it replaces depends on the number of samples"};
    Part part{k, Ints(static_cast<std::size_t>(lengths(0)[k])), Ints(e.shape(y)[k])};
    std::iota(part.sources.begin(), part.sources.end(), 0);
    for (std::size_t i = 0; i < part.places.size(); ++i) {
      part.places[i] = runs[0].starts[k] + whole(i) * step(0);
      part.sources[static_cast<std::size_t>(part.places[i])] = whole(part.sources.size() + i);
    }
    parts.push_back(std::move(part));
  }
  const auto shape = [&](std::size_t run) {
    Shape result;
    for (const std::int64_t length : lengths(run)) result.push_back(static_cast<std::size_t>(length));
    return result;
  };
  std::vector<std::string> old{e.get(e.op().inputs[0])};  // of what is there, what each axis leaves
  std::string name = e.node("Expand", {e.get(e.op().inputs[1]), e.lengths(shape(0), shape(1))});
  for (const Part& part : parts)
    old.push_back(e.node("Gather", {old.back(), e.integers(part.places)}, {{"axis", whole(part.axis)}}));
  for (std::size_t k = parts.size(); k-- > 0;) {
    const xgrad::Attribute axis{"axis", whole(parts[k].axis)};
    name = e.node("Gather", {e.node("Concat", {old[k], name}, {axis}), e.integers(parts[k].sources)}, {axis});
  }
  e.set_output(std::move(name));
}

void write_roll(Exporter& e) {
  const std::size_t x = e.op().inputs[0], y = e.op().output, axis = static_cast<std::size_t>(integer_of(e, "axis"));
  std::int64_t shift = integer_of(e, "shift");
  bool grows = false, inside = true;
  for (std::size_t run = 0; run < Exporter::runs; ++run) {
    const std::int64_t length = whole(e.shape(x, run)[axis]);
    grows = grows || length != whole(e.shape(x)[axis]);
    inside = inside && shift < length && shift > -length;
  }
  if (grows && !inside) throw Refused{"it goes round more than once, as the number of samples has it"};
  if (!grows && e.shape(x)[axis] > 0) shift %= whole(e.shape(x)[axis]);
  if (flag_of(e, "backwards")) shift = -shift;
  const Order order = e.order_for(y);
  const std::string name = e.get(x, order), axes = e.integers({whole(placed(axis, order))});
  if (shift == 0) return e.set_output(name, order);
  const std::string last = e.node("Slice", {name, e.integers({-shift}), e.integers({far}), axes});
  const std::string first = e.node("Slice", {name, e.integers({0}), e.integers({-shift}), axes});
  e.set_output(e.node("Concat", {last, first}, {{"axis", whole(placed(axis, order))}}), order);
}

}  // namespace

void add_views(std::map<std::string_view, Write>& table) {
  table.insert({
      {"diag", write_view},
      {"diagonal", write_view},
      {"flip", write_slice},
      {"pad", write_pad},
      {"roll", write_roll},
      {"select", write_select},
      {"slice", write_slice},
      {"slice_update", write_slice_update},
      {"split", write_slice},
  });
}

}  // namespace xgrad::onnx
