#pragma once
// Files for the tests of what reads and writes archives: folders, bytes, zip archives right and wrong.
#include <doctest/doctest.h>

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <xgrad/core/error.hpp>

#include "directory.hpp"

namespace archive {

using xgrad::FileError;
using xgrad_test::contents;
using xgrad_test::Directory;

inline void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Message of the FileError that f throws, without the directory.
template <class F>
std::string message(const Directory& directory, F&& f) {
  try {
    f();
  } catch (const FileError& error) {
    CHECK(error.where().line() > 0);
    std::string text = error.op() + ": " + error.message();
    const std::string prefix = directory.path.string() + "/";
    const auto at = text.find(prefix);
    CHECK(at != text.npos);
    return at == text.npos ? text : text.erase(at, prefix.size());
  }
  return "nothing thrown";
}

template <class U>
std::string bytes_of(const std::vector<U>& values) {
  std::string result(values.size() * sizeof(U), '\0');
  if (!values.empty()) std::memcpy(result.data(), values.data(), result.size());
  return result;
}
template <class U>
std::string number(U value) {
  return bytes_of(std::vector<U>{value});
}

/// A safetensors file with this header and so many zero bytes of values.
inline std::string safetensors(const std::string& header, std::size_t values) {
  return number(std::uint64_t{header.size()}) + header + std::string(values, '\0');
}

struct Member {
  std::string name, bytes;
  std::uint16_t flags = 0, method = 0;
  std::string own_name = name;  // in its own header
  std::uint32_t damage = 0;     // of the checksum
  std::uint32_t more = 0;       // bytes, by the list
  bool zip64 = false;
  std::uint32_t earlier = 0;  // where it begins, by the list
};
/// A zip archive, right or wrong.
inline std::string zip(const std::vector<Member>& members, bool zip64 = false, std::uint16_t more_members = 0,
                       const std::string& comment = "") {
  std::string file, list;
  for (const Member& m : members) {
    const auto crc = static_cast<std::uint32_t>(
                         crc32(0, reinterpret_cast<const Bytef*>(m.bytes.data()), static_cast<unsigned>(m.bytes.size()))) ^
                     m.damage;
    const auto size = static_cast<std::uint32_t>(m.bytes.size()) + m.more,
               begin = static_cast<std::uint32_t>(file.size()) - m.earlier;
    const auto u16 = [](std::size_t value) { return number(static_cast<std::uint16_t>(value)); };
    const std::uint32_t none = 0xffffffff;
    file += "PK\3\4" + u16(45) + number(m.flags) + number(m.method) + number(0U) + number(crc) + number(size) + number(size) +
            u16(m.own_name.size()) + u16(0) + m.own_name + m.bytes;
    std::string extra = u16(0x7777) + u16(2) + "ab";  // somebody else's
    if (m.zip64)
      extra += u16(1) + u16(24) + number(std::uint64_t{size}) + number(std::uint64_t{size}) + number(std::uint64_t{begin});
    list += "PK\1\2" + u16(45) + u16(45) + number(m.flags) + number(m.method) + number(0U) + number(crc) +
            number(m.zip64 ? none : size) + number(m.zip64 ? none : size) + u16(m.name.size()) + u16(extra.size()) + u16(0) +
            u16(0) + u16(0) + number(0U) + number(m.zip64 ? none : begin) + m.name + extra;
  }
  const std::uint64_t begin = file.size(), count = members.size() + more_members;
  file += list;
  const auto short_count = number(static_cast<std::uint16_t>(zip64 ? 0xffff : count));
  if (zip64) {
    const std::uint64_t end = file.size();
    file += "PK\6\6" + number(std::uint64_t{44}) + number(std::uint32_t{0x002d002d}) + number(std::uint64_t{0}) + number(count) +
            number(count) + number(std::uint64_t{list.size()}) + number(begin);
    file += "PK\6\7" + number(0U) + number(end) + number(1U);
  }
  return file + "PK\5\6" + number(0U) + short_count + short_count +
         number(zip64 ? 0xffffffffU : static_cast<std::uint32_t>(list.size())) +
         number(zip64 ? 0xffffffffU : static_cast<std::uint32_t>(begin)) + number(static_cast<std::uint16_t>(comment.size())) +
         comment;
}

}  // namespace archive
