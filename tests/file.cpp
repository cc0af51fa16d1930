// Whole files, and what of other people's text may reach a terminal.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <xgrad/core/error.hpp>
#include <xgrad/core/file.hpp>
#include <xgrad/core/text.hpp>

#include "directory.hpp"
#include "nobody.hpp"

namespace fs = std::filesystem;
using xgrad::FileError;
using xgrad::printable;
using xgrad::WholeFile;
using xgrad::write_file;
using xgrad_test::as_nobody;
using xgrad_test::contents;
using xgrad_test::Directory;

namespace {

/// What was given to fsync, in order: "directory" or "file", and what a directory then held.
std::vector<std::string> flushed;
std::mutex flushes;

using Names = std::vector<std::string>;
void put(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
mode_t mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// What the error says behind the path; it must begin with that, and name this file.
template <class F>
std::string error_of(const fs::path& path, F f) {
  try {
    f();
  } catch (const FileError& error) {
    CHECK(std::string(error.where().file_name()).ends_with("file.cpp"));
    const std::string start = path.string() + ": ";
    CHECK(error.message().starts_with(start));
    return error.message().substr(std::min(error.message().size(), start.size()));
  }
  return "nothing was thrown";
}
std::string write_error(const fs::path& path) {
  return error_of(path, [&] { write_file(path, "new"); });
}

/// Runs f in a child that is killed when it returns; the parent goes on when the child is dead.
template <class F>
void killed(F f) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    f();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
}

}  // namespace

// The library calls this one, since that of a program comes before those of libraries.
extern "C" int fsync(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) == 0) {
    std::string what = S_ISDIR(status.st_mode) ? "directory" : "file";
    std::error_code error;
    for (fs::directory_iterator entry("/proc/self/fd/" + std::to_string(descriptor), error), end; !error && entry != end;
         entry.increment(error))
      what += " " + entry->path().filename().string();
    const std::scoped_lock lock(flushes);
    flushed.push_back(what);
  }
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

TEST_CASE("a file is flushed before it has its name, and its directory after that") {
  const Directory d;
  flushed.clear();
  write_file(d / "f", "text");
  CHECK(flushed == Names{"file", "directory f"});
}

TEST_CASE("a whole file is there when it is committed, and not before") {
  const Directory d;
  const fs::path path = d / "f";
  put(path, "old");
  {
    WholeFile file(path);
    file.write("ne");
    file.write("w", 1);
    CHECK(contents(path) == "old");
    CHECK(d.names().size() == 2);
  }
  CHECK(contents(path) == "old");
  CHECK(d.names() == Names{"f"});
  WholeFile file(path);
  file.write("ne");
  file.write("w");
  file.write("", 0);
  file.commit();
  CHECK(contents(path) == "new");
  CHECK(d.names() == Names{"f"});
  CHECK(error_of(path, [&] { file.write("x"); }) == "is complete; nothing must be added to it; write another file");
  CHECK(error_of(path, [&] { file.commit(); }) == "is complete; nothing must be added to it; write another file");
  write_file(d / "empty", "");
  CHECK(contents(d / "empty").empty());
  std::string large(3'000'000, 'x');
  large[2'500'000] = 'y';
  write_file(d / "large", large);
  CHECK(contents(d / "large") == large);
}

TEST_CASE("a whole file in the working directory, and one whose directory changes meanwhile") {
  const Directory d;
  const fs::path before = fs::current_path();
  fs::current_path(d.path);
  write_file("f", "new");
  WholeFile file("g");
  fs::current_path(before);
  file.write("new");
  file.commit();
  CHECK(contents(d / "f") == "new");
  CHECK(contents(d / "g") == "new");
  CHECK(d.names() == Names{"f", "g"});
}

