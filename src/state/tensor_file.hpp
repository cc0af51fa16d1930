#pragma once
#include <bit>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/array.hpp>
#include <xgrad/core/error.hpp>
#include <xgrad/core/text.hpp>
#include <xgrad/state/entries.hpp>
#include <xgrad/state/loading.hpp>

#include "../core/open.hpp"

// What the formats of files have in common. A format is a TensorFile, which reads one, and a function that writes entries.
namespace xgrad::nn {

static_assert(std::endian::native == std::endian::little, "the values in these files are little-endian, as the processor's are");

/// Whose file it is, for the errors.
struct Task {
  const char* op;
  const std::string& path;
  Where where;

  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_at(std::uint64_t offset, const std::string& text) const;
};

/// As much of a file's text as an error should have.
inline std::string some(std::string_view text) { return printable(text, 200); }

/// How many bytes an array has that a file says to be of this shape; nothing if that is no number.
std::optional<std::uint64_t> bytes_of(std::span<const std::size_t> shape, std::size_t element_bytes);

/// Room for so many bytes of a file. Throws FileError when the machine has not so many.
Array<std::uint8_t> make_bytes(std::uint64_t bytes, const Task& task);

/// A regular file that is read at any of its places.
class InputFile {
 public:
  explicit InputFile(const Task& task);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();
  std::uint64_t size() const { return size_; }
  const Task& task() const { return task_; }
  /// Throws FileError when there are not so many bytes from there on.
  void read(void* to, std::uint64_t offset, std::size_t bytes);
  /// All of it, as the system has it: nothing is copied, and the memory is the system's to take back. Nothing of a small file, or
  /// where that cannot be done.
  std::span<const std::uint8_t> mapped();

 private:
  const Task& task_;
  std::uint64_t size_ = 0, at_ = 0;
  File file_;
  void* map_ = nullptr;
};

/// One array in a file.
struct Stored {
  std::string name;
  std::string element;  ///< "F32"; F16 and BF16, which no entry has; or whatever the file calls it, which then fits nothing
  Shape shape;
};

/// A file of arrays, open for reading, all but the values checked.
class TensorFile {
 public:
  virtual ~TensorFile() = default;
  const std::vector<Stored>& arrays() const { return arrays_; }
  /// The values of one, row-major and little-endian. Only of elements that `convert.hpp` knows.
  virtual Array<std::uint8_t> read(std::size_t k) = 0;
  /// The same where they lie in the file, aligned for their elements, as long as that is open; nothing where they must be read.
  virtual std::span<const std::uint8_t> view(std::size_t /*k*/) { return {}; }
  /// Throws FileError for what is wrong with the values of one, saying where they are.
  [[noreturn]] virtual void fail(std::size_t k, const std::string& text) const = 0;

 protected:
  std::vector<Stored> arrays_;
};

std::unique_ptr<TensorFile> open_safetensors(InputFile& file);
/// An npz file, or one of torch.save.
std::unique_ptr<TensorFile> open_zip(InputFile& file);

void save_safetensors(std::span<const StateEntry> state, const SaveOptions& options, const Task& task);
void save_npz(std::span<const StateEntry> state, const SaveOptions& options, const Task& task);
/// A state dict, as torch.save writes it.
void save_torch(std::span<const StateEntry> state, const SaveOptions& options, const Task& task);

/// Whether a file that begins with these bytes is a zip archive. (A safetensors file whose header is as long as "PK\3\4" says has
/// a brace where a zip archive has its method.)
inline bool is_zip(std::string_view beginning) {
  return (beginning.starts_with("PK\3\4") || beginning.starts_with("PK\5\6")) && !(beginning.size() > 8 && beginning[8] == '{');
}

}  // namespace xgrad::nn
