#pragma once
/// What a network has learnt: its parameters (Variables that require a gradient), its buffers (Variables that do not, such as
/// running means), and what else it is made of (state_entries). Names are paths, "conv1.weight". Variables that share their value
/// (tied weights) count once, under the first name.
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <typeindex>
#include <unordered_map>
#include <vector>

#include <xgrad/graph/variable.hpp>
#include <xgrad/state/entries.hpp>
#include <xgrad/state/loading.hpp>
#include <xgrad/state/visit.hpp>

namespace xgrad::nn {

namespace detail {

template <class T>
struct Separator;

// What does not depend on the network is compiled: src/state/state.cpp and files.cpp.
template <class T>
using State = std::span<const NamedVariable<T>>;

XGRAD_API void separate(Separator<float>& separator, const std::string& path, Variable<float>& variable);
XGRAD_API void separate(Separator<double>& separator, const std::string& path, Variable<double>& variable);
XGRAD_API void freeze(const std::string& path, Variable<float>& variable, Where at);
XGRAD_API void freeze(const std::string& path, Variable<double>& variable, Where at);
XGRAD_API void unfreeze(Variable<float>& variable);
XGRAD_API void unfreeze(Variable<double>& variable);
XGRAD_API void save_state(std::span<const StateEntry> state, const std::string& path, const SaveOptions& options, Where at);
XGRAD_API LoadReport load_state(std::span<const StateEntry> state, const std::string& path, const LoadOptions& options, Where at);
XGRAD_API void copy_state(std::span<const StateEntry> from, std::span<const StateEntry> to, Where at);

template <class Net>
constexpr auto real_of() {
  constexpr unsigned found = reals<std::remove_cv_t<Net>>();
  static_assert((found & 3) != 3,
                "xgrad: this network mixes Variable<float> and Variable<double>; all its Variables must have one type");
  static_assert(found != 0, "xgrad: this network has no Variables");
  if constexpr ((found & 3) == 2)
    return double{};
  else
    return float{};
}

/// visit, whose own error names the line that called `who`.
template <class Net, class Visitor>
void walk(Net& net, Visitor&& visitor, const char* who, Where at) {
  try {
    visit(net, visitor);
  } catch (Error& error) {
    error.place(at, who);
    throw;
  }
}

/// The Variables of a network, with their names.
template <class Net>
auto collect(const Net& net, Wanted wanted, const char* who, Where at) {
  EntryCollector collector(wanted, false, who, at);
  collector.walk(net);
  return collector.take_named<decltype(real_of<Net>())>();
}

/// Gives a copied network its own values, and its own objects behind each shared_ptr. What was one stays one.
template <class T>
struct Separator {
  Where where;
  std::unordered_map<const void*, Ref<Storage<T>>> values = {};
  std::unordered_map<const void*, Ref<Node<T>>> leaves = {};
  std::map<std::pair<const void*, std::type_index>, std::shared_ptr<void>> objects = {};

