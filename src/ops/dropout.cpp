#include <fmt/format.h>

#include <xgrad/core/parallel.hpp>
#include <xgrad/graph/apply.hpp>
#include <xgrad/ops/dropout.hpp>

#include "support.hpp"

namespace xgrad {
using namespace detail;

namespace {

/// x (samples, rows, channels) times `scale` where the mask (samples, channels) is true, 0 elsewhere. Its own adjoint.
template <class T>
struct Dropout {
  std::string_view called;
  static constexpr std::array uses{use::none};
  std::size_t samples, rows, channels;
  Ref<Storage<bool>> mask;
  T scale;

  std::string_view name() const { return called; }

  Result<T> forward(Inputs<T> in) {
    const bool taken = in.reusable(0);
    const T* x = in[0].data();
    Ref<Storage<T>> out = taken ? in.take(0) : Storage<T>::create(make_array<T>(in[0].shape()));
    T* y = out->array.data();
    const bool* kept = mask->array.data();
    if (out->array.size() == 0) return out;
    if (rows == 1)
      parallel_for(samples * channels, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t k = begin; k < end; ++k) y[k] = kept[k] ? x[k] * scale : T(0);
      });
    else
      parallel_for(samples * rows, channels, [&](std::size_t begin, std::size_t end) {
        for (std::size_t r = begin; r < end; ++r)
          for (std::size_t c = 0; c < channels; ++c) {
            const std::size_t k = r * channels + c;
            y[k] = kept[r / rows * channels + c] ? x[k] * scale : T(0);
          }
      });
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const { return apply(*this, {g}, c.where()); }
};

template <class T>
Variable<T> drop(std::string_view name, Variable<T> x, std::size_t samples, std::size_t rows, std::size_t channels, double p,
                 const DropoutOptions& options, Generator& generator, Where at) {
  if (!(p >= 0 && p <= 1)) throw ValueError(at, name, fmt::format("p is {}; it must be from 0 to 1", p));
  if (!options.training || p == 0) return x;
  Mask mask = placed(at, name, [&] { return make_array<bool>(Shape{samples, channels}); });
  for (bool& kept : std::span(mask.data(), mask.size())) kept = generator.uniform() >= p;
  const T scale = p < 1 ? static_cast<T>(1 / (1 - p)) : T(0);
  return apply(Dropout<T>{name, samples, rows, channels, Storage<bool>::create(std::move(mask)), scale}, {std::move(x)}, at);
}

}  // namespace

template <class T>
Variable<T> dropout(Variable<T> x, double p, DropoutOptions options, Generator& generator, Where at) {
  static_cast<void>(shape_of(x, at, "dropout"));
  const std::size_t n = x.size();
  return drop("dropout", std::move(x), 1, 1, n, p, options, generator, at);
}

template <class T>
Variable<T> dropout2d(Variable<T> x, double p, DropoutOptions options, Generator& generator, Where at) {
  const Shape& shape = shape_of(x, at);
  if (shape.size() < 2)
    throw ShapeError(at, "dropout2d", fmt::format("x is {}; it must have two axes at least, (n, …, c)", to_string(shape)));
  const std::size_t rows = placed(at, "dropout2d", [&] { return size_of(shape, 1, shape.size() - 1); });
  return drop("dropout2d", std::move(x), shape[0], rows, shape.back(), p, options, generator, at);
}

XGRAD_BOTH(dropout);
XGRAD_BOTH(dropout2d);

}  // namespace xgrad
