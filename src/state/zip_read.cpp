#include <fmt/format.h>
#include <algorithm>
#include <cstring>
#include <new>
#include <unordered_set>
#include <utility>

#include "../core/utf8.hpp"
#include "zip.hpp"

namespace xgrad::nn {
namespace {

constexpr std::uint64_t in_zip64 = 0xffffffff;  // what stands for a length that only ZIP64's fields hold

/// A record of an archive: whole numbers at its bytes. Every byte that is asked for must be there.
template <class U>
U number(std::string_view record, std::size_t at) {
  U value = 0;
  std::memcpy(&value, record.data() + at, sizeof value);
  return value;
}

/// What the archive's end says of its list.
struct List {
  std::uint64_t begin = 0, bytes = 0, members = 0;
};

class Archive {
 public:
  explicit Archive(InputFile& file) : file_(file), task_(file.task()) {}

  std::vector<ZipMember> members() {
    const List list = find_list();
    end_ = list.begin;
    const std::string text = bytes(list.begin, list.bytes);
    std::vector<ZipMember> result;
    std::unordered_set<std::string> names;
    std::size_t at = 0;
    while (at < text.size()) {
      const std::uint64_t offset = list.begin + at;
      const std::string_view record = std::string_view(text).substr(at);
      constexpr std::size_t fixed = 46;
      if (!record.starts_with("PK\1\2")) task_.fail_at(offset, "no member of the archive's list begins here; one must");
      std::size_t length = fixed;
      if (record.size() >= fixed)
        length +=
            number<std::uint16_t>(record, 28) + std::size_t{number<std::uint16_t>(record, 30)} + number<std::uint16_t>(record, 32);
      if (record.size() < length)
        task_.fail_at(offset, fmt::format("the archive's list has {} bytes from here on; this member must have {} in it",
                                          record.size(), length));
      ZipMember member = listed(record, offset);
      if (!names.insert(member.name).second) task_.fail_at(offset, some(member.name) + " is there twice; it must be there once");
      result.push_back(std::move(member));
      at += length;
    }
    if (result.size() != list.members)
      task_.fail_at(list.begin, fmt::format("the archive's list has {} members; it must have {}, as its end says", result.size(),
                                            list.members));
    check_layout(result);
    return result;
  }

 private:
  std::string bytes(std::uint64_t offset, std::uint64_t count) {
    std::string result(count, '\0');
    file_.read(result.data(), offset, count);
    return result;
  }

  /// The record at the end, behind which there may be a comment.
  List find_list() {
    constexpr std::size_t fixed = 22, locator = 20, most = fixed + 0xffff;
    const std::uint64_t size = file_.size(), begin = size - std::min<std::uint64_t>(size, most);
    const std::string tail = bytes(begin, size - begin);
    std::size_t at = tail.size() >= fixed ? tail.size() - fixed + 1 : 0;
    bool found = false;
    while (at > 0 && !found) {
      --at;
      found = std::string_view(tail).substr(at, 4) == "PK\5\6" && number<std::uint16_t>(tail, at + 20) == tail.size() - at - fixed;
    }
    if (!found)
      task_.fail_at(size, "the file ends here; the end of a zip archive must be before it: the file is cut short, or goes on");
    const std::string_view record = std::string_view(tail).substr(at);
    const std::uint64_t offset = begin + at;
    List list{number<std::uint32_t>(record, 16), number<std::uint32_t>(record, 12), number<std::uint16_t>(record, 10)};
    std::uint64_t parts = number<std::uint16_t>(record, 4) | number<std::uint16_t>(record, 6);
    std::uint64_t end = offset;
    if (offset >= locator) {
      const std::string found64 = bytes(offset - locator, locator);
      if (found64.starts_with("PK\6\7")) {
        const auto where = number<std::uint64_t>(found64, 8);
        constexpr std::size_t fixed64 = 56;
        if (where > offset - locator || offset - locator - where < fixed64)
          task_.fail_at(offset - locator + 8, fmt::format("the ZIP64 end is said to be at {}; it must be before this", where));
        const std::string record64 = bytes(where, fixed64);
        if (!record64.starts_with("PK\6\6")) task_.fail_at(where, "no ZIP64 end of an archive is here; one must be");
        list = {number<std::uint64_t>(record64, 48), number<std::uint64_t>(record64, 40), number<std::uint64_t>(record64, 32)};
        parts = number<std::uint32_t>(record64, 16) | number<std::uint32_t>(record64, 20);
        end = where;
      }
    }
    if (parts != 0) task_.fail_at(offset, "the archive has several parts; it must have one");
    if (list.begin > end || list.bytes != end - list.begin)
      task_.fail_at(offset, fmt::format("the archive's list is said to have {} bytes from {} on; it must end at {}", list.bytes,
                                        list.begin, end));
    return list;
  }

