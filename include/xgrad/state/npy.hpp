#pragma once
/// Arrays in NumPy's files. `nn::save` and `nn::load` take a whole network to and from an npz file.
#include <map>
#include <string>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

struct NpyOptions {
  /// Whether numbers of other types than the Array's are converted: floating ones of any precision, and integers into floating
  /// numbers and into integers that can hold them. Without it a file must have the Array's own type.
  bool convert = false;
};
struct NpzOptions {
  bool compress = false;  ///< whether the members are deflated
};

// T is float, double, a signed or unsigned integer of 8 to 64 bits, or bool.

/// Writes an Array to an npy file, which numpy.load reads, whole or not at all. Throws FileError.
///
///     xg::save_npy(net.conv1.weight.value(), "weight.npy");
///     const auto images = xg::load_npy<float>("images.npy", {.convert = true});      // whatever NumPy computed in
template <class T>
XGRAD_API void save_npy(const Array<T>& array, const std::string& path, Where at = Where::current());

/// Reads an npy file, as numpy.save writes it: versions 1 to 3 of the format, row-major or in Fortran's order, little-endian or
/// big, of bool, integers of 1 to 8 bytes and floating numbers of 2, 4 and 8. The Array is row-major.
///
/// Throws FileError, which names the file and the offset of what is wrong in it, or the elements that it has where they are not T.
/// Complex numbers, text, dates, fields and objects are refused.
template <class T>
XGRAD_API Array<T> load_npy(const std::string& path, const NpyOptions& options = {}, Where at = Where::current());

/// Writes Arrays to an npz file, each under its name, whole or not at all; numpy.load reads it. Throws FileError.
template <class T>
XGRAD_API void save_npz(const std::map<std::string, Array<T>>& arrays, const std::string& path, const NpzOptions& options = {},
                        Where at = Where::current());

/// Reads all arrays of an npz file, as numpy.savez and numpy.savez_compressed write it. Throws FileError as load_npy does; it names
/// the member, too. For arrays of several types, or some of them, `nn::load` fills a struct with a member for each.
template <class T>
XGRAD_API std::map<std::string, Array<T>> load_npz(const std::string& path, const NpyOptions& options = {},
                                                   Where at = Where::current());

}  // namespace xgrad
