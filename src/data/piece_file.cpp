#include "piece_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include <xgrad/core/error.hpp>

namespace xgrad {

PieceFile::PieceFile(const std::filesystem::path& path, Caller caller)
    : path_(path), function_(caller.function), where_(caller.where), opened_(open_regular(path, caller.function, caller.where)) {
  std::array<std::uint8_t, 2> begin{};
  if (size() >= begin.size()) read(0, begin);
  if (begin[0] == 0x1f && begin[1] == 0x8b) fail("is packed by gzip; it must be unpacked, as samples are read out of its middle");
}

void PieceFile::fail(const std::string& message) const { throw FileError(where_, function_, path_.string() + ": " + message); }

void PieceFile::read(std::uint64_t offset, std::span<std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = pread(fileno(opened_.file.get()), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(fmt::format("cannot be read at offset {}: {}", offset, std::generic_category().message(errno)));
    if (n == 0) fail(fmt::format("has nothing at offset {}; it must have the {} bytes that it had", offset, size()));
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace xgrad
