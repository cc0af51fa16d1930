#pragma once
/// Who follows the gradients of some leaves through each backward: what averages them over several programs, while backward still
/// runs.
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <xgrad/graph/variable.hpp>

namespace xgrad::engine {

/// Some leaves, and what becomes of their gradients in every backward that reaches one of them. A backward calls it on its own
/// thread; what it throws ends that backward, and leaves all leaves as they were.
template <class T>
class XGRAD_API Watch {
 public:
  explicit Watch(std::vector<Ref<Node<T>>> leaves);
  virtual ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  const std::vector<Ref<Node<T>>>& leaves() const noexcept { return leaves_; }

  /// A backward that reaches leaves begins.
  virtual void begin() = 0;
  /// The gradient of leaf k is complete, its hooks have run. It comes as soon as that is so: after the last operation that used the
  /// leaf, while others are still to come. The value must not be written to.
  virtual void complete(std::size_t k, const Variable<T>& gradient) = 0;
  /// All gradients are complete; those of leaves that were not reached are undefined. Each may be replaced, also those. Returns
  /// whether they have in them what the leaves had before, which is then not added to them.
  virtual bool finish(std::span<Variable<T>> gradients) = 0;

 private:
  std::vector<Ref<Node<T>>> leaves_;
};

/// From now on, until `unfollow`, every backward of any thread tells it. Between the two it must not die. Throws ValueError where
/// one of its leaves is followed already.
template <class T>
XGRAD_API void follow(Watch<T>* watch);
template <class T>
XGRAD_API void unfollow(Watch<T>* watch) noexcept;

/// Those that are followed; empty, mostly, which costs one look at a number.
template <class T>
std::vector<Watch<T>*> followed();

}  // namespace xgrad::engine
