#pragma once
/// What the library asks of its own operations, for those of users.
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/autodiff/function.hpp>
#include <xgrad/core/print.hpp>
#include <xgrad/graph/op.hpp>

namespace xgrad::testing {

/// Where an input's elements lie: uniform in [low, high), at least 0.05 from `avoid`, a kink or a pole.
struct Domain {
  double low = -2, high = 2, avoid = 1e9;
};

/// What there is to know about an operation in order to test it.
struct OpRow {
  std::vector<Shape> shapes = {};      ///< of the inputs
  std::vector<Domain> domains = {{}};  ///< of each input; the last is that of the rest too
  std::function<Array<double>(const std::vector<Array<double>>&)> reference = nullptr;  ///< as plain loops
  /// What the gradient of each input may keep: use::input(i) | use::output. Not checked when empty.
  std::vector<std::uint32_t> kept = {};
  int order = 2;            ///< derivatives are held against differences up to this order; 0 for values alone, of large arrays
  bool distinct = false;    ///< no two elements of any inputs come near one another: for maxima and sorting
  bool allow_zero = false;  ///< the gradients may be all zero
  double rtol = 1e-7;       ///< of gradcheck
  std::uint64_t seed = 1;
};

/// Random inputs as a row describes them. Each is a float's value, so that float and double begin at the same numbers.
XGRAD_API std::vector<Array<double>> sample(const OpRow& row);

struct OpReport {
  Where where;
  std::vector<std::string> passed, failures;  ///< what was checked, and what went wrong
  bool ok() const { return failures.empty() && !passed.empty(); }
};
XGRAD_API std::string to_string(const OpReport& report);

}  // namespace xgrad::testing

namespace xgrad::detail {
XGRAD_API testing::OpReport run_check_op(const VectorFunction<double>& op, const VectorFunction<float>& op_float,
                                         const testing::OpRow& row, Where at);
}

namespace xgrad::testing {

/// Checks an operation as the library's own are checked, at random inputs:
///
/// - its values against a reference, where one is given, and that recording does not change them;
/// - its derivatives against finite differences, to second order;
/// - float against double, values and gradients, where the function takes both: a generic lambda must;
/// - that inputs which are last references may be written over, and gradients do not notice;
/// - that inputs come out as they went in, where they are not last references;
/// - that the gradients of two uses of the inputs add up;
/// - that many gradients at once, as jacobian makes them, are those of one at a time;
/// - that nothing is kept beyond what `kept` allows.
///
///     const auto report = xg::testing::check_op([](auto x) { return softsign(x); }, {.shapes = {{3, 4}}, .domains = {{-2, 2,
///     0}}}); fmt::print("{}\n", report); return report.ok() ? 0 : 1;
///
/// The function takes one to eight Variables or a vector of them. A wrong result is not an exception: see OpReport::ok.
/// Throws ValueError for a row that makes no sense; what the operation throws is a failure.
template <class F>
OpReport check_op(const F& op, const OpRow& row, Where at = Where::current()) {
  detail::VectorFunction<float> in_float;
  constexpr auto counts = std::make_index_sequence<8>{};
  if constexpr (detail::takes_any<float, F>(counts))  // a generic lambda's body must not be compiled for a vector
    in_float = detail::vector_function<float>(op, "check_op", at);
  else if constexpr (std::is_invocable_v<F&, const std::vector<Variable<float>>&>)
    in_float = detail::vector_function<float>(op, "check_op", at);
  return detail::run_check_op(detail::vector_function<double>(op, "check_op", at), in_float, row, at);
}

}  // namespace xgrad::testing

template <>
struct fmt::formatter<xgrad::testing::OpReport> : xgrad::detail::TextFormatter {};
