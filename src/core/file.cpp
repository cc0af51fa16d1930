#include <xgrad/core/file.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <xgrad/core/error.hpp>

#include "open.hpp"

namespace xgrad {
namespace {

namespace fs = std::filesystem;

/// Whose file it is, for the errors.
struct Task {
  fs::path path;
  std::string op;
  Where where;

  [[noreturn]] void fail(const std::string& message) const { throw FileError(where, op, path.string() + ": " + message); }
  [[noreturn]] void fail_system(const char* what, int code = errno) const {
    fail(fmt::format("{}: {}", what, std::generic_category().message(code)));
  }
};

const char* kind_of(mode_t mode) {
  return S_ISDIR(mode)                    ? "a directory"
         : S_ISFIFO(mode)                 ? "a FIFO"
         : S_ISSOCK(mode)                 ? "a socket"
         : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                          : "no regular file";
}

/// A descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  explicit operator bool() const { return number_ >= 0; }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

/// FNV-1a. Temporary files of one target have this in common, and nothing of the name's length.
std::uint64_t hash(std::string_view text) {
  std::uint64_t result = 0xcbf29ce484222325U;
  for (const char c : text) result = (result ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return result;
}

Descriptor open_directory(const fs::path& directory) {
  Descriptor result(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
#ifdef O_PATH
  if (!result && errno == EACCES)  // one may write in it though not list it
    result = Descriptor(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
#endif
  return result;
}

}  // namespace

void check_path(const fs::path& path, std::string_view op, Where at) {
  const std::string& text = path.native();
  if (text.empty()) throw FileError(at, op, "the path is empty; it must name a file");
  if (const auto nul = text.find('\0'); nul != text.npos)
    throw FileError(at, op, fmt::format("{}: the path has a NUL at its byte {}; it must have none", text, nul));
}

fs::file_status status_of(const fs::path& path, std::string_view op, Where at) {
  check_path(path, op, at);
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::status_known(status)) Task{path, std::string(op), at}.fail_system("cannot be read", error.value());
  return status;
}

void check_directory(const fs::path& path, std::string_view content, std::string_view op, Where at) {
  const fs::file_status status = status_of(path, op, at);
  if (fs::is_directory(status)) return;
  throw FileError(at, op,
                  fmt::format("{}: {}; it must be a directory with {}", path.string(),
                              fs::exists(status) ? "is no directory" : "no such directory", content));
}

Opened open_regular(const fs::path& path, std::string_view op, Where at) {
  const Task task{path, std::string(op), at};
  check_path(path, op, at);
  Descriptor descriptor(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));  // a FIFO would wait for who writes to it
  if (!descriptor && errno == ENOENT) task.fail("there is no such file");
  struct stat status {};
  if (!descriptor && errno == ENXIO) task.fail("it is a socket; it must be a regular file");
  if (!descriptor || fstat(descriptor.get(), &status) != 0) task.fail_system("cannot be opened");
  if (!S_ISREG(status.st_mode)) task.fail(fmt::format("it is {}; it must be a regular file", kind_of(status.st_mode)));
  File file(fdopen(descriptor.get(), "rb"));
  if (!file) task.fail_system("cannot be opened");
  descriptor.release();
  return {std::move(file), static_cast<std::uint64_t>(status.st_size)};
}

struct WholeFile::Parts {
  Task task;
  std::string target = {}, prefix = {}, temporary = {};  // names in the directory
  Descriptor directory = {};
  std::optional<struct stat> old = {};  // the file that is replaced
  File file = {};

  ~Parts() {
    if (!temporary.empty()) unlinkat(directory.get(), temporary.c_str(), 0);
  }

  /// What there is at the path, and where symbolic links lead from it.
  fs::path find_target() {
    struct stat status {};
    // The system goes first: it says where links must not be followed, as in other people's public directories.
    if (stat(task.path.c_str(), &status) == 0) {
      if (!S_ISREG(status.st_mode)) task.fail(fmt::format("it is {}; it must be a regular file or none", kind_of(status.st_mode)));
      if (faccessat(AT_FDCWD, task.path.c_str(), W_OK, AT_EACCESS) != 0) task.fail_system("cannot be written");
      old = status;
    } else if (errno != ENOENT) {
      task.fail_system("cannot be written");
    }
    fs::path path = task.path;
    std::error_code error;
    for (int links = 0; fs::is_symlink(fs::symlink_status(path, error)); ++links) {
      const fs::path next = fs::read_symlink(path, error);
      if (error || links == 40) task.fail_system("cannot be written", error ? error.value() : ELOOP);
      path = path.parent_path() / next;
    }
    return path;
  }

