#pragma once
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/where.hpp>

#include "../core/open.hpp"

namespace xgrad {

/// Whose errors a reader's are.
struct Caller {
  Where where;
  std::string_view function;
};

/// The bytes of a regular file, plain or gzip: its first two bytes tell. Several gzip members one behind the other are one text, as
/// gzip has it; anything else behind a member is an error. (zlib's own gzread leaves it out without a word.)
class Unpacked {
 public:
  Unpacked(const std::filesystem::path& path, std::string_view op, Where at);
  ~Unpacked();
  Unpacked(const Unpacked&) = delete;
  Unpacked& operator=(const Unpacked&) = delete;

  /// Fills `bytes` as far as the file goes and returns how many there were. Throws FileError.
  std::size_t read(std::span<std::uint8_t> bytes);
  /// How many bytes have been read, after unpacking.
  std::uint64_t offset() const { return offset_; }

  [[noreturn]] void fail(const std::string& message) const;

 private:
  bool refill();
  void begin_member();
  std::uint64_t packed_offset() const { return packed_ - stream_.avail_in; }

  std::filesystem::path path_;
  std::string op_;
  Where where_;
  File file_;
  std::vector<std::uint8_t> buffer_;
  z_stream stream_{};
  bool gzip_ = false;
  bool within_ = false;  // a member that has not ended
  std::uint64_t packed_ = 0, offset_ = 0;
};

}  // namespace xgrad
