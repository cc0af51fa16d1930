#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

/// Labelled images, as bytes: a quarter of the memory that floats would take. `Batches` turns them into numbers.
struct Dataset {
  Array<std::uint8_t> images;      ///< (n, height, width, channels); channels is 1 for MNIST
  Labels labels;                   ///< (n,), each in 0 … classes-1
  std::vector<std::string> names;  ///< what each class is called
  std::size_t classes = 0;

  std::size_t size() const { return labels.size(); }
};

/// What one trains on, and what one tests with.
struct Split {
  Dataset train, test;
};

/// Reads a pair of idx files as MNIST publishes them (http://yann.lecun.com/exdb/mnist): n images of unsigned bytes, and n labels
/// 0 … 9. Either may be gzip-compressed, whatever it is called, in one member or several, behind which nothing else may be. The
/// classes are called "0" … "9", or as Fashion-MNIST calls them when the path of the images contains "fashion".
///
/// Throws FileError when a file is missing, no regular file (a FIFO might never begin), damaged, cut short, too long or not such a
/// file, when a label is above 9, or when the counts differ; the message names the file and the byte (after decompression) at which
/// it went wrong. Memory is taken as the file fills it, not as its header claims.
XGRAD_API Dataset read_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                           Where where = Where::current());

/// Reads the four files of MNIST, Fashion-MNIST or another set in their format: `train-images-idx3-ubyte`,
/// `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, or with a dot as in `train-images.idx3-ubyte`;
/// each as it is or with `.gz`. Throws FileError as `read_idx` does.
XGRAD_API Split load_mnist(const std::filesystem::path& directory, Where where = Where::current());

}  // namespace xgrad
