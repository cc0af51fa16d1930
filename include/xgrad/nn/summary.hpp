#pragma once
/// What a network is made of, as a table, and what comes out of each of its layers.
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <xgrad/core/print.hpp>
#include <xgrad/graph/observer.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/state/state.hpp>

namespace xgrad::nn {

struct SummaryRow {
  std::string name;                    ///< of the layer, "fc1"; empty for an operation without parameters
  std::string op;                      ///< what it computes, "matmul + add"
  Shape output = {};                   ///< of the result
  std::string kernel = {};             ///< of a convolution or pooling: "5×5", "3×3 / 2" with its stride
  std::string field = {};              ///< the part of the image that one pixel of the result depends on: "14×14"
  std::size_t parameters = 0;          ///< numbers that are trained; those used in several rows count in the first
  std::size_t multiply_adds = 0;       ///< of convolutions and products of matrices, forward
  std::size_t multiply_adds_back = 0;  ///< … for the gradients that training needs
  std::size_t kept = 0;  ///< bytes that wait for backward, beside parameters; what several rows keep counts in the first
  std::vector<std::string> remarks = {};
};

struct Summary {
  Shape input;
  std::vector<SummaryRow> rows;     ///< in the order in which they ran
  std::vector<std::string> unused;  ///< parameters that no result depends on
  std::size_t parameters = 0;       ///< all of them
  std::size_t bytes = 0;            ///< that they take in memory
};

/// A table with a line per row, the totals, and the remarks.
XGRAD_API std::string to_string(const Summary& summary);

/// A layer, or an operation without parameters, and its result.
template <class T>
struct LayerResult {
  std::string name;  ///< of the layer; empty for an operation without parameters
  std::string op;    ///< what it computed
  Variable<T> value;
};
template <class T>
struct LayerResults {
  std::vector<LayerResult<T>> rows;  ///< in the order in which they ran

  /// The last result of a layer. Throws ValueError, with the names there are, when there is none.
  const Variable<T>& at(std::string_view name, Where at = Where::current()) const { return find(rows, name, at); }

 private:
  XGRAD_API static const Variable<T>& find(const std::vector<LayerResult<T>>& rows, std::string_view name, Where at);
};

namespace detail {
/// While one lives, the thread records, also inside NoGrad, and a network may run and leave no trace: at the end values that were
/// written, the thread's default generator and the hooks of Variables are what they were.
class Rehearsal {
 public:
  XGRAD_API explicit Rehearsal(State<float> state);
  XGRAD_API explicit Rehearsal(State<double> state);
  XGRAD_API ~Rehearsal();
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

 private:
  struct Kept;
  std::unique_ptr<Kept> kept_;
};

/// Keeps what the operations of a network have computed, and the shapes that it was computed from.
template <class T>
class Results final : public Observer {
 public:
  struct Result {
    std::vector<Shape> inputs;
    Variable<T> value;
  };
  void see(const Event<T>& event) override { keep(event); }
  void see(const Event<std::conditional_t<std::is_same_v<T, float>, double, float>>&) override {}
  std::unordered_map<const Node<T>*, Result> of;

