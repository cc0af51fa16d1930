#include <xgrad/state/checkpoints.hpp>

#include <fmt/format.h>
#include <system_error>

#include <xgrad/core/error.hpp>

namespace xgrad::nn {

std::string Checkpoints::path(const std::string& name) const {
  return (std::filesystem::path(directory) / (name + ".safetensors")).string();
}

std::string Checkpoints::of_epoch(std::size_t epoch) const { return path(fmt::format("epoch-{:04}", epoch)); }

void Checkpoints::make_directory(Where at) const {
  std::error_code code;
  if (directory.empty() || std::filesystem::is_directory(directory, code)) return;
  std::filesystem::create_directories(directory, code);
  if (code) throw FileError(at, "save", fmt::format("{}: the directory cannot be made: {}", directory, code.message()));
}

}  // namespace xgrad::nn
