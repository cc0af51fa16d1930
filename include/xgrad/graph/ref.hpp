#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace xgrad {

namespace detail {
/// Whether the process has no other thread, as far as the C library can tell.
inline bool single_threaded() noexcept {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded;
#else
  return false;
#endif
}
}  // namespace detail

/// A reference count. Counting is thread-safe. A locked instruction takes as long as twenty others, so there is none where nobody
/// else can be counting: in a process of one thread, for the first reference and for the last.
class Count {
 public:
  void increase() noexcept {
    if (const std::uint32_t value = value_.load(std::memory_order_relaxed); value == 0 || detail::single_threaded())
      value_.store(value + 1, std::memory_order_relaxed);
    else
      value_.fetch_add(1, std::memory_order_relaxed);
  }
  /// True when this was the last reference.
  bool decrease() noexcept {
    if (only_one()) return true;
    if (!detail::single_threaded()) return value_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    value_.store(value_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    return false;
  }
  bool only_one() const noexcept { return value_.load(std::memory_order_acquire) == 1; }

 private:
  std::atomic<std::uint32_t> value_{0};
};

/// A counted pointer to an object that has a `Count references` and a `destroy()`.
template <class X>
class Ref {
 public:
  Ref() noexcept = default;
  explicit Ref(X* object) noexcept : object_(object) {
    if (object_) object_->references.increase();
  }
  Ref(const Ref& other) noexcept : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { reset(); }

  void reset() noexcept {
    X* object = std::exchange(object_, nullptr);
    if (object && object->references.decrease()) object->destroy();
  }
  X* get() const noexcept { return object_; }
  X* operator->() const noexcept { return object_; }
  X& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  bool operator==(const Ref& other) const noexcept { return object_ == other.object_; }

 private:
  X* object_ = nullptr;
};

}  // namespace xgrad
