#include <xgrad/data/idx.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <xgrad/core/error.hpp>

#include "../core/open.hpp"
#include "gzip.hpp"
#include "piece_file.hpp"

namespace xgrad {
namespace {

namespace fs = std::filesystem;

using Blocks = std::vector<std::vector<std::uint8_t>>;

/// Puts the bytes one behind the other; a block that is done gives its memory back.
template <class U>
void unload(Blocks blocks, U* out) {
  for (std::vector<std::uint8_t>& block : blocks) {
    out = std::copy(block.begin(), block.end(), out);
    block = std::vector<std::uint8_t>();
  }
}

/// One idx file, plain or gzip. Every complaint about it is made here.
class IdxFile {
 public:
  IdxFile(const fs::path& path, Caller caller) : file_(path, caller.function, caller.where) {}

  /// The lengths of the axes. `axes` is how many there must be, `what` what the file should hold.
  std::vector<std::size_t> header(std::size_t axes, std::string_view what) {
    std::array<std::uint8_t, 16> bytes{};
    const std::size_t size = 4 + 4 * axes, got = file_.read(std::span(bytes).first(size));
    if (got == 0) fail(fmt::format("is empty; it must be an idx file of {}", what));
    if (got > 1 && (bytes[0] != 0 || bytes[1] != 0))
      fail(fmt::format("begins with bytes {:02x} {:02x} at offset 0; an idx file must begin with 00 00", bytes[0], bytes[1]));
    if (got > 2 && bytes[2] != 8)
      fail(fmt::format("has element type 0x{:02x} at offset 2; it must be 0x08 (unsigned bytes)", bytes[2]));
    if (got > 3 && bytes[3] != axes)
      fail(fmt::format("has {} axes at offset 3; a file of {} must have {}; are images and labels swapped?", bytes[3], what, axes));
    if (got < size) fail(fmt::format("ends at offset {}; its header must have {} bytes; fetch the file again", got, size));
    std::vector<std::size_t> lengths(axes);
    for (std::size_t k = 0; k < axes; ++k) {
      for (std::size_t i = 4 + 4 * k; i < 8 + 4 * k; ++i) lengths[k] = lengths[k] << 8U | bytes[i];
      if (lengths[k] == 0)
        fail(fmt::format("has {} = 0 at offset {}; it must be at least 1",
                         std::array<std::string_view, 3>{"count", "height", "width"}[k], 4 + 4 * k));
    }
    return lengths;
  }

  /// How many bytes must follow the header.
  std::size_t size(const std::vector<std::size_t>& lengths) const {
    constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max();
    std::size_t result = 1;
    for (std::size_t length : lengths) {
      if (result > most / length)
        fail(fmt::format("claims ({}) elements at offset 4; they must fit in memory; fetch the file again",
                         fmt::join(lengths, ", ")));
      result *= length;
    }
    return result;
  }
  [[noreturn]] void too_short(std::uint64_t end, const std::vector<std::size_t>& lengths, std::uint64_t wanted) const {
    fail(fmt::format("ends at offset {}; by its header ({}) it must have {} bytes; fetch the file again", end,
                     fmt::join(lengths, ", "), wanted));
  }
  [[noreturn]] void too_long(const std::vector<std::size_t>& lengths, std::uint64_t wanted) const {
    fail(fmt::format("goes on at offset {}; by its header ({}) it must end there; fetch the file again", wanted,
                     fmt::join(lengths, ", ")));
  }

  /// All that follows the header, which must be as many bytes as `lengths` says. Memory grows with what is really there: a header
  /// of 16 bytes may claim 2^96. In blocks, so that `unload` never holds the data twice.
  Blocks content(const std::vector<std::size_t>& lengths) {
    constexpr std::size_t block = std::size_t{1} << 20U;
    const std::uint64_t begin = file_.offset();
    const std::size_t size = this->size(lengths);
    Blocks blocks;
    for (std::size_t got = 0; got < size;) {
      const std::size_t wanted = std::min(block, size - got);
      const std::size_t n = file_.read(blocks.emplace_back(wanted));
      got += n;
      if (n < wanted) too_short(file_.offset(), lengths, begin + size);
    }
    std::uint8_t extra = 0;
    if (file_.read({&extra, 1}) != 0) too_long(lengths, begin + size);
    return blocks;
  }

  [[noreturn]] void fail(const std::string& message) const { file_.fail(message); }

