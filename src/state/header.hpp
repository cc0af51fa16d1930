#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace xgrad::nn {

/// What the header of a safetensors file says of an array.
struct Entry {
  std::string name, dtype;
  std::vector<std::size_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< of its values, counted from the end of the header
  std::size_t offset = 0;            ///< of the entry, in the header
};

/// What is wrong with a header, and at which of its bytes.
struct HeaderError {
  std::size_t offset;
  std::string text;
};

/// The entries in the order of the file, and the texts of its metadata.
struct Header {
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
};

/// Throws HeaderError for everything that the format does not have.
Header read_header(std::string_view text);

/// The header for some entries. Its metadata has a "format", "xgrad" where none is given. Throws HeaderError for a text that is no
/// UTF-8, which JSON cannot hold.
std::string write_header(const std::vector<Entry>& entries, std::map<std::string, std::string> texts);

}  // namespace xgrad::nn
