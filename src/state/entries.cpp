#include <xgrad/state/entries.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstring>

#include "names.hpp"

namespace xgrad::nn {
namespace {

struct Description {
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<Description, 11> descriptions{{{"F32", 4},
                                                    {"F64", 8},
                                                    {"I8", 1},
                                                    {"I16", 2},
                                                    {"I32", 4},
                                                    {"I64", 8},
                                                    {"U8", 1},
                                                    {"U16", 2},
                                                    {"U32", 4},
                                                    {"U64", 8},
                                                    {"BOOL", 1}}};

}  // namespace

std::string_view name_of(Element element) { return descriptions[static_cast<std::size_t>(element)].name; }
std::size_t bytes_of(Element element) { return descriptions[static_cast<std::size_t>(element)].bytes; }

std::optional<Element> element_named(std::string_view name) {
  const auto found = std::ranges::find(descriptions, name, &Description::name);
  if (found == descriptions.end()) return {};
  return static_cast<Element>(found - descriptions.begin());
}

detail::EntryCollector::EntryCollector(Wanted wanted, bool writable, const char* who, Where at)
    : wanted_(wanted), writable_(writable), who_(who), where_(at) {}
detail::EntryCollector::~EntryCollector() = default;
std::vector<StateEntry> detail::EntryCollector::take() { return std::move(found_); }
template <class T>
std::vector<NamedVariable<T>> detail::EntryCollector::take_named() {
  std::vector<NamedVariable<T>> result;
  for (StateEntry& entry : found_) result.push_back({std::move(entry.name), std::get<Variable<T>>(std::move(entry.variable))});
  return result;
}
template <class T>
std::vector<Variable<T>> detail::EntryCollector::take_variables() {
  std::vector<Variable<T>> result;
  for (StateEntry& entry : found_) result.push_back(std::get<Variable<T>>(std::move(entry.variable)));
  return result;
}

template <class T>
void detail::EntryCollector::add(const std::string& path, const Variable<T>& variable) {
  if (!variable.defined()) return;
  need_leaf(path, variable, who_, where_);
  if (wanted_ == Wanted::parameters && !variable.requires_grad()) return;
  if (!seen_.insert(variable.storage().get()).second) return;
  StateEntry entry{.name = path,
                   .element = std::is_same_v<T, float> ? Element::f32 : Element::f64,
                   .shape = variable.shape(),
                   .variable = variable};
  found_.push_back(std::move(entry));
}
#define XGRAD_INSTANTIATE(T)                                                            \
  template void detail::EntryCollector::add<T>(const std::string&, const Variable<T>&); \
  template std::vector<NamedVariable<T>> detail::EntryCollector::take_named<T>();       \
  template std::vector<Variable<T>> detail::EntryCollector::take_variables<T>()
XGRAD_INSTANTIATE(float);
XGRAD_INSTANTIATE(double);
#undef XGRAD_INSTANTIATE

void detail::EntryCollector::add(const std::string& path, StateEntry entry, const void* object) {
  if (entry.element == Element::boolean && entry.shape.empty() && std::string_view(path).substr(path.rfind('.') + 1) == "training")
    return;
  if (!seen_.insert(object).second) return;
  entry.name = path;
  entry.writable = writable_;
  found_.push_back(std::move(entry));
}

bool StateEntry::trained() const noexcept {
  if (const auto* f = std::get_if<Variable<float>>(&variable)) return f->requires_grad();
  if (const auto* d = std::get_if<Variable<double>>(&variable)) return d->requires_grad();
  return false;
}

const void* StateEntry::data() const {
  if (const auto* f = std::get_if<Variable<float>>(&variable)) return f->value().data();
  if (const auto* d = std::get_if<Variable<double>>(&variable)) return d->value().data();
  if (bits) return bits->data();
  return container ? container->data(address) : address;
}

std::string StateEntry::refuses(const void* elements, std::size_t count) const {
  if (generator && !Generator::valid(std::span<const std::uint64_t, 6>(static_cast<const std::uint64_t*>(elements), 6)))
    return "the words are no state of a Generator; they must be what one saved";
  if (element != Element::boolean) return {};
  const auto* bytes_at = static_cast<const unsigned char*>(elements);
  for (std::size_t k = 0; k < count; ++k)
    if (bytes_at[k] > 1) return fmt::format("element {} is {}; a bool must be 0 or 1", k, bytes_at[k]);
  return {};
}

void StateEntry::reserve(std::size_t count) const {
  if (container) container->reserve(address, count);
}

void StateEntry::write(const void* elements, std::size_t count, Where at) const {
  if (container) return container->assign(address, elements, count);
  void* to = address;
  if (const auto* f = std::get_if<Variable<float>>(&variable)) to = Variable<float>(*f).change("load", at).data();
  if (const auto* d = std::get_if<Variable<double>>(&variable)) to = Variable<double>(*d).change("load", at).data();
  if (count > 0) std::memcpy(to, elements, count * bytes_of(element));
}

}  // namespace xgrad::nn