TEST_CASE("a whole file may have any name that a file may have") {
  const Directory d;
  for (const std::string& name :
       {std::string(250, 'n'), std::string(255, 'n'), std::string("a b\n\x1b[2J\xff"), std::string(".f"), std::string("-")}) {
    write_file(d / name, "new");
    CHECK(contents(d / name) == "new");
  }
  CHECK(d.names().size() == 5);
  CHECK(write_error(d / std::string(256, 'n')) == "cannot be written: File name too long");
  // A path that is as long as the system takes, with a name that is shorter than the temporary's.
  fs::path deep = d.path;
  std::vector<int> parents;
  while (deep.native().size() + 200 + 3 < 4096) {
    deep /= std::string(std::min<std::size_t>(200, 4095 - 2 - 1 - deep.native().size()), 'd');
    fs::create_directory(deep);
  }
  const fs::path longest = deep / std::string(4095 - 1 - deep.native().size(), 'f');
  REQUIRE(longest.native().size() == 4095);
  write_file(longest, "new");
  CHECK(contents(longest) == "new");
}

TEST_CASE("paths that no file can have") {
  const Directory d;
  const std::string nul("f\0g", 3);
  try {
    write_file(d / nul, "new");
    CHECK(false);
  } catch (const FileError& error) {
    CHECK(error.message() == (d / "f").string() + "\\x00g: the path has a NUL at its byte " +
                                 std::to_string((d / "f").string().size()) + "; it must have none");
  }
  try {
    write_file("", "new");
    CHECK(false);
  } catch (const FileError& error) {
    CHECK(error.message() == "the path is empty; it must name a file");
  }
  CHECK(d.names().empty());
}

TEST_CASE("symbolic links are followed, and stay") {
  const Directory d;
  fs::create_directory(d / "sub");
  put(d / "sub/target", "old");
  fs::create_symlink("sub/target", d / "relative");
  fs::create_symlink(d / "relative", d / "absolute");
  fs::create_symlink("../absolute", d / "sub/chain");
  fs::create_directory_symlink("sub", d / "folder");
  fs::create_symlink("../sub/new", d / "sub/dangling");
  int count = 0;
  for (const char* name : {"relative", "absolute", "sub/chain", "folder/target", "folder/chain"}) {
    const std::string text = "new " + std::to_string(++count);
    write_file(d / name, text);
    CHECK(contents(d / "sub/target") == text);
  }
  write_file(d / "folder/dangling", "made");
  CHECK(contents(d / "sub/new") == "made");
  for (const char* name : {"relative", "absolute", "sub/chain", "folder", "sub/dangling"}) CHECK(fs::is_symlink(d / name));
  CHECK(!fs::is_symlink(d / "sub/target"));

  fs::create_symlink("loop b", d / "loop a");
  fs::create_symlink("loop a", d / "loop b");
  CHECK(write_error(d / "loop a") == "cannot be written: Too many levels of symbolic links");
  fs::create_symlink("nowhere/f", d / "lost");
  CHECK(write_error(d / "lost") == "cannot be written: No such file or directory");
  CHECK(d.names() == Names{"absolute", "folder", "loop a", "loop b", "lost", "relative", "sub"});
}

TEST_CASE("a file that is replaced keeps its permissions, and a new one has those of any new file") {
  const Directory d;
  const mode_t before = umask(027);
  write_file(d / "new", "x");
  umask(before);
  CHECK(mode_of(d / "new") == 0640);
  for (const mode_t mode : {mode_t{0600}, mode_t{0666}, mode_t{0640}, mode_t{0755}}) {
    put(d / "f", "old");
    REQUIRE(chmod((d / "f").c_str(), mode) == 0);
    WholeFile file(d / "f");
    for (const auto& entry : fs::directory_iterator(d.path))
      if (entry.path().filename().string().starts_with(".xgrad-")) CHECK((mode_of(entry.path()) & 077) == 0);
    file.write("new");
    file.commit();
    CHECK(mode_of(d / "f") == mode);
  }
  if (geteuid() == 0) {
    put(d / "theirs", "old");
    REQUIRE(chown((d / "theirs").c_str(), 65534, 65533) == 0);
    REQUIRE(chmod((d / "theirs").c_str(), 04750) == 0);
    write_file(d / "theirs", "new");
    struct stat status {};
    REQUIRE(stat((d / "theirs").c_str(), &status) == 0);
    CHECK(status.st_uid == 65534);
    CHECK(status.st_gid == 65533);
    CHECK((status.st_mode & 07777) == 04750);
  } else {
    MESSAGE("skipped: another owner's file (only root can make one)");
  }
}

