#include <xgrad/data/folder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <xgrad/core/error.hpp>

#include "../core/open.hpp"
#include "gzip.hpp"
#include "image_file.hpp"

namespace xgrad {
namespace {

namespace fs = std::filesystem;

void check(const ImageOptions& options, Caller caller) {
  if (options.channels != 1 && options.channels != 3)
    throw ValueError(caller.where, caller.function, fmt::format("channels is {}; it must be 1 or 3", options.channels));
  for (const auto& [name, value] : {std::pair{"height", options.height}, std::pair{"width", options.width}})
    if (value > 65535)
      throw ValueError(caller.where, caller.function, fmt::format("{} is {}; it must be at most 65535", name, value));
}

/// Along the middle axis of (before, n, after) to (before, m, after): each number is a mean of those around its place, weighted by
/// a triangle that reaches as far as the next one, on the longer of both grids.
Array<std::uint8_t> resized(const Array<std::uint8_t>& x, std::size_t axis, std::size_t m) {
  Shape shape = x.shape();
  const std::size_t n = shape[axis];
  if (n == m) return x;
  shape[axis] = m;
  Array<std::uint8_t> result = make_array<std::uint8_t>(shape);
  const std::size_t before = axis == 0 ? 1 : shape[0], after = axis == 0 ? shape[1] * shape[2] : shape[2];
  const double scale = static_cast<double>(n) / static_cast<double>(m), reach = std::max(scale, 1.0);
  std::vector<double> weights;
  for (std::size_t k = 0; k < m; ++k) {
    const double centre = (static_cast<double>(k) + 0.5) * scale - 0.5;
    const auto first = static_cast<std::size_t>(std::max(std::ceil(centre - reach), 0.0));
    const auto last = static_cast<std::size_t>(std::min(std::floor(centre + reach), static_cast<double>(n - 1)));
    weights.clear();
    double total = 0;
    for (std::size_t i = first; i <= last; ++i) {
      weights.push_back(std::max(1 - std::abs(static_cast<double>(i) - centre) / reach, 0.0));
      total += weights.back();
    }
    for (std::size_t b = 0; b < before; ++b)
      for (std::size_t a = 0; a < after; ++a) {
        double sum = 0;
        for (std::size_t i = first; i <= last; ++i) sum += weights[i - first] * x.data()[(b * n + i) * after + a];
        result.data()[(b * m + k) * after + a] = static_cast<std::uint8_t>(sum / total + 0.5);
      }
  }
  return result;
}

Array<std::uint8_t> read(const fs::path& path, const ImageOptions& options, Caller caller) {
  const auto fail = [&](const std::string& message) {
    throw FileError(caller.where, caller.function, path.string() + ": " + message);
  };
  const Opened opened = open_regular(path, caller.function, caller.where);
  std::string bytes;
  try {
    check_size(Shape{static_cast<std::size_t>(opened.size)});
    bytes.resize(static_cast<std::size_t>(opened.size));
  } catch (const Error& error) {
    fail("the file " + error.message());
  }
  errno = 0;
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), opened.file.get()));
  if (std::ferror(opened.file.get()))
    fail(fmt::format("cannot be read at offset {}: {}", bytes.size(), std::generic_category().message(errno)));
  if (!is_png(bytes) && !is_jpeg(bytes)) {
    std::string begin;
    for (std::size_t k = 0; k < std::min<std::size_t>(bytes.size(), 4); ++k)
      begin += fmt::format(" {:02x}", static_cast<unsigned char>(bytes[k]));
    fail(bytes.empty() ? "is empty; it must be a PNG or JPEG file"
                       : fmt::format("begins with bytes{}; it must be a PNG (89 50 4e 47) or JPEG file (ff d8 ff)", begin));
  }
  Decoded decoded = is_png(bytes) ? decode_png(bytes, options.channels) : decode_jpeg(bytes, options.channels);
  if (!decoded.complaint.empty()) fail(decoded.complaint);
  Array<std::uint8_t> image = std::move(decoded.image);
  if (options.height > 0) image = resized(image, 0, options.height);
  if (options.width > 0) image = resized(image, 1, options.width);
  return image;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// As people sort names: runs of digits by their number.
