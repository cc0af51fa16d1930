#include "gzip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

#include <xgrad/core/error.hpp>

namespace xgrad {

Unpacked::Unpacked(const std::filesystem::path& path, std::string_view op, Where at)
    : path_(path), op_(op), where_(at), file_(open_regular(path, op, at).file), buffer_(std::size_t{1} << 17U) {
  refill();
  gzip_ = stream_.avail_in >= 2 && buffer_[0] == 0x1f && buffer_[1] == 0x8b;
  constexpr int gzip_alone = 16 + MAX_WBITS;
  if (gzip_ && inflateInit2(&stream_, gzip_alone) != Z_OK) throw std::bad_alloc();
  within_ = gzip_;
}

Unpacked::~Unpacked() {
  if (gzip_) inflateEnd(&stream_);
}

void Unpacked::fail(const std::string& message) const { throw FileError(where_, op_, path_.string() + ": " + message); }

/// False at the end of the file. Keeps what is left in the buffer.
bool Unpacked::refill() {
  std::copy_n(stream_.next_in, stream_.avail_in, buffer_.data());
  const std::size_t n = std::fread(buffer_.data() + stream_.avail_in, 1, buffer_.size() - stream_.avail_in, file_.get());
  if (n == 0 && std::ferror(file_.get()))
    fail(fmt::format("cannot be read at offset {}: {}", packed_, std::generic_category().message(errno)));
  packed_ += n;
  stream_.next_in = buffer_.data();
  stream_.avail_in += static_cast<unsigned>(n);
  return n > 0;
}

/// Behind a member there is another one, or the end of the file.
void Unpacked::begin_member() {
  if (stream_.avail_in < 2 && !refill() && stream_.avail_in == 0) return;
  if (stream_.avail_in < 2 || stream_.next_in[0] != 0x1f || stream_.next_in[1] != 0x8b)
    fail(fmt::format("goes on behind the gzip data, at offset {} of the packed file; it must end there; fetch the file again",
                     packed_offset()));
  inflateReset(&stream_);
  within_ = true;
}

std::size_t Unpacked::read(std::span<std::uint8_t> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    if (gzip_ && !within_) begin_member();
    if (gzip_ && !within_) break;
    if (stream_.avail_in == 0 && !refill()) {
      if (gzip_)
        fail(fmt::format("the gzip data is cut short at unpacked offset {}; it must go on there; fetch the file again", offset_));
      break;
    }
    const auto wanted = static_cast<unsigned>(std::min<std::size_t>(bytes.size() - done, std::size_t{1} << 30U));
    std::size_t got = 0;
    if (gzip_) {
      stream_.next_out = bytes.data() + done;
      stream_.avail_out = wanted;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      got = wanted - stream_.avail_out;
      if (code == Z_MEM_ERROR) throw std::bad_alloc();
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        fail(fmt::format("the gzip data is damaged at unpacked offset {} ({}); fetch the file again", offset_ + got,
                         stream_.msg ? stream_.msg : "it needs a dictionary"));
      within_ = code != Z_STREAM_END;
    } else {
      got = std::min(wanted, stream_.avail_in);
      std::copy_n(stream_.next_in, got, bytes.data() + done);
      stream_.next_in += got;
      stream_.avail_in -= static_cast<unsigned>(got);
    }
    done += got;
    offset_ += got;
  }
  return done;
}

}  // namespace xgrad
