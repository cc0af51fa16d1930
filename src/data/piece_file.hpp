#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "../core/open.hpp"
#include "gzip.hpp"

namespace xgrad {

/// A regular file that is read piece by piece, in any order and by several threads at once: it may be larger than the memory.
class PieceFile {
 public:
  /// Throws FileError for a file that cannot be read so, as it is packed by gzip.
  PieceFile(const std::filesystem::path& path, Caller caller);

  std::uint64_t size() const { return opened_.size; }
  /// Fills `bytes` from `offset` on. Throws FileError, also where the file has become shorter than it was.
  void read(std::uint64_t offset, std::span<std::uint8_t> bytes) const;

  [[noreturn]] void fail(const std::string& message) const;

 private:
  std::filesystem::path path_;
  std::string function_;
  Where where_;
  Opened opened_;
};

}  // namespace xgrad
