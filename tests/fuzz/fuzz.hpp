#pragma once
/// What the fuzz targets of the readers share. A reader gives a result, or an error of xgrad that names the file; anything else, a
/// crash, an exception of another kind, a sanitizer's finding, is a failure.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace fuzz {

/// No array is larger: a header may claim whatever it likes.
inline const bool limited = (xgrad::memory::set_limit(std::size_t{1} << 28), true);

using Bytes = std::span<const std::uint8_t>;

/// A file in memory with these bytes, for as long as this lives.
class File {
 public:
  explicit File(Bytes bytes) : descriptor_(memfd_create("fuzz", 0)) {
    if (descriptor_ < 0 || write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { close(descriptor_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// Whether `read` gave a result. Its errors must name a file.
template <class Read>
bool reads(Read read) {
  try {
    read();
    return true;
  } catch (const xgrad::Error& error) {
    if (std::string(error.what()).find("/proc/self/fd/") != std::string::npos) return false;
    std::fprintf(stderr, "this error names no file: %s\n", error.what());
    std::abort();
  }
}

/// Whether a file is packed, which sources refuse.
inline bool is_gzip(Bytes bytes) { return bytes.size() > 1 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

/// Reads a set at once and as a source, sample by sample: both must give the same, or neither anything; a packed source nothing.
template <class ReadSet, class MakeSource>
void same_samples(ReadSet read_set, MakeSource make_source, bool packed) {
  std::optional<xgrad::Dataset> set;
  reads([&] { set = read_set(); });
  std::vector<xgrad::Sample<float>> samples;
  const bool whole = reads([&] {
    const xgrad::Source<float> source = make_source();
    for (std::size_t i = 0; i < source.size(); ++i) samples.push_back(source[i]);
  });
  bool same = whole == (set && !packed);
  if (same && whole) {
    const xgrad::Source<float> held(*std::move(set));
    same = samples.size() == held.size();
    for (std::size_t i = 0; same && i < samples.size(); ++i) {
      const xgrad::Sample<float> wanted = held[i];
      same = samples[i].label == wanted.label && samples[i].value == wanted.value;
    }
  }
  if (same) return;
  std::fputs("a set and a source of the same file differ\n", stderr);
  std::abort();
}

}  // namespace fuzz
