#pragma once
#include <cstddef>
#include <cstdint>
#include <new>

#include <xgrad/core/api.hpp>

/// The pool behind every Array, Storage and Node. Blocks are aligned to 64 bytes and a multiple of 64 bytes long, so kernels may
/// read and write a whole vector at the end of an array. Under AddressSanitizer the pool steps aside.
namespace xgrad::memory {

/// At least `bytes` bytes (zero is allowed), aligned to 64. Throws MemoryError, which says how many, when they are more than the
/// limit or the system has none left.
XGRAD_API void* allocate(std::size_t bytes);
/// Gives back a block of `allocate(bytes)`; any thread may do so.
XGRAD_API void deallocate(void* block, std::size_t bytes) noexcept;

/// In bytes, over all threads; of small blocks in other threads, up to 64 KiB each may not be counted yet.
struct Stats {
  std::size_t in_use = 0;  ///< in blocks that are allocated now
  std::size_t cached = 0;  ///< in blocks kept for the next allocation by this thread or by all in common
  std::size_t peak = 0;    ///< the largest `in_use` since the start or `reset_peak()`
  /// Blocks that the system was asked for since the start. A training loop needs none once its first steps have filled the pool.
  std::uint64_t system_allocations = 0;
};
/// What is in use now, and what was.
XGRAD_API Stats stats() noexcept;
/// `peak` begins anew, with what is in use now.
XGRAD_API void reset_peak() noexcept;
/// Returns cached blocks to the system: those of the calling thread and those shared by all.
XGRAD_API void trim() noexcept;

/// The largest block, and so the largest array, in bytes: the machine's memory, or what set_limit said. What is larger is refused
/// before anything is allocated, with an error that names the number.
XGRAD_API std::size_t limit() noexcept;
/// Makes `bytes` the limit of all threads; 0 stands for the machine's memory again.
XGRAD_API void set_limit(std::size_t bytes) noexcept;

namespace detail {
[[noreturn]] XGRAD_API void no_memory(std::size_t n, std::size_t size);
}

// In this namespace and not in xgrad: it is a template argument of every Array, and would bring xgrad's functions into the
// unqualified calls inside of xtensor (`sum` in xt::mean).
template <class T>
struct Allocator {
  using value_type = T;
  Allocator() noexcept = default;
  template <class U>
  Allocator(const Allocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor): an allocator converts
  T* allocate(std::size_t n) {
    if (n > PTRDIFF_MAX / sizeof(T)) detail::no_memory(n, sizeof(T));
    return static_cast<T*>(memory::allocate(n * sizeof(T)));
  }
  void deallocate(T* p, std::size_t n) noexcept { memory::deallocate(p, n * sizeof(T)); }
  template <class U>
  bool operator==(const Allocator<U>&) const noexcept {
    return true;
  }
};

}  // namespace xgrad::memory
