#include <xgrad/graph/node.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad {

constinit thread_local detail::ThreadState detail::thread_state{};

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

}  // namespace xgrad
