#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

struct DPMConfig {
  std::size_t channels = 1, features = 8;  ///< of the images, of the feature maps
  std::ptrdiff_t root = 5, part = 5;       ///< sides of the filters, in pixels
  /// Where each part rests: row and column of its top left corner in the root's window at twice the resolution, from 0 to
  /// 2 root - part.
  std::vector<std::array<std::ptrdiff_t, 2>> anchors{{0, 0}, {0, 5}};
  std::ptrdiff_t reach = 4;                     ///< how far a part may move
  std::vector<double> scales{1, 1 / 1.414214};  ///< of the image pyramid
};

/// A deformable part model as a convolutional network (Girshick et al. 2014, "Deformable part models are convolutional neural
/// networks"): a pyramid of images, a pyramid of feature maps, filters for a root and, at twice its resolution, for parts, whose
/// scores go through distance-transform pooling and are added where the parts rest. Images (n, h, w, channels) to the score of the
/// best place at the best scale, (n).
template <class T = float>
struct DPM {
  nn::Conv2d<T> features, root, parts;
  Variable<T> deformation;  ///< (parts, 4): a, b, c, d of the cost a·dx² + b·dx + c·dy² + d·dy
  DPMConfig config;

  explicit DPM(const DPMConfig& c = {})
      : features(c.channels, c.features, 3, {.padding = 1}),
        root(c.features, 1, c.root),
        parts(c.features, c.anchors.size(), c.part, {.bias = false}),
        deformation(broadcast_to(Variable<T>(Array<T>{T(0.1), T(0), T(0.1), T(0)}), {c.anchors.size(), 4}).value(), true),
        config(c) {}

  /// The scores of the root's places in images whose sides are even: (n, h / 2 - root + 1, w / 2 - root + 1).
  Variable<T> places(const Variable<T>& image) const {
    Variable<T> score = select(root(relu(features(avg_pool2d(image, 2)))), -1, 0);
    const Variable<T> moved = distance_transform_pool2d(parts(relu(features(image))), deformation, {.reach = config.reach});
    const auto h = static_cast<std::ptrdiff_t>(score.shape()[1]), w = static_cast<std::ptrdiff_t>(score.shape()[2]);
    for (std::size_t p = 0; p < config.anchors.size(); ++p) {
      const auto [y, x] = config.anchors[p];
      score = std::move(score) +
              slice(select(moved, -1, static_cast<std::ptrdiff_t>(p)), {{}, {y, y + 2 * h - 1, 2}, {x, x + 2 * w - 1, 2}});
    }
    return score;
  }
  /// … at each scale.
  std::vector<Variable<T>> pyramid(const Variable<T>& images) const {
    std::vector<Variable<T>> result;
    for (const double scale : config.scales) {
      const auto even = [&](std::size_t axis) { return 2 * std::lround(scale * static_cast<double>(images.shape()[axis]) / 2); };
      result.push_back(places(interpolate(images, {even(1), even(2)}, {.mode = Interpolation::bilinear})));
    }
    return result;
  }
  Variable<T> operator()(const Variable<T>& images) const {
    std::vector<Variable<T>> best;
    for (Variable<T>& scores : pyramid(images)) best.push_back(amax(std::move(scores), {1, 2}));
    return amax(stack(std::move(best)), 0);
  }
  XGRAD_FIELDS(features, root, parts, deformation)
};

}  // namespace xgrad::models
