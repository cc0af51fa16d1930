#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "zip.hpp"

namespace xgrad::nn {
namespace {

constexpr std::uint64_t in_zip64 = 0xffffffff;
constexpr std::uint16_t utf8_names = 1U << 11U, january_1980 = 1U << 5U | 1U;

/// Appends whole numbers, little-endian.
template <class... U>
void put(std::string& record, U... values) {
  (record.append(reinterpret_cast<const char*>(&values), sizeof values), ...);
}
std::uint16_t u16(std::uint64_t value) { return static_cast<std::uint16_t>(value); }
std::uint32_t u32(std::uint64_t value) { return static_cast<std::uint32_t>(std::min(value, in_zip64)); }

/// The bytes deflated.
class Deflated {
 public:
  Deflated() {
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Deflated() { deflateEnd(&stream_); }
  Deflated(const Deflated&) = delete;
  Deflated& operator=(const Deflated&) = delete;

  void add(std::string_view piece, bool last) {
    constexpr std::size_t most = std::size_t{1} << 30U;
    do {
      const std::string_view part = piece.substr(0, most);
      piece.remove_prefix(part.size());
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));  // zlib does not write to it
      stream_.avail_in = static_cast<unsigned>(part.size());
      const int flush = last && piece.empty() ? Z_FINISH : Z_NO_FLUSH;
      do {
        stream_.next_out = buffer_.data();
        stream_.avail_out = static_cast<unsigned>(buffer_.size());
        deflate(&stream_, flush);
        result.append(reinterpret_cast<const char*>(buffer_.data()), buffer_.size() - stream_.avail_out);
      } while (stream_.avail_out == 0);
    } while (!piece.empty());
  }
  std::string result = {};

 private:
  z_stream stream_{};
  std::vector<Bytef> buffer_ = std::vector<Bytef>(std::size_t{1} << 16U);
};

}  // namespace

void ZipWriter::write(std::string_view bytes) {
  file_.write(bytes);
  at_ += bytes.size();
}

void ZipWriter::add(std::string name, std::span<const std::string_view> pieces) {
  if (const std::string why = refused_name(name); !why.empty()) task_.fail(some(name) + " is the name of a member; " + why);
  Listed member;
  member.header = at_;
  member.name = std::move(name);
  member.deflated = compress_;
  uLong crc = 0;
  for (std::string_view piece : pieces) {
    member.size += piece.size();
    if (!piece.empty()) crc = crc32_z(crc, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
  }
  member.crc = static_cast<std::uint32_t>(crc);
  std::string packed;
  std::array<std::string_view, 1> packed_pieces;
  if (compress_) {
    Deflated deflated;
    for (std::size_t k = 0; k < pieces.size(); ++k) deflated.add(pieces[k], k + 1 == pieces.size());
    packed = std::move(deflated.result);
    packed_pieces[0] = packed;
    pieces = packed_pieces;
  }
  member.packed = compress_ ? packed.size() : member.size;

  const bool large = std::max(member.size, member.packed) >= in_zip64;
  std::string header = "PK\3\4";
  put(header, u16(large ? 45 : 20), utf8_names, u16(member.deflated ? 8 : 0), u16(0), january_1980, member.crc,
      large ? u32(in_zip64) : u32(member.packed), large ? u32(in_zip64) : u32(member.size), u16(member.name.size()),
      u16(large ? 20 : 0));
  header += member.name;
  if (large) put(header, u16(1), u16(16), member.size, member.packed);
  write(header);
  for (const std::string_view piece : pieces) write(piece);
  list_.push_back(std::move(member));
}

void ZipWriter::finish() {
  const std::uint64_t begin = at_;
  for (const Listed& member : list_) {
    std::string values;
    for (const std::uint64_t value : {member.size, member.packed, member.header})
      if (value >= in_zip64) put(values, value);
    std::string record = "PK\1\2";
    const std::uint16_t version = values.empty() ? 20 : 45;
    put(record, version, version, utf8_names, u16(member.deflated ? 8 : 0), u16(0), january_1980, member.crc, u32(member.packed),
        u32(member.size), u16(member.name.size()), u16(values.empty() ? 0 : 4 + values.size()), u16(0), u16(0), u16(0), u32(0),
        u32(member.header));
    record += member.name;
    if (!values.empty()) put(record, u16(1), u16(values.size()));
    write(record + values);
  }
  const std::uint64_t bytes = at_ - begin, count = list_.size(), end = at_;
  std::string record;
  if (count >= 0xffff || bytes >= in_zip64 || begin >= in_zip64) {
    record = "PK\6\6";
    put(record, std::uint64_t{44}, u16(45), u16(45), u32(0), u32(0), count, count, bytes, begin);
    record += "PK\6\7";
    put(record, u32(0), end, u32(1));
  }
  record += "PK\5\6";
  put(record, u16(0), u16(0), u16(std::min<std::uint64_t>(count, 0xffff)), u16(std::min<std::uint64_t>(count, 0xffff)), u32(bytes),
      u32(begin), u16(0));
  write(record);
}

}  // namespace xgrad::nn
