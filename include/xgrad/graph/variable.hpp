#pragma once
#include <string>
#include <type_traits>
#include <utility>

#include <xgrad/core/array.hpp>
#include <xgrad/core/error.hpp>
#include <xgrad/core/shape.hpp>
#include <xgrad/graph/mode.hpp>
#include <xgrad/graph/node.hpp>

namespace xgrad {

template <class T>
class Operand;

namespace detail {
template <class T>
XGRAD_API Variable<T> add(Operand<T>& a, Operand<T>& b);
template <class T>
XGRAD_API Variable<T> sub(Operand<T>& a, Operand<T>& b);
template <class T>
XGRAD_API Variable<T> mul(Operand<T>& a, Operand<T>& b);
template <class T>
XGRAD_API Variable<T> div(Operand<T>& a, Operand<T>& b);

// Errors, out of line: they would be most of what a user's file has to compile.
[[noreturn]] XGRAD_API void undefined_variable(Where at, const char* who);
[[noreturn]] XGRAD_API void not_one_element(const Shape& shape, Where at);
[[noreturn]] XGRAD_API void value_shape_changed(const Shape& now, const Shape& before, Where at);
[[noreturn]] XGRAD_API void gradient_shape_changed(const Shape& now, const Shape& variable, Where at);
/// Throws ShapeError for an array that is less than its shape says: xtensor multiplies lengths without a look.
XGRAD_API void check_value(const Shape& shape, std::size_t size, Where at);

/// Tells the thread's journal that the value is about to be written.
template <class T>
XGRAD_API void note_write(const Ref<Storage<T>>& storage);
}  // namespace detail

/// What Variable::on_grad returns: the way to take the hook away again. Dropping it changes nothing.
template <class T>
class HookHandle {
 public:
  HookHandle() = default;
  explicit HookHandle(std::weak_ptr<GradientHook<T>> hook) : hook_(std::move(hook)) {}
  void remove() {
    if (const auto hook = hook_.lock()) hook->function = nullptr;
  }

 private:
  std::weak_ptr<GradientHook<T>> hook_;
};

/// A value and how it came to be: a handle of two words (counted value, counted graph node). Copies are cheap and mean the same
/// Variable; `assign` on one shows in all of them. T is float or double, and the two never mix.
template <class T>
class Variable {
  static_assert(Real<T>, "xgrad: a Variable holds float or double; pass integer arrays (labels, indices) as Labels, masks as Mask");

 public:
  using value_type = T;

  /// An undefined Variable: good for nothing but being assigned to.
  Variable() = default;

  /// A leaf when `requires_grad`, else a constant. Takes an Array<T> over without a copy when it is moved in.
  template <std::same_as<Array<T>> A>
  Variable(A value, bool requires_grad = false, Where at = Where::current())  // NOLINT(google-explicit-constructor)
      : value_(Storage<T>::create(std::move(value))) {
    if (value_->array.dimension() > 1) detail::check_value(value_->array.shape(), value_->array.size(), at);
    if (requires_grad) become_leaf(at);
  }
  /// From any other xtensor container or expression of exactly this value type.
  template <ExpressionOf<T> E>
  requires(!std::same_as<std::remove_cvref_t<E>, Array<T>>)
      Variable(const E& value, bool requires_grad = false, Where at = Where::current())  // NOLINT(google-explicit-constructor)
      : Variable(Array<T>(value), requires_grad, at) {}
  /// A 0-d array.
  template <Scalar S>
  Variable(S value, bool requires_grad = false, Where at = Where::current())  // NOLINT(google-explicit-constructor)
      : Variable(full<T>(Shape{}, static_cast<T>(value), Where{}), requires_grad, at) {}

  /// For ops and the engine: a value with the node that produced it.
  explicit Variable(Ref<Storage<T>> value, Ref<Node<T>> node = {}) noexcept : value_(std::move(value)), node_(std::move(node)) {}

  bool defined() const noexcept { return bool(value_); }
  bool requires_grad() const noexcept { return bool(node_); }
  bool is_leaf() const noexcept { return !node_ || node_->is_leaf(); }

  const Array<T>& value(Where at = Where::current()) const& { return storage(at)->array; }
  /// Of a temporary: the array itself, so that `for (float x : relu(y).value())` does not look at a value that has died.
  Array<T> value(Where at = Where::current()) && {
    return storage(at)->references.only_one() ? std::move(value_->array) : Array<T>(value_->array);
  }
  const Shape& shape(Where at = Where::current()) const& { return storage(at)->array.shape(); }
  Shape shape(Where at = Where::current()) && { return storage(at)->array.shape(); }
  std::size_t size(Where at = Where::current()) const { return storage(at)->array.size(); }
  /// The only element. Throws ShapeError when there are more or fewer.
  T item(Where at = Where::current()) const {
    static_cast<void>(storage(at));
    if (size() != 1) detail::not_one_element(shape(at), at);
    return *value(at).data();
  }

