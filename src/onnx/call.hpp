#pragma once
/// A node at work, as the functions of the table see it, and what they have in common.
#include <span>
#include <string_view>
#include <unordered_map>

#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "model.hpp"

namespace xgrad::onnx {

/// Whether there is something: inputs and outputs may be left out.
template <class T>
bool present(const Value<T>& value) {
  const auto* variable = std::get_if<Variable<T>>(&value);
  return !variable || variable->defined();
}
template <class T>
Shape shape_of(const Value<T>& value) {
  return std::visit([](const auto& x) { return Shape(x.shape().begin(), x.shape().end()); }, value);
}
/// "floating-point", "integers", "truth values"
template <class T>
std::string kind_of(const Value<T>& value) {
  return value.index() == 0 ? "floating-point numbers" : value.index() == 1 ? "integers" : "truth values";
}

/// What a node was given. It remembers what was asked for: a node with an input or attribute that nobody asked for is refused,
/// because it means something that is not done.
template <class T>
class Call {
 public:
  Call(const Node& node, int opset, std::vector<Value<T>> inputs, Where at)
      : where(at), opset_(opset), node_(node), in_(std::move(inputs)) {}

  const Where where;
  int opset() const noexcept { return opset_; }
  std::size_t inputs() const noexcept { return in_.size(); }
  std::size_t outputs() const noexcept { return node_.outputs.size(); }
  /// How many are wanted besides the first.
  std::size_t further_outputs() const {
    std::size_t count = 0;
    for (std::size_t k = 1; k < node_.outputs.size(); ++k) count += !node_.outputs[k].empty();
    return count;
  }

  bool has(std::size_t k) {
    ask(k);
    return k < in_.size() && present<T>(in_[k]);
  }
  // Inputs. What was taken is there no longer, so that an operation may work in its buffer.
  Value<T> take(std::size_t k) {
    need(k);
    return std::move(in_[k]);
  }
  const Value<T>& look(std::size_t k) {
    need(k);
    return in_[k];
  }
  Shape shape(std::size_t k) { return shape_of<T>(look(k)); }
  Variable<T> real(std::size_t k) { return typed<Variable<T>>(k, "floating-point numbers"); }
  Labels integers(std::size_t k) { return typed<Labels>(k, "integers"); }
  Mask truths(std::size_t k) { return typed<Mask>(k, "truth values"); }
  /// ... as a list, as axes and shapes are given.
  std::vector<std::int64_t> list(std::size_t k) {
    const Labels values = integers(k);
    return {values.data(), values.data() + values.size()};
  }
  /// ... a single number.
  std::int64_t integer_input(std::size_t k) {
    const Labels values = integers(k);
    if (values.size() != 1)
      refuse("input " + std::to_string(k) + " has the shape " + to_string(values.shape()) + "; it must be one number");
    return *values.data();
  }
  double number_input(std::size_t k) {
    const Variable<T> value = real(k);
    if (value.size() != 1)
      refuse("input " + std::to_string(k) + " has the shape " + to_string(value.shape()) + "; it must be one number");
    if (value.requires_grad()) refuse("input " + std::to_string(k) + " needs a gradient; it must be a constant");
    return static_cast<double>(*value.value().data());
  }

  bool given(std::string_view name) { return find(name) != nullptr; }
  double number(std::string_view name, double otherwise) {
    const Attribute* a = typed_attribute(name, AttributeType::number);
    return a ? static_cast<double>(a->number) : otherwise;
  }
  std::int64_t integer(std::string_view name, std::int64_t otherwise) {
    const Attribute* a = typed_attribute(name, AttributeType::integer);
    return a ? a->integer : otherwise;
  }
  std::string text(std::string_view name, std::string_view otherwise) {
    const Attribute* a = typed_attribute(name, AttributeType::text);
    return a ? a->text : std::string(otherwise);
  }
  std::vector<std::int64_t> integers(std::string_view name) {
    const Attribute* a = typed_attribute(name, AttributeType::integers);
    return a ? a->integers : std::vector<std::int64_t>{};
  }
  std::span<const float> numbers(std::string_view name) {
    const Attribute* a = typed_attribute(name, AttributeType::numbers);
    return a ? std::span<const float>(a->numbers) : std::span<const float>{};
  }
  std::vector<std::string> texts(std::string_view name) {
    const Attribute* a = typed_attribute(name, AttributeType::texts);
    return a ? a->texts : std::vector<std::string>{};
  }
  const Value<double>* tensor(std::string_view name) {
    const Attribute* a = typed_attribute(name, AttributeType::tensor);
    if (a && !a->tensor)
      refuse("attribute '" + std::string(name) + "': " + (a->trouble.empty() ? "it is no tensor; it must be" : a->trouble));
    return a ? &*a->tensor : nullptr;
  }

