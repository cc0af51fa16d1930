#pragma once
#include <cstdint>
#include <utility>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

class NodeBase;

namespace detail {

/// What each thread knows while it records or runs backward.
struct ThreadState {
  std::uint64_t clock = 0;   ///< the stamp of this thread's latest node
  bool recording = true;     ///< false inside NoGrad, and while backward runs without create_graph
  Where line;                ///< inside a vjp: the line of the forward op, which the vjp's own ops then carry
  NodeBase* dead = nullptr;  ///< nodes waiting to be freed
  bool reaping = false;      ///< somebody up the stack is freeing them
};

extern XGRAD_API constinit thread_local ThreadState thread_state [[gnu::tls_model("initial-exec")]];

}  // namespace detail

/// While one lives, the calling thread records nothing: results need no gradient.
///
///     xg::NoGrad no_grad;
///     auto accuracy = evaluate(net, test);
class NoGrad {
 public:
  NoGrad() noexcept : was_(std::exchange(detail::thread_state.recording, false)) {}
  ~NoGrad() { detail::thread_state.recording = was_; }
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool was_;
};

/// Whether the calling thread records operations now.
inline bool recording() noexcept { return detail::thread_state.recording; }

}  // namespace xgrad