  /// Removes what killed programs have left. A living one holds the lock of its file, which the system lets go when it dies.
  void clean() const {
    Descriptor again(openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR* list = again ? fdopendir(again.get()) : nullptr;
    if (!list) return;
    again.release();
    while (const dirent* entry = readdir(list)) {
      const std::string_view name = entry->d_name;
      if (!name.starts_with(prefix) || !name.ends_with(".tmp")) continue;
      const Descriptor left(openat(directory.get(), entry->d_name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
      struct stat status {};
      if (left && fstat(left.get(), &status) == 0 && S_ISREG(status.st_mode) && flock(left.get(), LOCK_EX | LOCK_NB) == 0)
        unlinkat(directory.get(), entry->d_name, 0);
    }
    closedir(list);
  }

  /// Whether this new file is ours: another program may have locked and removed it before we had the lock.
  static bool own(int descriptor) {
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;  // without locks nobody removes anything
    struct stat status {};
    return fstat(descriptor, &status) == 0 && status.st_nlink > 0;
  }

  void make_temporary() {
    static std::atomic<unsigned> count = 0;
    Descriptor descriptor;
    for (bool mine = false; !mine;) {
      const std::string name = fmt::format("{}{}-{}.tmp", prefix, getpid(), count++);
      // Until it has the permissions of the old file, nobody else reads it.
      descriptor = Descriptor(
          openat(directory.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, old ? 0600 : 0666));
      if (!descriptor && errno == EEXIST) continue;
      if (!descriptor) task.fail_system("cannot be written");
      mine = own(descriptor.get());
      if (mine) temporary = name;
    }
    file.reset(fdopen(descriptor.get(), "wb"));
    if (!file) task.fail_system("cannot be written");
    descriptor.release();
  }

  /// The old file's owner, group and permissions, as far as the system lets us.
  void take_over() const {
    const int descriptor = fileno(file.get());
    struct stat now {};
    if (!old || fstat(descriptor, &now) != 0) return;
    mode_t mode = old->st_mode & 07777;
    bool owner = now.st_uid == old->st_uid, group = now.st_gid == old->st_gid;
    if (!owner || !group) {
      owner = fchown(descriptor, old->st_uid, old->st_gid) == 0;
      group = owner || group || fchown(descriptor, static_cast<uid_t>(-1), old->st_gid) == 0;
    }
    if (!owner || !group) mode &= 0777;
    if (!group) mode &= ~static_cast<mode_t>(070) | (mode & 07U) << 3U;  // another group gets what everybody gets
    static_cast<void>(fchmod(descriptor, mode));                         // some file systems have no permissions
  }

  void commit() {
    if (!file) task.fail("is complete; nothing must be added to it; write another file");
    if (std::fflush(file.get()) != 0) task.fail_system("cannot be written");
    take_over();
    if (fsync(fileno(file.get())) != 0) task.fail_system("cannot be written");
    if (renameat(directory.get(), temporary.c_str(), directory.get(), target.c_str()) != 0) task.fail_system("cannot be replaced");
    temporary.clear();
    file.reset();  // and its lock, which it had as long as it had the temporary's name
    // Without this the old name could come back when the machine goes down. Some file systems cannot, or need not.
    if (fsync(directory.get()) != 0 && errno != EINVAL && errno != EBADF && errno != ENOSYS && errno != EROFS)
      task.fail_system("is written, but its directory cannot be");
  }
};

WholeFile::WholeFile(const fs::path& path, std::string_view op, Where at) : parts_(new Parts{{path, std::string(op), at}}) {
  check_path(path, op, at);
  Parts& parts = *parts_;
  const fs::path target = parts.find_target();
  parts.target = target.filename().string();
  if (parts.target.empty()) parts.task.fail("names a directory; it must name a file");
  parts.directory = open_directory(target.has_parent_path() ? target.parent_path() : fs::path("."));
  if (!parts.directory) parts.task.fail_system("cannot be written");
  parts.prefix = fmt::format(".xgrad-{:016x}-", hash(parts.target));
  parts.clean();
  parts.make_temporary();
}

WholeFile::~WholeFile() = default;

void WholeFile::write(const void* data, std::size_t bytes) {
  if (!parts_->file) parts_->task.fail("is complete; nothing must be added to it; write another file");
  if (bytes > 0 && std::fwrite(data, 1, bytes, parts_->file.get()) != bytes) parts_->task.fail_system("cannot be written");
}

void WholeFile::commit() { parts_->commit(); }

void write_file(const fs::path& path, std::string_view text, Where at) {
  WholeFile file(path, "write_file", at);
  file.write(text);
  file.commit();
}

}  // namespace xgrad
