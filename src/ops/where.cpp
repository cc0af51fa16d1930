// Conditions, and choices by them.
#include <fmt/format.h>
#include <algorithm>
#include <functional>
#include <type_traits>

#include <xgrad/core/parallel.hpp>
#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>

#include "families.hpp"
#include "routine.hpp"
#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

/// An array at the places of a shape that it broadcasts to: its own elements, one that stands for all of them, or a copy.
template <class U>
class Spread {
 public:
  Spread(const Array<U>& x, const Shape& shape) : data_(x.data()), one_(x.size() == 1) {
    if (one_ || x.shape() == shape) return;
    copy_ = make_array<U>(shape);
    copy_view(x.data(), View(x.shape()).broadcast(shape), copy_.data(), View(shape));
    data_ = copy_.data();
  }
  Spread(const Spread&) = delete;
  Spread& operator=(const Spread&) = delete;

  const U* data() const noexcept { return data_; }
  bool one() const noexcept { return one_; }

 private:
  Array<U> copy_;
  const U* data_;
  bool one_;
};

/// body(a step of x, a step of y), which are constants: 0 for an array whose one element stands for all, else 1.
template <class T, class Body>
void by_steps(const Spread<T>& x, const Spread<T>& y, Body body) {
  constexpr std::integral_constant<std::size_t, 0> stay;
  constexpr std::integral_constant<std::size_t, 1> step;
  if (x.one())
    y.one() ? body(stay, stay) : body(stay, step);
  else
    y.one() ? body(step, stay) : body(step, step);
}

template <class T, class Holds>
Mask compare(std::string_view name, const Variable<T>& a, const Variable<T>& b, Where at, Holds holds) {
  return placed(at, name, [&] {
    const Array<T>&x = value_of(a, at), &y = value_of(b, at);
    const Shape shape = broadcast_shapes(x.shape(), y.shape());
    Mask out = make_array<bool>(shape);
    const Spread<T> left(x, shape), right(y, shape);
    by_steps(left, right, [&](auto i, auto j) {
      parallel_for(out.size(), 1, [&, p = left.data(), q = right.data(), to = out.data()](std::size_t begin, std::size_t end) {
        for (std::size_t k = begin; k < end; ++k) to[k] = holds(p[k * i], q[k * j]);
      });
    });
    return out;
  });
}

Shape common_shape(const Shape& condition, const Shape& x, const Shape& y) try {
  return broadcast_shapes(broadcast_shapes(condition, x), y);
} catch (const ShapeError&) {
  throw ShapeError(fmt::format("the condition is {}, the choices are {} and {}; they must broadcast to one shape",
                               to_string(condition), to_string(x), to_string(y)));
}

/// x where the mask is true, y elsewhere.
template <class T>
struct Select {
  static constexpr std::string_view name = "where";
  static constexpr std::array uses{use::none, use::none};
  Ref<Storage<bool>> mask;

  Result<T> forward(Inputs<T> in) {
    const Array<bool>& chosen = mask->array;
    const Shape shape = common_shape(chosen.shape(), in[0].shape(), in[1].shape());
    const Spread<bool> first(chosen, shape);
    const Spread<T> x(in[0], shape), y(in[1], shape);
    const auto fits = [&](std::size_t i) { return in.reusable(i) && in[i].shape() == shape; };
    Ref<Storage<T>> out = fits(0) ? in.take(0) : fits(1) ? in.take(1) : Storage<T>::create(make_array<T>(shape));
    const std::size_t m = first.one() ? 0 : 1;
    by_steps(x, y, [&](auto i, auto j) {
      parallel_for(out->array.size(), 1,
                   [&, c = first.data(), p = x.data(), q = y.data(), to = out->array.data()](std::size_t begin, std::size_t end) {
                     for (std::size_t k = begin; k < end; ++k) to[k] = c[k * m] ? p[k * i] : q[k * j];
                   });
    });
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t i) const {
    Variable<T> none(T(0));
    Variable<T> share = i == 0 ? apply(*this, {g, std::move(none)}, c.where()) : apply(*this, {std::move(none), g}, c.where());
    return sum_to(std::move(share), c.input_shape(i));
  }
};

}  // namespace

#define XGRAD_COMPARISON(name, holds)                                                     \
  template <class T>                                                                      \
  Mask name(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b, Where at) { \
    return compare(#name, a, b, at, holds{});                                             \
  }                                                                                       \
  template Mask name<float>(const Variable<float>&, const Variable<float>&, Where);       \
  template Mask name<double>(const Variable<double>&, const Variable<double>&, Where)

XGRAD_COMPARISON(less, std::less<>);
XGRAD_COMPARISON(less_equal, std::less_equal<>);
XGRAD_COMPARISON(greater, std::greater<>);
XGRAD_COMPARISON(greater_equal, std::greater_equal<>);
XGRAD_COMPARISON(equal, std::equal_to<>);
XGRAD_COMPARISON(not_equal, std::not_equal_to<>);

template <class T>
Variable<T> detail::select(const Mask& condition, Variable<T> a, Variable<T> b, Where at) {
  Mask mask = condition;
  return apply(Select<T>{Storage<bool>::create(std::move(mask))}, {std::move(a), std::move(b)}, at);
}
XGRAD_BOTH(detail::select);

template <class T>
Ref<Storage<bool>> detail::mask_of(const Event<T>& event) {
  if (event.describe != &describe_op<Select<T>>) return {};
  return static_cast<const Select<T>*>(event.described)->mask;
}
XGRAD_BOTH(detail::mask_of);

}  // namespace xgrad