  /// An axis, counted from the front.
  int axis(std::int64_t given, std::size_t rank) const {
    const auto r = static_cast<std::int64_t>(rank);
    if (given < -r || given >= r)
      refuse("axis is " + std::to_string(given) + "; it must be from " + std::to_string(-r) + " to " + std::to_string(r - 1));
    return static_cast<int>(given < 0 ? given + r : given);
  }

  [[noreturn]] void refuse(const std::string& message) const { throw ValueError(where, "onnx", message); }
  /// What nobody asked for.
  void finish() const {
    for (std::size_t k = 0; k < in_.size(); ++k)
      if (!asked_input(k) && !node_.inputs[k].empty())
        refuse("input " + std::to_string(k) + " is not supported by this library; the node must be without it");
    for (std::size_t k = 0; k < node_.attributes.size(); ++k)
      if (!(asked_attributes_ >> k & 1U) || k >= 64)
        refuse("attribute '" + node_.attributes[k].name + "' is not supported by this library; the node must be without it");
  }

 private:
  void ask(std::size_t k) {
    if (k < 64)
      asked_inputs_ |= std::uint64_t{1} << k;
    else
      asked_beyond_ = true;
  }
  bool asked_input(std::size_t k) const { return k < 64 ? (asked_inputs_ >> k & 1U) != 0 : asked_beyond_; }
  void need(std::size_t k) {
    if (!has(k)) refuse("input " + std::to_string(k) + " is missing; the node must have it");
  }
  template <class V>
  V typed(std::size_t k, const char* kind) {
    need(k);
    V* value = std::get_if<V>(&in_[k]);
    if (!value) refuse("input " + std::to_string(k) + " has " + kind_of<T>(in_[k]) + " as elements; they must be " + kind);
    return std::move(*value);
  }
  const Attribute* find(std::string_view name) {
    for (std::size_t k = 0; k < node_.attributes.size(); ++k)
      if (node_.attributes[k].name == name) {
        if (k < 64) asked_attributes_ |= std::uint64_t{1} << k;
        return &node_.attributes[k];
      }
    return nullptr;
  }

  const Attribute* typed_attribute(std::string_view name, AttributeType type) {
    const Attribute* a = find(name);
    if (a && a->type != 0 && a->type != static_cast<std::int64_t>(type))
      refuse("attribute '" + std::string(name) + "' is of type " + name_of_attribute_type(a->type) + "; it must be " +
             name_of_attribute_type(static_cast<std::int64_t>(type)));
    return a;
  }

