#include "export.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include <xgrad/core/error.hpp>
#include <xgrad/core/random.hpp>

namespace xgrad::onnx {
namespace {

template <class X>
const X& option(const TracedOp& op, std::string_view name) {
  const AttributeValue* value = find(op.attributes, name);
  const X* found = value ? std::get_if<X>(value) : nullptr;
  if (!found) throw Refused{fmt::format("its option {} cannot be read", name)};
  return *found;
}

/// "fc1" of "fc1.weight"
std::string layer_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == path.npos ? std::string() : path.substr(0, dot);
}

Ints dims_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

}  // namespace

Ints integers_of(const TracedOp& op, std::string_view name) { return option<std::vector<std::int64_t>>(op, name); }
std::int64_t integer_of(const TracedOp& op, std::string_view name) { return option<std::int64_t>(op, name); }
double number_of(const TracedOp& op, std::string_view name) { return option<double>(op, name); }
bool flag_of(const TracedOp& op, std::string_view name) { return option<bool>(op, name); }

Exporter::Exporter(const Trace& one, const Trace& other, bool theirs, Where where)
    : one_(one), other_(other), theirs_(theirs), where_(where) {
  check_runs();
  for (std::size_t k = 0; k < one.ops.size(); ++k) makers_.emplace(one.ops[k].output, k);
}

/// What a network does must not hang on the numbers that it is given, nor on how many samples there are.
void Exporter::check_runs() const {
  const auto fail = [&](Where where, const std::string& what) {
    throw ValueError(
        where_, "save",
        fmt::format("{} in a second run with other numbers and another number of samples; a network must do the same with "
                    "every input{}",
                    what, where ? " (" + to_string(where) + ")" : ""));
  };
  for (std::size_t k = 0; k < std::min(one_.ops.size(), other_.ops.size()); ++k) {
    const TracedOp &a = one_.ops[k], &b = other_.ops[k];
    if (a.name != b.name) fail(a.where, fmt::format("operation {} is {} in one run and {}", k, a.name, b.name));
    if (a.inputs != b.inputs || a.output != b.output || a.mask != b.mask)
      fail(a.where, fmt::format("operation {}, {}, has other inputs", k, a.name));
  }
  if (one_.ops.size() != other_.ops.size() || one_.outputs != other_.outputs)
    fail({}, fmt::format("there are {} operations in one run and {}", one_.ops.size(), other_.ops.size()));
}

const TracedOp* Exporter::maker(std::size_t value) const {
  const auto found = makers_.find(value);
  return found == makers_.end() ? nullptr : &one_.ops[found->second];
}

double Exporter::number(std::size_t value) const {
  const TracedValue& v = one_.values[value];
  if (v.dynamic || size_of(v.shape) != 1) throw Refused{"an option depends on the input"};
  return one_.is_double ? *static_cast<const double*>(v.data) : double{*static_cast<const float*>(v.data)};
}

std::string Exporter::unique(std::string name) {
  const int count = used_[name]++;
  if (count == 0) return name;
  return unique(fmt::format("{}_{}", name, count + 1));
}