TEST_CASE("a hard link keeps the old contents") {
  const Directory d;
  put(d / "f", "old");
  fs::create_hard_link(d / "f", d / "link");
  write_file(d / "f", "new");
  CHECK(contents(d / "f") == "new");
  CHECK(contents(d / "link") == "old");
}

TEST_CASE("targets that are no regular files are refused at once, and left alone") {
  const Directory d;
  fs::create_directory(d / "folder");
  fs::create_symlink("folder", d / "link");
  REQUIRE(mkfifo((d / "fifo").c_str(), 0600) == 0);
  CHECK(write_error(d / "folder") == "it is a directory; it must be a regular file or none");
  CHECK(write_error(d / "link") == "it is a directory; it must be a regular file or none");
  CHECK(write_error(d / "folder/") == "it is a directory; it must be a regular file or none");
  CHECK(write_error(d / ".") == "it is a directory; it must be a regular file or none");
  CHECK(write_error(d / "fifo") == "it is a FIFO; it must be a regular file or none");
  CHECK(write_error("/dev/null") == "it is a device; it must be a regular file or none");
  CHECK(write_error(d / "none/f") == "cannot be written: No such file or directory");
  CHECK(write_error(d / "none/") == "names a directory; it must name a file");
  put(d / "file", "old");
  CHECK(write_error(d / "file/f") == "cannot be written: Not a directory");
  CHECK(contents(d / "file") == "old");
  CHECK(d.names() == Names{"fifo", "file", "folder", "link"});
}

TEST_CASE("without permission there is an error, and the old file") {
  const Directory d;
  fs::create_directory(d / "closed");
  put(d / "closed/f", "old");
  put(d / "fixed", "old");
  REQUIRE(chmod((d / "closed/f").c_str(), 0666) == 0);
  REQUIRE(chmod((d / "closed").c_str(), 0555) == 0);
  REQUIRE(chmod((d / "fixed").c_str(), 0444) == 0);
  REQUIRE(chmod(d.path.c_str(), 0777) == 0);
  CHECK(as_nobody([&] { return write_error(d / "closed/f") == "cannot be written: Permission denied"; }));
  CHECK(as_nobody([&] { return write_error(d / "closed/g") == "cannot be written: Permission denied"; }));
  CHECK(as_nobody([&] { return write_error(d / "fixed") == "cannot be written: Permission denied"; }));
  CHECK(contents(d / "closed/f") == "old");
  CHECK(contents(d / "fixed") == "old");
  // One may write in this directory and not list it.
  REQUIRE(chmod((d / "closed").c_str(), 0333) == 0);
  CHECK(as_nobody([&] { return write_file(d / "closed/f", "new"), true; }));
  REQUIRE(chmod((d / "closed").c_str(), 0777) == 0);
  CHECK(contents(d / "closed/f") == "new");
  CHECK(std::distance(fs::directory_iterator(d / "closed"), {}) == 1);
}

