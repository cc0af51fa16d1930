#include <xgrad/nn/state.hpp>

#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "names.hpp"

// A safetensors file: the length of the header in 8 bytes (little-endian), the header, the values.
// The header is JSON: {"__metadata__": {…}, name: {"dtype": "F32", "shape": [6, 5, 5, 1], "data_offsets": [0, 600]}, …}; offsets
// count from the end of the header, and the values must follow each other without gap.
namespace xgrad::nn {
namespace {

using detail::State;

static_assert(std::endian::native == std::endian::little, "the values of a safetensors file are little-endian");

constexpr std::uint64_t max_header = 100'000'000;  // as the reference implementation has it
template <class T>
constexpr const char* dtype = std::is_same_v<T, float> ? "F32" : "F64";

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

/// Whose file it is, for the errors.
struct Task {
  const char* op;
  const std::string& path;
  Where where;

  [[noreturn]] void fail(const std::string& message) const { throw FileError(where, op, path + ": " + message); }
  [[noreturn]] void fail_at(std::uint64_t offset, const std::string& text) const {
    fail(fmt::format("offset {}: {}", offset, text));
  }
  [[noreturn]] void fail_system(const char* what) const {
    fail(fmt::format("{}: {}", what, std::generic_category().message(errno)));
  }
};

/// A file beside the one to be written, which takes its place when it is complete and is removed when it does not get so far.
class Replacement {
 public:
  explicit Replacement(const Task& task) : task_(task) {
    static std::atomic<unsigned> count = 0;
    std::error_code ignored;
    const auto status = std::filesystem::status(task.path, ignored);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
      task.fail("it is there and not a regular file");
    do {  // "x": never somebody else's file
      name_ = fmt::format("{}.tmp-{}-{}", task.path, getpid(), count++);
      file_.reset(std::fopen(name_.c_str(), "wbx"));
    } while (!file_ && errno == EEXIST);
    if (!file_) task.fail_system("cannot be written");
  }
  ~Replacement() {
    file_.reset();
    if (!name_.empty()) std::remove(name_.c_str());
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  void write(const void* data, std::size_t bytes) {
    if (bytes > 0 && std::fwrite(data, 1, bytes, file_.get()) != bytes) task_.fail_system("cannot be written");
  }
  void commit() {
    // Without fsync a crash of the machine could leave the new name on an empty file.
    if (std::fflush(file_.get()) != 0 || fsync(fileno(file_.get())) != 0 || std::fclose(file_.release()) != 0)
      task_.fail_system("cannot be written");
    if (std::rename(name_.c_str(), task_.path.c_str()) != 0) task_.fail_system("cannot be replaced");
    name_.clear();
  }

 private:
  const Task& task_;
  std::string name_;
  File file_;
};

template <class T>
void save_file(State<T> state, const Task& task) {
  by_name(state, task.op, task.where);
  nlohmann::ordered_json header;
  header[metadata]["format"] = "xgrad";
  std::uint64_t offset = 0;
  for (const auto& [name, variable] : state) {
    const std::uint64_t end = offset + variable.size() * sizeof(T);
    const Shape& shape = variable.shape();
    header[name] = {
        {"dtype", dtype<T>}, {"shape", std::vector<std::size_t>(shape.begin(), shape.end())}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    task.fail("a name in the network is not UTF-8, so no header can hold it");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the values are aligned

  Replacement file(task);
  const std::uint64_t length = text.size();
  file.write(&length, sizeof length);
  file.write(text.data(), text.size());
  for (const auto& named : state) file.write(named.variable.value().data(), named.variable.size() * sizeof(T));
  file.commit();
}

struct Entry {
  std::string name, dtype;
  std::vector<std::size_t> shape;
  std::uint64_t begin = 0, end = 0;
};

/// A file open for reading, and its header.
class Reader {
 public:
  explicit Reader(const Task& task) : task_(task) {
    std::error_code error;
    const auto status = std::filesystem::status(task.path, error);
    if (!std::filesystem::exists(status)) task.fail("there is no such file");
    if (!std::filesystem::is_regular_file(status)) task.fail("it is not a regular file");
    size_ = std::filesystem::file_size(task.path, error);
    file_.reset(std::fopen(task.path.c_str(), "rb"));
    if (!file_) task.fail_system("cannot be opened");
    read_header();
  }
  const std::vector<Entry>& entries() const { return entries_; }
  std::uint64_t data_begin() const { return data_; }
  std::uint64_t data_size() const { return size_ - data_; }

  void read(void* to, std::uint64_t offset, std::size_t bytes) {
    if (bytes == 0) return;  // an empty array has no address to read to
    if (fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0 || std::fread(to, 1, bytes, file_.get()) != bytes)
      task_.fail_at(offset, fmt::format("{} bytes cannot be read", bytes));
  }

 private:
  void read_header() {
    std::uint64_t length = 0;
    if (size_ < sizeof length)
      task_.fail_at(0, fmt::format("the file has {} bytes, and must have 8 for the length of its header", size_));
    read(&length, 0, sizeof length);
    const std::uint64_t most = std::min(size_ - sizeof length, max_header);
    if (length > most)
      task_.fail_at(0, fmt::format("the header is {} bytes long, and must be at most {} in this file of {}", length, most, size_));
    std::string text(length, ' ');
    read(text.data(), sizeof length, length);
    data_ = sizeof length + length;

    std::set<std::string> names;
    const auto once = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& key) {
      if (event == nlohmann::json::parse_event_t::key && depth == 1 && !names.insert(key.get<std::string>()).second)
        task_.fail(fmt::format("the header has {} twice", key.get<std::string>()));
      return true;
    };
    nlohmann::json header;
    try {
      header = nlohmann::json::parse(text, once);
    } catch (const nlohmann::json::parse_error& error) {
      task_.fail_at(std::min<std::uint64_t>(7 + error.byte, data_), "the header must be JSON, and is not here");
    } catch (const nlohmann::json::out_of_range&) {
      task_.fail("the header has a number that is out of range");
    }
    if (!header.is_object())
      task_.fail_at(8, fmt::format("the header is of JSON type {}, and must be an object", header.type_name()));
    for (const auto& [name, value] : header.items())
      if (name != metadata) entries_.push_back(entry(name, value));
  }

  Entry entry(const std::string& name, const nlohmann::json& value) const {
    const auto numbers = [&](const char* key) {
      return value.contains(key) && value[key].is_array() &&
             std::all_of(value[key].begin(), value[key].end(), [](const auto& number) { return number.is_number_unsigned(); });
    };
    if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string() || !numbers("shape") ||
        !numbers("data_offsets") || value["data_offsets"].size() != 2)
      task_.fail(fmt::format(
          R"(the header's entry for {} must be {{"dtype": text, "shape": [lengths], "data_offsets": [begin, end]}})", name));
    const auto& offsets = value["data_offsets"];
    return {name, value["dtype"].get<std::string>(), value["shape"].get<std::vector<std::size_t>>(),
            offsets[0].get<std::uint64_t>(), offsets[1].get<std::uint64_t>()};
  }

  const Task& task_;
  std::uint64_t size_ = 0, data_ = 0;
  File file_;
  std::vector<Entry> entries_;
};

/// The file must have what the network has.
template <class T>
void check_names(const Reader& reader, const std::map<std::string_view, const Variable<T>*>& wanted, const Task& task) {
  std::set<std::string_view> present;
  for (const Entry& entry : reader.entries()) {
    present.insert(entry.name);
    const auto found = wanted.find(entry.name);
    if (found == wanted.end()) task.fail(fmt::format("it has {}, which the network has not", entry.name));
    const Variable<T>& variable = *found->second;
    if (entry.dtype != dtype<T>) task.fail(fmt::format("{} is {}, and must be {}", entry.name, entry.dtype, dtype<T>));
    const Shape shape(entry.shape.begin(), entry.shape.end());
    if (shape != variable.shape())
      task.fail(fmt::format("{} is {}, and must be {}", entry.name, to_string(shape), to_string(variable.shape())));
    if (entry.begin > entry.end || entry.end - entry.begin != variable.size() * sizeof(T))
      task.fail(fmt::format("{} has the data_offsets [{}, {}], and must have {} bytes", entry.name, entry.begin, entry.end,
                            variable.size() * sizeof(T)));
  }
  for (const auto& [name, variable] : wanted)
    if (!present.contains(name)) task.fail(fmt::format("it has no {}, which the network has", name));
}

/// The values must lie end to end, from the header to the end of the file.
void check_layout(const Reader& reader, const Task& task) {
  std::vector<Entry> entries = reader.entries();
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end)
      task.fail_at(reader.data_begin() + end,
                   fmt::format("{} begins at data offset {}, and must begin at {}, where the value before it ends", entry.name,
                               entry.begin, end));
    if (entry.end > reader.data_size())
      task.fail_at(reader.data_begin() + reader.data_size(),
                   fmt::format("the file ends here, {} bytes before the end of {}", entry.end - reader.data_size(), entry.name));
    end = entry.end;
  }
  if (end != reader.data_size())
    task.fail_at(reader.data_begin() + end, fmt::format("the file must end here, and has {} bytes more", reader.data_size() - end));
}

template <class T>
void load_file(State<T> state, const Task& task) {
  const auto wanted = by_name(state, task.op, task.where);
  Reader reader(task);
  check_names(reader, wanted, task);
  check_layout(reader, task);
  std::vector<Array<T>> arrays;  // all, before the first is assigned
  for (const Entry& entry : reader.entries()) {
    arrays.emplace_back(wanted.at(entry.name)->shape());
    reader.read(arrays.back().data(), reader.data_begin() + entry.begin, entry.end - entry.begin);
  }
  for (std::size_t i = 0; i < arrays.size(); ++i)
    Variable<T>(*wanted.at(reader.entries()[i].name)).assign(std::move(arrays[i]), task.where);
}

}  // namespace

void detail::save_state(State<float> state, const std::string& path, Where where) { save_file(state, {"save", path, where}); }
void detail::save_state(State<double> state, const std::string& path, Where where) { save_file(state, {"save", path, where}); }
void detail::load_state(State<float> state, const std::string& path, Where where) { load_file(state, {"load", path, where}); }
void detail::load_state(State<double> state, const std::string& path, Where where) { load_file(state, {"load", path, where}); }

}  // namespace xgrad::nn
