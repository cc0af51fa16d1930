#include <fmt/format.h>
#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "convert.hpp"
#include "pickle.hpp"
#include "zip.hpp"

// A file of torch.save (PyTorch 1.6 and later): a zip archive with everything under one directory, data.pkl, which pickle.hpp
// reads, data/0, data/1 …, the storages, which tensors are parts of, and in newer ones byteorder.
namespace xgrad::nn {
namespace {

constexpr std::string_view pickle_name = "data.pkl";

class TorchFile final : public TensorFile {
 public:
  TorchFile(InputFile& file, std::vector<ZipMember> members, std::size_t pickle)
      : file_(file), members_(std::move(members)), pickle_(members_[pickle]) {
    root_ = pickle_.name.substr(0, pickle_.name.size() - pickle_name.size());
    for (const ZipMember& member : members_) by_name_.emplace(member.name, &member);
    if (const ZipMember* order = find("byteorder")) {
      const std::string text = content(*order, 64);
      if (text != "little" && text != "big")
        ZipStream(file_, *order).fail_at(0, "the order of bytes is " + some(text) + "; it must be little or big");
      swapped_ = text == "big";
    }
    const std::string bytes = content(pickle_, std::size_t{1} << 26);
    try {
      PickleMemory memory;
      std::string path;
      add(read_pickle(bytes, memory), path, 0);
    } catch (const PickleError& error) {
      ZipStream(file_, pickle_).fail_at(error.offset, error.text);
    }
  }

  Array<std::uint8_t> read(std::size_t k) override {
    const Part& part = parts_[k];
    if (!part.member) {
      Array<std::uint8_t> result = make_bytes(part.plain.size(), file_.task());
      if (!part.plain.empty()) std::memcpy(result.data(), part.plain.data(), part.plain.size());
      return result;
    }
    const PickledTensor& tensor = part.tensor;
    const std::size_t n = *bytes_of_element(tensor.storage.element);
    if (open_ != part.member) {  // tensors that share a storage mostly follow each other
      open_ = nullptr;
      storage_ = make_bytes(part.member->size, file_.task());
      ZipStream stream(file_, *part.member);
      stream.read(storage_.data(), storage_.size());
      stream.finish();
      if (swapped_) swap_bytes(storage_.data(), storage_.size() / n, n);
      open_ = part.member;
    }
    Array<std::uint8_t> result = make_bytes(*bytes_of(tensor.shape, n), file_.task());
    if (result.size() > 0) gather(storage_.data() + tensor.offset * n, tensor.shape, tensor.strides, n, result.data());
    return result;
  }
  void fail(std::size_t k, const std::string& text) const override {
    const ZipMember& member = parts_[k].member ? *parts_[k].member : pickle_;
    ZipStream(file_, member).fail_at(0, some(arrays_[k].name) + ": " + text);
  }

 private:
  /// An array of the file: a tensor, or the bytes of a number or a text.
  struct Part {
    const ZipMember* member = nullptr;
    PickledTensor tensor = {};
    std::string plain = {};
  };

  const ZipMember* find(const std::string& name) const {
    const auto found = by_name_.find(root_ + name);
    return found == by_name_.end() ? nullptr : found->second;
  }
  std::string content(const ZipMember& member, std::size_t most) {
    if (member.size > most)
      ZipStream(file_, member).fail_at(0, fmt::format("has {} bytes; there must be at most {}", member.size, most));
    std::string result(member.size, '\0');
    ZipStream stream(file_, member);
    stream.read(result.data(), result.size());
    stream.finish();
    return result;
  }
  [[noreturn]] void refuse(const std::string& text) const { ZipStream(file_, pickle_).fail_at(0, text); }

