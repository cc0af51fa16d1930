#include <xgrad/state/state.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <optional>

#include <xgrad/core/file.hpp>
#include <xgrad/core/text.hpp>

#include "../core/open.hpp"
#include "fit.hpp"
#include "header.hpp"
#include "names.hpp"

// A safetensors file: the length of the header in 8 bytes (little-endian), the header (header.hpp), the values, which must follow
// each other without gap.
namespace xgrad::nn {
namespace {

static_assert(std::endian::native == std::endian::little, "the values of a safetensors file are little-endian");

constexpr std::uint64_t max_header = 100'000'000;  // as the reference implementation has it

/// Whose file it is, for the errors.
struct Task {
  const char* op;
  const std::string& path;
  Where where;

  [[noreturn]] void fail(const std::string& message) const { throw FileError(where, op, path + ": " + message); }
  [[noreturn]] void fail_at(std::uint64_t offset, const std::string& text) const {
    fail(fmt::format("offset {}: {}", offset, text));
  }
};

void save_file(std::span<const StateEntry> state, const Task& task) {
  by_name(state, task.op, task.where);
  std::vector<const StateEntry*> order;  // the longest elements first, so that each lies at a multiple of its length
  for (const StateEntry& entry : state) order.push_back(&entry);
  std::ranges::stable_sort(order, std::greater(), [](const StateEntry* entry) { return bytes_of(entry->element); });
  std::vector<Entry> entries;
  std::uint64_t offset = 0;
  for (const StateEntry* entry : order) {
    const std::uint64_t end = offset + entry->bytes();
    entries.push_back({entry->name, std::string(name_of(entry->element)), {entry->shape.begin(), entry->shape.end()}, offset, end});
    offset = end;
  }
  std::string text;
  try {
    text = write_header(entries);
  } catch (const HeaderError&) {
    task.fail("a name in the network is no UTF-8; it must be, or no header can hold it");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the values are aligned

  WholeFile file(task.path, task.op, task.where);
  const std::uint64_t length = text.size();
  file.write(&length, sizeof length);
  file.write(text);
  for (const StateEntry* entry : order) file.write(entry->data(), entry->bytes());
  file.commit();
}

/// A file open for reading, and its header.
class Reader {
 public:
  explicit Reader(const Task& task) : task_(task) {
    Opened opened = open_regular(task.path, task.op, task.where);
    file_ = std::move(opened.file);
    size_ = opened.size;
    read_entries();
  }
  const std::vector<Entry>& entries() const { return entries_; }
  std::uint64_t data_begin() const { return data_; }
  std::uint64_t data_size() const { return size_ - data_; }

  void read(void* to, std::uint64_t offset, std::size_t bytes) {
    if (bytes == 0) return;  // an empty array has no address to read to
    if ((offset != at_ && fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0) ||
        std::fread(to, 1, bytes, file_.get()) != bytes)
      task_.fail_at(offset, fmt::format("{} bytes are to be read here, and cannot be", bytes));
    at_ = offset + bytes;
  }

 private:
  void read_entries() {
    std::uint64_t length = 0;
    if (size_ < sizeof length)
      task_.fail_at(0, fmt::format("the file has {} bytes; it must have 8 for the length of its header", size_));
    read(&length, 0, sizeof length);
    const std::uint64_t most = std::min(size_ - sizeof length, max_header);
    if (length > most)
      task_.fail_at(0, fmt::format("the header is {} bytes long; it must be at most {} in this file of {}", length, most, size_));
    std::string text(length, ' ');
    read(text.data(), sizeof length, length);
    data_ = sizeof length + length;

    try {
      entries_ = read_header(text);
    } catch (const HeaderError& error) {
      task_.fail_at(sizeof length + error.offset, error.text);
    }
  }

  const Task& task_;
  std::uint64_t size_ = 0, data_ = 0, at_ = 0;
  File file_;
  std::vector<Entry> entries_;
};

/// As much of a file's text as an error should have.
std::string some(std::string_view text) { return printable(text, 200); }

Shape shape_of(const Entry& entry) { return Shape(entry.shape.begin(), entry.shape.end()); }

/// An entry must have as many bytes as its shape says; of elements that we do not know we cannot tell.
void check_bytes(const Entry& entry, const Task& task) {
  const auto fail = [&](const std::string& text) { task.fail_at(sizeof(std::uint64_t) + entry.offset, some(entry.name) + text); };
  if (entry.begin > entry.end) fail(fmt::format(" has the data_offsets [{}, {}]; they must not fall", entry.begin, entry.end));
  const std::optional<Element> element = element_named(entry.dtype);
  if (!element) return;
  std::uint64_t bytes = bytes_of(*element);
  bool overflow = false, empty = false;
  for (const std::size_t length : entry.shape) {
    empty |= length == 0;
    overflow |= __builtin_mul_overflow(bytes, length, &bytes);
  }
  if (empty) bytes = 0;
  if (overflow && !empty) fail(fmt::format(" is {}; that must be a number of bytes", some(xgrad::to_string(shape_of(entry)))));
  if (bytes != entry.end - entry.begin)
    fail(fmt::format(" has the data_offsets [{}, {}]; there must be {} bytes between them", entry.begin, entry.end, bytes));
}

/// The values must lie end to end, from the header to the end of the file.
void check_layout(const Reader& reader, const Task& task) {
  std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, const Entry*>> order;
  for (const Entry& entry : reader.entries()) order.push_back({{entry.begin, entry.end}, &entry});
  std::sort(order.begin(), order.end());
  std::uint64_t end = 0;
  for (const auto& [range, pointer] : order) {
    const Entry& entry = *pointer;
    if (entry.begin != end)
      task.fail_at(reader.data_begin() + end,
                   fmt::format("{} begins at data offset {}; it must begin at {}, where the value before it ends", some(entry.name),
                               entry.begin, end));
    if (entry.end > reader.data_size())
      task.fail_at(reader.data_begin() + reader.data_size(),
                   fmt::format("the file ends here; {} bytes more must be there, to the end of {}", entry.end - reader.data_size(),
                               some(entry.name)));
    end = entry.end;
  }
  if (end != reader.data_size())
    task.fail_at(reader.data_begin() + end, fmt::format("{} bytes are here; the file must end here", reader.data_size() - end));
}

LoadReport load_file(std::span<const StateEntry> state, const LoadOptions& options, const Task& task) {
  Reader reader(task);
  for (const Entry& entry : reader.entries()) check_bytes(entry, task);
  check_layout(reader, task);
  std::vector<Source> sources;
  for (const Entry& entry : reader.entries()) sources.push_back({entry.name, entry.dtype, shape_of(entry)});
  std::string prefix;
  try {
    prefix = options.prefix ? *options.prefix : best_prefix(sources, state, task.op, task.where);
  } catch (const ValueError& error) {
    task.fail(error.message());
  }
  Fit found = fit(sources, state, {.old = true, .prefix = prefix}, task.op, task.where);
  if (options.strict && !found.report.complete())
    task.fail(fmt::format("{}{}; both must have the same, or load with {{.strict = false}}",
                          prefix.empty() ? "" : "under " + some(prefix) + ", ", in_words(found.report, "the file", "memory")));
  std::vector<Array<std::uint8_t>> buffers;  // all, before the first is written
  std::vector<Value> values;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    const StateEntry* target = found.targets[k];
    if (!target) continue;
    const Entry& entry = reader.entries()[k];
    Array<std::uint8_t>& bytes = buffers.emplace_back(make_array<std::uint8_t>({entry.end - entry.begin}, task.where));
    reader.read(bytes.data(), reader.data_begin() + entry.begin, bytes.size());
    values.push_back({target, bytes.data(), bytes.size() / bytes_of(target->element)});
    const std::string why = target->refuses(bytes.data(), values.back().count);
    if (!why.empty()) task.fail_at(reader.data_begin() + entry.begin, some(entry.name) + ": " + why);
  }
  write_all(values, task.where);
  return std::move(found.report);
}

}  // namespace

void detail::save_state(std::span<const StateEntry> state, const std::string& path, Where where) {
  save_file(state, {"save", path, where});
}
LoadReport detail::load_state(std::span<const StateEntry> state, const std::string& path, const LoadOptions& options, Where where) {
  return load_file(state, options, {"load", path, where});
}

}  // namespace xgrad::nn
