#include <xgrad/data/cifar.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <xgrad/core/error.hpp>

#include "../core/open.hpp"
#include "gzip.hpp"
#include "piece_file.hpp"

namespace xgrad {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t side = 32, channels = 3, pixels = side * side;

// What either kind of file says of its records.
template <class F>
[[noreturn]] void ends_inside(const F& file, std::uint64_t end, std::size_t record) {
  if (end == 0) file.fail(fmt::format("is empty; it must hold images of {} bytes", record));
  file.fail(fmt::format("ends at offset {}, inside of image {}; it must be a multiple of {} bytes long; fetch the file again", end,
                        end / record, record));
}
template <class F>
void check_label(const F& file, std::uint8_t label, std::uint64_t image, std::size_t record, std::size_t label_bytes,
                 std::size_t classes) {
  if (label >= classes)
    file.fail(fmt::format("label {} of image {} at offset {}; it must be from 0 to {}", label, image,
                          image * record + label_bytes - 1, classes - 1));
}
void check(std::size_t classes, std::size_t labels, Caller caller) {
  for (const auto& [name, number] : {std::pair("classes", classes), std::pair("labels", labels)})
    if (number == 0 || number > 256)
      throw ValueError(caller.where, std::string(caller.function), fmt::format("{} is {}; it must be from 1 to 256", name, number));
}

/// Three planes become pixels of three channels.
template <class U, class F>
void interleave(const std::uint8_t* planes, U* to, F number) {
  for (std::size_t p = 0; p < pixels; ++p)
    for (std::size_t c = 0; c < channels; ++c) *to++ = number(planes[c * pixels + p]);
}

Dataset read(const std::vector<fs::path>& paths, std::size_t classes, std::size_t label_bytes, Caller caller) {
  const std::size_t record = label_bytes + channels * pixels;
  std::vector<std::vector<std::uint8_t>> records;  // grows with what is there; each a record without padding
  std::vector<std::int64_t> labels;
  for (const fs::path& path : paths) {
    Unpacked file(path, caller.function, caller.where);
    for (std::size_t k = 0;; ++k) {
      std::vector<std::uint8_t> bytes(record);
      const std::size_t got = file.read(bytes);
      if (got == 0 && k > 0) break;
      if (got < record) ends_inside(file, file.offset(), record);
      const std::uint8_t label = bytes[label_bytes - 1];
      check_label(file, label, k, record, label_bytes, classes);
      labels.push_back(label);
      records.push_back(std::move(bytes));
    }
  }
  const std::size_t n = labels.size();
  Dataset result{make_array<std::uint8_t>(Shape{n, side, side, channels}, caller.where),
                 make_array<std::int64_t>(Shape{n}, caller.where),
                 {},
                 classes};
  std::copy(labels.begin(), labels.end(), result.labels.data());
  std::uint8_t* to = result.images.data();
  for (std::vector<std::uint8_t>& bytes : records) {
    interleave(bytes.data() + label_bytes, to, [](std::uint8_t x) { return x; });
    to += channels * pixels;
    bytes = {};
  }
  return result;
}

/// The files of these names, in the directory or in the folder that the published archive unpacks to.
std::vector<fs::path> find(const fs::path& directory, const char* folder, const std::vector<std::string>& names, Caller caller) {
  check_directory(directory, "the files of the binary version; read_cifar takes single files", caller.function, caller.where);
  for (const fs::path& place : {directory, directory / folder}) {
    std::vector<fs::path> found;
    for (const std::string& name : names)
      for (const char* ending : {"", ".gz"}) {
        const fs::path path = place / (name + ending);
        const fs::file_status status = status_of(path, caller.function, caller.where);
        if (!fs::exists(status) || fs::is_directory(status)) continue;
        found.push_back(path);
        break;
      }
    if (found.size() == names.size()) return found;
    if (!found.empty())
      throw FileError(
          caller.where, caller.function,
          fmt::format("{}: only {} of the files {} are there; all must be", place.string(), found.size(), fmt::join(names, ", ")));
  }
  throw FileError(caller.where, caller.function,
                  fmt::format("{}: {} is not there, nor in {}, plain or with .gz; put the files of the binary version there",
                              directory.string(), names.front(), folder));
}

/// The names of so many classes, one in each line of a file; their numbers where there is no such file.
std::vector<std::string> class_names(const fs::path& path, std::size_t classes, Caller caller) {
  std::vector<std::string> names;
  if (!fs::exists(status_of(path, caller.function, caller.where))) {
    for (std::size_t k = 0; k < classes; ++k) names.push_back(std::to_string(k));
    return names;
  }
  const PieceFile file(path, caller);
  constexpr std::uint64_t most = 1U << 16U;
  if (file.size() > most)
    file.fail(fmt::format("has {} bytes; a list of {} names must have at most {}", file.size(), classes, most));
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(file.size()));
  if (!bytes.empty()) file.read(0, bytes);
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  if (names.size() != classes)
    file.fail(fmt::format("has {} names; it must have {}, one in each line, or not be there", names.size(), classes));
  return names;
}

}  // namespace