 private:
  XGRAD_API void keep(const Event<T>& event);
};

/// What a network has done.
template <class T>
struct Performance {
  Variable<T> input;
  std::span<const Variable<T>> results;
  State<T> state;  ///< of the network, afterwards
  const Results<T>& seen;
};
XGRAD_API Summary summarise(const Performance<float>& run, const char* who, Where at);
XGRAD_API Summary summarise(const Performance<double>& run, const char* who, Where at);
XGRAD_API LayerResults<float> layer_results(const Performance<float>& run, bool with_history, const char* who, Where at);
XGRAD_API LayerResults<double> layer_results(const Performance<double>& run, bool with_history, const char* who, Where at);

/// Runs a network once and leaves no trace; make(Performance) looks at what it did.
template <class Net, class T, class Make>
auto perform(Net& net, const Variable<T>& x, const char* who, Where at, Make make) {
  const auto before = collect(net, Wanted::variables, who, at);
  const Rehearsal rehearsal{std::span(before)};
  Results<T> seen;
  auto result = net(x);
  static_assert(reals<std::remove_const_t<decltype(result)>>() == (std::is_same_v<T, float> ? 1 : 2),
                "xgrad: summary needs a network that returns Variables of its own type: one, or a tuple, array, vector or plain "
                "struct of them");
  std::vector<Variable<T>> results;
  visit(result, [&](const std::string&, const Variable<T>& y) { results.push_back(y); });
  const auto state = collect(net, Wanted::variables, who, at);
  return make(Performance<T>{x, std::span(std::as_const(results)), std::span(state), seen});
}
/// … on a plain copy, if there can be one.
template <class Net, class T, class Make>
auto perform_copy(Net& net, const Variable<T>& x, const char* who, Where at, Make make) {
  static_assert(std::is_invocable_v<Net&, Variable<T>>, "xgrad: summary needs a network that is called with one Variable");
  if constexpr (copyable<std::remove_const_t<Net>>()) {
    Net copy(net);
    return perform(copy, x, who, at, make);
  } else {
    return perform(net, x, who, at, make);
  }
}
}  // namespace detail

/// Runs the network once, as it is, on zeros of the given shape, and lists what it recorded. Operations that follow each other and
/// use parameters of the same layer ("fc1.weight", "fc1.bias") are one row. A network may return one Variable, or a tuple, pair,
/// array, vector or plain struct of them; a parameter that none of them depends on is unused.
///
///     fmt::print("{}\n", xg::nn::summary(net, {1, 28, 28, 1}));
///
/// Remarks say which of several results a row is, and where a stride leaves pixels at the bottom or on the right that no window
/// reaches.
///
/// It leaves no trace, also when it throws: running statistics and other values that the network writes with `update` or `assign`,
/// the default generator, hooks and gradients are what they were, and members are, because a plain copy of the network runs, if it
/// can be copied. In training mode a batch of one will do.
///
/// Throws what the network throws, and GraphError when its results depend neither on the input nor on a parameter.
template <class Net>
Summary summary(Net&& net, const Shape& input, Where at = Where::current()) {
  using T = real_of<std::remove_cvref_t<Net>>;
  return detail::perform_copy(net, Variable<T>(full<T>(input, 0, at, "summary"), true, at), "summary", at,
                              [&](const auto& run) { return detail::summarise(run, "summary", at); });
}

/// Runs the network once on x and returns the result of each layer, in the rows that a summary has.
///
///     const auto layers = xg::nn::watch(net, images);
///     draw(layers.at("conv1").value());
///     const auto sensitivity = grad(sum(layers.at("conv2")), {images});   // images require a gradient
///
/// Results have their history, unless the thread records nothing. The run leaves no trace, as that of summary. Throws as summary.
template <class Net, class T>
LayerResults<T> watch(Net&& net, const Variable<T>& x, Where at = Where::current()) {
  static_assert(std::is_same_v<T, real_of<std::remove_cvref_t<Net>>>, "xgrad: x must be of the network's own type");
  const bool with_history = recording();
  const Variable<T> input = x.requires_grad() ? x : Variable<T>(x.storage(at), Node<T>::create_leaf(x.shape(at), at));
  return detail::perform_copy(net, input, "watch", at,
                              [&](const auto& run) { return detail::layer_results(run, with_history, "watch", at); });
}
/// … on an array.
template <class Net, Expression E>
auto watch(Net&& net, const E& x, Where at = Where::current()) {
  return watch(net, Variable<real_of<std::remove_cvref_t<Net>>>(x), at);
}

}  // namespace xgrad::nn

template <>
struct fmt::formatter<xgrad::nn::Summary> : xgrad::detail::TextFormatter {};
