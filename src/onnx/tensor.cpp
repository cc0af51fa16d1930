#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "model.hpp"

namespace xgrad::onnx {

namespace fs = std::filesystem;

namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const noexcept { return number_; }

 private:
  int number_;
};

[[noreturn]] void fail_file(const fs::path& path, const std::string& message, Where at) {
  throw FileError(at, "load", path.string() + ": " + message);
}
[[noreturn]] void fail_system(const fs::path& path, Where at) {
  fail_file(path, "cannot be read: " + std::generic_category().message(errno), at);
}

std::uint64_t whole_number(const Source& source, const Tensor& tensor, const std::string& key, const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    source.fail(tensor.at, "the " + key + " of '" + tensor.name + "' in its file is '" + text + "'; it must be a whole number");
  return number;
}

/// The bytes of a tensor in a file beside the model's.
std::vector<std::uint8_t> external_bytes(const Source& source, const Tensor& tensor) {
  std::string location;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
  for (const auto& [key, value] : tensor.where_external) {
    if (key == "location") location = value;
    if (key == "offset") offset = whole_number(source, tensor, key, value);
    if (key == "length") length = whole_number(source, tensor, key, value);
  }
  const fs::path relative(location);
  const bool leaves = std::any_of(relative.begin(), relative.end(), [](const fs::path& part) { return part == ".."; });
  if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute() || leaves)
    source.fail(tensor.at, "'" + tensor.name + "' is in the file '" + location + "'; it must be one in the model's folder");
  std::error_code error;
  const fs::path folder = fs::weakly_canonical(source.path.has_parent_path() ? source.path.parent_path() : fs::path("."), error);
  const fs::path file = error ? fs::path() : fs::weakly_canonical(folder / relative, error);
  const auto [rest, unused] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  if (error || rest != folder.end())  // a link may lead out of it
    source.fail(tensor.at, "'" + tensor.name + "' is in the file '" + location + "'; it must be one in the model's folder");
  try {
    return read_file(file, offset, length, source.where);
  } catch (const FileError& problem) {
    source.fail(tensor.at, "'" + tensor.name + "': " + problem.message());
  }
}

template <class U>
U element_at(const std::uint8_t* from) {
  U value;
  std::memcpy(&value, from, sizeof(U));
  return value;
}

/// What is common to all element types: where the elements are, and how many.
class Elements {
 public:
  Elements(const Source& source, const Tensor& tensor) : source_(source), tensor_(tensor), raw_(tensor.raw) {
    if (tensor.strings || !supported(tensor.type))
      fail("has elements of type " + name_of_element(tensor.strings ? 8 : tensor.type) +
           "; they must be float, double, int32, int64 or bool");
    if (tensor.external) {
      external_ = external_bytes(source, tensor);
      raw_ = Bytes(external_);
    }
    bool wraps = false, empty = false;
    std::uint64_t n = 1;
    for (const std::int64_t dim : tensor.dims) {
      if (dim < 0) fail("has an axis of length " + std::to_string(dim) + "; it must be at least 0");
      shape_.push_back(static_cast<std::size_t>(dim));
      wraps |= __builtin_mul_overflow(n, static_cast<std::uint64_t>(dim), &n);
      empty |= dim == 0;
    }
    count_ = empty ? 0 : n;
    if (wraps && !empty) fail("has the shape " + to_string(shape_) + "; its elements must be fewer than 2^64");
  }

  /// Nothing is allocated before the elements are known to be there.
  template <class U, class From, class List>
  Array<U> read(const List& list) const {
    if (raw_) {
      const std::size_t there = raw_->size() / sizeof(From);
      if (there != count_ || raw_->size() % sizeof(From) != 0) wrong_count(std::to_string(raw_->size()) + " bytes");
      Array<U> result = make<U>();
      for (std::size_t k = 0; k < count_; ++k) result.data()[k] = static_cast<U>(element_at<From>(raw_->data() + k * sizeof(From)));
      return result;
    }
    if (list.size() != count_) wrong_count(std::to_string(list.size()) + " elements");
    Array<U> result = make<U>();
    for (std::size_t k = 0; k < count_; ++k) result.data()[k] = static_cast<U>(list[k]);
    return result;
  }

 private:
  template <class U>
  Array<U> make() const {
    try {
      return make_array<U>(shape_);
    } catch (const Error& error) {
      fail("cannot be made: " + error.message());
    }
  }
  [[noreturn]] void fail(const std::string& message) const {
    source_.fail(tensor_.at, "the tensor '" + tensor_.name + "' " + message);
  }
  [[noreturn]] void wrong_count(const std::string& there) const {
    fail("of shape " + to_string(shape_) + " has " + there + "; it must have " + std::to_string(count_) + " elements of type " +
         name_of_element(tensor_.type));
  }

  const Source& source_;
  const Tensor& tensor_;
  std::optional<Bytes> raw_;
  std::vector<std::uint8_t> external_;
  Shape shape_;
  std::uint64_t count_ = 0;
};

}  // namespace

std::vector<std::uint8_t> read_file(const fs::path& path, Where at) { return read_file(path, 0, std::nullopt, at); }

std::vector<std::uint8_t> read_file(const fs::path& path, std::uint64_t offset, std::optional<std::uint64_t> length, Where at) {
  if (path.empty() || path.native().find('\0') != std::string::npos)
    fail_file(path, "is no path of a file; it must be one, without a byte 0", at);
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO must not keep us waiting
  if (file.number() < 0) fail_system(path, at);
  struct stat state {};
  if (fstat(file.number(), &state) != 0) fail_system(path, at);
  if (!S_ISREG(state.st_mode)) fail_file(path, "is no regular file; it must be one", at);
  const auto size = static_cast<std::uint64_t>(state.st_size);
  if (offset > size || (length && *length > size - offset))
    fail_file(path,
              "has " + std::to_string(size) + " bytes; those from " + std::to_string(offset) + " on" +
                  (length ? ", " + std::to_string(*length) + " of them," : "") + " must be there",
              at);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(length.value_or(size - offset)));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got = pread(file.number(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_system(path, at);
    if (got == 0) fail_file(path, "became shorter while it was read; nobody must change it meanwhile", at);
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

template <class T>
Value<T> value_of(const Source& source, const Tensor& tensor) {
  const Elements elements(source, tensor);
  switch (static_cast<ElementType>(tensor.type)) {
    case ElementType::float32:
      return Variable<T>(elements.read<T, float>(tensor.floats));
    case ElementType::float64:
      return Variable<T>(elements.read<T, double>(tensor.doubles));
    case ElementType::int32:
      return elements.read<std::int64_t, std::int32_t>(tensor.integers);
    case ElementType::int64:
      return elements.read<std::int64_t, std::int64_t>(tensor.integers);
    default:
      return elements.read<bool, std::uint8_t>(tensor.integers);
  }
}
template Value<float> value_of<float>(const Source&, const Tensor&);
template Value<double> value_of<double>(const Source&, const Tensor&);

template <Real T>
Value<T> load_tensor(const fs::path& path, Where at) {
  try {
    const std::vector<std::uint8_t> bytes = read_file(path, at);
    const Source source{path, bytes, at};
    return value_of<T>(source, read_tensor(Reader(source, source.bytes)));
  } catch (...) {
    xgrad::detail::rethrow(at, "load");
  }
}
template XGRAD_API Value<float> load_tensor<float>(const fs::path&, Where);
template XGRAD_API Value<double> load_tensor<double>(const fs::path&, Where);

}  // namespace xgrad::onnx