TEST_CASE("a disk that is full, and a limit, are errors with the path, and leave the old file alone") {
  const Directory d;
  const std::string large(1'000'000, 'x');
  put(d / "f", "old");
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{10000, limit.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string text = error_of(d / "f", [&] { write_file(d / "f", large); });
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  CHECK(text == "cannot be written: File too large");
  CHECK(contents(d / "f") == "old");
  CHECK(d.names() == Names{"f"});

  fs::create_directory(d / "disk");
  if (mount("tmpfs", (d / "disk").c_str(), "tmpfs", 0, "size=256k") != 0) {
    MESSAGE("skipped: a full disk (this process cannot mount one)");
    return;
  }
  put(d / "disk/f", "old");
  CHECK(error_of(d / "disk/f", [&] { write_file(d / "disk/f", large); }) == "cannot be written: No space left on device");
  CHECK(contents(d / "disk/f") == "old");
  CHECK(std::distance(fs::directory_iterator(d / "disk"), {}) == 1);
  umount((d / "disk").c_str());
}

TEST_CASE("what a killed program left goes with the next save of the same target, and nothing else does") {
  const Directory d;
  put(d / "f", "old");
  killed([&] {
    for (const char* name : {"f", "f", "g"}) (new WholeFile(d / name))->write("half");
  });
  CHECK(d.names().size() == 4);
  put(d / ".xgrad-notes.tmp", "the user's own");

  WholeFile living(d / "f");  // removes the two of f
  living.write("new");
  CHECK(d.names().size() == 4);  // f, its temporary, g's, the user's
  {
    const WholeFile other(d / "f");  // finds the first one alive
    CHECK(d.names().size() == 5);
  }
  living.commit();
  CHECK(contents(d / "f") == "new");
  CHECK(d.names().size() == 3);
  write_file(d / "g", "new");
  CHECK(d.names() == Names{".xgrad-notes.tmp", "f", "g"});
}

TEST_CASE("many threads that write one file leave one of theirs whole") {
  const Directory d;
  std::vector<std::thread> threads;
  for (char letter = 'a'; letter < 'e'; ++letter)
    threads.emplace_back([&d, letter] {
      for (int i = 0; i < 10; ++i) write_file(d / "f", std::string(100'000, letter));
    });
  for (std::thread& thread : threads) thread.join();
  const std::string text = contents(d / "f");
  CHECK(text == std::string(100'000, text[0]));
  CHECK(d.names() == Names{"f"});
}

TEST_CASE("printable text: what a terminal would obey comes as an escape") {
  CHECK(printable("plain, näme, 数, 🙂, a…b “x” 1\u202f000 \\x1b") ==
        "plain, näme, 数, 🙂, a…b “x” 1\u202f000 \\x1b");
  CHECK(printable("\x1b]0;owned\x07") == "\\x1b]0;owned\\x07");
  CHECK(printable("a\nb\tc\rd\x7f") == "a\\nb\\tc\\rd\\x7f");
  CHECK(printable(std::string("a\0b", 3)) == "a\\x00b");
  CHECK(printable("\xc2\x9b\x33\x31m") == "\\u009b31m");  // C1: another way to begin an escape sequence
  CHECK(printable("\x9b\x33\x31m") == "\\x9b31m");
  CHECK(printable("\xe2\x80\xae"
                  "txt\xe2\x81\xa6\xe2\x80\x8f\xef\xbb\xbf\xe2\x80\x8b") == "\\u202etxt\\u2066\\u200f\\ufeff\\u200b");
  CHECK(printable("\xf3\xa0\x80\x81") == "\\ue0001");
  // No UTF-8: a lone byte, too long a form, a surrogate, beyond the last character, cut short.
  CHECK(printable("\xff|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x80") ==
        "\\xff|\\xc0\\xaf|\\xed\\xa0\\x80|\\xf4\\x90\\x80\\x80|\\xe2\\x80");
  CHECK(printable("äöü", 4) == "äö…");
  CHECK(printable("äöü", 5) == "äö…");
  CHECK(printable("äöü", 6) == "äöü");
  for (int c = 0; c < 256; ++c)  // whatever it is, the terminal gets none of it raw
    for (const char part : printable(std::string(1, static_cast<char>(c)) + "x")) CHECK((part >= 0x20 && part < 0x7f));
}

TEST_CASE("no error of the library says anything raw") {
  const std::string raw = "\x1b[2J\n\xff";
  for (const xgrad::Error& error : {xgrad::Error(raw), xgrad::Error(FileError({}, raw, raw)),
                                    xgrad::Error(xgrad::ValueError(xgrad::Where::current(), "op", raw))})
    for (const std::string& text : {std::string(error.what()), error.message(), error.op()})
      CHECK(text.find_first_of(raw.substr(0, 1) + "\n\xff") == text.npos);
  xgrad::Error error("text");
  error.place({}, raw);
  error.note(raw);
  CHECK(std::string(error.what()) == "\\x1b[2J\\n\\xff: text (\\x1b[2J\\n\\xff)");
}