  /// What one record of the list says, and the member's own header.
  ZipMember listed(std::string_view record, std::uint64_t offset) {
    const auto flags = number<std::uint16_t>(record, 8), method = number<std::uint16_t>(record, 10);
    const std::size_t name_length = number<std::uint16_t>(record, 28), extra_length = number<std::uint16_t>(record, 30);
    ZipMember member;
    member.name = record.substr(46, name_length);
    member.crc = number<std::uint32_t>(record, 16);
    member.packed = number<std::uint32_t>(record, 20);
    member.size = number<std::uint32_t>(record, 24);
    std::uint64_t header = number<std::uint32_t>(record, 42);
    const auto fail = [&](const std::string& text) { task_.fail_at(offset, some(member.name) + " " + text); };
    if (const std::string why = refused_name(member.name); !why.empty()) fail("is the name of a member; " + why);
    if ((flags & 1U) != 0) fail("is encrypted; it must not be");
    if (method != 0 && method != 8) fail(fmt::format("is packed by method {}; it must be stored (0) or deflated (8)", method));
    member.deflated = method == 8;

    std::string_view extra = record.substr(46 + name_length, extra_length);
    while (extra.size() >= 4) {
      const auto id = number<std::uint16_t>(extra, 0);
      const std::size_t length = number<std::uint16_t>(extra, 2);
      if (extra.size() - 4 < length) fail("has an extra field that is longer than its record; it must end in it");
      if (id == 1) {
        std::string_view values = extra.substr(4, length);
        for (std::uint64_t* value : {&member.size, &member.packed, &header}) {
          if (*value != in_zip64) continue;
          if (values.size() < 8) fail("has no length in its ZIP64 field; it must have what is not in its record");
          *value = number<std::uint64_t>(values, 0);
          values.remove_prefix(8);
        }
      }
      extra.remove_prefix(4 + length);
    }
    constexpr std::uint64_t fixed = 30;
    if (header > end_ || end_ - header < fixed)
      fail(fmt::format("is said to begin at {}; it must begin before the archive's list at {}", header, end_));
    const std::string own = bytes(header, fixed);
    if (!own.starts_with("PK\3\4")) task_.fail_at(header, "no member is here; " + some(member.name) + " must begin here");
    const std::size_t own_name = number<std::uint16_t>(own, 26);
    member.data = header + fixed + own_name + number<std::uint16_t>(own, 28);
    if (member.data > end_ || member.packed > end_ - member.data)
      task_.fail_at(header, fmt::format("{} has {} bytes; they must end before the archive's list at {}", some(member.name),
                                        member.packed, end_));
    if (own_name != name_length || bytes(header + fixed, own_name) != member.name)
      task_.fail_at(header, "another name is here; " + some(member.name) + " must begin here, as the archive's list says");
    if (number<std::uint16_t>(own, 8) != method)
      task_.fail_at(header, fmt::format("{} is packed by method {}; it must be {}, as the archive's list says", some(member.name),
                                        number<std::uint16_t>(own, 8), method));
    if (!member.deflated && member.packed != member.size)
      fail(fmt::format("is stored and {} bytes long in the file; it must be {}", member.packed, member.size));
    // zlib's own bound: no byte becomes more than 1032
    if (member.deflated && member.size / 1032 > member.packed)
      fail(fmt::format("has {} bytes that become {}; they must be at most 1032 times as many, as no byte can become more",
                       member.packed, member.size));
    return member;
  }

  /// Where no member lies in another, all of them together are not longer than the file.
  void check_layout(const std::vector<ZipMember>& members) const {
    std::vector<const ZipMember*> order;
    for (const ZipMember& member : members) order.push_back(&member);
    std::ranges::sort(order, {}, [](const ZipMember* member) { return std::pair(member->data, member->data + member->packed); });
    for (std::size_t k = 1; k < order.size(); ++k)
      if (order[k - 1]->data + order[k - 1]->packed > order[k]->data)
        task_.fail_at(order[k]->data,
                      fmt::format("{} lies in {}; they must not overlap", some(order[k]->name), some(order[k - 1]->name)));
  }

