#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include <xgrad/core/file.hpp>
#include <xgrad/state/state.hpp>

#include "convert.hpp"
#include "header.hpp"
#include "names.hpp"
#include "tensor_file.hpp"

// A safetensors file: the length of the header in 8 bytes (little-endian), the header (header.hpp), the values, which must follow
// each other without gap.
namespace xgrad::nn {
namespace {

constexpr std::uint64_t max_header = 100'000'000;  // as the reference implementation has it

Shape shape_of(const Entry& entry) { return Shape(entry.shape.begin(), entry.shape.end()); }

class Safetensors final : public TensorFile {
 public:
  explicit Safetensors(InputFile& file) : file_(file), task_(file.task()) {
    read_entries();
    for (const Entry& entry : entries_) check_bytes(entry);
    check_layout();
    for (const Entry& entry : entries_) arrays_.push_back({entry.name, entry.dtype, shape_of(entry)});
  }

  Array<std::uint8_t> read(std::size_t k) override {
    const Entry& entry = entries_[k];
    Array<std::uint8_t> bytes = make_bytes(entry.end - entry.begin, task_);
    file_.read(bytes.data(), data_ + entry.begin, bytes.size());
    return bytes;
  }
  std::span<const std::uint8_t> view(std::size_t k) override {
    const Entry& entry = entries_[k];
    const auto element = bytes_of_element(entry.dtype);
    const std::span<const std::uint8_t> all = file_.mapped();
    if (all.empty() || !element || (data_ + entry.begin) % *element != 0) return {};
    return all.subspan(data_ + entry.begin, entry.end - entry.begin);
  }
  void fail(std::size_t k, const std::string& text) const override {
    task_.fail_at(data_ + entries_[k].begin, some(entries_[k].name) + ": " + text);
  }

  std::map<std::string, std::string> metadata() const { return metadata_; }

 private:
  void read_entries() {
    std::uint64_t length = 0;
    if (file_.size() < sizeof length)
      task_.fail_at(0, fmt::format("the file has {} bytes; it must have 8 for the length of its header", file_.size()));
    file_.read(&length, 0, sizeof length);
    const std::uint64_t most = std::min(file_.size() - sizeof length, max_header);
    if (length > most)
      task_.fail_at(
          0, fmt::format("the header is {} bytes long; it must be at most {} in this file of {}", length, most, file_.size()));
    std::string text(length, ' ');
    file_.read(text.data(), sizeof length, length);
    data_ = sizeof length + length;
    try {
      Header header = read_header(text);
      entries_ = std::move(header.entries);
      metadata_ = std::move(header.metadata);
    } catch (const HeaderError& error) {
      task_.fail_at(sizeof length + error.offset, error.text);
    }
  }

  /// An entry must have as many bytes as its shape says; of elements that we do not know we cannot tell.
  void check_bytes(const Entry& entry) const {
    const auto fail = [&](const std::string& text) {
      task_.fail_at(sizeof(std::uint64_t) + entry.offset, some(entry.name) + text);
    };
    if (entry.begin > entry.end) fail(fmt::format(" has the data_offsets [{}, {}]; they must not fall", entry.begin, entry.end));
    const auto element = bytes_of_element(entry.dtype);
    if (!element) return;
    const auto bytes = bytes_of(entry.shape, *element);
    if (!bytes) fail(fmt::format(" is {}; that must be a number of bytes", some(xgrad::to_string(shape_of(entry)))));
    if (*bytes != entry.end - entry.begin)
      fail(fmt::format(" has the data_offsets [{}, {}]; there must be {} bytes between them", entry.begin, entry.end, *bytes));
  }

  /// The values must lie end to end, from the header to the end of the file.
  void check_layout() const {
    std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, const Entry*>> order;
    for (const Entry& entry : entries_) order.push_back({{entry.begin, entry.end}, &entry});
    std::sort(order.begin(), order.end());
    const std::uint64_t size = file_.size() - data_;
    std::uint64_t end = 0;
    for (const auto& [range, pointer] : order) {
      const Entry& entry = *pointer;
      if (entry.begin != end)
        task_.fail_at(data_ + end, fmt::format("{} begins at data offset {}; it must begin at {}, where the value before it ends",
                                               some(entry.name), entry.begin, end));
      if (entry.end > size)
        task_.fail_at(data_ + size, fmt::format("the file ends here; {} bytes more must be there, to the end of {}",
                                                entry.end - size, some(entry.name)));
      end = entry.end;
    }
    if (end != size) task_.fail_at(data_ + end, fmt::format("{} bytes are here; the file must end here", size - end));
  }

  InputFile& file_;
  const Task& task_;
  std::uint64_t data_ = 0;
  std::vector<Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace

std::unique_ptr<TensorFile> open_safetensors(InputFile& file) { return std::make_unique<Safetensors>(file); }

void save_safetensors(std::span<const StateEntry> state, const SaveOptions& options, const Task& task) {
  if (options.compress)
    throw ValueError(task.where, task.op, "compress is true; it must be false in a safetensors file, which is never compressed");
  const auto brain = [&](const StateEntry& entry) { return options.bfloat16 && entry.is_variable(); };
  const auto element_bytes = [&](const StateEntry* entry) { return brain(*entry) ? std::size_t{2} : bytes_of(entry->element); };
  std::vector<const StateEntry*> order;  // the longest elements first, so that each lies at a multiple of its length
  for (const StateEntry& entry : state) order.push_back(&entry);
  std::ranges::stable_sort(order, std::greater(), element_bytes);
  std::vector<Entry> entries;
  std::uint64_t offset = 0;
  for (const StateEntry* entry : order) {
    const std::uint64_t end = offset + size_of(entry->shape) * element_bytes(entry);
    entries.push_back({entry->name,
                       brain(*entry) ? "BF16" : std::string(name_of(entry->element)),
                       {entry->shape.begin(), entry->shape.end()},
                       offset,
                       end});
    offset = end;
  }
  std::string text;
  std::string_view what = "a text of the metadata";
  try {
    write_header({}, options.metadata);
    what = "a name in the network";
    text = write_header(entries, options.metadata);
  } catch (const HeaderError&) {
    task.fail(fmt::format("{} is no UTF-8; it must be, or no header can hold it", what));
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the values are aligned

  WholeFile file(task.path, task.op, task.where);
  const std::uint64_t length = text.size();
  file.write(&length, sizeof length);
  file.write(text);
  for (const StateEntry* entry : order) {
    if (brain(*entry)) {
      const std::size_t count = size_of(entry->shape);
      Array<std::uint16_t> rounded = make_array<std::uint16_t>({count}, task.where);
      to_bfloat16(entry->element, entry->data(), count, rounded.data());
      file.write(rounded.data(), 2 * count);
    } else {
      file.write(entry->data(), entry->bytes());
    }
  }
  file.commit();
}

std::map<std::string, std::string> load_metadata(const std::string& path, Where at) {
  const Task task{"load_metadata", path, at};
  InputFile file(task);
  return Safetensors(file).metadata();
}

}  // namespace xgrad::nn
