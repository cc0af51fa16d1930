#include <xgrad/graph/apply.hpp>

namespace xgrad {

template <class T>
Ref<Node<T>> Node<T>::create_leaf(const Shape& shape, Where at) {
  Ref<Node> node = Ref<Node>::first(new (memory::allocate(sizeof(Node))) Node(at, true));
  node->shape_ = shape;
  return node;
}

constinit thread_local detail::ThreadState detail::thread_state{};

void detail::undefined_variable(Where at, const char* who) {
  throw GraphError(at, who, "the Variable is undefined; it must have a value before it is used");
}

void detail::not_one_element(const Shape& shape, Where at) {
  throw ShapeError(at, "item", "the Variable has shape " + to_string(shape) + "; it must have exactly one element");
}

void detail::value_shape_changed(const Shape& now, const Shape& before, Where at) {
  throw ShapeError(at, "update",
                   "the value is now " + to_string(now) + ", it was " + to_string(before) + "; an update must keep the shape");
}

void detail::gradient_shape_changed(const Shape& now, const Shape& variable, Where at) {
  throw ShapeError(at, "update_grad",
                   "the gradient is now " + to_string(now) + ", the Variable is " + to_string(variable) + "; they must be equal");
}

void detail::check_value(const Shape& shape, std::size_t size, Where at) {
  try {
    if (size_of(shape) == size) return;
  } catch (Error& error) {
    error.place(at, "Variable");
    throw;
  }
  throw ShapeError(at, "Variable",
                   "the array has " + std::to_string(size) + " elements; with its shape " + to_string(shape) + " it must have " +
                       std::to_string(size_of(shape)));
}

void detail::undeclarable(std::size_t i) {
  throw ValueError("an input to declare is number " + std::to_string(i) + "; it must be less than 31");
}

void detail::undefined_input(std::size_t i) {
  throw GraphError("input " + std::to_string(i) + " is an undefined Variable; it must have a value before it is used");
}

void detail::undeclared_input(std::size_t i, std::size_t declared) {
  throw GraphError("`uses` has " + std::to_string(declared) + (declared == 1 ? " entry" : " entries") + ", but input " +
                   std::to_string(i) + " needs a gradient; there must be one entry per input");
}

void detail::missing_gradient(const NodeBase& node, std::size_t i) {
  throw GraphError(
      node.where(), node.name(),
      "vjps set no gradient for input " + std::to_string(i) + ", which is wanted; it must pass zeros where there is none");
}

namespace {
std::string value_name(std::size_t j) { return j == detail::the_output ? "the output" : "input " + std::to_string(j); }
std::string reader(std::size_t wanted) { return "vjp for input " + std::to_string(wanted); }
}  // namespace

void detail::shapeless_input(const NodeBase& node, std::size_t wanted, std::size_t j, std::size_t inputs) {
  throw GraphError(node.where(), node.name(),
                   reader(wanted) + " asks for the shape of input " + std::to_string(j) + ", which is " +
                       (j < inputs ? "a constant that is not kept" : "not there") + "; forward must store it in the op");
}

void detail::assigned_value(const NodeBase& node, std::size_t j) {
  throw GraphError(value_name(j) + " kept by " + std::string(node.name()) + " (" + to_string(node.where()) +
                   ") was assigned since; forward must run again");
}

void detail::absent_input(const NodeBase& node, std::size_t wanted, std::size_t j, std::size_t inputs) {
  throw GraphError(
      node.where(), node.name(),
      reader(wanted) + " reads input " + std::to_string(j) + " of " + std::to_string(inputs) + "; it must be one of them");
}

void detail::undeclared_value(const NodeBase& node, std::size_t wanted, std::size_t j) {
  throw GraphError(node.where(), node.name(),
                   reader(wanted) + " reads " + value_name(j) + ", which uses[" + std::to_string(wanted) +
                       "] does not declare; it must stand there");
}

template <class T>
std::weak_ptr<GradientHook<T>> detail::add_hook(Node<T>& node, GradientHook<T> hook) {
  if (!node.hooks) node.hooks = new Hooks<T>;
  node.hooks->push_back(std::make_shared<GradientHook<T>>(std::move(hook)));
  return node.hooks->back();
}

template <class T>
void detail::drop_hooks(Hooks<T>* hooks) noexcept {
  delete hooks;
}

void NodeBase::destroy() noexcept {
  // The dead wait in a list threaded through themselves: freeing one puts its dying inputs at the end of the queue instead of
  // on the stack, and allocates nothing.
  detail::ThreadState& state = detail::thread_state;
  next_dead_ = state.dead;
  state.dead = this;
  if (state.reaping) return;
  state.reaping = true;
  while (NodeBase* node = state.dead) {
    state.dead = node->next_dead_;
    node->free_memory();
  }
  state.reaping = false;
}

#define XGRAD_INSTANTIATE(T)                                                              \
  template Ref<Storage<T>> Storage<T>::create(Array<T>);                                  \
  template void Storage<T>::destroy() noexcept;                                           \
  template Ref<Node<T>> Node<T>::create_leaf(const Shape&, Where);                        \
  template std::weak_ptr<GradientHook<T>> detail::add_hook<T>(Node<T>&, GradientHook<T>); \
  template void detail::drop_hooks<T>(Hooks<T>*) noexcept;
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad
