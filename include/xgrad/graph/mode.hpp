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

/// What DetectAnomaly reports.
enum class Anomaly : std::uint8_t { none, nan, not_finite };

namespace detail {

/// What each thread knows while it records or runs backward.
struct ThreadState {
  std::uint64_t clock = 0;  ///< the stamp of this thread's latest node
  bool recording = true;    ///< false inside NoGrad, and while backward runs without create_graph
  Anomaly anomaly = Anomaly::none;
  Where line;                  ///< inside a vjp: the line of the forward op, which the vjp's own ops then carry
  NodeBase* dead = nullptr;    ///< nodes waiting to be freed
  bool reaping = false;        ///< somebody up the stack is freeing them
  bool recomputing = false;    ///< the function of a checkpoint runs again
  bool rehearsing = false;     ///< a network runs for its summary: what training forbids to batches of one is let pass
  Journal* journal = nullptr;  ///< is told what Variables were before they are written
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

/// Whether the calling thread runs the function of a checkpoint for a second time, to compute its gradient: what a function does
/// besides computing (counting, printing) happens in both runs, unless it asks.
///
///     if (!xg::recomputing()) ++batches_seen;
inline bool recomputing() noexcept { return detail::thread_state.recomputing; }

/// While one lives, every operation of the calling thread, forward and backward, looks at what it has computed, and throws a
/// ValueError at the first value that is not finite:
///
///     const xg::DetectAnomaly detect;
///     backward(loss(net(x), y));   // train.cpp:58: log: 3 of 640 values are not finite, first at (12, 4) = nan,
///                                  // from input in [-0.2, 3.1]
///
/// The line is that of the forward operation, whether the value appeared in it or in its gradient. Programs that compute with
/// infinities on purpose (masks of -inf) ask for NaN alone: `DetectAnomaly detect(xg::Anomaly::nan)`. Costs nothing when there is
/// none; buffers are not reused where there is.
class DetectAnomaly {
 public:
  explicit DetectAnomaly(Anomaly what = Anomaly::not_finite) noexcept : was_(std::exchange(detail::thread_state.anomaly, what)) {}
  ~DetectAnomaly() { detail::thread_state.anomaly = was_; }
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

 private:
  Anomaly was_;
};

}  // namespace xgrad
