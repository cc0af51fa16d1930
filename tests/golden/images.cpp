#include "table.hpp"

namespace golden {

/// A way of convolving, with and without a bias, and both gradients for images and weights of these shapes.
#define CONVOLUTION(config, images, weights, ...)                                                           \
  ROW("conv2d", config, conv2d(x[0], x[1], Conv2dOptions __VA_ARGS__));                                     \
  ROW("conv2d bias", config, conv2d(x[0], x[1], x[2], Conv2dOptions __VA_ARGS__));                          \
  ROW("conv2d_input_grad", config, conv2d_input_grad(x[0], x[1], Shape images, Conv2dOptions __VA_ARGS__)); \
  ROW("conv2d_weight_grad", config, conv2d_weight_grad(x[0], x[1], Shape weights, Conv2dOptions __VA_ARGS__))

void convolution_rows(Table& table) {
  CONVOLUTION("plain", ({2, 5, 4, 3}), ({2, 3, 2, 3}), {});
  CONVOLUTION("pointwise", ({2, 3, 2, 3}), ({4, 1, 1, 3}), {});
  CONVOLUTION("stride", ({1, 5, 7, 2}), ({3, 3, 3, 2}), {.stride = 2});
  CONVOLUTION("stride by axis", ({1, 5, 6, 1}), ({2, 2, 3, 1}), {.stride = {3, 1}});
  CONVOLUTION("padding", ({2, 3, 4, 2}), ({2, 3, 3, 2}), {.padding = 1});
  CONVOLUTION("padding per side", ({1, 3, 4, 2}), ({2, 2, 3, 2}), {.stride = {2, 1}, .padding = {0, 2, 1, 3}});
  CONVOLUTION("dilation", ({1, 6, 5, 2}), ({2, 3, 2, 2}), {.dilation = {2, 3}});
  CONVOLUTION("groups", ({2, 4, 3, 4}), ({6, 2, 2, 2}), {.groups = 2});
  CONVOLUTION("depthwise", ({2, 4, 5, 3}), ({3, 3, 3, 1}), {.padding = 1, .groups = 3});
  CONVOLUTION("depthwise stride", ({1, 5, 5, 2}), ({4, 3, 2, 1}),
              {.stride = 2, .padding = {1, 0, 2, 1}, .dilation = {1, 2}, .groups = 2});
  CONVOLUTION("depthwise wide", ({1, 3, 4, 17}), ({17, 2, 2, 1}), {.groups = 17});
  CONVOLUTION("everything", ({2, 7, 6, 4}), ({2, 2, 3, 2}),
              {.stride = {2, 1}, .padding = {1, 0, 0, 2}, .dilation = {1, 2}, .groups = 2});
  CONVOLUTION("whole image", ({3, 2, 3, 2}), ({2, 2, 3, 2}), {});
  CONVOLUTION("ones", ({1, 1, 1, 1}), ({1, 1, 1, 1}), {});
  ROW("conv2d", "no images", conv2d(x[0], x[1]));
  ROW("conv2d bias", "no images", conv2d(x[0], x[1], x[2]));

  ROW("conv1d", "plain, ones", conv1d(x[0], x[1]));
  ROW("conv1d", "options", conv1d(x[0], x[1], {.stride = 2, .padding = {1, 2}, .dilation = 2, .groups = 2}));
  ROW("conv1d bias", "plain, ones", conv1d(x[0], x[1], x[2]));
  ROW("conv1d bias", "options", conv1d(x[0], x[1], x[2], {.stride = 2, .padding = {1, 2}, .dilation = 2, .groups = 2}));

#define TRANSPOSED(config, ...)                                                                      \
  ROW("conv_transpose2d", config, conv_transpose2d(x[0], x[1], ConvTranspose2dOptions __VA_ARGS__)); \
  ROW("conv_transpose2d bias", config, conv_transpose2d(x[0], x[1], x[2], ConvTranspose2dOptions __VA_ARGS__))
  TRANSPOSED("plain, ones", {});
  TRANSPOSED("stride", {.stride = 2, .padding = 1, .output_padding = 1});
  TRANSPOSED("padding per side", {.stride = {2, 3}, .padding = {0, 2, 1, 0}});
  TRANSPOSED("dilation", {.dilation = {2, 3}});
  TRANSPOSED("groups", {.stride = 2, .groups = 2});
  TRANSPOSED("depthwise", {.groups = 3});

  ROW("im2col", "plain", im2col(x[0], {2, 3}));
  ROW("im2col", "options", im2col(x[0], 2, {.stride = {2, 1}, .padding = {1, 0, 2, 1}, .dilation = {1, 2}}));
  ROW("im2col", "ones", im2col(x[0], 1));
  ROW("col2im", "plain", col2im(x[0], {2, 3, 4, 2}, {2, 3}));
  ROW("col2im", "options", col2im(x[0], {1, 5, 4, 2}, 2, {.stride = {2, 1}, .padding = {1, 0, 2, 1}, .dilation = {1, 2}}));
  ROW("col2im", "ones", col2im(x[0], {1, 1, 1, 1}, 1));
}

/// A way of pooling, by all three.
#define POOL(config, size, ...)                                            \
  ROW("max_pool2d", config, max_pool2d(x[0], Extent2d size, __VA_ARGS__)); \
  ROW("min_pool2d", config, min_pool2d(x[0], Extent2d size, __VA_ARGS__)); \
  ROW("avg_pool2d", config, avg_pool2d(x[0], Extent2d size, __VA_ARGS__))

void pool_rows(Table& table) {
  POOL("plain", (2, 3), {});
  POOL("stride", (3, 2), {.stride = {1, 2}});
  POOL("padding", (3, 3), {.stride = 2, .padding = 1});
  POOL("ceil", (2, 3), {.stride = 2, .ceil_mode = true});
  POOL("ceil and padding", (3, 3), {.stride = 2, .padding = {1, 0}, .ceil_mode = true});
  POOL("gaps", (1, 2), {.stride = 3});
  POOL("ones", (1, 1), {});
  POOL("whole image", (3, 4), {});
  POOL("channels", (2, 2), {.stride = 1, .padding = 1});
  POOL("no images", (2, 2), {});
  POOL("padding per side", (2, 3), {.stride = {1, 2}, .padding = {0, 1, 1, 2}});
  ROW("max_pool2d", "ties, nan", max_pool2d(x[0], 2));
  ROW("min_pool2d", "ties, nan", min_pool2d(x[0], 2));
  ROW("avg_pool2d", "channels not counted", avg_pool2d(x[0], 2, {.stride = 1, .padding = 1, .count_include_pad = false}));
  ROW("avg_pool2d", "padding not counted", avg_pool2d(x[0], 3, {.stride = 2, .padding = 1, .count_include_pad = false}));
  ROW("avg_pool2d", "ceil and padding not counted",
      avg_pool2d(x[0], 3, {.stride = 2, .padding = {1, 0}, .ceil_mode = true, .count_include_pad = false}));
  ROW("avg_pool2d", "padding per side not counted",
      avg_pool2d(x[0], {2, 3}, {.stride = {1, 2}, .padding = {0, 1, 1, 2}, .count_include_pad = false}));
  ROW("global_avg_pool2d", "plain, ones", global_avg_pool2d(x[0]));
#define RESIZED(config, ...)                                                  \
  ROW("adaptive_avg_pool2d", config, adaptive_avg_pool2d(x[0], __VA_ARGS__)); \
  ROW("adaptive_max_pool2d", config, adaptive_max_pool2d(x[0], __VA_ARGS__))
  RESIZED("even", {2, 3});
  RESIZED("odd", {3, 4});
  RESIZED("more", {3, 5});
  RESIZED("one", 1);
  RESIZED("same", 2);
#undef RESIZED
#define RESIZED(config, ...)                                                                              \
  ROW("interpolate nearest", config, interpolate(x[0], __VA_ARGS__));                                     \
  ROW("interpolate bilinear", config, interpolate(x[0], __VA_ARGS__, {.mode = Interpolation::bilinear})); \
  ROW("interpolate bilinear corners", config,                                                             \
      interpolate(x[0], __VA_ARGS__, {.mode = Interpolation::bilinear, .align_corners = true}))
  RESIZED("larger", {4, 5});
  RESIZED("smaller", {2, 4});
  RESIZED("mixed", {7, 2});
  RESIZED("one", 1);
  RESIZED("from one", {2, 3});
  RESIZED("channels", {3, 2});
}

}  // namespace golden
