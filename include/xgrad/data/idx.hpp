#pragma once
#include <filesystem>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/data/dataset.hpp>
#include <xgrad/data/source.hpp>

namespace xgrad {

/// Reads a pair of idx files as MNIST publishes them (http://yann.lecun.com/exdb/mnist): n images of unsigned bytes, and n labels
/// 0 … 9. Either may be gzip-compressed, whatever it is called, in one member or several, behind which nothing else may be. The
/// classes are called "0" … "9", or as Fashion-MNIST calls them when the path of the images contains "fashion".
///
/// Throws FileError when a file is missing, no regular file (a FIFO might never begin), damaged, cut short, too long or not such a
/// file, when a label is above 9, or when the counts differ; the message names the file and the byte (after decompression) at which
/// it went wrong. Memory is taken as the file fills it, not as its header claims.
XGRAD_API Dataset read_idx(const std::filesystem::path& images, const std::filesystem::path& labels, Where at = Where::current());

/// The same without reading the images: each comes from its file when it is asked for, so that the set may be larger than the
/// memory. Bytes p become p/255. The labels are read at once. Throws as read_idx, and FileError for images that are packed by gzip;
/// what changes in the file later is an error of the sample that is not there.
template <Real T>
XGRAD_API Source<T> idx_source(const std::filesystem::path& images, const std::filesystem::path& labels,
                               Where at = Where::current());

/// Reads the four files of MNIST, Fashion-MNIST or another set in their format: `train-images-idx3-ubyte`,
/// `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, or with a dot as in `train-images.idx3-ubyte`;
/// each as it is or with `.gz`. Throws FileError as `read_idx` does.
XGRAD_API Split load_mnist(const std::filesystem::path& directory, Where at = Where::current());

}  // namespace xgrad
