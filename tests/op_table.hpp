#pragma once
/// A row per operation and way of calling it: what tests/ops.cpp checks of every operation. A new operation gets its row in the
/// rows_*.cpp of its topic.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "naive.hpp"

namespace op_table {

using namespace xgrad;
using naive::A;
using testing::Domain;
using In = const std::vector<A>&;

/// What a gradient keeps: inputs, the output, and anything else (copies in another shape, masks).
constexpr std::uint32_t a = use::input(0), b = use::input(1), c = use::input(2), y = use::output, other = 1u << 30, none = 0;

/// A generic lambda of a vector of Variables, of double and of float: what check_op takes. It is erased by hand because
/// hundreds of std::function take the compiler three times as long.
class Call {
 public:
  template <class F>
  Call(F f) : call_(std::make_shared<const Of<F>>(std::move(f))) {}  // NOLINT(google-explicit-constructor)
  Variable<double> operator()(const std::vector<Variable<double>>& x) const { return call_->run(x); }
  Variable<float> operator()(const std::vector<Variable<float>>& x) const { return call_->run(x); }

 private:
  struct Any {
    Any() = default;
    Any(const Any&) = delete;
    Any& operator=(const Any&) = delete;
    virtual ~Any() = default;
    virtual Variable<double> run(const std::vector<Variable<double>>& x) const = 0;
    virtual Variable<float> run(const std::vector<Variable<float>>& x) const = 0;
  };
  template <class F>
  struct Of final : Any {
    explicit Of(F f) : function(std::move(f)) {}
    Variable<double> run(const std::vector<Variable<double>>& x) const override { return function(x); }
    Variable<float> run(const std::vector<Variable<float>>& x) const override { return function(x); }
    F function;
  };
  std::shared_ptr<const Any> call_;
};

struct Details {
  std::vector<std::uint32_t> kept;     ///< by the gradient of each input
  std::vector<Domain> domains = {{}};  ///< of each input; the last is that of the rest too
  bool distinct = false;               ///< no two elements of any of the inputs come near one another
  bool allow_zero = false;             ///< the gradients may be all zero
};

struct Row {
  std::string op;    ///< the public function that it covers
  std::string name;  ///< of the row
  Call run;
  std::vector<Shape> shapes;                               ///< empty for elementwise operations: they are tried with many
  std::function<A(In)> forward;                            ///< as plain loops …
  std::function<double(std::span<const double>)> formula;  ///< … or, for elementwise operations, of one element
  Details details;
};

/// Rows in the making.
struct Rows {
  std::vector<Row> rows;
  void operator()(std::string op, std::string name, Call run, std::function<double(std::span<const double>)> formula, Details d) {
    rows.push_back({std::move(op), std::move(name), std::move(run), {}, {}, std::move(formula), std::move(d)});
  }
  void operator()(std::string op, std::string name, Call run, std::vector<Shape> shapes, std::function<A(In)> forward, Details d) {
    rows.push_back({std::move(op), std::move(name), std::move(run), std::move(shapes), std::move(forward), {}, std::move(d)});
  }
};

/// float or double, of a vector of Variables.
template <class X>
using Real = typename std::remove_cvref_t<X>::value_type::value_type;

/// A mask that differs from row to row and column to column.
inline Mask checker(const Shape& shape) {
  Mask mask(shape);
  for (std::size_t k = 0; k < mask.size(); ++k) mask.data()[k] = k % 3 != 1;
  return mask;
}

std::vector<Row> activation_rows();
std::vector<Row> basic_rows();
std::vector<Row> class_loss_rows();
std::vector<Row> conv_rows();
std::vector<Row> element_loss_rows();
std::vector<Row> elementwise_rows();
std::vector<Row> equation_rows();
std::vector<Row> formula_rows();
std::vector<Row> index_rows();
std::vector<Row> norm_rows();
std::vector<Row> product_rows();
std::vector<Row> reduce_rows();
std::vector<Row> reduced_loss_rows();
std::vector<Row> sequence_rows();
std::vector<Row> shape_rows();
std::vector<Row> window_rows();

}  // namespace op_table
