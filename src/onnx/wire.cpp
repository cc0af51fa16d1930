#include "wire.hpp"

namespace xgrad::onnx {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in the file");

void Source::fail(const std::uint8_t* at, const std::string& message) const {
  const auto offset = static_cast<std::size_t>(at - bytes.data());
  throw FileError(where, "load", path.string() + ": byte " + std::to_string(offset) + ": " + message);
}

void Source::fail(const std::string& message) const { throw FileError(where, "load", path.string() + ": " + message); }

std::uint64_t Reader::varint(const char* what) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (at_ == end_) fail(std::string(what) + " is cut short; the file, or the message that it is in, must go on");
    const std::uint8_t byte = *at_++;
    if (shift == 63 && byte > 1) fail(std::string(what) + " has more than 64 bits; this must be a protobuf file");
    value |= static_cast<std::uint64_t>(byte & 127U) << shift;
    if (byte < 128) return value;
  }
}

bool Reader::next() {
  field_at_ = at_;
  if (at_ == end_) return false;
  const std::uint64_t key = varint("the key of a field");
  if (key >> 3U == 0 || key >> 3U >= 1U << 29U)
    fail("the number of a field is " + std::to_string(key >> 3U) + "; it must be from 1 to 2^29 - 1, as in a protobuf file");
  field_ = static_cast<std::uint32_t>(key >> 3U);
  const auto type = static_cast<unsigned>(key & 7U);
  if (type != 0 && type != 1 && type != 2 && type != 5)
    fail("a field has the wire type " + std::to_string(type) + "; it must be 0, 1, 2 or 5, as in an ONNX file");
  type_ = static_cast<WireType>(type);
  return true;
}

void Reader::need(WireType type) {
  if (type_ != type)
    fail("field " + std::to_string(field_) + " has the wire type " + std::to_string(static_cast<int>(type_)) + "; it must be " +
         std::to_string(static_cast<int>(type)) + ", as in an ONNX file");
}

template <class U>
U Reader::fixed() {
  if (static_cast<std::size_t>(end_ - at_) < sizeof(U))
    fail("a number is cut short; the file, or the message that it is in, must go on");
  U value;
  std::memcpy(&value, at_, sizeof(U));
  at_ += sizeof(U);
  return value;
}

void Reader::skip() {
  switch (type_) {
    case WireType::varint:
      varint("a number");
      break;
    case WireType::fixed64:
      fixed<std::uint64_t>();
      break;
    case WireType::fixed32:
      fixed<std::uint32_t>();
      break;
    case WireType::length:
      bytes();
      break;
  }
}

std::int64_t Reader::integer() {
  need(WireType::varint);
  return static_cast<std::int64_t>(varint("a number"));
}

float Reader::number() {
  need(WireType::fixed32);
  return fixed<float>();
}

Bytes Reader::bytes() {
  need(WireType::length);
  const std::uint64_t length = varint("a length");
  const auto left = static_cast<std::size_t>(end_ - at_);
  if (length > left)
    fail("a field of " + std::to_string(length) + " bytes begins here and " + std::to_string(left) +
         " are left; there must be as many: the file is cut short, or is no ONNX file");
  const Bytes result(at_, static_cast<std::size_t>(length));
  at_ += length;
  return result;
}

std::string Reader::text() {
  const Bytes text = bytes();
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

void Reader::integers(std::vector<std::int64_t>& to) {
  if (type_ != WireType::length) {
    to.push_back(integer());
    return;
  }
  Reader packed(*source_, bytes());
  while (packed.at_ != packed.end_) to.push_back(static_cast<std::int64_t>(packed.varint("a number")));
}

template <class U>
void Reader::fixed_list(std::vector<U>& to, WireType alone) {
  if (type_ != WireType::length) {
    need(alone);
    to.push_back(fixed<U>());
    return;
  }
  Reader packed(*source_, bytes());
  while (packed.at_ != packed.end_) to.push_back(packed.fixed<U>());
}

void Reader::numbers(std::vector<float>& to) { fixed_list(to, WireType::fixed32); }
void Reader::numbers(std::vector<double>& to) { fixed_list(to, WireType::fixed64); }

}  // namespace xgrad::onnx
