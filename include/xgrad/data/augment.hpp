#pragma once
#include <array>
#include <cstddef>
#include <utility>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/indices.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/core/where.hpp>

/// Random changes of images (height, width, channels), each of them a struct of options that is an `Augmentation`. They throw
/// ShapeError for what is no such image and ValueError for options that make no sense. Angles are in degrees, lengths in pixels,
/// colours in the image's own unit, of which white is 1.
namespace xgrad::augment {

/// What an image has beyond its edges.
enum class Fill { zeros, edge };

/// Moves by up to `pixels` along each axis, by whole pixels.
struct Shift {
  std::size_t pixels = 2;
  Fill fill = Fill::zeros;
  template <Real T>
  XGRAD_API void operator()(Array<T>& image, Generator& generator) const;
};

/// Pads on every side and cuts out height × width at a random place; 0 for as high or as wide as it was. With padding 4 this is
/// how ResNets are trained on CIFAR-10.
struct Crop {
  std::size_t padding = 4, height = 0, width = 0;
  Fill fill = Fill::zeros;
  template <Real T>
  XGRAD_API void operator()(Array<T>& image, Generator& generator) const;
};

/// Mirrors left and right with probability p.
struct Flip {
  double p = 0.5;
  template <Real T>
  XGRAD_API void operator()(Array<T>& image, Generator& generator) const;
};

/// Turns about the centre by an angle within ± `degrees`, moves by up to `translate` pixels along each axis, scales by a factor
/// between the two and shears along the x axis by an angle within ± `shear` degrees; between pixels values are interpolated
/// linearly.
struct Affine {
  double degrees = 0, translate = 0;
  std::array<double, 2> scale{1, 1};
  double shear = 0;
  Fill fill = Fill::zeros;
  template <Real T>
  XGRAD_API void operator()(Array<T>& image, Generator& generator) const;
};

/// Turns about the centre by an angle within ± `degrees`.
struct Rotate {
  double degrees = 10;
  Fill fill = Fill::zeros;
  template <Real T>
  void operator()(Array<T>& image, Generator& generator) const {
    Affine{.degrees = degrees, .fill = fill}(image, generator);
  }
};

/// Moves every pixel by a random field of displacements: uniform in ±1, smoothed by a Gaussian of deviation sigma and multiplied
/// by alpha (Simard et al. 2003, "Best practices for convolutional neural networks applied to visual document analysis").
struct Elastic {
  double alpha = 8, sigma = 3;
  Fill fill = Fill::zeros;
  template <Real T>
  XGRAD_API void operator()(Array<T>& image, Generator& generator) const;
};

/// Adds a number within ± `brightness`, then multiplies what each pixel differs from the image's mean by a factor within
/// 1 ± `contrast`; the results are kept between 0 and 1.
struct Jitter {
  double brightness = 0.1, contrast = 0.2;
  template <Real T>
  XGRAD_API void operator()(Array<T>& image, Generator& generator) const;
};

/// Sets a square of `size` pixels to `value`, whose centre is any pixel: at the edge only a part of it is inside (DeVries and
/// Taylor 2017, "Improved regularization of convolutional neural networks with cutout").
struct Cutout {
  std::size_t size = 8;
  double value = 0;
  template <Real T>
  XGRAD_API void operator()(Array<T>& image, Generator& generator) const;
};

/// A batch of which each image is mixed with another one of it, λ x + (1 - λ) x', and the probabilities of its classes in the same
/// way, for cross_entropy; λ is drawn from a Beta(alpha, alpha) distribution once for the batch (Zhang et al. 2018, "mixup: beyond
/// empirical risk minimization"). Images are (b, …), labels (b,); the results (b, …) and (b, classes). Throws ShapeError when there
/// is not one label for each image, IndexError for a label that is not below classes, ValueError unless alpha is positive.
template <Real T>
XGRAD_API std::pair<Array<T>, Array<T>> mixup(const Array<T>& images, const Indices& labels, std::size_t classes, double alpha,
                                              Generator& generator = default_generator(), Where at = Where::current());

}  // namespace xgrad::augment