std::string Exporter::node(std::string_view op, std::vector<std::string> inputs, std::vector<xgrad::Attribute> attributes) {
  std::string layer;
  for (const std::size_t input : this->op().inputs)
    if (layer.empty()) layer = layer_of(one_.values[input].name);
  const std::string name = unique((layer.empty() ? "" : layer + "/") + std::string(op));
  model_.nodes.push_back({std::string(op), name, std::move(inputs), {name}, std::move(attributes)});
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
    name = whole_numbers(fmt::format("list_{}", fmt::join(values, "_")), values, {static_cast<std::int64_t>(values.size())});
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
  const auto samples = static_cast<std::int64_t>(one_.values[0].shape.at(0)),
             more = static_cast<std::int64_t>(other_.values[0].shape.at(0));
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
  std::vector<std::size_t> strides(rank, 1), other_strides(rank, 1);
  for (std::size_t k = rank; k-- > 1;) {
    strides[k - 1] = strides[k] * a.shape[k];
    other_strides[k - 1] = other_strides[k] * b.shape[k];
  }
  for (std::size_t k = 0; k < rank; ++k)
    if (a.shape[k] != b.shape[k]) {
      kept[k] = 1;
      grows = true;
    }
  const auto at = [&](const TracedValue& v, const std::vector<std::size_t>& steps, std::size_t element, bool first) {
    std::size_t place = 0;
    for (std::size_t k = rank; k-- > 0; element /= v.shape[k])
      if (!first || a.shape[k] == b.shape[k]) place += element % v.shape[k] * steps[k];
    return static_cast<const char*>(v.data) + place * bytes;
  };
  const auto check = [&](const TracedValue& v, const std::vector<std::size_t>& steps) {
    const std::size_t count = size_of(v.shape);
    if (&v == &a && !grows) return;
    if (!grows) {
      if (count > 0 && v.data != a.data && std::memcmp(v.data, a.data, count * bytes) != 0)
        throw Refused{"a constant has other elements in a second run; it must not depend on the input but by operations"};
      return;
    }
    for (std::size_t k = 0; k < count; ++k) {  // in an array that grows with the samples
      std::size_t rest = k, place = 0;
      for (std::size_t axis = rank; axis-- > 0; rest /= v.shape[axis])
        if (a.shape[axis] == b.shape[axis]) place += rest % v.shape[axis] * strides[axis];
      if (std::memcmp(at(v, steps, k, false), static_cast<const char*>(a.data) + place * bytes, bytes) != 0)
        throw Refused{"a constant has not the same elements for every sample; it must not depend on the input but by operations"};
    }
  };
  check(a, strides);
  check(b, other_strides);

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
    WrittenPort result{name, element(), {}};
    const Shape &one = shape(value), &other = other_shape(value);
    for (std::size_t k = 0; k < one.size(); ++k) {
      const std::size_t axis = theirs ? place_in_ours[k] : k;
      result.dims.push_back(one[axis] == other.at(axis) ? static_cast<std::int64_t>(one[axis]) : -1);
    }
    return result;
  };
  used_["input"] = 1;
  for (const std::string& name : output_names) used_[name] = 1;
  model_.inputs.push_back(port("input", 0, theirs_));
  set(0, "input", theirs_ ? Order::theirs : Order::ours);

  std::vector<std::string> refused;
  const auto refuse = [&](const TracedOp& op, const std::string& why) {
    const std::string text = fmt::format("{} ({}){}", op.name, to_string(op.where), why.empty() ? "" : ": " + why);
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
        throw Refused{"ONNX has no such operator, nor a few that make it up"};
    } catch (const Refused& why) {
      if (!why.why.empty()) refuse(op, why.why);
    }
  }
  if (!refused.empty())
    throw ValueError(
        where_, "save",
        fmt::format("the network has what cannot be written to an ONNX file; it must do without: {}", fmt::join(refused, "; ")));
  at_ = one_.ops.empty() ? 0 : one_.ops.size() - 1;
  for (std::size_t k = 0; k < output_names.size(); ++k) {
    const std::size_t value = one_.outputs[k];
    model_.outputs.push_back(port(output_names[k], value, false));
    model_.nodes.push_back({"Identity", output_names[k], {get(value)}, {output_names[k]}, {}});
  }
  remove_unused(model_);
  // the node that makes an output has its name, where nobody else reads it
  std::map<std::string, int> readers;
  for (const auto& node : model_.nodes)
    for (const auto& input : node.inputs) ++readers[input];
  for (auto last = model_.nodes.begin(); last != model_.nodes.end();) {
    const auto maker = std::ranges::find_if(model_.nodes, [&](const WrittenNode& n) { return n.outputs[0] == last->inputs[0]; });
    if (last->op != "Identity" || maker == model_.nodes.end() || readers[last->inputs[0]] != 1) {
      ++last;
      continue;
    }
    maker->outputs = last->outputs;
    last = model_.nodes.erase(last);
  }
  return std::move(model_);
}

namespace {

template <class T>
void write_network(const detail::Function<T>& net, std::span<const NamedVariable<T>> state, const Shape& input,
                   const std::filesystem::path& path, const SaveOptions& options, Where where) {
  if (input.empty() || size_of(input) == 0)
    throw ShapeError(where, "save",
                     fmt::format("the input is {}; it must have an axis of samples, and elements", to_string(input)));
  if (options.channels_first && input.size() != 4)
    throw ShapeError(where, "save", fmt::format("the input is {}; it must be (n, h, w, c) with channels_first", to_string(input)));
  Generator generator(1);
  const auto run = [&](std::size_t samples) {
    Shape shape(input.begin(), input.end());
    if (options.any_batch) shape[0] = samples;
    Array<T> x = make_array<T>(shape, where, "save");
    generator.fill_normal(x, 0, 1);
    return trace<T>(net, state, Variable<T>(std::move(x)));
  };
  const Trace one = run(2), other = run(3);
  write_model(Exporter(one, other, options.channels_first, where).run(), path, where);
}

}  // namespace

void detail::save(const Function<float>& net, std::span<const NamedVariable<float>> state, const Shape& input,
                  const std::filesystem::path& path, const SaveOptions& options, Where where) {
  write_network<float>(net, state, input, path, options, where);
}
void detail::save(const Function<double>& net, std::span<const NamedVariable<double>> state, const Shape& input,
                  const std::filesystem::path& path, const SaveOptions& options, Where where) {
  write_network<double>(net, state, input, path, options, where);
}

}  // namespace xgrad::onnx