Dataset read_cifar(const std::vector<fs::path>& paths, CifarOptions options, Where at) {
  const Caller caller{at, "read_cifar"};
  check(options.classes, options.labels, caller);
  return read(paths, options.classes, options.labels, caller);
}

template <Real T>
Source<T> cifar_source(const std::vector<fs::path>& paths, CifarOptions options, Where at) {
  const Caller caller{at, "cifar_source"};
  const std::size_t classes = options.classes, labels = options.labels;
  check(classes, labels, caller);
  const std::size_t record = labels + channels * pixels;
  struct Part {
    PieceFile file;
    std::size_t begin, end;  // of all images
  };
  std::vector<Part> parts;
  for (const fs::path& path : paths) {
    PieceFile file(path, caller);
    const std::uint64_t size = file.size();
    if (size == 0 || size % record != 0) ends_inside(file, size, record);
    const std::size_t begin = parts.empty() ? 0 : parts.back().end;
    parts.push_back({std::move(file), begin, begin + static_cast<std::size_t>(size / record)});
  }
  const std::size_t count = parts.empty() ? 0 : parts.back().end;
  const auto shared = std::make_shared<const std::vector<Part>>(std::move(parts));
  const auto read = [=](std::size_t i) {
    const Part& part = *std::ranges::upper_bound(*shared, i, {}, &Part::end);
    const std::size_t k = i - part.begin;
    std::vector<std::uint8_t> bytes(record);
    part.file.read(std::uint64_t{k} * record, bytes);
    const std::uint8_t label = bytes[labels - 1];
    check_label(part.file, label, k, record, labels, classes);
    Sample<T> sample{make_array<T>(Shape{side, side, channels}), label};
    interleave(bytes.data() + labels, sample.value.data(), [](std::uint8_t x) { return static_cast<T>(x) / T(255); });
    return sample;
  };
  return {count, read, classes};
}
template Source<float> cifar_source(const std::vector<fs::path>&, CifarOptions, Where);
template Source<double> cifar_source(const std::vector<fs::path>&, CifarOptions, Where);

Split load_cifar10(const fs::path& directory, Where at) {
  const Caller caller{at, "load_cifar10"};
  std::vector<fs::path> files =
      find(directory, "cifar-10-batches-bin",
           {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"},
           caller);
  const std::vector<fs::path> test{files.back()};
  files.pop_back();
  Split result{read(files, 10, 1, caller), read(test, 10, 1, caller)};
  result.train.names =
      result.test.names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  return result;
}

Split load_cifar100(const fs::path& directory, Where at) {
  const Caller caller{at, "load_cifar100"};
  const std::vector<fs::path> files = find(directory, "cifar-100-binary", {"train.bin", "test.bin"}, caller);
  Split result{read({files[0]}, 100, 2, caller), read({files[1]}, 100, 2, caller)};
  result.train.names = result.test.names = class_names(files[0].parent_path() / "fine_label_names.txt", 100, caller);
  return result;
}

}  // namespace xgrad
