#pragma once
// Files of tests.
#include <doctest/doctest.h>

#include <stdlib.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace xgrad_test {

inline std::string contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// A directory of its own for each test, gone at the end.
class Directory {
 public:
  /// With a name, one of that name in such a directory.
  explicit Directory(const std::string& called = "") {
    std::string name = (std::filesystem::temp_directory_path() / "xgrad-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    top_ = path = name;
    if (!called.empty()) std::filesystem::create_directory(path = top_ / called);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(top_, ignored);
  }

  std::filesystem::path operator/(const std::string& name) const { return path / name; }
  /// The same as text.
  std::string file(const std::string& name) const { return (path / name).string(); }
  /// Writes a file, and the folders that lead to it.
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << bytes;
    return path / name;
  }
  /// What is in it, in order.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(path)) result.push_back(entry.path().filename().string());
    std::sort(result.begin(), result.end());
    return result;
  }

  std::filesystem::path path;

 private:
  std::filesystem::path top_;
};

/// A file in one of its own.
struct File {
  Directory directory;
  std::string path = directory.file("f");
  std::string contents() const { return xgrad_test::contents(path); }
  void write(const std::string& bytes) const { directory.write("f", bytes); }
};

}  // namespace xgrad_test
