#include <xgrad/state/state.hpp>

#include <fmt/format.h>
#include <cstdint>

#include "convert.hpp"
#include "fit.hpp"
#include "names.hpp"

namespace xgrad::nn {
namespace {

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
  else if (variable.storage()->thawed && !value->thawed)
    value->thawed = own(separator.leaves, variable.storage()->thawed.get(),
                        [&] { return Node<T>::create_leaf(variable.shape(), separator.where); });
  variable = Variable<T>(value, std::move(leaf));
}

template <class T>
void freeze_variable(const std::string& path, Variable<T>& variable, Where at) {
  if (!variable.requires_grad()) return;
  need_leaf(path, variable, "freeze", at);
  variable.zero_grad();
  variable.storage()->thawed = variable.node();
  variable = variable.detach();
}
template <class T>
void unfreeze_variable(Variable<T>& variable) {
  if (!variable.defined() || variable.requires_grad() || !variable.storage()->thawed) return;
  variable = Variable<T>(variable.storage(), variable.storage()->thawed);
}

}  // namespace

detail::Below::Below(std::string& path, std::string_view name) : path_(path), size_(path.size()) {
  if (size_ > 4096)
    throw GraphError("the network is nested without end at " + path.substr(0, 60) +
                     "…; a shared_ptr must not lead back to its owner");
  if (name.empty()) return;  // a member that is not named: what is in it stands in its place
  if (size_ > 0) path += '.';
  path += name;
}

void detail::separate(Separator<float>& separator, const std::string& path, Variable<float>& variable) {
  separate_variable(separator, path, variable);
}
void detail::separate(Separator<double>& separator, const std::string& path, Variable<double>& variable) {
  separate_variable(separator, path, variable);
}
void detail::freeze(const std::string& path, Variable<float>& variable, Where at) { freeze_variable(path, variable, at); }
void detail::freeze(const std::string& path, Variable<double>& variable, Where at) { freeze_variable(path, variable, at); }
void detail::unfreeze(Variable<float>& variable) { unfreeze_variable(variable); }
void detail::unfreeze(Variable<double>& variable) { unfreeze_variable(variable); }
void detail::copy_state(std::span<const StateEntry> from, std::span<const StateEntry> to, Where at) {
  constexpr const char* op = "copy_state";
  by_name(from, op, at);
  std::vector<Source> sources;
  for (const StateEntry& entry : from) sources.push_back({entry.name, name_of(entry.element), entry.shape});
  const Fit found = fit(sources, to, {.conversion = Conversion::floating}, op, at);
  if (!found.report.complete())
    throw ValueError(
        at, op,
        in_words(found.report, "from", "to") + "; both must have the same names and shapes, and the same elements or F32 and F64");
  std::vector<Value> values;
  std::vector<Array<std::uint8_t>> others;  // what was converted
  for (std::size_t k = 0; k < from.size(); ++k) {
    const StateEntry& target = *found.targets[k];
    const std::size_t count = size_of(from[k].shape);
    const void* elements = from[k].data();
    if (from[k].element != target.element) {
      Array<std::uint8_t>& converted = others.emplace_back(make_array<std::uint8_t>({count * bytes_of(target.element)}, at, op));
      convert(name_of(from[k].element), elements, count, target.element, converted.data());
      elements = converted.data();
    }
    values.push_back({&target, elements, count});
  }
  write_all(values, at);
}

}  // namespace xgrad::nn
