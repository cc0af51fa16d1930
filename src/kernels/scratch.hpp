#pragma once
#include <cstddef>
#include <type_traits>

#include <xgrad/core/memory.hpp>

namespace xgrad::kernels {

/// Room for n objects without constructors or destructors, for as long as a kernel runs: on the stack if they are few, else from
/// the pool, which throws MemoryError. It is aligned to 64 bytes.
template <class T, std::size_t few = 0>
class Scratch {
 public:
  explicit Scratch(std::size_t n) : size_(n) {
    if constexpr (few > 0)
      if (n <= few) {
        data_ = reinterpret_cast<T*>(stack_.bytes);
        return;
      }
    data_ = memory::Allocator<T>().allocate(n);
  }
  ~Scratch() {
    if (few == 0 || size_ > few) memory::Allocator<T>().deallocate(data_, size_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }
  T& operator[](std::size_t k) const { return data_[k]; }

 private:
  template <std::size_t n>
  struct Room {
    alignas(64) std::byte bytes[n];
  };
  struct None {};

  T* data_;
  std::size_t size_;
  [[no_unique_address]] std::conditional_t<few == 0, None, Room<few == 0 ? 1 : few * sizeof(T)>> stack_;
};

}  // namespace xgrad::kernels
