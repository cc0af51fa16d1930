#pragma once
/// Protobuf's wire format (https://protobuf.dev/programming-guides/encoding), as far as ONNX uses it: a message is a list of
/// fields, each a number, a type and a value. Every read is checked against the end of the bytes.
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <xgrad/core/error.hpp>

namespace xgrad::onnx {

using Bytes = std::span<const std::uint8_t>;

/// The file that is read, for its complaints.
struct Source {
  std::filesystem::path path;
  Bytes bytes;
  Where where;

  /// Throws FileError for what stands at an address within `bytes`.
  [[noreturn]] void fail(const std::uint8_t* at, const std::string& message) const;
  /// ... for the file as a whole.
  [[noreturn]] void fail(const std::string& message) const;
};

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, length = 2, fixed32 = 5 };

/// Walks through the fields of a message:
///
///     while (reader.next()) switch (reader.field()) { case 1: name = reader.text(); break; default: reader.skip(); }
class Reader {
 public:
  Reader(const Source& source, Bytes bytes) : source_(&source), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  /// Goes to the next field; false at the end of the message. The value of the one before must have been read.
  bool next();
  std::uint32_t field() const noexcept { return field_; }
  void skip();

  std::int64_t integer();
  float number();
  Bytes bytes();
  std::string text();
  Reader message() { return Reader(*source_, bytes()); }

  /// One element of a list of numbers, or several that are packed: appended to `to`.
  void integers(std::vector<std::int64_t>& to);
  void numbers(std::vector<float>& to);
  void numbers(std::vector<double>& to);

  const Source& source() const noexcept { return *source_; }
  const std::uint8_t* position() const noexcept { return at_; }
  [[noreturn]] void fail(const std::string& message) const { source_->fail(field_at_ ? field_at_ : at_, message); }

 private:
  std::uint64_t varint(const char* what);
  void need(WireType type);
  template <class U>
  U fixed();
  template <class U>
  void fixed_list(std::vector<U>& to, WireType alone);

  const Source* source_;
  const std::uint8_t *at_, *end_;
  const std::uint8_t* field_at_ = nullptr;
  std::uint32_t field_ = 0;
  WireType type_ = WireType::varint;
};

}  // namespace xgrad::onnx
