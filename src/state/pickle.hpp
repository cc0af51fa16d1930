#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// What torch.save makes of a dict of tensors: a pickle, a program for a small stack machine. Of its instructions, and of the Python
// names that it may call, only those are known that a state dict needs; nothing is ever run.
namespace xgrad::nn {

struct PickleError {
  std::size_t offset;
  std::string text;
};

struct PickledStorage {
  std::string element;  ///< "F32"
  std::string key;      ///< of the archive's member
  std::uint64_t count = 0;
};
struct PickledTensor {
  PickledStorage storage;
  std::uint64_t offset = 0;  ///< of the first element, in elements
  std::vector<std::size_t> shape, strides;
};

struct Pickled;
using PickledRef = std::shared_ptr<Pickled>;
struct PickledGlobal {
  std::string name;
};
struct PickledList {
  std::vector<PickledRef> items;
  bool tuple = false;
};
struct PickledDict {
  std::vector<std::pair<PickledRef, PickledRef>> items;
};
struct Pickled {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, PickledList, PickledDict, PickledGlobal, PickledStorage,
               PickledTensor>
      value;
};

/// Everything that a pickle made, for as long as this lives: lists may hold themselves.
class PickleMemory {
 public:
  PickleMemory() = default;
  PickleMemory(const PickleMemory&) = delete;
  PickleMemory& operator=(const PickleMemory&) = delete;
  ~PickleMemory();
  PickledRef add(Pickled value);
  std::size_t size() const noexcept { return all_.size(); }

 private:
  std::vector<PickledRef> all_;
};

/// Throws PickleError for an instruction or a name that a state dict does not need, and for what is no pickle.
PickledRef read_pickle(std::string_view bytes, PickleMemory& memory);

/// "torch.FloatStorage" of "F32"; "" of elements that PyTorch lacks.
std::string_view storage_of(std::string_view element);

}  // namespace xgrad::nn
