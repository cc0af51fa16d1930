#pragma once
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

#include <xgrad/core/where.hpp>

namespace xgrad {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

/// A regular file, or what links lead to one, open for reading, and its size. Anything else, which might never end or never begin,
/// is a FileError.
struct Opened {
  File file;
  std::uint64_t size = 0;
};
Opened open_regular(const std::filesystem::path& path, std::string_view op, Where at);

/// What there is at the path, or where links lead from it; file_type::not_found where nothing is. What the system does not let us
/// see is a FileError, which says why.
std::filesystem::file_status status_of(const std::filesystem::path& path, std::string_view op, Where at);

/// Throws FileError unless there is a directory. `content` ends the message: "a folder for each class".
void check_directory(const std::filesystem::path& path, std::string_view content, std::string_view op, Where at);

/// Throws FileError for a path that no file can have: an empty one, or one with a NUL, at which the system would cut it.
void check_path(const std::filesystem::path& path, std::string_view op, Where at);

}  // namespace xgrad
