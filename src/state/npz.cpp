#include <xgrad/state/npy.hpp>

#include <fmt/format.h>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <xgrad/core/file.hpp>
#include <xgrad/state/state.hpp>

#include "convert.hpp"
#include "names.hpp"
#include "npy.hpp"
#include "zip.hpp"

namespace xgrad {
namespace nn {
namespace {

constexpr std::string_view ending = ".npy";

NpyInput input_of(ZipStream& stream, const ZipMember& member) {
  return {[&](void* to, std::size_t bytes) { stream.read(to, bytes); },
          [&](std::uint64_t offset, const std::string& text) { stream.fail_at(offset, text); }, member.size};
}

/// A zip archive of npy files.
class Npz final : public TensorFile {
 public:
  Npz(InputFile& file, std::vector<ZipMember> members) : file_(file), members_(std::move(members)) {
    for (const ZipMember& member : members_) {
      ZipStream stream(file, member);
      const std::string_view name = member.name;
      if (!name.ends_with(ending)) stream.fail_at(0, "is a member of the archive; its name must end in .npy");
      NpyHeader header = read_npy_header(input_of(stream, member));
      arrays_.push_back({std::string(name.substr(0, name.size() - ending.size())),
                         header.element.empty() ? "'" + header.descr + "'" : header.element, header.shape});
      headers_.push_back(std::move(header));
    }
  }

  Array<std::uint8_t> read(std::size_t k) override {
    ZipStream stream(file_, members_[k]);
    const NpyInput input = input_of(stream, members_[k]);
    const NpyHeader header = read_npy_header(input);
    Array<std::uint8_t> values = read_npy_values(input, header, file_.task());
    stream.finish();
    return values;
  }
  void fail(std::size_t k, const std::string& text) const override {
    ZipStream(file_, members_[k]).fail_at(headers_[k].begin, text);
  }
  const NpyHeader& header(std::size_t k) const { return headers_[k]; }

