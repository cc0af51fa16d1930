#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

#include <xgrad/core/file.hpp>

#include "tensor_file.hpp"

// Zip archives (APPNOTE.TXT 6.3), as NumPy and PyTorch write them: members stored or deflated, ZIP64 where lengths need it. Not
// encrypted ones, nor in several parts.
namespace xgrad::nn {

struct ZipMember {
  std::string name;
  std::uint64_t data = 0;              ///< where its bytes begin in the file
  std::uint64_t packed = 0, size = 0;  ///< how many there are, and how many they become
  std::uint32_t crc = 0;
  bool deflated = false;
};

/// The members in the order of the archive's list. Throws FileError for an archive that is not whole or sound: each member lies in
/// the file, none in another, names come once and lead nowhere else.
std::vector<ZipMember> read_zip(InputFile& file);

/// Why a member may not have this name, "it must not …", or "".
std::string refused_name(std::string_view name);

/// The bytes of a member, one after the other. Errors name the member and where in it they are.
class ZipStream {
 public:
  ZipStream(InputFile& file, const ZipMember& member);
  ~ZipStream();
  ZipStream(const ZipStream&) = delete;
  ZipStream& operator=(const ZipStream&) = delete;

  /// Throws FileError when there are not so many left.
  void read(void* to, std::size_t bytes);
  /// To be called when all has been read: what was read must have the checksum in the archive's list.
  void finish();
  /// How many bytes have been read.
  std::uint64_t offset() const { return offset_; }
  /// Throws FileError for what is `offset` bytes behind the member's beginning.
  [[noreturn]] void fail_at(std::uint64_t offset, const std::string& text) const;

 private:
  void refill();
  int inflate_some(std::uint8_t* to, std::size_t bytes);

  InputFile& file_;
  const ZipMember& member_;
  std::uint64_t offset_ = 0, packed_ = 0;  // read of the member, and of the file
  std::uint32_t crc_ = 0;
  z_stream stream_{};
  std::vector<std::uint8_t> buffer_;
};

/// Which member is the pickle of a file of torch.save, if it is one.
std::optional<std::size_t> torch_pickle(const std::vector<ZipMember>& members);

std::unique_ptr<TensorFile> open_torch(InputFile& file, std::vector<ZipMember> members, std::size_t pickle);

/// Writes an archive, member by member.
class ZipWriter {
 public:
  ZipWriter(WholeFile& file, bool compress, const Task& task) : file_(file), compress_(compress), task_(task) {}
  /// A member of several pieces.
  void add(std::string name, std::span<const std::string_view> pieces);
  /// The archive's list.
  void finish();

 private:
  struct Listed : ZipMember {
    std::uint64_t header = 0;
  };
  void write(std::string_view bytes);

  WholeFile& file_;
  bool compress_;
  const Task& task_;
  std::uint64_t at_ = 0;
  std::vector<Listed> list_;
};

}  // namespace xgrad::nn
