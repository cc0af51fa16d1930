#pragma once
#include <cstdint>
#include <string>

#include <xgrad/core/api.hpp>

namespace xgrad {

/// A line of somebody's program. Every public function takes one as a defaulted last argument, so that errors name the line
/// of the caller. Our own type rather than std::source_location: clang 14 has none, and one type on every compiler lets
/// programs of one link with libraries of another.
class Where {
 public:
  constexpr Where() noexcept = default;

  static constexpr Where current(const char* file = __builtin_FILE(), std::uint32_t line = __builtin_LINE()) noexcept {
    Where where;
    where.file_ = file;
    where.line_ = line;
    return where;
  }

  /// Path of the file as the compiler was given it; empty when unknown.
  constexpr const char* file_name() const noexcept { return file_; }
  constexpr std::uint32_t line() const noexcept { return line_; }
  constexpr explicit operator bool() const noexcept { return line_ != 0; }

 private:
  const char* file_ = "";
  std::uint32_t line_ = 0;
};

/// "lenet.cpp:31": the file's base name and the line.
XGRAD_API std::string to_string(Where at);

}  // namespace xgrad