  template <class V>
  void operator()(const std::string& path, V& variable) {
    static_assert(!std::is_const_v<V>, "xgrad: clone cannot give a const member, or a shared_ptr to const, a value of its own");
    separate(*this, path, variable);
  }
  template <class X>
  requires(!std::is_const_v<X>) void pointer(std::shared_ptr<X>& p) {
    static_assert(std::is_copy_constructible_v<X>, "xgrad: clone needs a network that can be copied, also behind a shared_ptr");
    const std::type_index type = typeid(X);  // an object and its first member have one address
    std::shared_ptr<void>& object = objects[{p.get(), type}];
    if (!object) {
      object = std::make_shared<X>(*p);
      objects[{object.get(), type}] = object;  // the walk may meet it again, and must not copy the copy
    }
    p = std::static_pointer_cast<X>(object);
  }
};

/// Sets the members named `training`.
struct Switch {
  bool training;
  void field(std::string_view name, bool& member) const {
    if (name == "training") member = training;
  }
  template <class V>
  void operator()(const std::string&, V&) const {}
};

}  // namespace detail

/// float or double: the type of the network's Variables. It does not compile when they differ or there are none.
template <class Net>
using real_of = decltype(detail::real_of<Net>());

/// The parameters and what they are called, in the order of the members. Throws GraphError for a Variable that is the result of a
/// recorded operation: an optimiser could not change it.
template <class Net>
std::vector<NamedVariable<real_of<Net>>> named_parameters(const Net& net, Where at = Where::current()) {
  return detail::collect(net, detail::Wanted::parameters, "named_parameters", at);
}
/// The parameters, for an optimiser. Throws as named_parameters.
template <class Net>
std::vector<Variable<real_of<Net>>> parameters(const Net& net, Where at = Where::current()) {
  detail::EntryCollector collector(detail::Wanted::parameters, false, "parameters", at);
  collector.walk(net);
  return collector.take_variables<real_of<Net>>();
}
/// Parameters and buffers: the Variables that `save` writes. Throws as named_parameters.
template <class Net>
std::vector<NamedVariable<real_of<Net>>> named_state(const Net& net, Where at = Where::current()) {
  return detail::collect(net, detail::Wanted::variables, "named_state", at);
}
/// How many numbers the parameters have together.
template <class Net>
std::size_t parameter_count(const Net& net, Where at = Where::current()) {
  std::size_t count = 0;
  for (const auto& named : detail::collect(net, detail::Wanted::parameters, "parameter_count", at)) count += named.variable.size();
  return count;
}

/// A network of its own: everything is copied, without gradients. (A plain copy shares its Variables.) Tied weights stay tied,
/// shared objects shared, within the clone. What a std::function or a skipped member refers to stays shared with `net`. Throws as
/// named_parameters.
template <class Net>
Net clone(const Net& net, Where at = Where::current()) {
  static_assert(
      detail::copyable<Net>(),
      "xgrad: clone needs a network that can be copied; one with a std::unique_ptr cannot, one with a std::shared_ptr can");
  Net copy(net);
  detail::Separator<real_of<Net>> separator{at};
  detail::walk(copy, separator, "clone", at);
  return copy;
}

/// Sets every `bool training` (a member of a class with XGRAD_FIELDS must be listed there) in the network's structs: dropout and
/// batch normalisation then do what training needs.
template <class Net>
void train(Net& net, Where at = Where::current()) {
  static_assert(!std::is_const_v<Net>, "xgrad: train changes the network, which must not be const");
  detail::walk(net, detail::Switch{true}, "train", at);
}
/// Clears every `bool training`: dropout does nothing, batch normalisation uses its running statistics.
template <class Net>
void eval(Net& net, Where at = Where::current()) {
  static_assert(!std::is_const_v<Net>, "xgrad: eval changes the network, which must not be const");
  detail::walk(net, detail::Switch{false}, "eval", at);
}

/// Makes constants of all parameters: they are saved and cloned as before, but nothing computes their gradients, and `parameters`
/// does not list them. Gradients that are there go. Optimisers that have them leave them alone. What a layer updates by itself, as
/// running statistics in training, it still updates: see eval. Frozen is the network's own handle of a parameter, not a copy
/// of it. Throws as named_parameters.
///
///     nn::freeze(net.backbone);          // train the head alone …
///     nn::unfreeze(net.backbone);        // … and then everything
template <class Net>
void freeze(Net& net, Where at = Where::current()) {
  static_assert(!std::is_const_v<Net>, "xgrad: freeze changes the network, which must not be const");
  detail::walk(
      net, [&](const std::string& path, auto& variable) { detail::freeze(path, variable, at); }, "freeze", at);
}
/// Makes parameters of what `freeze` has made constants, the same as before: an optimiser that has them goes on with them. Buffers
/// stay what they are. (A constant that shares a frozen parameter's value is taken for it.)
template <class Net>
void unfreeze(Net& net, Where at = Where::current()) {
  static_assert(!std::is_const_v<Net>, "xgrad: unfreeze changes the network, which must not be const");
  detail::walk(
      net, [](const std::string&, auto& variable) { detail::unfreeze(variable); }, "unfreeze", at);
}

/// Forgets the gradients of all parameters.
template <class Net>
void zero_grad(const Net& net, Where at = Where::current()) {
  detail::walk(
      net, [](const std::string&, auto variable) { variable.zero_grad(); }, "zero_grad", at);
}

/// Copies all state (see state_entries) by name, converted where floating types differ: a float network can be checked in double.
/// All or nothing. Throws ValueError, which lists all that differs, when names, shapes or other types do, or when `to` is const and
/// has state besides Variables.
template <class From, class To>
void copy_state(const From& from, To&& to, Where at = Where::current()) {
  const auto source = detail::entries_for(from, detail::Wanted::everything, "copy_state", at);
  const auto target = detail::entries_for(to, detail::Wanted::everything, "copy_state", at);
  detail::copy_state(std::span(source), std::span(target), at);
}

/// Writes all state of a network, or of any struct (see state_entries), to a file, whole or not at all: a file that was there stays
/// until the new one is complete. A path that ends in .npz makes an archive of NumPy arrays (numpy.load reads it); any other
/// ending but .npy, .pt and .pth, a file in the safetensors format (https://huggingface.co/docs/safetensors). With
/// {.to_torch = true} .pt and .pth make a file for torch.load; else these endings are refused. A
/// number is an entry of shape (), text one of bytes, a Generator one of six U64. How it treats links, permissions and what killed
/// programs left, and what it refuses, says WholeFile in core/file.hpp. Throws FileError, and ValueError for an option that the
/// format does not have.
///
///     struct Run { Net<> net; xg::Generator generator; int epoch = 0; std::vector<double> losses; };
///     xg::nn::save(run, "run.safetensors");      // a checkpoint, exact to the bit
///     xg::nn::load(run, "run.safetensors");
///     xg::nn::load(net, "run.safetensors");      // the network alone
template <class Net>
void save(const Net& net, const std::string& path, const SaveOptions& options, Where at = Where::current()) {
  const auto state = detail::entries_for(net, detail::Wanted::everything, "save", at);
  detail::save_state(std::span(state), path, options, at);
}
template <class Net>
void save(const Net& net, const std::string& path, Where at = Where::current()) {
  save(net, path, SaveOptions(), at);
}
/// The texts in the header of a safetensors file: what SaveOptions::metadata had, and "format", who wrote it. Throws FileError.
XGRAD_API std::map<std::string, std::string> load_metadata(const std::string& path, Where at = Where::current());

/// Reads what `save` wrote, or another program that writes safetensors files or numpy.savez, into a struct with the same names,
/// shapes and types, all or nothing. What kind of file it is, its first bytes say. A std::vector of numbers and text get the length
/// that they have in the file. A file of Variables alone, from another program or an earlier version, leaves the rest as it is, and
/// one without any text leaves text as it is; a file that has some must have all.
///
/// What is loaded may be a part of what was saved: of a file with "backbone.conv.weight" and "head.weight",
/// `load(net.backbone, path)` reads what is under "backbone". LoadOptions::prefix says where to look, which is needed when the file
/// has the same names under several paths.
///
///     xg::nn::LoadReport report = xg::nn::load(net, path, {.strict = false});   // what fits
///     if (!report.complete()) fmt::print("{}\n", report);
///
/// Throws FileError, which says what in the file is wrong, or lists all that differs from the struct; ValueError when such state
/// would have to be written into a const struct.
template <class Net>
LoadReport load(Net&& net, const std::string& path, const LoadOptions& options = {}, Where at = Where::current()) {
  const auto state = detail::entries_for(net, detail::Wanted::everything, "load", at);
  return detail::load_state(std::span(state), path, options, at);
}

}  // namespace xgrad::nn
