#pragma once
/// A named program with its derivatives: what a Formula shares between its calls.
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <xgrad/graph/observer.hpp>
#include <xgrad/ops/formula.hpp>

#include "../formula/program.hpp"

namespace xgrad::detail {

/// Eight of a user's formula, and two more with each derivative.
inline constexpr std::size_t most_inputs = 24;

class CompiledRoutine final : public Routine {
 public:
  /// The gradient for one input.
  struct Gradient {
    Ref<const CompiledRoutine> routine;  ///< empty when the gradient is the output's own, or zero
    std::vector<std::uint8_t> reads;     ///< as Derivative::reads
    bool passes = false;                 ///< the gradient is just the output's gradient
    bool zero = false;                   ///< ... or 0 everywhere
    std::uint32_t uses = 0;              ///< what it needs kept, as in `use`
  };

  /// Where the program is one operation on inputs: which, and the inputs' numbers. An operand that it does not have is the first.
  struct Single {
    std::size_t primitive, a, b, c;
  };

  CompiledRoutine(std::string name, const Program& program, std::vector<Program> given);

  const std::string& name() const noexcept { return name_; }
  const Program& program() const noexcept { return program_; }
  /// … as it was traced, without what `optimise` has made of it.
  const Program& traced() const noexcept { return traced_; }
  const std::optional<Single>& single() const noexcept { return single_; }
  /// Found at the first call.
  const Gradient& gradient(std::size_t i) const {
    if (!differentiated_.load(std::memory_order_acquire))
      find_gradients();  // std::call_once costs 10 ns even when there is nothing to do
    return gradients_[i];
  }

 private:
  void find_gradients() const;

  std::string name_;
  Program traced_, program_;
  std::optional<Single> single_;
  std::vector<Program> given_;
  mutable std::atomic<bool> differentiated_ = false;
  mutable std::mutex mutex_;
  mutable std::vector<Gradient> gradients_;
};

/// That of a formula that an observer has seen; empty for any other operation.
template <class T>
XGRAD_API Ref<const CompiledRoutine> routine_of(const Event<T>& event);
/// The mask of a `where` that an observer has seen; empty for any other operation.
template <class T>
XGRAD_API Ref<Storage<bool>> mask_of(const Event<T>& event);
/// The labels of a cross_entropy or nll_loss that an observer has seen, -1 where a sample is ignored; empty for any other
/// operation.
template <class T>
XGRAD_API Ref<Storage<std::int64_t>> labels_of(const Event<T>& event);

}  // namespace xgrad::detail
