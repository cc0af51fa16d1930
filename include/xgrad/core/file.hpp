#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

/// A file that is written whole or not at all: who reads it meanwhile, or pulls the plug, has the old contents or the new ones.
///
///     xgrad::WholeFile file("report.html");   // whatever would hinder it is found here, before the work
///     file.write(text);
///     file.commit();                          // without it, all is as it was
///
/// The contents go to a temporary file beside the target, to the disk, and then take the target's name. Symbolic links are
/// followed: what they lead to is replaced, or made. A file that is replaced keeps its permissions, and its owner and group where
/// the system allows that; other hard links to it keep the old contents. Several programs may write one file at a time: the last
/// one to commit wins. A program that is killed leaves its temporary file, ".xgrad-….tmp", which the next WholeFile for the same
/// target removes.
///
/// Every error is a FileError with the path and the system's reason: no directory, one that cannot be written, a target that is
/// a directory, a device or a FIFO, a file that may not be written, a full disk. The old file is then untouched, and no temporary
/// left.
class XGRAD_API WholeFile {
 public:
  /// Looks at the target and makes the temporary file. `op` is who complains.
  explicit WholeFile(const std::filesystem::path& path, std::string_view op = "WholeFile", Where at = Where::current());
  /// Removes the temporary file unless `commit` was called.
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Puts the file in the target's place. Its contents and its directory are on the disk when this returns. Nothing can be written
  /// to it afterwards.
  void commit();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// A WholeFile of one text.
XGRAD_API void write_file(const std::filesystem::path& path, std::string_view text, Where at = Where::current());

}  // namespace xgrad
