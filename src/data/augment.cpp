#include <xgrad/data/augment.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include <xgrad/core/error.hpp>
#include <xgrad/core/shape.hpp>

namespace xgrad::augment {
namespace {

struct Size {
  std::ptrdiff_t height, width, channels;
};

template <class T>
Size size_of_image(const Array<T>& image, const char* name) {
  const Shape& shape = image.shape();
  if (shape.size() != 3)
    throw ShapeError({}, name, fmt::format("the sample is {}; it must be an image (height, width, channels)", to_string(shape)));
  return {static_cast<std::ptrdiff_t>(shape[0]), static_cast<std::ptrdiff_t>(shape[1]), static_cast<std::ptrdiff_t>(shape[2])};
}

void check(bool good, const char* name, const char* option, double value, const char* must) {
  if (!good) throw ValueError({}, name, fmt::format("{} is {}; it must be {}", option, value, must));
}
void check_finite(const char* name, const char* option, double value) {
  check(std::isfinite(value) && value >= 0, name, option, value, "finite and not negative");
}

/// A whole number within ± n.
std::ptrdiff_t within(std::size_t n, Generator& generator) {
  return static_cast<std::ptrdiff_t>(generator.below(2 * n + 1)) - static_cast<std::ptrdiff_t>(n);
}

/// out(y, x) = image(y + dy, x + dx).
template <class T>
void move(Array<T>& image, Size s, std::ptrdiff_t dy, std::ptrdiff_t dx, std::ptrdiff_t height, std::ptrdiff_t width, Fill fill) {
  Array<T> out =
      make_array<T>(Shape{static_cast<std::size_t>(height), static_cast<std::size_t>(width), static_cast<std::size_t>(s.channels)});
  T* to = out.data();
  for (std::ptrdiff_t y = dy; y < dy + height; ++y)
    for (std::ptrdiff_t x = dx; x < dx + width; ++x, to += s.channels) {
      const std::ptrdiff_t row = std::clamp<std::ptrdiff_t>(y, 0, s.height - 1),
                           column = std::clamp<std::ptrdiff_t>(x, 0, s.width - 1);
      if (fill == Fill::zeros && (row != y || column != x))
        std::fill_n(to, s.channels, T(0));
      else
        std::copy_n(image.data() + (row * s.width + column) * s.channels, s.channels, to);
    }
  image = std::move(out);
}

/// out(y, x) is the image at place(y, x), interpolated linearly between pixels.
template <class T, class F>
void warp(Array<T>& image, Size s, Fill fill, F&& place) {
  Array<T> out = make_array<T>(image.shape());
  const T* in = image.data();
  const auto read = [&](std::ptrdiff_t y, std::ptrdiff_t x, std::ptrdiff_t c) {
    const std::ptrdiff_t row = std::clamp<std::ptrdiff_t>(y, 0, s.height - 1),
                         column = std::clamp<std::ptrdiff_t>(x, 0, s.width - 1);
    return fill == Fill::zeros && (row != y || column != x) ? T(0) : in[(row * s.width + column) * s.channels + c];
  };
  T* to = out.data();
  for (std::ptrdiff_t y = 0; y < s.height; ++y)
    for (std::ptrdiff_t x = 0; x < s.width; ++x) {
      auto [py, px] = place(y, x);
      py = std::clamp(py, -2.0, static_cast<double>(s.height) + 1);  // beyond is like there, and a whole number again
      px = std::clamp(px, -2.0, static_cast<double>(s.width) + 1);
      const auto y0 = static_cast<std::ptrdiff_t>(std::floor(py)), x0 = static_cast<std::ptrdiff_t>(std::floor(px));
      const T fy = static_cast<T>(py - static_cast<double>(y0)), fx = static_cast<T>(px - static_cast<double>(x0));
      for (std::ptrdiff_t c = 0; c < s.channels; ++c)
        *to++ = (1 - fy) * ((1 - fx) * read(y0, x0, c) + fx * read(y0, x0 + 1, c)) +
                fy * ((1 - fx) * read(y0 + 1, x0, c) + fx * read(y0 + 1, x0 + 1, c));
    }
  image = std::move(out);
}

/// A field of displacements along one axis: noise, smoothed along both.
std::vector<double> field(Size s, double alpha, double sigma, Generator& generator) {
  std::vector<double> values(static_cast<std::size_t>(s.height * s.width)), other(values.size()), weights;
  for (double& v : values) v = generator.uniform(-1, 1);
  const auto radius = static_cast<std::ptrdiff_t>(std::ceil(3 * sigma));
  double sum = 0;
  for (std::ptrdiff_t k = -radius; k <= radius; ++k) {
    const double at = static_cast<double>(k) / sigma;
    sum += weights.emplace_back(std::exp(-0.5 * at * at));
  }
  const auto smooth = [&](std::ptrdiff_t rows, std::ptrdiff_t length, std::ptrdiff_t step, std::ptrdiff_t next) {
    for (std::ptrdiff_t r = 0; r < rows; ++r)
      for (std::ptrdiff_t i = 0; i < length; ++i) {
        double total = 0;
        for (std::ptrdiff_t k = std::max(-radius, -i); k <= std::min(radius, length - 1 - i); ++k)
          total += weights[static_cast<std::size_t>(k + radius)] * values[static_cast<std::size_t>(r * next + (i + k) * step)];
        other[static_cast<std::size_t>(r * next + i * step)] = total / sum;
      }
    values.swap(other);
  };
  smooth(s.height, s.width, 1, s.width);
  smooth(s.width, s.height, s.width, 1);
  for (double& v : values) v *= alpha;
  return values;
}

/// Of a Gamma(shape, 1) distribution (Marsaglia and Tsang 2000, "A simple method for generating gamma variables").
double gamma(double shape, Generator& generator) {
  if (shape < 1) return gamma(shape + 1, generator) * std::pow(1 - generator.uniform(), 1 / shape);
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = generator.normal(), v = 1 + c * x;
    if (v > 0 && std::log(1 - generator.uniform()) < 0.5 * x * x + d - d * v * v * v + d * std::log(v * v * v))
      return d * v * v * v;
  }
}

constexpr std::size_t most_pixels = std::size_t{1} << 30U;

}  // namespace

