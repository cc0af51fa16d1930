#include "files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include <xgrad/core/file.hpp>

namespace fs = std::filesystem;

namespace {

int output_error = 0;  // errno of the first failure

}  // namespace

void hold_standard_streams() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number)  // the lowest free number is what open takes
    if (fcntl(number, F_GETFD) < 0) static_cast<void>(open("/dev/null", number == STDOUT_FILENO ? O_RDONLY : O_RDWR));
}

void say(const std::string& text) {
  if ((std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) && output_error == 0)
    output_error = errno;
}

void check_output() {
  if (output_error != 0)
    throw std::runtime_error(fmt::format("standard output: cannot be written: {}", std::strerror(output_error)));
}

void prepare_directory(const fs::path& directory, std::initializer_list<const char*> files) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw std::runtime_error(fmt::format("{}: no such directory can be made: {}", directory.string(), error.message()));
  for (const char* file : files) const xgrad::WholeFile probe(directory / file);
}

std::optional<std::string> draw_svg(const std::string& dot) {
  // Files rather than pipes: nobody waits for anybody, however large the graph.
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  const File in(std::tmpfile(), std::fclose), out(std::tmpfile(), std::fclose);
  if (!in || !out || std::fwrite(dot.data(), 1, dot.size(), in.get()) != dot.size() || std::fflush(in.get()) != 0) return {};
  std::rewind(in.get());

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string program = "dot", format = "-Tsvg";
  char* const arguments[] = {program.data(), format.data(), nullptr};
  pid_t child = 0;
  const int code = posix_spawnp(&child, "dot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) return {};
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return {};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return {};

  std::string svg;
  std::rewind(out.get());
  for (char buffer[4096]; const std::size_t n = std::fread(buffer, 1, sizeof buffer, out.get());) svg.append(buffer, n);
  const std::size_t begin = svg.find("<svg");  // the XML header and the document type have no place in a page
  if (begin == svg.npos) return {};
  return svg.substr(begin);
}
