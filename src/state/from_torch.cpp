#include "from_torch.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <xgrad/core/text.hpp>

#include "names.hpp"

// PyTorch has images N×C×H×W, and so the channels of its weights before the places; here they are last. What a weight is, its name
// and its axes tell: "weight" of four axes is a convolution's, of three one of a sequence or, where the bias has them too, a
// norm's.
namespace xgrad::nn {
namespace {

/// The layer of "conv1.weight", "conv1".
std::string_view layer_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return name.substr(0, dot == name.npos ? 0 : dot);
}
std::string_view last_of(std::string_view name) { return name.substr(name.rfind('.') + 1); }
/// Whether a layer is called by its place, as those of a Sequential are.
bool is_place(std::string_view layer) {
  const std::string_view last = last_of(layer);
  return !last.empty() && std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}
/// Whether the layers of a network's part `b` follow those of `a`: both are one Sequential, or what torchvision calls features and
/// classifier.
bool follows(std::string_view a, std::string_view b) {
  return a == b || (last_of(a) == "features" && last_of(b) == "classifier" && layer_of(a) == layer_of(b));
}

/// The axes of a row-major array in another order.
Turned permuted(const Shape& shape, std::initializer_list<std::size_t> axes) {
  std::vector<std::size_t> steps(shape.size(), 1);
  for (std::size_t axis = shape.size() - 1; axis > 0; --axis) steps[axis - 1] = steps[axis] * shape[axis];
  Turned result;
  for (const std::size_t axis : axes) {
    result.shape.push_back(shape[axis]);
    result.strides.push_back(steps[axis]);
  }
  return result;
}

class Turner {
 public:
  Turner(std::span<const StateEntry> state, const Flattened& flattened, const char* op, Where at)
      : names_(by_name(state, op, at)), flattened_(flattened), op_(op), where_(at) {
    find_flattened(state);
  }

  /// For the source that is called `name` in memory.
  Turned turn(std::string_view name, Source& source) const {
    const StateEntry* const entry = look_up(names_, name);
    if (!entry || !entry->is_variable() || entry->shape.size() != source.shape.size()) return {};
    name = entry->name;
    const std::string_view last = last_of(name);
    const std::size_t axes = source.shape.size();
    Turned result;
    if (last == "weight" && axes == 4)
      result = permuted(source.shape, {0, 2, 3, 1});
    else if (axes == 3 && is_norm(name))
      result = permuted(source.shape, {1, 2, 0});
    else if (last == "weight" && axes == 3)
      result = permuted(source.shape, {0, 2, 1});
    else if (last == "weight" && axes == 2)
      return source.shape == entry->shape ? columns(name, source.shape, false) : Turned{};
    else
      return {};
    const Shape here(result.shape.begin(), result.shape.end());
    if (here != entry->shape) {  // a misfit, which is listed as the file has it, or turned where that alone shows it
      if (source.shape == entry->shape) source.shape = here;
      return {};
    }
    source.shape = here;
    return result;
  }

  /// For an entry that goes to PyTorch, with the shape that it has there.
  Turned turn_back(const StateEntry& entry) const {
    const std::string_view last = last_of(entry.name);
    const std::size_t axes = entry.shape.size();
    if (last == "weight" && axes == 4) return permuted(entry.shape, {0, 3, 1, 2});
    if (axes == 3 && is_norm(entry.name)) return permuted(entry.shape, {2, 0, 1});
    if (last == "weight" && axes == 3) return permuted(entry.shape, {0, 2, 1});
    if (last == "weight" && axes == 2) return columns(entry.name, entry.shape, true);
    return {};
  }

  /// A linear layer behind convolutions must be one of those in `flattened`, unless it takes as many features as the last has
  /// channels, or find_flattened knows better.
  void check(std::string_view name) const {
    const StateEntry* const entry = look_up(names_, name);
    if (!entry) return;
    name = entry->name;
    const auto found = behind_.find(name);
    if (found == behind_.end()) return;
    const auto& [features, channels] = found->second;
    throw ValueError(
        where_, op_,
        fmt::format(
            "{} takes {} features behind a convolution of {} channels; flattened must say how many channels the images had "
            "that were flattened, or 1 if none were: {{.flattened = {{{{\"{}\", {}}}}}}}; PyTorch has them in another order",
            name, features, channels, layer_of(name), features % channels == 0 ? channels : 1));
  }

  /// The layer of a source, and the channels of its images, where nobody has named it.
  std::optional<Flattened::value_type> assumed(std::string_view name) const {
    const StateEntry* const entry = look_up(names_, name);
    const auto found =
        entry && last_of(entry->name) == "weight" ? assumed_.find(std::string(layer_of(entry->name))) : assumed_.end();
    return found == assumed_.end() ? std::nullopt : std::optional(*found);
  }

 private:
  bool is_norm(std::string_view name) const {
    const std::string layer(layer_of(name)), before = layer.empty() ? "" : layer + ".";
    const auto weight = names_.find(before + "weight"), bias = names_.find(before + "bias");
    return weight != names_.end() && bias != names_.end() && weight->second->shape == bias->second->shape &&
           (last_of(name) == "weight" || last_of(name) == "bias");
  }

