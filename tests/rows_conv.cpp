// Rows of op_table.hpp for convolution, pooling and resampling.
#include "naive_conv.hpp"
#include "op_table.hpp"

namespace op_table {

std::vector<Row> conv_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  struct Conv {
    std::string what;
    Shape x, w;
    Conv2dOptions options;
  };
  for (const auto& [what, sx, sw, options] : std::vector<Conv>{
           {"padding per side", {1, 4, 3, 2}, {2, 3, 2, 2}, {.padding = {2, 0, 1, 3}}},
           {"padding 1, 2", {1, 3, 4, 1}, {2, 3, 3, 1}, {.padding = {1, 2}}},
           {"dilation", {2, 5, 6, 1}, {2, 2, 3, 1}, {.dilation = 2}},
           {"dilation, stride, padding",
            {1, 6, 5, 2},
            {1, 2, 2, 2},
            {.stride = {2, 1}, .padding = {1, 0, 2, 1}, .dilation = {2, 3}}},
           {"dilation over the whole image", {1, 3, 3, 1}, {1, 3, 3, 1}, {.padding = 3, .dilation = 3}},
           {"2 groups", {2, 4, 4, 4}, {2, 3, 3, 2}, {.padding = 1, .groups = 2}},
           {"3 groups, dilation and stride",
            {1, 5, 5, 6},
            {6, 2, 3, 2},
            {.stride = 2, .padding = {0, 1}, .dilation = {2, 1}, .groups = 3}},
           {"2 groups, pointwise", {2, 2, 3, 4}, {6, 1, 1, 2}, {.groups = 2}},
           {"2 groups, pointwise with stride", {1, 3, 3, 4}, {2, 1, 1, 2}, {.stride = 2, .groups = 2}},
           {"pointwise with padding", {1, 2, 2, 2}, {2, 1, 1, 2}, {.padding = {0, 1}}},
           {"depthwise", {2, 4, 5, 3}, {3, 3, 3, 1}, {.padding = 1, .groups = 3}},
           {"depthwise, stride", {1, 5, 6, 2}, {2, 3, 2, 1}, {.stride = {2, 3}, .padding = {1, 0, 0, 2}, .groups = 2}},
           {"depthwise, dilation and stride",
            {1, 7, 6, 2},
            {2, 3, 3, 1},
            {.stride = {2, 3}, .padding = {2, 3}, .dilation = {3, 2}, .groups = 2}},
           {"depthwise, equal dilation and stride",
            {1, 5, 6, 2},
            {2, 2, 3, 1},
            {.stride = 2, .padding = {1, 2}, .dilation = 2, .groups = 2}},
           {"depthwise, 2 outputs a channel", {2, 3, 4, 2}, {4, 2, 3, 1}, {.padding = {1, 0, 0, 1}, .groups = 2}},
           {"depthwise, pointwise", {1, 2, 3, 3}, {3, 1, 1, 1}, {.groups = 3}},
           {"depthwise, many channels", {1, 3, 3, 19}, {19, 2, 2, 1}, {.groups = 19}},
           {"depthwise, no images", {0, 3, 3, 2}, {2, 2, 2, 1}, {.groups = 2}},
           {"groups, no images", {0, 3, 3, 4}, {2, 2, 2, 2}, {.groups = 2}}}) {
    const naive::Conv conv(options);
    const Shape sy = conv.result(sx, sw);
    const bool empty = sx[0] == 0;
    add_row(
        "conv2d", "conv2d " + what, [options = options](const auto& x) { return conv2d(x[0], x[1], x[2], options); },
        Shapes{sx, sw, {sw[0]}}, [conv](In x) { return conv.forward(x[0], x[1], &x[2]); },
        Details{.kept = {b, a, none}, .allow_zero = empty});
    add_row(
        "conv2d_input_grad", "conv2d_input_grad " + what,
        [sx = sx, options = options](const auto& x) { return conv2d_input_grad(x[0], x[1], sx, options); }, Shapes{sy, sw},
        [sx = sx, conv](In x) { return conv.input_grad(x[0], x[1], sx); }, Details{.kept = {b, a}, .allow_zero = empty});
    add_row(
        "conv2d_weight_grad", "conv2d_weight_grad " + what,
        [sw = sw, options = options](const auto& x) { return conv2d_weight_grad(x[0], x[1], sw, options); }, Shapes{sx, sy},
        [sw = sw, conv](In x) { return conv.weight_grad(x[0], x[1], sw); }, Details{.kept = {b, a}, .allow_zero = empty});
  }
  struct Columns {
    Shape x;
    Extent2d size;
    Im2colOptions options;
  };
  for (const auto& [sx, size, options] : std::vector<Columns>{{{2, 4, 3, 2}, 2, {}},
                                                              {{1, 4, 5, 1}, {3, 2}, {.stride = {2, 1}, .padding = {1, 0, 2, 1}}},
                                                              {{1, 5, 5, 2}, {2, 3}, {.padding = {1, 0}, .dilation = {3, 2}}},
                                                              {{2, 2, 2, 3}, 1, {}},
                                                              {{0, 3, 3, 1}, 2, {}}}) {
    const naive::Conv conv({options.stride, options.padding, options.dilation});
    const auto kh = static_cast<std::size_t>(size.h), kw = static_cast<std::size_t>(size.w);
    const Shape columns = conv.columns(zeros<double>(sx), kh, kw).shape();
    const bool empty = sx[0] == 0;
    add_row(
        "im2col", "im2col " + to_string(sx),
        [=, size = size, options = options](const auto& x) { return im2col(x[0], size, options); }, Shapes{sx},
        [=](In x) { return conv.columns(x[0], kh, kw); }, Details{.kept = {none}, .allow_zero = empty});
    add_row(
        "col2im", "col2im " + to_string(sx),
        [sx = sx, size = size, options = options](const auto& x) { return col2im(x[0], sx, size, options); }, Shapes{columns},
        [=, sx = sx](In x) { return conv.images(x[0], sx, kh, kw); }, Details{.kept = {none}, .allow_zero = empty});
  }
  struct Conv1 {
    Shape x, w;
    Conv1dOptions options;
  };
  for (const auto& [sx, sw, options] : std::vector<Conv1>{{{2, 6, 2}, {3, 3, 2}, {}},
                                                          {{1, 7, 2}, {2, 3, 2}, {.stride = 2, .padding = {2, 1}, .dilation = 2}},
                                                          {{2, 5, 4}, {4, 2, 2}, {.padding = 1, .groups = 2}},
                                                          {{1, 5, 3}, {3, 3, 1}, {.groups = 3}}}) {
    const naive::Conv conv(
        {{1, options.stride}, {0, 0, options.padding.left, options.padding.right}, {1, options.dilation}, options.groups});
    const auto reference = [conv](In x) {
      const Shape &in = x[0].shape(), &w = x[1].shape();
      const A result = conv.forward(naive::reshape(x[0], {in[0], 1, in[1], in[2]}), naive::reshape(x[1], {w[0], 1, w[1], w[2]}),
                                    x.size() == 3 ? &x[2] : nullptr);
      return naive::reshape(result, {result.shape()[0], result.shape()[2], result.shape()[3]});
    };
    add_row(
        "conv1d", "conv1d " + to_string(sx), [options = options](const auto& x) { return conv1d(x[0], x[1], options); },
        Shapes{sx, sw}, reference, Details{.kept = {other, other}});
    add_row(
        "conv1d", "conv1d with bias " + to_string(sx),
        [options = options](const auto& x) { return conv1d(x[0], x[1], x[2], options); }, Shapes{sx, sw, {sw[0]}}, reference,
        Details{.kept = {other, other, none}});
  }
  struct Transposed {
    Shape x, w, result;
    ConvTranspose2dOptions options;
  };
  for (const auto& [sx, sw, sy, options] :
       std::vector<Transposed>{{{2, 2, 3, 2}, {2, 3, 2, 3}, {2, 4, 4, 3}, {}},
                               {{1, 3, 2, 2}, {2, 3, 3, 1}, {1, 5, 3, 1}, {.stride = 2, .padding = 1}},
                               {{1, 2, 2, 1},
                                {1, 3, 2, 2},
                                {1, 4, 8, 2},
                                {.stride = {2, 3}, .padding = {1, 1, 0, 0}, .output_padding = {1, 2}, .dilation = {1, 2}}},
                               {{1, 3, 3, 4}, {4, 2, 2, 1}, {1, 3, 4, 2}, {.padding = {1, 0, 0, 0}, .groups = 2}},
                               {{1, 2, 3, 2}, {2, 2, 2, 1}, {1, 4, 6, 2}, {.stride = 2, .groups = 2}}}) {
    const naive::Conv conv({options.stride, options.padding, options.dilation, options.groups});
    const auto reference = [conv, sy = sy](In x) { return conv.input_grad(x[0], x[1], sy, x.size() == 3 ? &x[2] : nullptr); };
    add_row(
        "conv_transpose2d", "conv_transpose2d " + to_string(sx),
        [options = options](const auto& x) { return conv_transpose2d(x[0], x[1], options); }, Shapes{sx, sw}, reference,
        Details{.kept = {b, a}});
    add_row(
        "conv_transpose2d", "conv_transpose2d with bias " + to_string(sx),
        [options = options](const auto& x) { return conv_transpose2d(x[0], x[1], x[2], options); }, Shapes{sx, sw, {sy[3]}},
        reference, Details{.kept = {b, a, none}});
  }
  return std::move(add_row.rows);
}

