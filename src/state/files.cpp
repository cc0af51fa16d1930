#include <fmt/format.h>
#include <sys/mman.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <xgrad/state/state.hpp>

#include "convert.hpp"
#include "fit.hpp"
#include "from_torch.hpp"
#include "names.hpp"
#include "tensor_file.hpp"

namespace xgrad::nn {

void Task::fail(const std::string& message) const { throw FileError(where, op, path + ": " + message); }
void Task::fail_at(std::uint64_t offset, const std::string& text) const { fail(fmt::format("offset {}: {}", offset, text)); }

std::optional<std::uint64_t> bytes_of(std::span<const std::size_t> shape, std::size_t element_bytes) {
  std::uint64_t bytes = element_bytes;
  bool overflow = false, empty = false;
  for (const std::size_t length : shape) {
    empty |= length == 0;
    overflow |= __builtin_mul_overflow(bytes, length, &bytes);
  }
  if (empty) return 0;
  return overflow ? std::nullopt : std::optional(bytes);
}

Array<std::uint8_t> make_bytes(std::uint64_t bytes, const Task& task) {
  try {
    return make_array<std::uint8_t>({bytes}, task.where);
  } catch (const Error& error) {  // ShapeError, and MemoryError where others have taken the memory
    task.fail(error.message());
  }
}

InputFile::InputFile(const Task& task) : task_(task) {
  Opened opened = open_regular(task.path, task.op, task.where);
  file_ = std::move(opened.file);
  size_ = opened.size;
}

InputFile::~InputFile() {
  if (map_) munmap(map_, size_);
}

std::span<const std::uint8_t> InputFile::mapped() {
  constexpr std::uint64_t large = std::uint64_t{1} << 24U;
  if (!map_ && size_ >= large) {
    void* map = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fileno(file_.get()), 0);
    if (map != MAP_FAILED) map_ = map;
  }
  if (!map_) return {};
  return {static_cast<const std::uint8_t*>(map_), size_};
}

void InputFile::read(void* to, std::uint64_t offset, std::size_t bytes) {
  if (bytes == 0) return;  // an empty array has no address to read to
  if ((offset != at_ && fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0) ||
      std::fread(to, 1, bytes, file_.get()) != bytes)
    task_.fail_at(offset, fmt::format("{} bytes are to be read here, and cannot be", bytes));
  at_ = offset + bytes;
}

