#include <xgrad/nn/state.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <map>

#include "names.hpp"

namespace xgrad::nn {
namespace {

using detail::State;

template <class T>
void need_leaf(const std::string& path, const Variable<T>& variable, Where where) {
  if (!variable.is_leaf())
    throw GraphError(
        where, "parameters",
        fmt::format("{} is the result of {} recorded at {}, and only a leaf can be trained: make a Variable(value, true) of "
                    "its value, or keep its detach()",
                    path, variable.node()->name(), to_string(variable.node()->where())));
}

template <class T>
void add_variable(detail::Collector<T>& collector, const std::string& path, const Variable<T>& variable) {
  if (!variable.defined()) return;
  need_leaf(path, variable, collector.where);
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
  need_leaf(path, variable, separator.where);
  const auto& value =
      own(separator.values, variable.storage().get(), [&] { return Storage<T>::create(Array<T>(variable.value())); });
  Ref<Node<T>> leaf;
  if (variable.requires_grad())
    leaf = own(separator.leaves, variable.node().get(), [&] { return Node<T>::create_leaf(variable.shape(), separator.where); });
  variable = Variable<T>(value, std::move(leaf));
}

template <class A, class B>
void copy_values(State<A> from, State<B> to, Where where) {
  constexpr const char* op = "copy_parameters";
  const auto sources = by_name(from, op, where);
  const auto targets = by_name(to, op, where);
  for (const auto& [name, source] : sources) {
    const auto target = targets.find(name);
    if (target == targets.end())
      throw ValueError(where, op, fmt::format("from has {}, to has not; the names must be the same", name));
    if (source->shape() != target->second->shape())
      throw ShapeError(where, op,
                       fmt::format("{} is {} in from, {} in to; they must be equal", name, to_string(source->shape()),
                                   to_string(target->second->shape())));
  }
  for (const auto& [name, target] : targets)
    if (!sources.contains(name))
      throw ValueError(where, op, fmt::format("to has {}, from has not; the names must be the same", name));
  for (const auto& [name, variable] : to) {
    const Array<A>& source = sources.at(name)->value();
    Array<B> value(source.shape());
    std::transform(source.data(), source.data() + source.size(), value.data(), [](A x) { return static_cast<B>(x); });
    Variable<B>(variable).assign(std::move(value), where);
  }
}

}  // namespace

detail::Below::Below(std::string& path, std::string_view name) : path_(path), size_(path.size()) {
  if (size_ > 4096)
    throw GraphError("the network is nested without end at " + path.substr(0, 60) +
                     "…: a shared_ptr must not lead back to its owner");
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
void detail::copy_state(State<float> from, State<float> to, Where where) { copy_values(from, to, where); }
void detail::copy_state(State<float> from, State<double> to, Where where) { copy_values(from, to, where); }
void detail::copy_state(State<double> from, State<float> to, Where where) { copy_values(from, to, where); }
void detail::copy_state(State<double> from, State<double> to, Where where) { copy_values(from, to, where); }

}  // namespace xgrad::nn