template <Real T>
void Shift::operator()(Array<T>& image, Generator& generator) const {
  const Size s = size_of_image(image, "augment::Shift");
  check(pixels <= most_pixels, "augment::Shift", "pixels", static_cast<double>(pixels), "at most 2^30");
  const std::ptrdiff_t dy = within(pixels, generator), dx = within(pixels, generator);
  move(image, s, dy, dx, s.height, s.width, fill);
}

template <Real T>
void Crop::operator()(Array<T>& image, Generator& generator) const {
  const char* name = "augment::Crop";
  const Size s = size_of_image(image, name);
  const auto length = [&](std::ptrdiff_t whole, std::size_t wanted, const char* option) {
    const std::size_t most = static_cast<std::size_t>(whole) + 2 * padding;
    check(wanted <= most, name, option, static_cast<double>(wanted),
          fmt::format("at most {}, that of the padded image", most).c_str());
    return wanted == 0 ? whole : static_cast<std::ptrdiff_t>(wanted);
  };
  check(padding <= most_pixels, name, "padding", static_cast<double>(padding), "at most 2^30");
  const std::ptrdiff_t h = length(s.height, height, "height"), w = length(s.width, width, "width");
  const auto start = [&](std::ptrdiff_t whole, std::ptrdiff_t part) {
    const auto free = static_cast<std::uint64_t>(whole - part) + 2 * padding;
    return static_cast<std::ptrdiff_t>(generator.below(free + 1)) - static_cast<std::ptrdiff_t>(padding);
  };
  const std::ptrdiff_t dy = start(s.height, h), dx = start(s.width, w);
  move(image, s, dy, dx, h, w, fill);
}

template <Real T>
void Flip::operator()(Array<T>& image, Generator& generator) const {
  const Size s = size_of_image(image, "augment::Flip");
  check(p >= 0 && p <= 1, "augment::Flip", "p", p, "from 0 to 1");
  if (generator.uniform() >= p) return;
  for (std::ptrdiff_t y = 0; y < s.height; ++y) {
    T* row = image.data() + y * s.width * s.channels;
    for (std::ptrdiff_t x = 0; x < s.width / 2; ++x)
      std::swap_ranges(row + x * s.channels, row + (x + 1) * s.channels, row + (s.width - 1 - x) * s.channels);
  }
}

template <Real T>
void Affine::operator()(Array<T>& image, Generator& generator) const {
  const char* name = "augment::Affine";
  const Size s = size_of_image(image, name);
  check_finite(name, "degrees", degrees);
  check_finite(name, "translate", translate);
  check(scale[0] > 0 && scale[0] <= scale[1] && std::isfinite(scale[1]), name, "scale[0]", scale[0],
        "positive and at most scale[1], which must be finite");
  check(shear >= 0 && shear < 90, name, "shear", shear, "at least 0 and less than 90");
  constexpr double radian = std::numbers::pi / 180;
  const double angle = radian * generator.uniform(-degrees, degrees), dy = generator.uniform(-translate, translate),
               dx = generator.uniform(-translate, translate), factor = generator.uniform(scale[0], scale[1]),
               slope = std::tan(radian * generator.uniform(-shear, shear));
  const double cosine = std::cos(angle) / factor, sine = std::sin(angle) / factor;
  const double cy = static_cast<double>(s.height - 1) / 2, cx = static_cast<double>(s.width - 1) / 2;
  warp(image, s, fill, [=](std::ptrdiff_t y, std::ptrdiff_t x) {
    const double v = static_cast<double>(y) - cy - dy, u = static_cast<double>(x) - cx - dx - slope * v;
    return std::pair(cosine * v - sine * u + cy, sine * v + cosine * u + cx);
  });
}

