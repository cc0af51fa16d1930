#pragma once
/// What programs have that are told a number and print their result.
#include <fmt/format.h>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <xgrad/core/text.hpp>

/// The number that an argument is. Throws std::invalid_argument for anything else.
inline std::uint64_t whole_number(std::string_view name, std::string_view text, std::uint64_t most) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < 1 || number > most)
    throw std::invalid_argument(fmt::format("{} is {}; it must be a whole number from 1 to {}", name,
                                            text.empty() ? "empty" : xgrad::printable(text, 60), most));
  return number;
}

/// Throws std::system_error when what was printed cannot be written: on a full disk, say.
inline void check_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) throw std::system_error(errno, std::generic_category(), "standard output");
}