  int opset_;
  const Node& node_;
  std::vector<Value<T>> in_;
  std::uint64_t asked_inputs_ = 0, asked_attributes_ = 0;
  bool asked_beyond_ = false;
};

template <class T>
using Values = std::vector<Value<T>>;

/// A line of the table.
template <class T>
struct Entry {
  Values<T> (*function)(Call<T>&);
  /// Bit k: input k is needed as it is. An initialiser there is no parameter.
  std::uint32_t constants = 0;
};
template <class T>
using Table = std::unordered_map<std::string_view, Entry<T>>;

/// What each topic adds to the table.
template <class T>
void add_elementwise(Table<T>& table);
template <class T>
void add_logic(Table<T>& table);
template <class T>
void add_reductions(Table<T>& table);
template <class T>
void add_shapes(Table<T>& table);
template <class T>
void add_indexing(Table<T>& table);
template <class T>
void add_constants(Table<T>& table);
template <class T>
void add_convolutions(Table<T>& table);
template <class T>
void add_pools(Table<T>& table);
template <class T>
void add_norms(Table<T>& table);
template <class T>
void add_products(Table<T>& table);
template <class T>
void add_losses(Table<T>& table);
template <class T>
void add_resize(Table<T>& table);
template <class T>
void add_recurrent(Table<T>& table);

template <class T>
Values<T> one(Value<T> value) {
  Values<T> result;
  result.push_back(std::move(value));
  return result;
}

/// For each element of `to` in row-major order where in `from`, which is broadcast to it, its value stands.
std::vector<std::size_t> broadcast_places(const Shape& from, const Shape& to);

/// f of the elements of two arrays that broadcast.
template <class R, class A, class F>
Array<R> zip(const Array<A>& a, const Array<A>& b, const F& f, Where at) {
  const Shape shape = broadcast_shapes(a.shape(), b.shape());
  Array<R> result = make_array<R>(shape, at);
  const auto from_a = broadcast_places(a.shape(), shape), from_b = broadcast_places(b.shape(), shape);
  for (std::size_t k = 0; k < result.size(); ++k) result.data()[k] = f(a.data()[from_a[k]], b.data()[from_b[k]]);
  return result;
}
template <class R, class A, class F>
Array<R> map(const Array<A>& a, const F& f) {
  Array<R> result = make_array<R>(a.shape());
  for (std::size_t k = 0; k < a.size(); ++k) result.data()[k] = f(a.data()[k]);
  return result;
}

/// A Variable with these numbers, exactly. Throws ValueError where double cannot hold one.
Variable<double> exactly(const Labels& values, Where at);
/// Whole numbers. Throws ValueError where they are beyond what double holds exactly.
Labels whole(const Array<double>& values, Where at);
/// f of whole numbers, in double, where f is made of sums of products. What it adds up on its way may be larger than what it ends
/// with, so the same of absolute values must stay exact too. Throws ValueError where that is not so.
template <class F, class... A>
Labels exact_sums(Where at, const F& f, const A&... given) {
  whole(f(xgrad::abs(exactly(given, at), at)...).value(), at);
  return whole(f(exactly(given, at)...).value(), at);
}

/// The values, converted.
template <class T>
Variable<T> to_real(const Value<T>& value);
template <class T>
Labels to_integers(const Value<T>& value);
template <class T>
Mask to_truths(const Value<T>& value);

/// A scalar constant.
template <class T>
Variable<T> scalar(double value) {
  return Variable<T>(static_cast<T>(value));
}

/// A rearrangement, f(std::vector<Variable<U>>) → Variable<U> for any U, of inputs of one kind. Integers and truth values go
/// through it as their places, from which the result is then taken: so every kind of tensor takes one way.
template <class T, class F>
Value<T> rearrange(const Call<T>& call, Values<T> inputs, const F& f) {
  for (const Value<T>& value : inputs)
    if (value.index() != inputs[0].index())
      call.refuse("inputs have " + kind_of<T>(inputs[0]) + " and " + kind_of<T>(value) + "; they must have elements of one type");
  if (inputs[0].index() == 0) {
    std::vector<Variable<T>> variables;
    for (Value<T>& value : inputs) variables.push_back(std::get<0>(std::move(value)));
    inputs.clear();
    return f(std::move(variables));
  }
  const auto by_place = [&]<class E>(const Array<E>&) {
    std::vector<Variable<double>> places;
    std::vector<const Array<E>*> arrays;
    double first = 0;
    for (const Value<T>& value : inputs) {
      const auto& array = std::get<Array<E>>(value);
      Array<double> numbers = make_array<double>(array.shape(), call.where);
      for (std::size_t k = 0; k < numbers.size(); ++k) numbers.data()[k] = first++;
      places.emplace_back(std::move(numbers));
      arrays.push_back(&array);
    }
    std::vector<E> all;
    for (const Array<E>* array : arrays) all.insert(all.end(), array->data(), array->data() + array->size());
    const Variable<double> moved = f(std::move(places));
    Array<E> result = make_array<E>(moved.shape(), call.where);
    for (std::size_t k = 0; k < result.size(); ++k) result.data()[k] = all[static_cast<std::size_t>(moved.value().data()[k])];
    return result;
  };
  if (inputs[0].index() == 1) return by_place(Labels());
  return by_place(Mask());
}
/// ... of one input.
template <class T, class F>
Value<T> rearrange_one(const Call<T>& call, Value<T> input, const F& f) {
  Values<T> inputs;
  inputs.push_back(std::move(input));
  return rearrange(call, std::move(inputs), [&f](auto x) { return f(std::move(x[0])); });
}

/// 0 and its like of the same kind, a scalar.
template <class T>
Value<T> zero_like(const Value<T>& value) {
  if (value.index() == 0) return scalar<T>(0);
  if (value.index() == 1) return full<std::int64_t>({}, 0, Where{});
  return full<bool>({}, false, Where{});
}

inline std::vector<std::ptrdiff_t> places(const std::vector<std::int64_t>& list) { return {list.begin(), list.end()}; }

}  // namespace xgrad::onnx
