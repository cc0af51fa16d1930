#pragma once
#include <cstddef>
#include <filesystem>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/data/dataset.hpp>
#include <xgrad/data/source.hpp>

namespace xgrad {

/// Reads CIFAR-10 in its binary version (https://www.cs.toronto.edu/~kriz/cifar.html): `data_batch_1.bin` … `data_batch_5.bin` to
/// train on and `test_batch.bin`, in the directory itself or in its `cifar-10-batches-bin`, each plain or with `.gz`. Images are
/// (n, 32, 32, 3), red, green and blue.
///
/// Throws FileError when a file is missing, no regular file, empty, damaged or ends inside of an image, or a label is out of range;
/// the message names the file and the byte.
XGRAD_API Split load_cifar10(const std::filesystem::path& directory, Where at = Where::current());

/// The same for CIFAR-100: `train.bin` and `test.bin`, in the directory itself or in its `cifar-100-binary`, with the 100 fine
/// labels, which are called as the 100 lines of `fine_label_names.txt` say where it is there, else "0" … "99".
XGRAD_API Split load_cifar100(const std::filesystem::path& directory, Where at = Where::current());

/// What is in a file: CIFAR-10's kind, or {.classes = 100, .labels = 2} for CIFAR-100's.
struct CifarOptions {
  std::size_t classes = 10;  ///< labels are from 0 to this less 1; 1 to 256
  std::size_t labels = 1;    ///< bytes before an image, of which the last is its label; 1 to 256
};
/// Images from any of these files, one behind the other. A record is `labels` bytes and 3 planes of 32×32. Throws as load_cifar10,
/// and ValueError for options out of their range.
XGRAD_API Dataset read_cifar(const std::vector<std::filesystem::path>& paths, CifarOptions options = {},
                             Where at = Where::current());

/// The same without reading them: each image comes from its file when it is asked for, so that the set may be larger than the
/// memory. Bytes p become p/255. Throws FileError as read_cifar, for files that are packed by gzip, and for a label out of range
/// when its image is asked for.
template <Real T>
XGRAD_API Source<T> cifar_source(const std::vector<std::filesystem::path>& paths, CifarOptions options = {},
                                 Where at = Where::current());

}  // namespace xgrad