 private:
  InputFile& file_;
  std::vector<ZipMember> members_;
  std::vector<NpyHeader> headers_;
};

template <class T>
StateEntry entry_of(std::string name, const Array<T>& array) {
  return {.name = std::move(name),
          .element = detail::element_of<T>(),
          .shape = array.shape(),
          .address = const_cast<T*>(array.data())};  // it is only read
}

/// The values of an array in a file as an Array<T>.
template <class T, class Fail>
Array<T> array_of(const Array<std::uint8_t>& bytes, const std::string& element, const Shape& shape, bool convertible,
                  const Task& task, Fail fail) {
  constexpr Element wanted = detail::element_of<T>();
  if (element != name_of(wanted) && !(convertible && converts(element, wanted, Conversion::numbers)))
    fail(fmt::format("its elements are {}; they must be {}{}", element, name_of(wanted),
                     converts(element, wanted, Conversion::numbers) ? ", or load with {.convert = true}" : ""));
  const auto made = [&] {
    try {
      return make_array<T>(shape, task.where);
    } catch (const ShapeError& error) {
      task.fail(error.message());
    }
  };
  Array<T> result = made();
  const StateEntry entry = entry_of<T>("", result);
  if (entry.element == Element::boolean)
    if (const std::string why = entry.refuses(bytes.data(), bytes.size()); !why.empty()) fail(why);
  if (const std::string why = convert(element, bytes.data(), result.size(), wanted, result.data()); !why.empty()) fail(why);
  return result;
}

}  // namespace

std::unique_ptr<TensorFile> open_zip(InputFile& file) {
  std::vector<ZipMember> members = read_zip(file);
  const auto pickle = torch_pickle(members);
  if (pickle) return open_torch(file, std::move(members), *pickle);
  return std::make_unique<Npz>(file, std::move(members));
}

void save_npz(std::span<const StateEntry> state, const SaveOptions& options, const Task& task) {
  if (options.bfloat16)
    throw ValueError(task.where, task.op, "bfloat16 is true; it must be false in an npz file: NumPy has no such numbers");
  if (!options.metadata.empty())
    throw ValueError(task.where, task.op, "metadata has texts; it must be empty for an npz file, which has no place for them");
  WholeFile file(task.path, task.op, task.where);
  ZipWriter writer(file, options.compress, task);
  for (const StateEntry& entry : state) {
    const std::string header = npy_header(entry.element, entry.shape);
    const std::array<std::string_view, 2> pieces{header, std::string_view(static_cast<const char*>(entry.data()), entry.bytes())};
    writer.add(entry.name + std::string(ending), pieces);
  }
  writer.finish();
  file.commit();
}

}  // namespace nn

template <class T>
void save_npy(const Array<T>& array, const std::string& path, Where at) {
  WholeFile file(path, "save_npy", at);
  file.write(nn::npy_header(nn::detail::element_of<T>(), array.shape()));
  file.write(array.data(), array.size() * sizeof(T));
  file.commit();
}

template <class T>
Array<T> load_npy(const std::string& path, const NpyOptions& options, Where where) {
  const nn::Task task{"load_npy", path, where};
  nn::InputFile file(task);
  std::uint64_t at = 0;
  const nn::NpyInput input{[&](void* to, std::size_t bytes) {
                             file.read(to, at, bytes);
                             at += bytes;
                           },
                           [&](std::uint64_t offset, const std::string& text) { task.fail_at(offset, text); }, file.size()};
  const nn::NpyHeader header = nn::read_npy_header(input);
  if (header.element.empty()) task.fail_at(0, nn::unknown_descr(header));
  const Array<std::uint8_t> bytes = nn::read_npy_values(input, header, task);
  return nn::array_of<T>(bytes, header.element, header.shape, options.convert, task,
                         [&](const std::string& text) { task.fail_at(header.begin, text); });
}

template <class T>
void save_npz(const std::map<std::string, Array<T>>& arrays, const std::string& path, const NpzOptions& options, Where at) {
  std::vector<nn::StateEntry> entries;
  for (const auto& [name, array] : arrays) entries.push_back(nn::entry_of(name, array));
  nn::save_npz(entries, {.compress = options.compress}, {"save_npz", path, at});
}

template <class T>
std::map<std::string, Array<T>> load_npz(const std::string& path, const NpyOptions& options, Where at) {
  const nn::Task task{"load_npz", path, at};
  nn::InputFile file(task);
  nn::Npz npz(file, nn::read_zip(file));
  std::map<std::string, Array<T>> result;
  for (std::size_t k = 0; k < npz.arrays().size(); ++k) {
    const nn::Stored& stored = npz.arrays()[k];
    if (npz.header(k).element.empty()) npz.fail(k, nn::unknown_descr(npz.header(k)));
    result.emplace(stored.name, nn::array_of<T>(npz.read(k), stored.element, stored.shape, options.convert, task,
                                                [&](const std::string& text) { npz.fail(k, text); }));
  }
  return result;
}

#define XGRAD_NPY(T)                                                                                               \
  template void save_npy<T>(const Array<T>&, const std::string&, Where);                                           \
  template Array<T> load_npy<T>(const std::string&, const NpyOptions&, Where);                                     \
  template void save_npz<T>(const std::map<std::string, Array<T>>&, const std::string&, const NpzOptions&, Where); \
  template std::map<std::string, Array<T>> load_npz<T>(const std::string&, const NpyOptions&, Where);
XGRAD_NPY(float)
XGRAD_NPY(double)
XGRAD_NPY(std::int8_t)
XGRAD_NPY(std::int16_t)
XGRAD_NPY(std::int32_t)
XGRAD_NPY(std::int64_t)
XGRAD_NPY(std::uint8_t)
XGRAD_NPY(std::uint16_t)
XGRAD_NPY(std::uint32_t)
XGRAD_NPY(std::uint64_t)
XGRAD_NPY(bool)
#undef XGRAD_NPY

}  // namespace xgrad