std::vector<Row> window_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  struct Pool {
    Shape x;
    Extent2d size;
    AvgPool2dOptions options;
  };
  for (const auto& [sx, size, options] :
       std::vector<Pool>{{{2, 4, 4, 2}, 2, {}},
                         {{1, 5, 4, 3}, 3, {.stride = 1, .padding = 1}},
                         {{1, 4, 5, 1}, {2, 3}, {.stride = {1, 2}, .padding = {1, 0, 2, 1}}},
                         {{1, 5, 6, 2}, 2, {.ceil_mode = true}},
                         {{1, 5, 5, 1}, 2, {.padding = {0, 1, 1, 1}, .ceil_mode = true}},
                         {{1, 6, 4, 2}, {3, 2}, {.stride = {2, 3}, .padding = {1, 1}, .ceil_mode = true}},
                         {{1, 3, 3, 17}, 2, {.stride = 1}},
                         {{1, 4, 4, 1}, 3, {.stride = 4, .padding = 2, .ceil_mode = true}},
                         {{0, 4, 4, 1}, 2, {.padding = 1}}}) {
    const auto stride = options.stride.value_or(size);
    const auto& p = options.padding;
    const naive::Pool pool{size.h, size.w, stride.h, stride.w, p.top, p.bottom, p.left, p.right, options.ceil_mode};
    const Pool2dOptions chosen{options.stride, options.padding, options.ceil_mode};
    const std::string what =
        to_string(sx) + " window " + std::to_string(size.h) + "x" + std::to_string(size.w) + (options.ceil_mode ? " ceil" : "");
    const bool empty = sx[0] == 0;
    add_row(
        "max_pool2d", "max_pool2d " + what, [size = size, chosen](const auto& x) { return max_pool2d(x[0], size, chosen); },
        Shapes{sx}, [pool](In x) { return pool(x[0], naive::largest); },
        Details{.kept = {none}, .distinct = true, .allow_zero = empty});
    add_row(
        "min_pool2d", "min_pool2d " + what, [size = size, chosen](const auto& x) { return min_pool2d(x[0], size, chosen); },
        Shapes{sx}, [pool](In x) { return pool(x[0], naive::smallest); },
        Details{.kept = {none}, .distinct = true, .allow_zero = empty});
    for (const bool count : {false, true}) {
      AvgPool2dOptions all = options;
      all.count_include_pad = count;
      add_row(
          "avg_pool2d", "avg_pool2d " + what + (count ? "" : " without padding"),
          [size = size, all](const auto& x) { return avg_pool2d(x[0], size, all); }, Shapes{sx},
          [pool, count](In x) { return pool(x[0], count ? naive::mean_of_padded : naive::mean_of_pixels); },
          Details{.kept = {none}, .allow_zero = empty});
    }
  }
  struct Adaptive {
    Shape x;
    Extent2d size;
  };
  for (const auto& [sx, size] : std::vector<Adaptive>{
           {{2, 4, 6, 2}, {2, 3}}, {{1, 5, 7, 2}, {3, 2}}, {{1, 3, 2, 1}, {5, 3}}, {{2, 3, 3, 3}, 1}, {{0, 3, 3, 1}, 2}}) {
    const auto oh = static_cast<std::size_t>(size.h), ow = static_cast<std::size_t>(size.w);
    const bool empty = sx[0] == 0;
    add_row(
        "adaptive_avg_pool2d", "adaptive_avg_pool2d " + to_string(sx),
        [size = size](const auto& x) { return adaptive_avg_pool2d(x[0], size); }, Shapes{sx},
        [=](In x) { return naive::adaptive_pool(x[0], oh, ow, naive::mean_of_pixels); },
        Details{.kept = {none}, .allow_zero = empty});
    add_row(
        "adaptive_max_pool2d", "adaptive_max_pool2d " + to_string(sx),
        [size = size](const auto& x) { return adaptive_max_pool2d(x[0], size); }, Shapes{sx},
        [=](In x) { return naive::adaptive_pool(x[0], oh, ow, naive::largest); },
        Details{.kept = {none}, .distinct = true, .allow_zero = empty});
  }
  add_row(
      "global_avg_pool2d", "global_avg_pool2d", [](const auto& x) { return global_avg_pool2d(x[0]); }, Shapes{{2, 3, 4, 2}},
      [](In x) {
        return A(naive::sum(x[0], {1, 2}, {2, 2}) / 12);
      },
      Details{.kept = {none}});

  struct Deform {
    Shape x;
    DistanceTransformPool2dOptions options;
    Domain weights;
  };
  const Domain gentle{0.05, 0.3}, any{-0.5, 0.5};
  for (const auto& [sx, options, domain] : std::vector<Deform>{{{2, 4, 3, 2}, {}, gentle},
                                                               {{1, 4, 5, 2}, {}, any},
                                                               {{1, 5, 6, 1}, {.stride = {2, 3}}, gentle},
                                                               {{1, 5, 4, 2}, {.reach = {1, 2}}, gentle},
                                                               {{1, 4, 4, 1}, {.stride = 2, .reach = 1}, any},
                                                               {{1, 3, 3, 2}, {.reach = 0}, gentle},
                                                               {{0, 3, 3, 1}, {}, gentle}}) {
    const auto [stride, reach] = options;
    const std::ptrdiff_t reach_h = reach ? reach->h : 99, reach_w = reach ? reach->w : 99;
    // reach 0: no displacement, so the weights do not matter
    add_row(
        "distance_transform_pool2d", "distance_transform_pool2d " + to_string(sx),
        [options = options](const auto& x) { return distance_transform_pool2d(x[0], x[1], options); }, Shapes{sx, {sx[3], 4}},
        [stride = stride, reach_h, reach_w](In x) {
          return naive::distance_transform_pool2d(x[0], x[1], stride.h, stride.w, reach_h, reach_w);
        },
        Details{.kept = {none, none}, .domains = {{-2, 2}, domain}, .allow_zero = reach_h == 0 || sx[0] == 0});
  }

  struct Size {
    Shape x;
    Extent2d size;
  };
  for (const auto& [sx, size] : std::vector<Size>{{{2, 3, 4, 2}, {6, 5}},
                                                  {{1, 5, 6, 1}, {2, 3}},
                                                  {{1, 2, 3, 3}, {1, 7}},
                                                  {{1, 1, 1, 2}, {3, 2}},
                                                  {{1, 4, 4, 1}, 4},
                                                  {{0, 2, 2, 1}, 3}}) {
    const auto oh = static_cast<std::size_t>(size.h), ow = static_cast<std::size_t>(size.w);
    const Details details{{none}, {{}}, false, sx[0] == 0};
    const std::string what = "interpolate " + to_string(sx) + " to " + std::to_string(oh) + "x" + std::to_string(ow);
    add_row(
        "interpolate", what + " nearest", [size = size](const auto& x) { return interpolate(x[0], size); }, Shapes{sx},
        [=](In x) { return naive::resample(x[0], oh, ow, naive::nearest); }, details);
    add_row(
        "interpolate", what + " bilinear",
        [size = size](const auto& x) { return interpolate(x[0], size, {.mode = Interpolation::bilinear}); }, Shapes{sx},
        [=](In x) { return naive::resample(x[0], oh, ow, naive::centred); }, details);
    add_row(
        "interpolate", what + " bilinear, corners",
        [size = size](const auto& x) { return interpolate(x[0], size, {.mode = Interpolation::bilinear, .align_corners = true}); },
        Shapes{sx}, [=](In x) { return naive::resample(x[0], oh, ow, naive::cornered); }, details);
  }
  return std::move(add_row.rows);
}

}  // namespace op_table