template <Real T>
void Elastic::operator()(Array<T>& image, Generator& generator) const {
  const char* name = "augment::Elastic";
  const Size s = size_of_image(image, name);
  check_finite(name, "alpha", alpha);
  check(sigma > 0 && sigma <= 1000, name, "sigma", sigma, "positive and at most 1000");
  const std::vector<double> dy = field(s, alpha, sigma, generator), dx = field(s, alpha, sigma, generator);
  warp(image, s, fill, [&](std::ptrdiff_t y, std::ptrdiff_t x) {
    const auto i = static_cast<std::size_t>(y * s.width + x);
    return std::pair(static_cast<double>(y) + dy[i], static_cast<double>(x) + dx[i]);
  });
}

template <Real T>
void Jitter::operator()(Array<T>& image, Generator& generator) const {
  size_of_image(image, "augment::Jitter");
  check_finite("augment::Jitter", "brightness", brightness);
  check_finite("augment::Jitter", "contrast", contrast);
  const T more = static_cast<T>(generator.uniform(-brightness, brightness)),
          factor = static_cast<T>(generator.uniform(1 - contrast, 1 + contrast));
  const std::span values(image.data(), image.size());
  double sum = 0;
  for (T v : values) sum += static_cast<double>(v);
  const T mean = static_cast<T>(sum / static_cast<double>(std::max<std::size_t>(values.size(), 1)));
  for (T& v : values) v = std::clamp((v - mean) * factor + mean + more, T(0), T(1));
}

template <Real T>
void Cutout::operator()(Array<T>& image, Generator& generator) const {
  const Size s = size_of_image(image, "augment::Cutout");
  check(size <= most_pixels, "augment::Cutout", "size", static_cast<double>(size), "at most 2^30");
  if (image.size() == 0) return;
  const auto middle_y = static_cast<std::ptrdiff_t>(generator.below(static_cast<std::uint64_t>(s.height))),
             middle_x = static_cast<std::ptrdiff_t>(generator.below(static_cast<std::uint64_t>(s.width)));
  const auto whole = static_cast<std::ptrdiff_t>(size);
  const auto part = [whole](std::ptrdiff_t middle, std::ptrdiff_t length) {
    const std::ptrdiff_t begin = middle - whole / 2;
    return std::pair(std::max<std::ptrdiff_t>(begin, 0), std::min(begin + whole, length));
  };
  const auto [top, bottom] = part(middle_y, s.height);
  const auto [left, right] = part(middle_x, s.width);
  for (std::ptrdiff_t y = top; y < bottom; ++y)
    if (left < right)
      std::fill_n(image.data() + (y * s.width + left) * s.channels, (right - left) * s.channels, static_cast<T>(value));
}

template <Real T>
std::pair<Array<T>, Array<T>> mixup(const Array<T>& images, const Indices& indices, std::size_t classes, double alpha,
                                    Generator& generator, Where at) {
  const Labels& labels = indices.values();
  const Shape& shape = images.shape();
  if (labels.dimension() != 1 || shape.empty() || shape[0] != labels.size())
    throw ShapeError(at, "mixup",
                     fmt::format("images are {}, labels are {}; there must be one label for each of the images", to_string(shape),
                                 to_string(labels.shape())));
  if (!(alpha > 0) || !std::isfinite(alpha))
    throw ValueError(at, "mixup", fmt::format("alpha is {}; it must be finite and positive", alpha));
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels.data()[i] < 0 || static_cast<std::size_t>(labels.data()[i]) >= classes)
      throw IndexError(at, "mixup",
                       fmt::format("label {} at place {}; it must be from 0 to {}", labels.data()[i], i,
                                   static_cast<std::ptrdiff_t>(classes) - 1));
  const std::size_t n = labels.size(), size = n == 0 ? 0 : images.size() / n;
  std::pair<Array<T>, Array<T>> result{make_array<T>(shape, at), zeros<T>(Shape{n, classes}, at)};
  const double one = gamma(alpha, generator), other = gamma(alpha, generator);
  const T share = one + other > 0 ? static_cast<T>(one / (one + other)) : T(0.5);  // tiny alphas draw two zeros
  const std::vector<std::size_t> partner = generator.permutation(n, at);
  for (std::size_t i = 0; i < n; ++i) {
    const T *a = images.data() + i * size, *b = images.data() + partner[i] * size;
    std::transform(a, a + size, b, result.first.data() + i * size, [share](T x, T y) { return share * x + (1 - share) * y; });
    T* row = result.second.data() + i * classes;
    row[labels.data()[i]] += share;
    row[labels.data()[partner[i]]] += 1 - share;
  }
  return result;
}

#define XGRAD_INSTANTIATE(T)                                      \
  template void Shift::operator()(Array<T>&, Generator&) const;   \
  template void Crop::operator()(Array<T>&, Generator&) const;    \
  template void Flip::operator()(Array<T>&, Generator&) const;    \
  template void Affine::operator()(Array<T>&, Generator&) const;  \
  template void Elastic::operator()(Array<T>&, Generator&) const; \
  template void Jitter::operator()(Array<T>&, Generator&) const;  \
  template void Cutout::operator()(Array<T>&, Generator&) const;  \
  template std::pair<Array<T>, Array<T>> mixup(const Array<T>&, const Indices&, std::size_t, double, Generator&, Where)
XGRAD_INSTANTIATE(float);
XGRAD_INSTANTIATE(double);

}  // namespace xgrad::augment
