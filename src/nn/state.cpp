#include <xgrad/nn/state.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <map>

#include "names.hpp"

namespace xgrad::nn {
namespace {

using detail::State;

template <class T>
void add_variable(detail::Collector<T>& collector, const std::string& path, const Variable<T>& variable) {
  if (!variable.defined()) return;
  need_leaf(path, variable, collector.who, collector.where);
  if (!variable.requires_grad() && !collector.buffers_too) return;
  if (collector.seen.insert(variable.storage().get()).second) collector.found.push_back({path, variable});
}

/// The copy made for `old`, or one made now. The walk may meet the copy again, and must not copy it.
template <class Map, class Make>
auto& own(Map& copies, const void* old, Make make) {
  auto& copy = copies[old];
  if (!copy) {
    copy = make();
    copies.emplace(copy.get(), copy);
  }
  return copy;
}

template <class T>
void separate_variable(detail::Separator<T>& separator, const std::string& path, Variable<T>& variable) {
  if (!variable.defined()) return;
  need_leaf(path, variable, "clone", separator.where);
  const auto& value =
      own(separator.values, variable.storage().get(), [&] { return Storage<T>::create(Array<T>(variable.value())); });
  Ref<Node<T>> leaf;
  if (variable.requires_grad())
    leaf = own(separator.leaves, variable.node().get(), [&] { return Node<T>::create_leaf(variable.shape(), separator.where); });
  variable = Variable<T>(value, std::move(leaf));
}

/// The elements of `from` as those of `to`.
template <class B>
Array<B> converted(const StateEntry& from) {
  Array<B> value = make_array<B>(from.shape);
  const auto convert = [&]<class A>(const A* source) {
    std::transform(source, source + value.size(), value.data(), [](A x) { return static_cast<B>(x); });
  };
  if (from.element == Element::f32)
    convert(static_cast<const float*>(from.data()));
  else
    convert(static_cast<const double*>(from.data()));
  return value;
}

bool is_real(Element element) { return element == Element::f32 || element == Element::f64; }

}  // namespace

detail::Below::Below(std::string& path, std::string_view name) : path_(path), size_(path.size()) {
  if (size_ > 4096)
    throw GraphError("the network is nested without end at " + path.substr(0, 60) +
                     "…; a shared_ptr must not lead back to its owner");
  if (size_ > 0) path += '.';
  path += name;
}

void detail::add(Collector<float>& collector, const std::string& path, const Variable<float>& variable) {
  add_variable(collector, path, variable);
}
void detail::add(Collector<double>& collector, const std::string& path, const Variable<double>& variable) {
  add_variable(collector, path, variable);
}
void detail::separate(Separator<float>& separator, const std::string& path, Variable<float>& variable) {
  separate_variable(separator, path, variable);
}
void detail::separate(Separator<double>& separator, const std::string& path, Variable<double>& variable) {
  separate_variable(separator, path, variable);
}
void detail::copy_state(std::span<const StateEntry> from, std::span<const StateEntry> to, Where where) {
  constexpr const char* op = "copy_parameters";
  const auto sources = by_name(from, op, where);
  const auto targets = by_name(to, op, where);
  for (const auto& [name, source] : sources) {
    const auto found = targets.find(name);
    if (found == targets.end())
      throw ValueError(where, op, fmt::format("from has {}, to has not; the names must be the same", name));
    const StateEntry& target = *found->second;
    if (source->shape != target.shape)
      throw ShapeError(
          where, op,
          fmt::format("{} is {} in from, {} in to; they must be equal", name, to_string(source->shape), to_string(target.shape)));
    if (source->element != target.element && !(is_real(source->element) && is_real(target.element)))
      throw ValueError(where, op,
                       fmt::format("{} is {} in from, {} in to; they must be the same, or both F32 or F64", name,
                                   name_of(source->element), name_of(target.element)));
    if (!target.writable)
      throw ValueError(where, op, fmt::format("{} is no Variable, and the network is const; it must not be", name));
  }
  for (const auto& [name, target] : targets)
    if (!sources.contains(name))
      throw ValueError(where, op, fmt::format("to has {}, from has not; the names must be the same", name));
  for (const StateEntry& target : to) {
    const StateEntry& source = *sources.at(target.name);
    if (!is_real(target.element))
      target.write(source.data(), where);
    else if (target.element == Element::f32)
      target.write(converted<float>(source).data(), where);
    else
      target.write(converted<double>(source).data(), where);
  }
}

}  // namespace xgrad::nn
