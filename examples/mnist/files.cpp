#include "files.hpp"

#include <fmt/format.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include <xgrad/core/file.hpp>

namespace fs = std::filesystem;

namespace {

int output_error = 0;  // errno of the first failure

}  // namespace

void say(const std::string& text) {
  if ((std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) && output_error == 0)
    output_error = errno;
}

void check_said() {
  if (output_error == 0 && std::ferror(stdout)) output_error = EIO;  // what others have printed
  if (output_error != 0)
    throw std::runtime_error(fmt::format("standard output: cannot be written: {}", std::strerror(output_error)));
}

void prepare_directory(const fs::path& directory, std::initializer_list<const char*> files) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw std::runtime_error(fmt::format("{}: no such directory can be made: {}", directory.string(), error.message()));
  for (const char* file : files) const xgrad::WholeFile probe(directory / file);
}