namespace {

std::unique_ptr<TensorFile> open_tensors(InputFile& file) {
  std::array<char, 9> bytes{};
  const std::size_t size = std::min<std::size_t>(bytes.size(), file.size());
  file.read(bytes.data(), 0, size);
  const std::string_view beginning(bytes.data(), size);
  if (is_zip(beginning)) return open_zip(file);
  if (beginning.starts_with("\x93NUMPY"))
    file.task().fail("is one array, as numpy.save writes it; it must be an npz or safetensors file, or read it with load_npy");
  if (beginning.starts_with("\x80\2") && !beginning.ends_with('{'))
    file.task().fail(
        "is a pickle, as PyTorch wrote files before 1.6; it must be a zip archive: load it there and torch.save it again");
  return open_safetensors(file);
}

LoadReport load_file(std::span<const StateEntry> state, const LoadOptions& options, const Task& task) {
  InputFile input(task);
  const std::unique_ptr<TensorFile> file = open_tensors(input);
  std::vector<Source> sources;
  std::vector<std::size_t> numbers;  // of the sources in the file
  for (std::size_t k = 0; k < file->arrays().size(); ++k) {
    const Stored& stored = file->arrays()[k];
    if (options.from_torch && is_torch_counter(stored.name)) continue;
    sources.push_back({stored.name, stored.element, stored.shape});
    numbers.push_back(k);
  }
  std::string prefix;
  try {
    prefix = options.prefix ? *options.prefix : best_prefix(sources, state, task.op, task.where);
  } catch (const ValueError& error) {
    task.fail(error.message());
  }
  std::vector<Turned> turned(sources.size());
  Flattened assumed;
  if (options.from_torch) turned = turn_from_torch(sources, state, options, prefix, assumed, task.op, task.where);
  const Conversion conversion = options.convert ? Conversion::numbers : Conversion::none;
  Fit found = fit(sources, state, {.conversion = conversion, .old = true, .prefix = prefix}, task.op, task.where);
  found.report.flattened = std::move(assumed);
  if (options.strict && !found.report.complete()) {
    const auto& misfits = found.report.misshapen;
    const bool others = std::ranges::any_of(misfits, [](const Misfit& misfit) {
      const auto element = element_named(misfit.memory->element);
      return misfit.file->shape == misfit.memory->shape && element && converts(misfit.file->element, *element, Conversion::numbers);
    });
    task.fail(fmt::format("{}{}; both must have the same, or load with {}{{.strict = false}}",
                          prefix.empty() ? "" : "under " + some(prefix) + ", ", in_words(found.report, "the file", "memory"),
                          others ? "{.convert = true} or " : ""));
  }
  std::vector<Array<std::uint8_t>> buffers;  // all, before the first is written
  std::vector<Value> values;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    const StateEntry* target = found.targets[k];
    if (!target) continue;
    const std::size_t count = size_of(sources[k].shape);
    const bool other = sources[k].element != name_of(target->element);
    // floating numbers always become floating numbers, when they are written
    const std::string_view later = other && target->is_variable() && is_floating(sources[k].element) ? sources[k].element : "";
    const Turned* const lies = turned[k].shape.empty() ? nullptr : &turned[k];
    if (!other || !later.empty())
      if (const std::span<const std::uint8_t> view = file->view(numbers[k]); !view.empty()) {
        const std::string why = target->refuses(view.data(), count);
        if (!why.empty()) file->fail(numbers[k], why);
        values.push_back({target, view.data(), count, later, lies});
        continue;
      }
    Array<std::uint8_t> bytes = file->read(numbers[k]);
    if (other && later.empty()) {
      Array<std::uint8_t> others = make_bytes(std::uint64_t{count} * bytes_of(target->element), task);
      const std::string why = convert(sources[k].element, bytes.data(), count, target->element, others.data());
      if (!why.empty()) file->fail(numbers[k], why);
      bytes = std::move(others);
    }
    const std::string why = target->refuses(bytes.data(), count);
    if (!why.empty()) file->fail(numbers[k], why);
    const Array<std::uint8_t>& kept = buffers.emplace_back(std::move(bytes));
    values.push_back({target, kept.data(), count, later, lies});
  }
  write_all(values, task.where);
  return std::move(found.report);
}

/// The path's ending in small letters, ".npz".
std::string ending_of(const std::string& path) {
  const std::size_t name = path.rfind('/') + 1, dot = path.rfind('.');
  std::string result = dot == path.npos || dot < name ? "" : path.substr(dot);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

}  // namespace

void detail::save_state(std::span<const StateEntry> state, const std::string& path, const SaveOptions& options, Where at) {
  const Task task{"save", path, at};
  by_name(state, task.op, at);
  if (!options.to_torch && !options.flattened.empty())
    throw ValueError(at, task.op, "flattened has layers; it must be empty without {.to_torch = true}");
  std::vector<StateEntry> turned;
  if (options.to_torch) state = turned = turned_to_torch(state, options, task.op, at);
  const std::string ending = ending_of(path);
  const bool torch = ending == ".pt" || ending == ".pth";
  if (ending == ".npy" || (torch && !options.to_torch))
    task.fail(fmt::format("the name ends in {}; it must end in .npz, or as you like for a safetensors file{}", ending,
                          torch ? ", or save with {.to_torch = true}" : "; save_npy writes one array"));
  if (torch)
    save_torch(state, options, task);
  else if (ending == ".npz")
    save_npz(state, options, task);
  else
    save_safetensors(state, options, task);
}
LoadReport detail::load_state(std::span<const StateEntry> state, const std::string& path, const LoadOptions& options, Where at) {
  return load_file(state, options, {"load", path, at});
}

}  // namespace xgrad::nn
