#pragma once
/// What a network is made of, as a table.
#include <fmt/core.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/graph/variable.hpp>
#include <xgrad/nn/state.hpp>

namespace xgrad::nn {

struct SummaryRow {
  std::string name;            ///< of the layer, "fc1"; empty for an operation without parameters
  std::string op;              ///< what it computes, "matmul + add"
  Shape output;                ///< of the result
  std::size_t parameters = 0;  ///< numbers that are trained; those used in several rows count in the first
};

struct Summary {
  Shape input;
  std::vector<SummaryRow> rows;     ///< in the order in which they ran
  std::vector<std::string> unused;  ///< parameters that the result does not depend on
  std::size_t parameters = 0;       ///< all of them
  std::size_t bytes = 0;            ///< that they take in memory
};

/// A table of four columns, a line per row, and the totals.
XGRAD_API std::string to_string(const Summary& summary);

namespace detail {
XGRAD_API Summary summarise(const Variable<float>& result, const Shape& input, State<float> state, Where where);
XGRAD_API Summary summarise(const Variable<double>& result, const Shape& input, State<double> state, Where where);
}  // namespace detail

/// Runs the network once, on zeros of the given shape, and lists what it recorded. Operations that follow each other and use
/// parameters of the same layer ("fc1.weight", "fc1.bias") are one row.
///
///     fmt::print("{}\n", xg::nn::summary(net, {1, 28, 28, 1}));
///
/// Throws what the network throws, and GraphError when its result depends neither on the input nor on a parameter.
template <class Net>
Summary summary(Net&& net, const Shape& input, Where where = Where::current()) {
  using T = real_of<std::remove_cvref_t<Net>>;
  static_assert(std::is_invocable_r_v<Variable<T>, Net&, Variable<T>>,
                "xgrad: summary needs a network that is called with one Variable and returns one");
  struct Recording {  // also inside NoGrad
    bool was = std::exchange(xgrad::detail::thread_state.recording, true);
    ~Recording() { xgrad::detail::thread_state.recording = was; }
  } recording;
  const Variable<T> result = net(Variable<T>(zeros<T>(input), true, where));
  const auto state = named_state(net, where);
  return detail::summarise(result, input, std::span(state), where);
}

}  // namespace xgrad::nn

template <>
struct fmt::formatter<xgrad::nn::Summary> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const xgrad::nn::Summary& summary, Context& context) const {
    const std::string text = xgrad::nn::to_string(summary);
    return std::copy(text.begin(), text.end(), context.out());
  }
};