  void add(const PickledRef& ref, std::string& path, std::size_t depth) {
    // A list that holds itself, or one that holds the next twice and so on: what is shared is met again on each way to it.
    if (depth > 60 || ++visits_ > 2'000'000) refuse(some(path) + " is nested without end; it must end");
    if (path.size() > 4096) refuse(fmt::format("a name of {} bytes is here; it must have at most 4096", path.size()));
    const auto below = [&](const std::string& name, const PickledRef& item) {
      const std::size_t size = path.size();
      if (depth > 0) path += '.';
      path += name;
      add(item, path, depth + 1);
      path.resize(size);
    };
    if (const auto* dict = std::get_if<PickledDict>(&ref->value)) {
      for (const auto& [key, item] : dict->items) {
        const auto* text = std::get_if<std::string>(&key->value);
        const auto* number = std::get_if<std::int64_t>(&key->value);
        if (!text && !number)
          refuse("a key in " + (path.empty() ? "the file" : some(path)) + " is neither text nor a whole number; it must be");
        below(text ? *text : std::to_string(*number), item);
      }
    } else if (const auto* list = std::get_if<PickledList>(&ref->value)) {
      for (std::size_t k = 0; k < list->items.size(); ++k) below(std::to_string(k), list->items[k]);
    } else if (const auto* tensor = std::get_if<PickledTensor>(&ref->value)) {
      add_tensor(path, *tensor);
    } else if (const auto* text = std::get_if<std::string>(&ref->value)) {
      add_part({path, "U8", {text->size()}}, {.plain = *text});
    } else if (const auto* whole = std::get_if<std::int64_t>(&ref->value)) {
      add_plain(path, "I64", *whole);
    } else if (const auto* real = std::get_if<double>(&ref->value)) {
      add_plain(path, "F64", *real);
    } else if (const auto* truth = std::get_if<bool>(&ref->value)) {
      add_plain(path, "BOOL", *truth);
    } else if (!std::holds_alternative<std::monostate>(ref->value)) {  // None is no value
      refuse((path.empty() ? "the file" : some(path)) +
             " is a type or a storage by itself; it must be a tensor, a number or a text");
    }
  }
  template <class V>
  void add_plain(const std::string& path, const char* element, V value) {
    add_part({path, element, {}}, {.plain = std::string(reinterpret_cast<const char*>(&value), sizeof value)});
  }
  void add_tensor(const std::string& path, const PickledTensor& tensor) {
    const PickledStorage& storage = tensor.storage;
    const ZipMember* member = find("data/" + storage.key);
    if (!member) refuse(some(path) + " is in the storage data/" + some(storage.key) + "; the archive must have it");
    const std::size_t n = *bytes_of_element(storage.element);
    if (member->size / n != storage.count || member->size % n != 0)
      ZipStream(file_, *member)
          .fail_at(0, fmt::format("{} bytes are here; there must be {} of {}, by {}", member->size, storage.count, storage.element,
                                  pickle_.name));
    if (!bytes_of(tensor.shape, n))
      refuse(fmt::format("{} is ({}); that must be a number of bytes", some(path), fmt::join(tensor.shape, ", ")));
    // A view may show an element many times, which a file of a few bytes can ask for.
    const std::uint64_t elements = *bytes_of(tensor.shape, 1),
                        most_shown = std::max<std::uint64_t>(storage.count, std::uint64_t{1} << 24);
    if (elements > most_shown)
      refuse(fmt::format("{} shows {} elements of a storage of {}; it must show at most {}", some(path), elements, storage.count,
                         most_shown));
    add_part({path, storage.element, Shape(tensor.shape.begin(), tensor.shape.end())}, {.member = member, .tensor = tensor});
  }
  void add_part(Stored stored, Part part) {
    text_ += stored.name.size();
    if (parts_.size() >= 1'000'000 || text_ > std::size_t{1} << 28)
      refuse("it has more than a million tensors and numbers, or names of 256 MB; it must have fewer");
    if (!names_.insert(stored.name).second) refuse(some(stored.name) + " is there twice; it must be there once");
    arrays_.push_back(std::move(stored));
    parts_.push_back(std::move(part));
  }

  InputFile& file_;
  const std::vector<ZipMember> members_;
  const ZipMember& pickle_;
  std::unordered_map<std::string_view, const ZipMember*> by_name_;
  std::string root_;
  bool swapped_ = false;
  std::size_t visits_ = 0, text_ = 0;  // of values, and bytes of names
  std::vector<Part> parts_;
  std::unordered_set<std::string> names_;
  const ZipMember* open_ = nullptr;  // whose bytes `storage_` has
  Array<std::uint8_t> storage_;
};

}  // namespace

std::optional<std::size_t> torch_pickle(const std::vector<ZipMember>& members) {
  for (std::size_t k = 0; k < members.size(); ++k) {
    const std::string& name = members[k].name;
    if (name.ends_with("/data.pkl") && name.find('/') == name.size() - pickle_name.size() - 1) return k;
  }
  return {};
}

std::unique_ptr<TensorFile> open_torch(InputFile& file, std::vector<ZipMember> members, std::size_t pickle) {
  return std::make_unique<TorchFile>(file, std::move(members), pickle);
}

}  // namespace xgrad::nn
