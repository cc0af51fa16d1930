#pragma once
/// What programs have that are told a number, print their result and complain.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
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

/// Whoever starts a program with a closed stream gives its number to the next file that is opened, and what is printed goes into
/// that. Fills such numbers; a closed standard output stays one that cannot be written.
inline void hold_standard_streams() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number)  // the lowest free number is what open takes
    if (fcntl(number, F_GETFD) < 0) static_cast<void>(open("/dev/null", number == STDOUT_FILENO ? O_RDONLY : O_RDWR));
}

/// Says on stderr, in one line, what is wrong, where that can be said. Gives the exit code.
inline int complain(const std::string& program, const std::string& text) {
  std::fputs((program + ": " + xgrad::printable(text) + "\n").c_str(), stderr);
  return 1;
}
