#pragma once
#include <cstddef>

#include <xgrad/core/memory.hpp>

namespace xgrad::kernels {

/// n elements from the pool, for as long as a kernel runs.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::size_t n) : data_(static_cast<T*>(memory::allocate(n * sizeof(T)))), size_(n) {}
  ~Scratch() { memory::deallocate(data_, size_ * sizeof(T)); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }

 private:
  T* data_;
  std::size_t size_;
};

}  // namespace xgrad::kernels
