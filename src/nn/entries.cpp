#include <xgrad/nn/entries.hpp>

#include <fmt/format.h>
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

template <class T>
void detail::EntryCollector::add(const std::string& path, const Variable<T>& variable) {
  if (!variable.defined()) return;
  need_leaf(path, variable, who_, where_);
  if (!seen_.insert(variable.storage().get()).second) return;
  StateEntry entry{.name = path,
                   .element = std::is_same_v<T, float> ? Element::f32 : Element::f64,
                   .shape = variable.shape(),
                   .variable = variable};
  found_.push_back(std::move(entry));
}
template void detail::EntryCollector::add<float>(const std::string&, const Variable<float>&);
template void detail::EntryCollector::add<double>(const std::string&, const Variable<double>&);

void detail::EntryCollector::add(const std::string& path, Element element, Shape shape, void* address, bool generator,
                                 const void* object) {
  if (element == Element::boolean && shape.empty() && std::string_view(path).substr(path.rfind('.') + 1) == "training") return;
  if (!seen_.insert(object ? object : address).second) return;
  StateEntry entry{.name = path, .element = element, .shape = std::move(shape), .variable = {}, .address = address};
  entry.generator = generator;
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
  return address;
}

std::string StateEntry::refuses(const void* elements) const {
  if (generator && !Generator::valid(std::span<const std::uint64_t, 6>(static_cast<const std::uint64_t*>(elements), 6)))
    return "these words are no state of a Generator";
  if (element != Element::boolean) return {};
  const auto* bytes_at = static_cast<const unsigned char*>(elements);
  for (std::size_t k = 0; k < bytes(); ++k)
    if (bytes_at[k] > 1) return fmt::format("element {} is {}; a bool must be 0 or 1", k, bytes_at[k]);
  return {};
}

void StateEntry::write(const void* elements, Where where) const {
  const auto copy = [&](void* to) {
    if (bytes() > 0) std::memcpy(to, elements, bytes());
  };
  if (const auto* f = std::get_if<Variable<float>>(&variable))
    Variable<float>(*f).update([&](Array<float>& value) { copy(value.data()); }, where);
  else if (const auto* d = std::get_if<Variable<double>>(&variable))
    Variable<double>(*d).update([&](Array<double>& value) { copy(value.data()); }, where);
  else
    copy(address);
}

}  // namespace xgrad::nn
