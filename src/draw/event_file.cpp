#include <xgrad/draw/event_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>

#include <xgrad/core/error.hpp>

#include "../core/open.hpp"

namespace xgrad::draw {
namespace {

/// CRC-32C (Castagnoli, RFC 3720), which is not zlib's.
std::uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> result{};
    for (std::uint32_t k = 0; k < 256; ++k) {
      std::uint32_t crc = k;
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ (crc & 1U ? 0x82f63b78U : 0U);
      result[k] = crc;
    }
    return result;
  }();
  std::uint32_t crc = ~0U;
  for (const char c : bytes) crc = crc >> 8U ^ table[(crc ^ static_cast<unsigned char>(c)) & 255U];
  return ~crc;
}

/// Numbers as they lie in the file: little end first.
template <class N>
void append_fixed(std::string& out, N number) {
  for (std::size_t k = 0; k < sizeof number; ++k) out += static_cast<char>(number >> (8 * k) & 255U);
}

void append_checksum(std::string& out, std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  append_fixed(out, std::rotr(crc, 15) + 0xa282ead8U);  // masked, as TFRecord has it
}

std::string record(std::string_view content) {
  std::string length, result;
  append_fixed(length, static_cast<std::uint64_t>(content.size()));
  result = length;
  append_checksum(result, length);
  result.append(content);
  append_checksum(result, content);
  return result;
}

// Protocol buffers: a field is its number and kind, then a number (kind 0), 8 bytes (1), 4 bytes (5), or a length and bytes (2).
void append_varint(std::string& out, std::uint64_t number) {
  for (; number > 127; number >>= 7U) out += static_cast<char>((number & 127U) | 128U);
  out += static_cast<char>(number);
}
void append_number(std::string& out, unsigned field, std::uint64_t number) {
  append_varint(out, field << 3U);
  append_varint(out, number);
}
void append_bytes(std::string& out, unsigned field, std::string_view bytes) {
  append_varint(out, (field << 3U) | 2U);
  append_varint(out, bytes.size());
  out.append(bytes);
}
void append_float(std::string& out, unsigned field, float number) {
  append_varint(out, (field << 3U) | 5U);
  append_fixed(out, std::bit_cast<std::uint32_t>(number));
}
void append_double(std::string& out, unsigned field, double number) {
  append_varint(out, (field << 3U) | 1U);
  append_fixed(out, std::bit_cast<std::uint64_t>(number));
}

// The numbers of the fields are those of event.proto and summary.proto.
namespace event {
constexpr unsigned wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7;
}
namespace session_log {
constexpr unsigned status = 1, start = 1;
}
constexpr unsigned summary_value = 1;
namespace value {
constexpr unsigned tag = 1, simple_value = 2, image = 4;
}
namespace image {
constexpr unsigned height = 1, width = 2, colorspace = 3, encoded = 4;
}

std::string new_event() {
  std::string result;
  append_double(result, event::wall_time,
                std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
  return result;
}
std::string event_at(std::int64_t step, unsigned what, std::string_view message) {
  std::string result = new_event();
  append_number(result, event::step, static_cast<std::uint64_t>(step));
  append_bytes(result, what, message);
  return result;
}

}  // namespace

struct EventFile::Parts {
  std::filesystem::path path;
  int descriptor = -1;
  off_t end = 0;  ///< of what is whole

  ~Parts() {
    if (descriptor >= 0) close(descriptor);
  }
  [[noreturn]] void fail(const char* what, Where at) const {
    throw FileError(at, "EventFile", fmt::format("{}: {}: {}", path.string(), what, std::generic_category().message(errno)));
  }
  void append(std::string_view content, Where at) {
    const std::string bytes = record(content);
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::write(descriptor, bytes.data() + done, bytes.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int code = errno;
        static_cast<void>(ftruncate(descriptor, end) == 0 && lseek(descriptor, end, SEEK_SET));
        errno = code;
        fail("cannot be written", at);
      }
      done += static_cast<std::size_t>(n);
    }
    end += static_cast<off_t>(bytes.size());
  }
};

EventFile::EventFile(const std::filesystem::path& directory, EventFileOptions options, Where at) : parts_(new Parts) {
  check_path(directory, "EventFile", at);
  parts_->path = directory;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error || !std::filesystem::is_directory(directory, error)) {
    errno = error ? error.value() : ENOTDIR;
    parts_->fail("no such directory can be made", at);
  }
  static std::atomic<unsigned> count = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  do {
    // TensorBoard looks for ".tfevents." in the name, and reads a directory's files in the order of their names.
    parts_->path = directory / fmt::format("events.out.tfevents.{:010}.{}.{}.xgrad",
                                           std::chrono::duration_cast<std::chrono::seconds>(now).count(), getpid(), count++);
    parts_->descriptor = open(parts_->path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (parts_->descriptor < 0 && errno == EEXIST);
  if (parts_->descriptor < 0) parts_->fail("cannot be written", at);
  std::string first = new_event();
  append_bytes(first, event::file_version, "brain.Event:2");
  parts_->append(first, at);
  if (!options.purge_step) return;
  std::string begin;
  append_number(begin, session_log::status, session_log::start);
  parts_->append(event_at(*options.purge_step, event::session_log, begin), at);
}
EventFile::~EventFile() = default;

const std::filesystem::path& EventFile::path() const { return parts_->path; }

void EventFile::add(std::int64_t step, std::initializer_list<std::pair<std::string_view, double>> values, Where at) {
  std::string summary;
  for (const auto& [name, number] : values) {
    std::string one;
    append_bytes(one, value::tag, name);
    append_float(one, value::simple_value, static_cast<float>(number));
    append_bytes(summary, summary_value, one);
  }
  parts_->append(event_at(step, event::summary, summary), at);
}

void EventFile::add_image(std::int64_t step, std::string_view name, const Pixels& picture, Where at) {
  std::string packed = png(picture, at), shown, one, summary;
  const bool colour = picture.dimension() == 3 && picture.shape()[2] == 3;
  append_number(shown, image::height, picture.shape()[0]);
  append_number(shown, image::width, picture.shape()[1]);
  append_number(shown, image::colorspace, colour ? 3 : 1);
  append_bytes(shown, image::encoded, packed);
  append_bytes(one, value::tag, name);
  append_bytes(one, value::image, shown);
  append_bytes(summary, summary_value, one);
  parts_->append(event_at(step, event::summary, summary), at);
}

}  // namespace xgrad::draw
