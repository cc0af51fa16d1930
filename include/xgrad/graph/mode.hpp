#pragma once
#include <cstdint>
#include <utility>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

class NodeBase;
namespace detail {
class Journal;
}

class Observer;

namespace detail {

/// What each thread knows while it records or runs backward.
struct ThreadState {
  std::uint64_t clock = 0;       ///< the stamp of this thread's latest node
  Observer* observer = nullptr;  ///< is told what is computed; the innermost of several
  bool recording = true;         ///< false inside NoGrad, and while backward runs without create_graph
  Where line;                    ///< inside a vjp: the line of the forward op, which the vjp's own ops then carry
  NodeBase* dead = nullptr;      ///< nodes waiting to be freed
  bool reaping = false;          ///< somebody up the stack is freeing them
  bool recomputing = false;      ///< the function of a checkpoint runs again
  bool rehearsing = false;       ///< a network runs for its summary: what training forbids to batches of one is let pass
  Journal* journal = nullptr;    ///< is told what Variables were before they are written
};

extern XGRAD_API constinit thread_local ThreadState thread_state [[gnu::tls_model("initial-exec")]];

}  // namespace detail

namespace detail {
/// While one lives, the calling thread records, or does not.
class RecordingGuard {
 public:
  explicit RecordingGuard(bool record) noexcept : was_(std::exchange(thread_state.recording, record)) {}
  ~RecordingGuard() { thread_state.recording = was_; }
  RecordingGuard(const RecordingGuard&) = delete;
  RecordingGuard& operator=(const RecordingGuard&) = delete;
  bool was() const noexcept { return was_; }

 private:
  bool was_;
};
/// While one lives, operations carry this line, or with an empty one their own.
class LineGuard {
 public:
  explicit LineGuard(Where line) noexcept : was_(std::exchange(thread_state.line, line)) {}
  ~LineGuard() { thread_state.line = was_; }
  LineGuard(const LineGuard&) = delete;
  LineGuard& operator=(const LineGuard&) = delete;

 private:
  Where was_;
};
}  // namespace detail

/// While one lives, the calling thread records nothing: results need no gradient.
///
///     const xg::NoGrad no_grad;
///     auto accuracy = evaluate(net, test);
class NoGrad : detail::RecordingGuard {
 public:
  NoGrad() noexcept : RecordingGuard(false) {}
};

/// While one lives, the calling thread records, also inside a NoGrad:
///
///     const xg::NoGrad no_grad;
///     …
///     const xg::EnableGrad enable_grad;   // from here on
class EnableGrad : detail::RecordingGuard {
 public:
  EnableGrad() noexcept : RecordingGuard(true) {}
};

/// Whether the calling thread records operations now.
inline bool recording() noexcept { return detail::thread_state.recording; }

/// Whether the calling thread runs the function of a checkpoint for a second time, to compute its gradient: what a function does
/// besides computing (counting, printing) happens in both runs, unless it asks.
///
///     if (!xg::recomputing()) ++batches_seen;
inline bool recomputing() noexcept { return detail::thread_state.recomputing; }

}  // namespace xgrad
