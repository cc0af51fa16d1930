#pragma once
#include <algorithm>
#include <cstddef>

namespace xgrad::kernels {

// For loops that are compiled once: not for the files of the levels.

/// From so many elements on, loops take turns.
inline constexpr std::size_t many = std::size_t{1} << 17;

/// Whether the next loop over n elements goes from the last piece to the first. Long loops of a thread do so in turns: of an array
/// that is larger than the caches, what the loop before touched last is still there, and what it touched first is not.
inline bool backwards(std::size_t n) {
  thread_local bool last = false;
  return n >= many && (last = !last);
}

/// body(begin, end) for the pieces of a range, from one end of it or from the other.
template <class Body>
void in_pieces(std::size_t begin, std::size_t end, std::size_t piece, bool backwards, Body body) {
  const std::size_t pieces = (end - begin + piece - 1) / piece;
  for (std::size_t k = 0; k < pieces; ++k) {
    const std::size_t first = begin + (backwards ? pieces - 1 - k : k) * piece;
    body(first, std::min(first + piece, end));
  }
}

}  // namespace xgrad::kernels
