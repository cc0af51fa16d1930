#include "files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& path, const std::string& what) { throw std::runtime_error(path.string() + ": " + what); }
[[noreturn]] void fail_system(const fs::path& path) { fail(path, fmt::format("cannot be written ({})", std::strerror(errno))); }

/// A new file in a directory, which is removed again unless it is renamed to something.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& directory) : name_((directory / "mnist-XXXXXX").string()) {
    descriptor_ = mkstemp(name_.data());
    if (descriptor_ < 0) fail_system(directory);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    close(descriptor_);
    if (!name_.empty()) unlink(name_.c_str());
  }

  void write(const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t n = ::write(descriptor_, text.data() + done, text.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail_system(name_);
      done += static_cast<std::size_t>(n);
    }
  }
  void rename_to(const fs::path& path) {
    // mkstemp lets only the owner read; the report is for whoever may read the directory's other files
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(descriptor_, 0666 & ~mask) != 0 || fsync(descriptor_) != 0 || std::rename(name_.c_str(), path.c_str()) != 0)
      fail_system(path);
    name_.clear();
  }

 private:
  std::string name_;
  int descriptor_;
};

}  // namespace

void prepare_directory(const fs::path& directory, std::initializer_list<const char*> files) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) fail(directory, fmt::format("no such directory can be made ({})", error.message()));
  for (const char* file : files) {
    const fs::file_status status = fs::status(directory / file, error);
    if (fs::exists(status) && !fs::is_regular_file(status))
      fail(directory / file, "is there and no regular file; it must be one to be replaced");
  }
  TemporaryFile probe(directory);
}

void write_whole(const fs::path& path, const std::string& text) {
  TemporaryFile file(path.has_parent_path() ? path.parent_path() : fs::path("."));
  file.write(text);
  file.rename_to(path);
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