  /// Columns of a linear layer that takes images: channel by channel in PyTorch, place by place here.
  Turned columns(std::string_view name, const Shape& shape, bool to_torch) const {
    const std::string layer(layer_of(name));
    const auto found = flattened_.find(layer), known = assumed_.find(layer);
    if (found == flattened_.end() && known == assumed_.end()) return {};
    const std::size_t channels = found == flattened_.end() ? known->second : found->second;
    if (channels == 0 || shape[1] % channels != 0)
      throw ValueError(
          where_, op_,
          fmt::format("flattened has {} channels for {}, which takes {} features; there must be as many for each place", channels,
                      name, shape[1]));
    const std::size_t places = shape[1] / channels;
    return permuted(to_torch ? Shape{shape[0], places, channels} : Shape{shape[0], channels, places}, {0, 2, 1});
  }

  static bool is_square(std::size_t count) {
    std::size_t side = 1;
    while (side * side < count) ++side;
    return side * side == count;
  }

  /// What is known of the images behind the convolutions so far.
  struct Images {
    std::size_t channels = 0;  ///< of the last convolution; 0 without one, and behind a linear layer
    bool chain = true;      ///< whether each took what the one before had made, in one Sequential, and nothing else was among them
    bool sure = false;      ///< whether a bias or a norm has as many channels; those of a transposed convolution are elsewhere
    std::string part = {};  ///< the Sequential
  };

  /// Linear layers behind convolutions. In a Sequential a layer takes the last one's channels in each place of its images. Of other
  /// networks the order in which layers run cannot be told from their names and shapes (branches may look like a chain), nor where
  /// the places make no square.
  void find_flattened(std::span<const StateEntry> state) {
    Images images;
    for (const StateEntry& entry : state) {
      if (!entry.is_variable()) continue;
      const std::size_t axes = entry.shape.size();
      if (last_of(entry.name) != "weight") {
        images.chain &= axes < 2 || is_norm(entry.name);  // else a layer of another kind
        images.sure |= axes == 1 && entry.shape[0] == images.channels;
      } else if (axes == 4 || (axes == 3 && !is_norm(entry.name))) {
        const std::string_view layer = layer_of(entry.name), part = layer_of(layer);
        images.chain &= axes == 4 && is_place(layer) &&
                        (images.channels == 0 || (entry.shape.back() == images.channels && images.part == part));
        images = {.channels = entry.shape[0], .chain = images.chain, .part = std::string(part)};
      } else if (axes == 2) {
        const std::size_t features = entry.shape[1], places = images.channels == 0 ? 0 : features / images.channels;
        if (images.channels != 0 && features != images.channels && !flattened_.contains(std::string(layer_of(entry.name)))) {
          if (images.chain && images.sure && is_place(layer_of(entry.name)) &&
              follows(images.part, layer_of(layer_of(entry.name))) && places * images.channels == features && is_square(places))
            assumed_.emplace(layer_of(entry.name), images.channels);
          else
            behind_.emplace(entry.name, std::pair(features, images.channels));
        }
        images = {.channels = 0, .chain = false};
      } else {
        images.chain &= images.channels == 0 || size_of(entry.shape) == 1 || entry.shape.back() == images.channels;
      }
    }
    for (const auto& [layer, count] : flattened_) {
      const auto found = names_.find(layer.empty() ? "weight" : layer + ".weight");
      if (found == names_.end() || found->second->shape.size() != 2)
        throw ValueError(where_, op_,
                         fmt::format("flattened has {}; it must be a linear layer of the network", printable(layer, 200)));
    }
  }

  Names names_;
  const Flattened& flattened_;
  const char* op_;
  Where where_;
  Flattened assumed_;                                                               // beside flattened_
  std::map<std::string, std::pair<std::size_t, std::size_t>, std::less<>> behind_;  // features and channels
};

}  // namespace

std::vector<Turned> turn_from_torch(std::span<Source> sources, std::span<const StateEntry> state, const LoadOptions& options,
                                    const std::string& prefix, Flattened& assumed, const char* op, Where at) {
  const Turner turner(state, options.flattened, op, at);
  std::vector<Turned> result;
  for (Source& source : sources) {
    std::string_view name = source.name;
    result.emplace_back();
    if (!prefix.empty()) {
      if (!name.starts_with(prefix) || name.size() == prefix.size() || name[prefix.size()] != '.') continue;
      name.remove_prefix(prefix.size() + 1);
    }
    turner.check(name);
    result.back() = turner.turn(name, source);
    if (const auto layer = turner.assumed(name); layer && !result.back().shape.empty()) assumed.insert(*layer);
  }
  return result;
}

std::vector<StateEntry> turned_to_torch(std::span<const StateEntry> state, const SaveOptions& options, const char* op, Where at) {
  const Turner turner(state, options.flattened, op, at);
  std::vector<StateEntry> result;
  for (const StateEntry& entry : state) {
    if (!entry.is_variable()) continue;
    turner.check(entry.name);
    const Turned turned = turner.turn_back(entry);
    StateEntry& there = result.emplace_back(entry);
    if (turned.shape.empty()) continue;
    const bool permuted = entry.shape.size() == turned.shape.size();  // else columns were, and the shape stays
    if (permuted) there.shape = Shape(turned.shape.begin(), turned.shape.end());
    const auto turn = [&]<class V>(const V& variable) {
      if constexpr (!std::is_same_v<V, std::monostate>) {
        using T = typename V::value_type;
        Array<T> values = make_array<T>(there.shape, at);
        gather(reinterpret_cast<const std::uint8_t*>(variable.value().data()), turned.shape, turned.strides, sizeof(T),
               reinterpret_cast<std::uint8_t*>(values.data()));
        there.variable = V(std::move(values));
      }
    };
    std::visit(turn, entry.variable);
  }
  return result;
}

}  // namespace xgrad::nn