  InputFile& file_;
  const Task& task_;
  std::uint64_t end_ = 0;  // of the members
};

}  // namespace

std::string refused_name(std::string_view name) {
  if (name.find('\0') != name.npos || name.find('\\') != name.npos) return R"(it must have no NUL and no \)";
  if (name.starts_with('/')) return "it must not begin with /";
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    if (name.substr(at, end - at) == "..") return "it must not lead out by ..";
    at = end + 1;
  }
  for (std::size_t at = 0; at < name.size();) {
    const Character c = first_character(name.substr(at));
    if (c.bytes == 0) return "it must be UTF-8";
    at += c.bytes;
  }
  if (name.size() > 0xffff) return "it must have at most 65535 bytes";
  return {};
}

std::vector<ZipMember> read_zip(InputFile& file) { return Archive(file).members(); }

ZipStream::ZipStream(InputFile& file, const ZipMember& member) : file_(file), member_(member) {
  if (!member.deflated) return;
  buffer_.resize(std::size_t{1} << 16U);
  if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
}

ZipStream::~ZipStream() {
  if (member_.deflated) inflateEnd(&stream_);
}

void ZipStream::fail_at(std::uint64_t offset, const std::string& text) const {
  if (member_.deflated)
    file_.task().fail(fmt::format("{}: unpacked offset {}: {}", some(member_.name), offset, text));
  else
    file_.task().fail_at(member_.data + offset, some(member_.name) + ": " + text);
}

void ZipStream::refill() {
  const std::size_t count = std::min<std::uint64_t>(buffer_.size(), member_.packed - packed_);
  file_.read(buffer_.data(), member_.data + packed_, count);
  packed_ += count;
  stream_.next_in = buffer_.data();
  stream_.avail_in = static_cast<unsigned>(count);
}

/// What inflate says. It may have more to give when it has taken all bytes of the file.
int ZipStream::inflate_some(std::uint8_t* to, std::size_t bytes) {
  if (stream_.avail_in == 0) refill();
  stream_.next_out = to;
  stream_.avail_out = static_cast<unsigned>(bytes);
  const int code = inflate(&stream_, Z_NO_FLUSH);
  if (code == Z_MEM_ERROR) throw std::bad_alloc();
  const std::uint64_t at = offset_ + bytes - stream_.avail_out;
  if (code == Z_BUF_ERROR && stream_.avail_in == 0 && packed_ == member_.packed)
    fail_at(at, fmt::format("the deflated bytes end; they must become {}", member_.size));
  if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
    fail_at(at, fmt::format("the deflated bytes are damaged ({}); they must become {}",
                            stream_.msg ? stream_.msg : "they need a dictionary", member_.size));
  return code;
}

void ZipStream::read(void* to, std::size_t bytes) {
  if (bytes > member_.size - offset_)
    fail_at(offset_, fmt::format("{} bytes are left; {} must be here", member_.size - offset_, bytes));
  auto* out = static_cast<std::uint8_t*>(to);
  for (std::size_t done = 0; done < bytes;) {
    std::size_t got = 0;
    const std::size_t wanted = std::min(bytes - done, std::size_t{1} << 20U);
    if (member_.deflated) {
      const int code = inflate_some(out + done, wanted);
      got = wanted - stream_.avail_out;
      if (code == Z_STREAM_END && done + got < bytes)
        fail_at(offset_ + got, fmt::format("the deflated bytes end; they must become {}", member_.size));
    } else {
      got = wanted;
      file_.read(out + done, member_.data + offset_, got);
    }
    crc_ = static_cast<std::uint32_t>(crc32(crc_, out + done, static_cast<unsigned>(got)));
    done += got;
    offset_ += got;
  }
}

void ZipStream::finish() {
  if (offset_ != member_.size) fail_at(offset_, fmt::format("{} bytes are left; it must end here", member_.size - offset_));
  if (member_.deflated) {  // the mark of the end may still be there, and no byte behind it
    std::uint8_t more = 0;
    int code = Z_OK;
    while (code != Z_STREAM_END) {
      code = inflate_some(&more, 1);
      if (stream_.avail_out == 0)
        fail_at(offset_, "the deflated bytes become more; they must end here, as the archive's list says");
    }
    if (stream_.avail_in > 0 || packed_ != member_.packed)
      fail_at(offset_, "more bytes are behind the deflated ones; they must end here, as the archive's list says");
  }
  if (crc_ != member_.crc)
    fail_at(0, fmt::format("the checksum of its bytes is {:08x}; it must be {:08x}: the file is damaged", crc_, member_.crc));
}

}  // namespace xgrad::nn
