#include "export.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include <xgrad/core/error.hpp>
#include <xgrad/core/random.hpp>

#include "../core/unravel.hpp"
#include "../formula/program.hpp"
#include "../ops/support.hpp"

namespace xgrad::onnx {
namespace {

/// "fc1" of "fc1.weight"
std::string layer_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == path.npos ? std::string() : path.substr(0, dot);
}

Ints dims_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

}  // namespace

Exporter::Exporter(const Trace& one, const Trace& other, const Outline& many, bool theirs, Where at)
    : one_(one), other_(other), many_(many), theirs_(theirs), where_(at) {
  check_runs();
  check_shapes();
  for (std::size_t k = 0; k < one.ops.size(); ++k) makers_.emplace(one.ops[k].output, k);
}

const TracedOp* Exporter::maker(std::size_t value) const {
  const auto found = makers_.find(value);
  return found == makers_.end() ? nullptr : &one_.ops[found->second];
}

std::optional<std::size_t> Exporter::state(const std::string& path) const {
  const auto found = one_.state.find(path);
  return found == one_.state.end() ? std::optional<std::size_t>() : found->second;
}

double Exporter::number(std::size_t value) const {
  const TracedValue& v = one_.values[value];
  if (v.dynamic || size_of(v.shape) != 1) throw Refused{"an option depends on the input"};
  const TracedValue& other = other_.values[value];
  if (size_of(other.shape) != 1 || std::memcmp(v.data, other.data, v.bytes) != 0)
    throw Refused{"an option is another number in a second run; it must not depend on the input"};
  return one_.is_double ? *static_cast<const double*>(v.data) : double{*static_cast<const float*>(v.data)};
}

std::string Exporter::unique(std::string name) {
  const int count = used_[name]++;
  if (count == 0) return name;
  return unique(fmt::format("{}_{}", name, count + 1));
}

std::string Exporter::node(std::string_view kind, std::vector<std::string> inputs, std::vector<xgrad::Attribute> attributes,
                           std::size_t outputs) {
  std::string layer;
  if (at_ < one_.ops.size())
    for (const std::size_t input : op().inputs)
      if (layer.empty()) layer = layer_of(one_.values[input].name);
  const std::string name = unique((layer.empty() ? "" : layer + "/") + std::string(kind));
  std::vector<std::string> results{name};
  while (results.size() < outputs) results.push_back(fmt::format("{}/{}", name, results.size()));
  model_.nodes.push_back({std::string(kind), name, std::move(inputs), std::move(results), std::move(attributes)});
  return name;
}

std::string Exporter::whole_numbers(const std::string& name, const Ints& values, Ints dims) {
  auto kept = std::make_shared<const Ints>(values);
  const void* data = kept->data();
  model_.tensors.push_back({unique(name), static_cast<int>(ElementType::int64), std::move(dims), data,
                            values.size() * sizeof(std::int64_t), std::move(kept)});
  return model_.tensors.back().name;
}
std::string Exporter::integers(const Ints& values) {
  std::string& name = integers_[values];
  if (name.empty())
    name = whole_numbers(values.size() > 8 ? "list" : fmt::format("list_{}", fmt::join(values, "_")), values,
                         {static_cast<std::int64_t>(values.size())});
  return name;
}
std::string Exporter::index(std::int64_t value) {
  std::string& name = indices_[value];
  if (name.empty()) name = whole_numbers(fmt::format("index_{}", value), {value}, {});
  return name;
}

std::string Exporter::scalar(double value) {
  std::string& name = scalars_[std::bit_cast<std::uint64_t>(value)];
  if (name.empty()) name = tensor(fmt::format("number_{}", value), {}, {value});
  return name;
}

std::string Exporter::truth() {
  static constexpr bool yes = true;
  if (truth_.empty()) {
    truth_ = unique("true");
    model_.tensors.push_back({truth_, static_cast<int>(ElementType::boolean), {}, &yes, sizeof yes});
  }
  return truth_;
}