 private:
  Unpacked file_;
};

std::vector<std::string> names_for(const fs::path& path) {
  std::string text = path.string();
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (text.find("fashion") != text.npos)
    return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};
  return {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
}

constexpr std::size_t classes = 10;

/// Images and their labels. Both headers come first: what does not belong together is told before 47 MB are read.
struct Pair {
  IdxFile images, labels;
  std::vector<std::size_t> image_lengths = images.header(3, "images"), label_lengths = labels.header(1, "labels");

  Pair(const fs::path& image_path, const fs::path& label_path, Caller caller)
      : images(image_path, caller), labels(label_path, caller) {
    if (label_lengths[0] != image_lengths[0])
      labels.fail(fmt::format("holds {} labels (offset 4), {} holds {} images; there must be one label for each image",
                              label_lengths[0], image_path.string(), image_lengths[0]));
  }
  Labels read_labels() {
    Blocks blocks = labels.content(label_lengths);
    Labels result = make_array<std::int64_t>(Shape{label_lengths[0]});
    unload(std::move(blocks), result.data());
    const std::int64_t *begin = result.data(), *end = begin + result.size();
    const std::int64_t* wrong = std::find_if(begin, end, [](auto label) { return label >= std::int64_t{classes}; });
    if (wrong == end) return result;
    labels.fail(fmt::format("label {} of item {} at offset {}; it must be 0 to 9", *wrong, wrong - begin, wrong - begin + 8));
  }
};

Dataset read_pair(const fs::path& image_path, const fs::path& label_path, Caller caller) {
  Pair pair(image_path, label_path, caller);
  Dataset result{{}, pair.read_labels(), names_for(image_path), classes};
  const std::vector<std::size_t>& lengths = pair.image_lengths;
  Blocks pixels = pair.images.content(lengths);
  result.images = make_array<std::uint8_t>(Shape{lengths[0], lengths[1], lengths[2], 1});
  unload(std::move(pixels), result.images.data());
  return result;
}

/// `directory/stem` + "-idx3-ubyte" or ".idx3-ubyte", each with or without ".gz".
fs::path find(const fs::path& directory, const std::string& stem, const std::string& kind, Caller caller) {
  for (const char* separator : {"-", "."})
    for (const char* ending : {"", ".gz"}) {
      fs::path path = directory / (stem + separator + kind + ending);
      const fs::file_status status = status_of(path, caller.function, caller.where);
      if (fs::exists(status) && !fs::is_directory(status)) return path;
    }
  throw FileError(caller.where, caller.function,
                  fmt::format("{}: neither {}-{} nor {}.{} is there, plain or with .gz; the four MNIST files must be there",
                              directory.string(), stem, kind, stem, kind));
}

}  // namespace

Dataset read_idx(const fs::path& images, const fs::path& labels, Where at) { return read_pair(images, labels, {at, "read_idx"}); }

template <Real T>
Source<T> idx_source(const fs::path& images, const fs::path& labels, Where at) {
  const Caller caller{at, "idx_source"};
  struct Held {
    PieceFile file;
    Labels labels;
  };
  Pair pair(images, labels, caller);
  const std::vector<std::size_t>& lengths = pair.image_lengths;
  const auto held = std::make_shared<const Held>(Held{PieceFile(images, caller), pair.read_labels()});
  constexpr std::uint64_t header = 16;
  const std::uint64_t end = header + pair.images.size(lengths);
  if (held->file.size() < end) pair.images.too_short(held->file.size(), lengths, end);
  if (held->file.size() > end) pair.images.too_long(lengths, end);
  const auto read = [held, shape = Shape{lengths[1], lengths[2], 1}](std::size_t i) {
    Sample<T> sample{make_array<T>(shape), held->labels.data()[i]};
    std::vector<std::uint8_t> bytes(sample.value.size());
    held->file.read(header + i * bytes.size(), bytes);
    std::ranges::transform(bytes, sample.value.data(), [](std::uint8_t x) { return static_cast<T>(x) / T(255); });
    return sample;
  };
  return {lengths[0], read, classes, names_for(images)};
}
template Source<float> idx_source(const fs::path&, const fs::path&, Where);
template Source<double> idx_source(const fs::path&, const fs::path&, Where);

Split load_mnist(const fs::path& directory, Where at) {
  const Caller caller{at, "load_mnist"};
  check_directory(directory, "the four MNIST files; read_idx takes single files", caller.function, at);
  const auto pair = [&](const std::string& set) {
    const fs::path images = find(directory, set + "-images", "idx3-ubyte", caller);
    return read_pair(images, find(directory, set + "-labels", "idx1-ubyte", caller), caller);
  };
  return {pair("train"), pair("t10k")};
}

}  // namespace xgrad
