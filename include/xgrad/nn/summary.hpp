#pragma once
/// What a network is made of, as a table.
#include <fmt/core.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
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
  std::vector<std::string> unused;  ///< parameters that no result depends on
  std::size_t parameters = 0;       ///< all of them
  std::size_t bytes = 0;            ///< that they take in memory
};

/// A table of four columns, a line per row, and the totals.
XGRAD_API std::string to_string(const Summary& summary);

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

XGRAD_API Summary summarise(std::span<const Variable<float>> results, const Shape& input, State<float> state, Where where);
XGRAD_API Summary summarise(std::span<const Variable<double>> results, const Shape& input, State<double> state, Where where);

template <class Net>
Summary summary_of(Net& net, const Shape& input, Where where) {
  using T = nn::real_of<std::remove_const_t<Net>>;
  const auto before = collect(net, Wanted::variables, "summary", where);
  const Rehearsal rehearsal{std::span(before)};
  auto result = net(Variable<T>(full<T>(input, 0, where, "summary"), true, where));
  static_assert(reals<std::remove_const_t<decltype(result)>>() == (std::is_same_v<T, float> ? 1 : 2),
                "xgrad: summary needs a network that returns Variables of its own type: one, or a tuple, array, vector or plain "
                "struct of them");
  std::vector<Variable<T>> results;
  visit(result, [&](const std::string&, const Variable<T>& y) { results.push_back(y); });
  const auto state = collect(net, Wanted::variables, "summary", where);
  return summarise(std::span(std::as_const(results)), input, std::span(state), where);
}
}  // namespace detail

/// Runs the network once, as it is, on zeros of the given shape, and lists what it recorded. Operations that follow each other and
/// use parameters of the same layer ("fc1.weight", "fc1.bias") are one row. A network may return one Variable, or a tuple, pair,
/// array, vector or plain struct of them; a parameter that none of them depends on is unused.
///
///     fmt::print("{}\n", xg::nn::summary(net, {1, 28, 28, 1}));
///
/// It leaves no trace, also when it throws: running statistics and other values that the network writes with `update` or `assign`,
/// the default generator, hooks and gradients are what they were, and members are, because a plain copy of the network runs, if it
/// can be copied. In training mode a batch of one will do.
///
/// Throws what the network throws, and GraphError when its results depend neither on the input nor on a parameter.
template <class Net>
Summary summary(Net&& net, const Shape& input, Where where = Where::current()) {
  using N = std::remove_reference_t<Net>;
  using T = real_of<std::remove_const_t<N>>;
  static_assert(std::is_invocable_v<N&, Variable<T>>, "xgrad: summary needs a network that is called with one Variable");
  if constexpr (detail::copyable<std::remove_const_t<N>>()) {
    N copy(net);
    return detail::summary_of(copy, input, where);
  } else {
    return detail::summary_of(net, input, where);
  }
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