  /// The gradient that backward calls have accumulated here. Throws GraphError when there is none.
  const Array<T>& grad(Where at = Where::current()) const { return own_gradient("grad", at); }
  bool has_grad() const noexcept { return node_ && node_->is_leaf() && node_->gradient.defined(); }
  /// Forgets the gradient.
  void zero_grad() noexcept {
    if (has_grad()) node_->gradient = {};
  }
  /// f(Array<T>&) may change the gradient: clipping, averaging. It works on a copy, so that nothing has changed when it throws.
  /// Throws ShapeError when it leaves another shape.
  template <class F>
  void update_grad(F&& f, Where at = Where::current()) {
    Array<T> changed = own_gradient("update_grad", at);
    std::forward<F>(f)(changed);
    if (changed.shape() != value_->array.shape()) detail::gradient_shape_changed(changed.shape(), value_->array.shape(), at);
    node_->gradient = Variable(Storage<T>::create(std::move(changed)));
  }

  /// Calls f(gradient) in every backward and grad that comes through this Variable, leaf or result, when its gradient is complete:
  /// after everything that used the value has contributed, before the operation that produced it sees it (result) or it is added
  /// to what grad() holds (leaf). f only looks and returns nothing, or returns the gradient to go on with, of the same shape;
  /// an undefined Variable leaves it as it is. Hooks run in the order in which they were set, also those set on other copies of
  /// this handle. With create_graph what f computes is recorded.
  ///
  ///     x.on_grad([](const auto& g) { fmt::print("{}\n", norm(g).item()); });
  ///     h.on_grad([](const auto& g) { return minimum(maximum(g, -1), 1); });
  ///
  /// Throws GraphError for a Variable that needs no gradient.
  template <class F>
  HookHandle<T> on_grad(F f, Where at = Where::current()) const {
    using R = std::invoke_result_t<F&, const Variable&>;
    static_assert(
        std::is_void_v<R> || std::is_convertible_v<R, Variable>,
        "xgrad: a function for on_grad takes the gradient, a const Variable<T>&, and returns nothing or another gradient");
    static_cast<void>(storage(at));
    if (!node_) throw GraphError(at, "on_grad", "the Variable needs no gradient; it must, or the function would never be called");
    GradientHook<T> hook;
    hook.where = at;
    hook.function = [f = std::move(f)](const Variable& g) mutable -> Variable {
      if constexpr (std::is_void_v<R>) {
        f(g);
        return {};
      } else {
        return f(g);
      }
    };
    return HookHandle<T>(detail::add_hook<T>(*node_, std::move(hook)));
  }

  /// The same value as a constant: no gradient flows through it. The two share the value; `Variable<T>(x.value())` is a copy.
  Variable detach() const { return Variable(value_); }

  /// Replaces the value of a leaf or constant, in all copies of this handle. A graph that keeps the old value refuses to run
  /// backward. Throws ShapeError when the shape differs, GraphError when the Variable is the result of a recorded operation.
  void assign(Array<T> value, Where at = Where::current()) {
    need_assignable("assign", at);
    if (value.shape() != shape())
      throw ShapeError(
          at, "assign",
          "the new value is " + to_string(value.shape()) + ", the Variable is " + to_string(shape()) + "; they must be equal");
    change("assign", at) = std::move(value);
  }
  /// f(Array<T>&) may change the value, but not its shape; otherwise as assign. It works on a copy, so that nothing has changed
  /// when it throws.
  template <class F>
  void update(F&& f, Where at = Where::current()) {
    need_assignable("update", at);
    Array<T> changed = value();
    std::forward<F>(f)(changed);
    if (changed.shape() != shape()) detail::value_shape_changed(changed.shape(), shape(), at);
    change("update", at) = std::move(changed);
  }
  /// For optimisers and layers: the array itself, to be written into at once. Who writes keeps its shape.
  Array<T>& change(const char* what, Where at) {
    need_assignable(what, at);
    Storage<T>& mine = *value_;
    if (detail::thread_state.journal) [[unlikely]]
      detail::note_write<T>(value_);
    ++mine.version;
    return mine.array;
  }

  /// For ops and the engine.
  const Ref<Storage<T>>& storage(Where at = Where::current(), const char* who = __builtin_FUNCTION()) const {
    if (!value_) detail::undefined_variable(at, who);  // the function that asks
    return value_;
  }
  Ref<Storage<T>> take_storage() noexcept { return std::move(value_); }
  const Ref<Node<T>>& node() const noexcept { return node_; }
  Ref<Node<T>> take_node() noexcept { return std::move(node_); }
  bool same_storage(const Variable& other) const noexcept { return value_ == other.value_; }

