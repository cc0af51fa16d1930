#pragma once
/// Looking at what a thread computes while it computes it.
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <xgrad/graph/describe.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad {

/// What an observer is told of.
enum class Seen : std::uint8_t {
  result,          ///< an operation has run, forward or in a gradient: `value` is its result
  input_gradient,  ///< backward has computed the gradient of one input of an operation: `value`, from that of the result
  whole_gradient,  ///< the gradient of a result or leaf is complete, and is going to be used: `value`
};

/// What was seen. It refers to what lives during the call alone; copies of Variables may be kept.
template <class T>
struct Event {
  Seen what;
  std::string_view op;                           ///< the operation's name
  Where where;                                   ///< the user's line, in a gradient that of the forward operation
  const Variable<T>& value;                      ///< with its history, if it was recorded
  std::span<const Variable<T>> inputs = {};      ///< of an operation that has run
  const Node<T>* node = nullptr;                 ///< that belongs to the operation or leaf, if it was recorded
  std::size_t input = 0;                         ///< which input's gradient it is
  const Variable<T>* result_gradient = nullptr;  ///< that it was computed from
  std::vector<Attribute> (*describe)(const void* op, std::string_view name) = nullptr;
  const void* described = nullptr;

  /// The options of the operation.
  std::vector<Attribute> attributes() const {
    return describe ? describe(described, op) : node ? node->attributes() : std::vector<Attribute>{};
  }
};

/// While one lives, it is told of every operation and gradient that the calling thread computes. Observers nest: the inner one
/// hears of each first. What an observer throws comes out of the operation, or of backward, as if that had thrown it. What it
/// computes itself is not observed. Buffers of inputs are not reused while there is one.
class Observer {
 public:
  Observer() noexcept : outer_(std::exchange(detail::thread_state.observer, this)) {}
  virtual ~Observer() { detail::thread_state.observer = outer_; }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  virtual void see(const Event<float>& event) = 0;
  virtual void see(const Event<double>& event) = 0;
  /// An operation is going to run: for those who measure time.
  virtual void begin() noexcept {}

  Observer* outer() const noexcept { return outer_; }

 private:
  Observer* outer_;
};

/// An observer made of a function of any Event:
///
///     std::map<std::string_view, int> count;
///     const xg::Observe observe([&](const auto& event) { if (event.what == xg::Seen::result) ++count[event.op]; });
template <class F>
class Observe final : public Observer {
 public:
  explicit Observe(F f) : f_(std::move(f)) {}
  void see(const Event<float>& event) override { f_(event); }
  void see(const Event<double>& event) override { f_(event); }

 private:
  F f_;
};

/// What DetectAnomaly reports.
enum class Anomaly : std::uint8_t { none, nan, not_finite };

/// While one lives, every operation of the calling thread, forward and backward, looks at what it has computed, and throws a
/// ValueError at the first value that is not finite:
///
///     const xg::DetectAnomaly detect;
///     backward(loss(net(x), y));   // train.cpp:58: log: 3 of 640 values are not finite, first at (12, 4) = nan,
///                                  // from input in [-0.2, 3.1]
///
/// The line is that of the forward operation, whether the value appeared in it or in its gradient. Programs that compute with
/// infinities on purpose (masks of -inf) ask for NaN alone: `DetectAnomaly detect(xg::Anomaly::nan)`. Of several the innermost
/// counts. Costs nothing when there is none; buffers are not reused where there is.
class DetectAnomaly final : public Observer {
 public:
  explicit DetectAnomaly(Anomaly what = Anomaly::not_finite) noexcept : what_(what) { replace(); }
  ~DetectAnomaly() override {
    if (replaced_) replaced_->active_ = true;
  }
  void see(const Event<float>& event) override { check(event); }
  void see(const Event<double>& event) override { check(event); }

 private:
  XGRAD_API void replace() noexcept;
  XGRAD_API void check(const Event<float>& event) const;
  XGRAD_API void check(const Event<double>& event) const;

  Anomaly what_;
  DetectAnomaly* replaced_ = nullptr;
  bool active_ = true;
};

namespace detail {

/// While one lives, nobody observes the thread.
class Unobserved {
 public:
  Unobserved() noexcept : was_(std::exchange(thread_state.observer, nullptr)) {}
  ~Unobserved() { thread_state.observer = was_; }
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;

 private:
  Observer* was_;
};

/// Tells all observers of the thread.
template <class T>
XGRAD_API void tell(const Event<T>& event);

/// The inputs of an op that is observed, for what is told when it has run. All out of line.
template <class T>
class Observed {
 public:
  Observed() = default;
  ~Observed() {
    if (inputs_) [[unlikely]]
      drop(inputs_);
  }
  Observed(const Observed&) = delete;
  Observed& operator=(const Observed&) = delete;
  XGRAD_API void keep(std::span<const Variable<T>> inputs);
  /// `describe` makes the attributes of the op at `described`. (Pointers, so that apply keeps its Refs in registers.)
  XGRAD_API void tell(Storage<T>* result, Node<T>* node, std::string_view op, Where at,
                      std::vector<Attribute> (*describe)(const void*, std::string_view), const void* described) const;
  explicit operator bool() const noexcept { return inputs_ != nullptr; }

 private:
  XGRAD_API static void drop(std::vector<Variable<T>>* inputs) noexcept;
  std::vector<Variable<T>>* inputs_ = nullptr;
};

}  // namespace detail
}  // namespace xgrad