bool natural_less(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a, whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const auto take = [](std::string_view& text) {
        std::size_t zeros = 0, end = 0;
        while (end < text.size() && is_digit(text[end])) ++end;
        while (zeros + 1 < end && text[zeros] == '0') ++zeros;
        const std::string_view number = text.substr(zeros, end - zeros);
        text.remove_prefix(end);
        return number;
      };
      const std::string_view x = take(a), y = take(b);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[0] != b[0]) return static_cast<unsigned char>(a[0]) < static_cast<unsigned char>(b[0]);
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;  // 01 and 1
}
bool natural_path_less(const fs::path& a, const fs::path& b) { return natural_less(a.native(), b.native()); }

bool is_image_name(const fs::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return !path.filename().native().starts_with('.') && (ending == ".png" || ending == ".jpg" || ending == ".jpeg");
}

/// Appends the images in a folder and in those below it. Throws fs::filesystem_error, with the path of what cannot be read (which
/// fs::recursive_directory_iterator leaves out).
void gather_images(const fs::path& folder, std::vector<fs::path>& result) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) {
      if (!entry.is_symlink() && !entry.path().filename().native().starts_with('.')) gather_images(entry.path(), result);
    } else if (is_image_name(entry.path())) {
      result.push_back(entry.path());
    }
  }
}

std::vector<fs::path> images_below(const fs::path& folder) {
  std::vector<fs::path> result;
  gather_images(folder, result);
  std::ranges::sort(result, natural_path_less);
  return result;
}

}  // namespace

Array<std::uint8_t> read_image(const fs::path& path, ImageOptions options, Where at) {
  const Caller caller{at, "read_image"};
  check(options, caller);
  return read(path, options, caller);
}

template <Real T>
Source<T> image_folder(const fs::path& directory, ImageOptions options, Where at) {
  const Caller caller{at, "image_folder"};
  check(options, caller);
  check_directory(directory, "a folder for each class", caller.function, at);
  const auto fail = [&](const fs::path& path, const std::string& message) {
    throw FileError(at, caller.function, path.string() + ": " + message);
  };
  struct Item {
    fs::path path;
    std::int64_t label;
  };
  std::vector<Item> items;
  std::vector<std::string> names;
  try {
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(directory))
      if (entry.is_directory() && !entry.path().filename().native().starts_with('.')) folders.push_back(entry.path());
    std::ranges::sort(folders, natural_path_less);
    if (folders.empty()) fail(directory, "has no folders; it must have one for each class");
    for (const fs::path& folder : folders) {
      const std::vector<fs::path> images = images_below(folder);
      if (images.empty()) fail(folder, "has no image; a class must have one (.png, .jpg or .jpeg), or its folder must go");
      for (const fs::path& image : images) items.push_back({image, static_cast<std::int64_t>(names.size())});
      names.push_back(folder.filename().string());
    }
  } catch (const fs::filesystem_error& problem) {
    fail(problem.path1().empty() ? directory : problem.path1(), "cannot be read: " + problem.code().message());
  }
  const std::size_t n = items.size(), classes = names.size();
  return {n,
          [options, at, held = std::make_shared<const std::vector<Item>>(std::move(items))](std::size_t i) {
            const auto& [path, label] = (*held)[i];
            const Array<std::uint8_t> bytes = read(path, options, {at, "image_folder"});
            Sample<T> sample{make_array<T>(bytes.shape()), label};
            std::transform(bytes.data(), bytes.data() + bytes.size(), sample.value.data(),
                           [](std::uint8_t p) { return static_cast<T>(p) / T(255); });
            return sample;
          },
          classes, std::move(names)};
}

template Source<float> image_folder(const fs::path&, ImageOptions, Where);
template Source<double> image_folder(const fs::path&, ImageOptions, Where);

}  // namespace xgrad