  // Operators; ops/arithmetic.hpp has the same as functions. The user's line arrives with the operands.
  friend Variable operator+(Operand<T> a, Operand<T> b) { return detail::add(a, b); }
  friend Variable operator-(Operand<T> a, Operand<T> b) { return detail::sub(a, b); }
  friend Variable operator*(Operand<T> a, Operand<T> b) { return detail::mul(a, b); }
  friend Variable operator/(Operand<T> a, Operand<T> b) { return detail::div(a, b); }
  friend Variable operator-(Operand<T> x) { return neg(x.take(), x.where); }

  // These bind the handle to a new Variable; other copies keep the old one.
  Variable& operator+=(Operand<T> b) {
    Operand<T> a(std::as_const(*this), b.where);
    return *this = detail::add(a, b);
  }
  Variable& operator-=(Operand<T> b) {
    Operand<T> a(std::as_const(*this), b.where);
    return *this = detail::sub(a, b);
  }
  Variable& operator*=(Operand<T> b) {
    Operand<T> a(std::as_const(*this), b.where);
    return *this = detail::mul(a, b);
  }
  Variable& operator/=(Operand<T> b) {
    Operand<T> a(std::as_const(*this), b.where);
    return *this = detail::div(a, b);
  }

  // Comparisons look at values only and give a Mask. There is no ==: whether it compares handles or values would be a guess;
  // `equal` and `not_equal` compare values.
  friend Mask operator<(Operand<T> a, Operand<T> b) { return less(a.variable(), b.variable(), b.where); }
  friend Mask operator<=(Operand<T> a, Operand<T> b) { return less_equal(a.variable(), b.variable(), b.where); }
  friend Mask operator>(Operand<T> a, Operand<T> b) { return greater(a.variable(), b.variable(), b.where); }
  friend Mask operator>=(Operand<T> a, Operand<T> b) { return greater_equal(a.variable(), b.variable(), b.where); }

 private:
  void become_leaf(Where at) { node_ = Node<T>::create_leaf(value_->array.shape(), at); }
  void need_assignable(const char* what, Where at) const {
    static_cast<void>(storage(at, what));
    if (!is_leaf())
      throw GraphError(at, what,
                       "the Variable is the result of " + std::string(node_->name()) + " recorded at " + to_string(node_->where()) +
                           "; it must be a leaf or constant to be assigned: make a copy with Variable(x.value())");
  }
  const Array<T>& own_gradient(const char* what, Where at) const {
    need_leaf(what, at);
    if (!node_->gradient.defined())
      throw GraphError(at, what, "there is no gradient yet; backward must reach this Variable after it was made or zero_grad ran");
    return node_->gradient.value(at);
  }
  void need_leaf(const char* what, Where at) const {
    static_cast<void>(storage(at, what));
    if (!node_)
      throw GraphError(at, what, "the Variable is a constant; it must be made with requires_grad = true to have a gradient");
    if (!node_->is_leaf())
      throw GraphError(
          at, what,
          "the Variable is the result of " + std::string(node_->name()) + " recorded at " + to_string(node_->where()) +
              "; it must be a leaf to own a gradient: to change a leaf in place use update(), for the gradients of others "
              "xgrad::grad(y, {x})");
  }

  Ref<Storage<T>> value_;
  Ref<Node<T>> node_;
};

/// What stands on one side of an operator: a Variable, a number, or an array of the same value type, and the user's line. A
/// Variable that has a name is referred to until an operation takes it, so it must not be moved from in the same expression.
template <class T>
class Operand {
 public:
  Operand(const Variable<T>& x, Where w = Where::current()) : where(w), variable_(&x) {}  // NOLINT(google-explicit-constructor)
  Operand(Variable<T>&& x, Where w = Where::current())                                    // NOLINT(google-explicit-constructor)
      : where(w), own_(std::move(x)) {}
  template <class S>
  requires(Scalar<S> || ExpressionOf<S, T>) Operand(const S& x, Where w = Where::current())  // NOLINT(google-explicit-constructor)
      : where(w), own_(x, false, w) {}
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;

  const Variable<T>& variable() const noexcept { return variable_ ? *variable_ : own_; }
  Variable<T> take() { return variable_ ? *variable_ : std::move(own_); }

  Where where;

 private:
  const Variable<T>* variable_ = nullptr;  // the user's
  Variable<T> own_;
};

/// A Variable and what it is called, as in "conv1.weight".
template <class T>
struct NamedVariable {
  std::string name;
  Variable<T> variable;
};

namespace detail {
template <class X>
struct VariableOf {};
template <class T>
struct VariableOf<Variable<T>> {
  using type = Variable<T>;
};
template <Expression E>
requires Real<typename E::value_type>
struct VariableOf<E> {
  using type = Variable<typename E::value_type>;
};
}  // namespace detail

/// The Variable that an operand is or becomes: Variable<T> for a Variable<T>, and for an array of T, which is a constant. Where a
/// function finds its element type from its first operand, this is how it takes both.
template <class X>
using VariableOf = typename detail::VariableOf<X>::type;

}  // namespace xgrad