std::string Exporter::tensor(const std::string& wanted, const Shape& shape, const std::vector<double>& values) {
  const std::string name = unique(wanted);
  const auto add = [&]<class T>(std::vector<T> elements) {
    auto kept = std::make_shared<const std::vector<T>>(std::move(elements));
    const void* data = kept->data();
    model_.tensors.push_back({name, element(), dims_of(shape), data, kept->size() * sizeof(T), std::move(kept)});
  };
  if (one_.is_double)
    add(values);
  else
    add(std::vector<float>(values.begin(), values.end()));
  return name;
}

std::string Exporter::lengths(const Shape& shape, const Shape& other) {
  if (shape == other) return integers(dims_of(shape));
  const auto samples = static_cast<std::int64_t>(one_.samples), more = static_cast<std::int64_t>(other_.samples);
  if (batch_.empty()) batch_ = node("Shape", {"input"}, {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
  std::vector<std::string> parts;
  Ints known;
  const auto flush = [&] {
    if (!known.empty()) parts.push_back(integers(known));
    known.clear();
  };
  for (std::size_t k = 0; k < shape.size(); ++k) {
    const auto a = static_cast<std::int64_t>(shape[k]), b = static_cast<std::int64_t>(other.at(k));
    if (a == b) {
      known.push_back(a);
      continue;
    }
    const std::int64_t times = a / samples;
    if (times * samples != a || times * more != b)
      throw Refused{fmt::format("its result has {} places for {} samples and {} for {}; it must be a multiple of their number", a,
                                samples, b, more)};
    flush();
    parts.push_back(times == 1 ? batch_ : node("Mul", {batch_, integers({times})}));
  }
  flush();
  return parts.size() == 1 ? parts[0] : node("Concat", std::move(parts), {{"axis", std::int64_t{0}}});
}

/// The elements of a constant with its axes in another order. Along an axis whose length depends on the number of samples all must
/// be equal: one is kept, and Expand makes as many of it as there are samples. So many `ones` are put behind the first length.
std::string Exporter::initialiser(std::size_t value, const std::vector<std::size_t>& axes, std::size_t ones) {
  const std::tuple key(value, axes, ones);
  if (const auto found = permuted_.find(key); found != permuted_.end()) return found->second;
  const TracedValue &a = one_.values[value], &b = other_.values[value];
  const std::size_t bytes = a.bytes, rank = a.shape.size();
  if (b.shape.size() != rank) throw Refused{"a constant has another number of axes in a second run"};
  std::vector<std::size_t> kept(a.shape.begin(), a.shape.end());
  bool grows = false;
  std::vector<std::size_t> strides(rank, 1);
  for (std::size_t k = rank; k-- > 1;) strides[k - 1] = strides[k] * a.shape[k];
  for (std::size_t k = 0; k < rank; ++k)
    if (a.shape[k] != b.shape[k]) {
      kept[k] = 1;
      grows = true;
    }
  if (grows && size_of(a.shape) == 0) throw Refused{"a constant that grows with the samples has no elements for the first"};
  const auto check = [&](const TracedValue& v) {
    const std::size_t count = size_of(v.shape);
    if (&v == &a && !grows) return;
    if (!grows) {
      if (count > 0 && v.data != a.data && std::memcmp(v.data, a.data, count * bytes) != 0)
        throw Refused{"a constant has other elements in a second run; it must not depend on the input but by operations"};
      return;
    }
    for (std::size_t k = 0; k < count; ++k) {  // in an array that grows with the samples
      const Shape index = unravel_index(k, v.shape);
      std::size_t place = 0;
      for (std::size_t axis = 0; axis < rank; ++axis)
        if (a.shape[axis] == b.shape[axis]) place += index[axis] * strides[axis];
      if (std::memcmp(static_cast<const char*>(v.data) + k * bytes, static_cast<const char*>(a.data) + place * bytes, bytes) != 0)
        throw Refused{"a constant has not the same elements for every sample; it must not depend on the input but by operations"};
    }
  };
  check(a);
  check(b);

  Shape shape;
  for (const std::size_t axis : axes) shape.push_back(kept[axis]);
  const bool same = !grows && std::is_sorted(axes.begin(), axes.end());
  const std::size_t count = size_of(shape);
  const void* data = a.data;
  std::shared_ptr<const void> owner = a.owner;
  if (!same) {
    auto room = std::make_shared<std::vector<char>>(count * bytes);
    for (std::size_t k = 0; k < count; ++k) {
      std::size_t rest = k, place = 0;
      for (std::size_t i = rank; i-- > 0; rest /= shape[i]) place += rest % shape[i] * strides[axes[i]];
      std::memcpy(room->data() + k * bytes, static_cast<const char*>(a.data) + place * bytes, bytes);
    }
    data = room->data();
    owner = std::move(room);
  }
  std::string own = unique(a.name.empty() ? "constant" : a.name);
  Ints dims = dims_of(shape);
  if (ones > 0) dims.insert(dims.begin() + 1, ones, 1);
  model_.tensors.push_back({own, a.type, std::move(dims), data, count * bytes, std::move(owner)});
  if (grows) {
    if (ones > 0) throw Refused{"a constant that grows with the samples, of fewer axes than images, meets images"};
    Shape one, other;
    for (const std::size_t axis : axes) {
      one.push_back(a.shape[axis]);
      other.push_back(b.shape[axis]);
    }
    own = node("Expand", {own, lengths(one, other)});
  }
  permuted_.emplace(key, own);
  return own;
}

std::string Exporter::permuted(std::size_t value, const std::vector<std::size_t>& axes) {
  if (!dynamic(value)) return initialiser(value, axes);
  return node("Transpose", {get(value)}, {{"perm", Ints(axes.begin(), axes.end())}});
}

std::string Exporter::get(std::size_t value, Order order) {
  if (const auto found = names_.find({value, order}); found != names_.end()) return found->second;
  if (!dynamic(value)) {
    std::vector<std::size_t> axes(shape(value).size());
    std::iota(axes.begin(), axes.end(), 0);
    if (order == Order::ours || size_of(shape(value)) == 1) return initialiser(value, axes);
    if (axes.size() == 4) return initialiser(value, {0, 3, 1, 2});
    std::rotate(axes.begin(), axes.end() - 1, axes.end());  // (w, c) meets images as (c, 1, w)
    return initialiser(value, axes, 3 - axes.size());
  }
  if (const std::size_t rank = shape(value).size(); order == Order::theirs && rank < 4) {
    std::string name = get(value);
    if (rank > 1) {
      Ints axes(rank);
      std::iota(axes.begin(), axes.end(), std::int64_t{-1});
      axes[0] = whole(rank) - 1;
      name = node("Transpose", {name}, {{"perm", axes}});
    }
    if (rank == 1 || rank == 2) name = node("Unsqueeze", {name, integers(rank == 1 ? Ints{1, 2} : Ints{1})});
    set(value, name, order);
    return name;
  }
  const Order other = order == Order::ours ? Order::theirs : Order::ours;
  const auto known = names_.find({value, other});
  if (known == names_.end()) throw Refused{""};  // it has been refused before, and said why
  const auto& axes = order == Order::ours ? place_in_theirs : place_in_ours;
  const std::string name = node("Transpose", {known->second}, {{"perm", Ints(axes.begin(), axes.end())}});
  set(value, name, order);
  return name;
}

Order Exporter::order_of(std::size_t value) const {
  return names_.contains({value, Order::theirs}) && !names_.contains({value, Order::ours}) ? Order::theirs : Order::ours;
}

Order Exporter::order_for(std::size_t output) const {
  if (shape(output).size() != 4) return Order::ours;
  bool theirs = false;
  for (const std::size_t input : op().inputs) {
    if (!dynamic(input)) continue;
    if (shape(input).size() != 4) return Order::ours;
    theirs |= order_of(input) == Order::theirs;
  }
  return theirs ? Order::theirs : Order::ours;
}

void Exporter::remove_unused(WrittenModel& model) const {
  std::set<std::string> needed;
  for (const auto& port : model.outputs) needed.insert(port.name);
  std::vector<WrittenNode> nodes;
  for (auto node = model.nodes.rbegin(); node != model.nodes.rend(); ++node) {
    if (std::ranges::none_of(node->outputs, [&](const auto& name) { return needed.contains(name); })) continue;
    needed.insert(node->inputs.begin(), node->inputs.end());
    nodes.push_back(std::move(*node));
  }
  std::reverse(nodes.begin(), nodes.end());
  model.nodes = std::move(nodes);
  std::erase_if(model.tensors, [&](const WrittenTensor& tensor) { return !needed.contains(tensor.name); });
}

WrittenModel Exporter::run() {
  const std::vector<std::string>& output_names = one_.output_names;
  const auto port = [&](const std::string& name, std::size_t value, bool theirs) {
    WrittenPort result{name, one_.values[value].type, {}};
    const Shape &one = shape(value), &other = other_shape(value);
    for (std::size_t k = 0; k < one.size(); ++k) {
      const std::size_t axis = theirs && one.size() == 4 ? place_in_ours[k] : k;
      const bool samples = one[axis] == one_.samples && other[axis] == other_.samples;
      result.dims.push_back(one[axis] == other[axis] ? static_cast<std::int64_t>(one[axis]) : samples ? -1 : -2);
    }
    return result;
  };
  used_["input"] = 1;
  for (const std::string& name : output_names) {
    if (name == "input")
      throw ValueError(where_, "save",
                       "a result is called input, as is what the network takes; the member must be called otherwise");
    used_[name] = 1;
  }
  model_.inputs.push_back(port("input", 0, theirs_));
  set(0, "input", theirs_ ? Order::theirs : Order::ours);

  std::vector<std::string> refused;
  const auto refuse = [&](const std::string& what, const std::string& why) {
    if (why.empty()) return;  // it follows from what has been refused before
    const std::string text = what + ": " + why;
    if (std::ranges::find(refused, text) == refused.end()) refused.push_back(text);
  };
  for (at_ = 0; at_ < one_.ops.size(); ++at_) {
    const TracedOp& op = one_.ops[at_];
    if (!dynamic(op.output)) continue;
    try {
      const auto found = writers().find(op.name);
      if (op.program)
        write_formula(*this);
      else if (found != writers().end())
        found->second(*this);
      else
        throw Refused{"this library does not write it to ONNX files"};
    } catch (const Refused& why) {
      refuse(fmt::format("{} ({})", op.name, to_string(op.where)), why.why);
    }
  }
  at_ = one_.ops.empty() ? 0 : one_.ops.size() - 1;
  for (std::size_t k = 0; k < output_names.size(); ++k) {
    const std::size_t value = one_.outputs[k];
    model_.outputs.push_back(port(output_names[k], value, false));
    try {
      model_.nodes.push_back({"Identity", output_names[k], {get(value)}, {output_names[k]}, {}});
    } catch (const Refused& why) {
      refuse("the result " + output_names[k], why.why);
    }
  }
  if (!refused.empty())
    throw ValueError(
        where_, "save",
        fmt::format("the network has what cannot be written to an ONNX file; it must do without: {}", fmt::join(refused, "; ")));
  remove_unused(model_);
  // the node that makes an output has its name, where nobody else reads it
  std::map<std::string, int> readers;
  for (const auto& node : model_.nodes)
    for (const auto& input : node.inputs) ++readers[input];
  for (auto last = model_.nodes.begin(); last != model_.nodes.end();) {
    const auto maker =
        last->op != "Identity" || readers[last->inputs[0]] != 1
            ? model_.nodes.end()
            : std::ranges::find_if(model_.nodes, [&](const WrittenNode& n) { return n.outputs[0] == last->inputs[0]; });
    if (maker == model_.nodes.end()) {
      ++last;
      continue;
    }
    maker->outputs[0] = last->outputs[0];
    last = model_.nodes.erase(last);
  }
  std::set<std::string> made;  // of which no port has said the shape yet
  for (const auto& node : model_.nodes) made.insert(node.outputs.begin(), node.outputs.end());
  for (const std::string& name : output_names) made.erase(name);
  for (const auto& [value, name] : names_)
    if (const bool theirs = value.second == Order::theirs;
        !theirs || shape(value.first).size() == 4)  // others have axes more there
      if (made.erase(name) > 0) model_.values.push_back(port(name, value.first, theirs));
  return std::move(model_);
}

namespace {

template <class T>
void write_network(const detail::Function<T>& net, std::span<const NamedVariable<T>> state, const detail::SavedInput& input,
                   const std::filesystem::path& path, const SaveOptions& options, Where at) {
  if (input.shape.empty() || xgrad::detail::placed(at, "save", [&] { return size_of(input.shape); }) == 0)
    throw ShapeError(at, "save",
                     fmt::format("the input is {}; it must have an axis of samples, and elements", to_string(input.shape)));
  if (options.channels_first && (input.shape.size() != 4 || input.classes))
    throw ShapeError(at, "save",
                     fmt::format("the input is {}; it must be images (n, h, w, c) with channels_first", to_string(input.shape)));
  if (input.classes && *input.classes < 1)
    throw ValueError(at, "save", fmt::format("there are {} classes of integers; there must be at least 1", *input.classes));
  Generator generator(1);
  const auto shape_for = [&](std::size_t samples) {
    Shape shape(input.shape.begin(), input.shape.end());
    if (options.any_batch) shape[0] = samples;
    return shape;
  };
  const auto numbers = [&](std::size_t samples, double deviation) -> Value<T> {
    if (input.classes) {
      Labels x = make_array<std::int64_t>(shape_for(samples), at, "save");
      for (std::int64_t& label : std::span(x.data(), x.size()))
        label = std::min(static_cast<std::int64_t>(generator.uniform() * static_cast<double>(*input.classes)), *input.classes - 1);
      return x;
    }
    Array<T> x = make_array<T>(shape_for(samples), at, "save");
    generator.fill_normal(x, 0, deviation);
    if (deviation == 1) return Variable<T>(std::move(x));
    const std::array<double, 3> some{0, deviation, -deviation};
    for (std::size_t k = 0; k < std::min(some.size(), x.size()); ++k) x.data()[k] = static_cast<T>(some[k]);
    return Variable<T>(std::move(x));
  };
  // What a run writes to the network's state is undone before the next one, and before anything of it is written to the file.
  std::vector<Array<T>> before;
  for (const auto& named : state) before.push_back(named.variable.requires_grad() ? Array<T>() : named.variable.value());
  const auto run = [&](const auto& what, Value<T> x) {
    auto result = what(std::move(x));
    for (std::size_t k = 0; k < before.size(); ++k)
      if (!state[k].variable.requires_grad())
        std::copy_n(before[k].data(), before[k].size(), Variable<T>(state[k].variable).change("save", at).data());
    return result;
  };
  const auto traced = [&](Value<T> x) { return trace<T>(net, state, std::move(x)); };
  const Trace one = run(traced, numbers(2, 1));
  // Numbers of another kind, so that a condition on them has another outcome: large ones of both signs, and a 0.
  constexpr double large = 1000;
  const Trace other = run(traced, numbers(3, large));
  const Outline many = run([&](Value<T> x) { return outline<T>(net, std::move(x)); }, numbers(37, 1));
  write_model(Exporter(one, other, many, options.channels_first, at).run(), path, at);
}

}  // namespace

void detail::save(const Function<float>& net, std::span<const NamedVariable<float>> state, const SavedInput& input,
                  const std::filesystem::path& path, const SaveOptions& options, Where at) {
  write_network<float>(net, state, input, path, options, at);
}
void detail::save(const Function<double>& net, std::span<const NamedVariable<double>> state, const SavedInput& input,
                  const std::filesystem::path& path, const SaveOptions& options, Where at) {
  write_network<double>(net, state, input, path, options, at);
}

}  // namespace xgrad::onnx
