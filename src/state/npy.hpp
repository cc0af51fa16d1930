#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/array.hpp>
#include <xgrad/state/entries.hpp>

#include "tensor_file.hpp"

// The npy format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): "\x93NUMPY", two bytes of version, the
// header's length in two bytes or four, the header, a Python dict in one line such as {'descr': '<f4', 'fortran_order': False,
// 'shape': (3, 4), }, and the values.
namespace xgrad::nn {

struct NpyHeader {
  std::string descr;    ///< "<f4"
  std::string element;  ///< "F32", or "" for one that we do not have
  std::size_t element_bytes = 0;
  bool swapped = false;  ///< big-endian
  bool fortran = false;  ///< the first axis is the one whose elements follow each other
  Shape shape;
  std::uint64_t begin = 0, bytes = 0;  ///< where the values begin, and how many bytes they have
};

/// The bytes of an npy file, wherever they come from. Both throw FileError, which names the place.
struct NpyInput {
  std::function<void(void* to, std::size_t bytes)> read;  ///< the next ones
  std::function<void(std::uint64_t offset, const std::string& text)> fail;
  std::uint64_t size = 0;
};

/// Reads up to the values. All must be right but the element, and there must be as many bytes behind as it says.
NpyHeader read_npy_header(const NpyInput& input);
/// Reads the values behind the header: row-major and little-endian.
Array<std::uint8_t> read_npy_values(const NpyInput& input, const NpyHeader& header, const Task& task);
/// "its elements are '<c8'; they must be …": of an element that we do not have.
std::string unknown_descr(const NpyHeader& header);

/// All that is before the values.
std::string npy_header(Element element, const Shape& shape);

}  // namespace xgrad::nn
