#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace xgrad {

/// A reference count. Counting is thread-safe; whoever finds itself the only owner needs no locked instruction.
class Count {
 public:
  /// The first reference, to an object that nobody else knows yet.
  void begin() noexcept { value_.store(1, std::memory_order_relaxed); }
  void increase() noexcept { value_.fetch_add(1, std::memory_order_relaxed); }
  /// True when this was the last reference.
  bool decrease() noexcept { return only_one() || value_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
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
  /// The first reference to a new object.
  static Ref first(X* object) noexcept {
    object->references.begin();
    Ref ref;
    ref.object_ = object;
    return ref;
  }
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
