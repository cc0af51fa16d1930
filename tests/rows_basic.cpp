// Rows of the operations that LeNet is made of.
#include "op_table.hpp"

namespace op_table {
std::vector<Row> basic_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  const Details keeps_nothing{{none}};
  const Labels labels = Labels{2, 0, 4};
  static const Labels grid = {{0, 2}, {1, 1}, {2, 0}};
  for (const Shape& s : Shapes{{3, 4}, {}, {2, 1, 3}, {4, 1}, {0, 3}, {1}}) {
    const auto n = static_cast<double>(size_of(s));
    add_row(
        "where", "where(mask, a, b)", [s](const auto& x) { return where(checker(s), x[0], x[1]); }, Shapes{s, s},
        [s](In x) {
          return naive::fill(s, [&](const Shape& i) { return naive::at(checker(s), i) ? naive::at(x[0], i) : naive::at(x[1], i); });
        },
        Details{.kept = {none, none}, .allow_zero = true});
    add_row(
        "where", "where(mask, a, number)", [s](const auto& x) { return where(checker(s), x[0], 7); }, Shapes{s},
        [s](In x) { return naive::fill(s, [&](const Shape& i) { return naive::at(checker(s), i) ? naive::at(x[0], i) : 7; }); },
        Details{.kept = {none}, .allow_zero = true});
    add_row(
        "where", "where(mask, number, a)", [s](const auto& x) { return where(checker(s), 7, x[0]); }, Shapes{s},
        [s](In x) { return naive::fill(s, [&](const Shape& i) { return naive::at(checker(s), i) ? 7 : naive::at(x[0], i); }); },
        Details{.kept = {none}, .allow_zero = true});
    add_row(
        "sum", "sum", [](const auto& x) { return sum(x[0]); }, Shapes{s}, [](In x) { return naive::total(x[0]); }, keeps_nothing);
    if (n > 0)
      add_row(
          "mean", "mean", [](const auto& x) { return mean(x[0]); }, Shapes{s}, [n](In x) { return naive::total(x[0], n); },
          keeps_nothing);
    add_row(
        "flatten", "flatten all", [](const auto& x) { return flatten(x[0], 0); }, Shapes{s},
        [](In x) { return naive::reshape(x[0], {x[0].size()}); }, keeps_nothing);
    add_row(
        "transpose", "transpose", [](const auto& x) { return transpose(x[0]); }, Shapes{s},
        [](In x) {
          std::vector<std::size_t> axes;
          for (std::size_t k = x[0].dimension(); k-- > 0;) axes.push_back(k);
          return naive::permute(x[0], axes);
        },
        keeps_nothing);
  }
  add_row(
      "where", "where broadcasts",
      [](const auto& x) {
        return where(checker({4, 1, 1}), x[0], x[1]);
      },
      Shapes{{2, 1}, {3}},
      [](In x) {
        return naive::fill({4, 2, 3}, [&](const Shape& i) {
          return naive::at(checker({4, 1, 1}), i) ? naive::at(x[0], i) : naive::at(x[1], i);
        });
      },
      Details{.kept = {none, none}});

  add_row(
      "sum", "sum axis 0", [](const auto& x) { return sum(x[0], 0); }, Shapes{{3, 4}},
      [](In x) { return naive::sum(x[0], {0}, {4}); }, keeps_nothing);
  add_row(
      "sum", "sum axis -1", [](const auto& x) { return sum(x[0], -1); }, Shapes{{3, 4}},
      [](In x) { return naive::sum(x[0], {1}, {3}); }, keeps_nothing);
  add_row(
      "sum", "sum axes 0, 2",
      [](const auto& x) {
        return sum(x[0], {0, 2});
      },
      Shapes{{3, 4, 2}},
      [](In x) {
        return naive::sum(x[0], {0, 2}, {4});
      },
      keeps_nothing);
  add_row(
      "sum", "sum axes -1, 1 of 4",
      [](const auto& x) {
        return sum(x[0], {-1, 1});
      },
      Shapes{{2, 3, 2, 4}},
      [](In x) {
        return naive::sum(x[0], {1, 3}, {2, 2});
      },
      keeps_nothing);
  add_row(
      "sum", "sum keepdims", [](const auto& x) { return sum(x[0], {1}, {.keepdims = true}); }, Shapes{{3, 4, 2}},
      [](In x) {
        return naive::sum(x[0], {1}, {3, 1, 2});
      },
      keeps_nothing);
  add_row(
      "sum", "sum no elements", [](const auto& x) { return sum(x[0], 0); }, Shapes{{0, 4}},
      [](In x) { return naive::sum(x[0], {0}, {4}); }, keeps_nothing);
  add_row(
      "sum", "sum long", [](const auto& x) { return sum(x[0], 1); }, Shapes{{2, 255, 3}},
      [](In x) {
        return naive::sum(x[0], {1}, {2, 3});
      },
      keeps_nothing);
  add_row(
      "mean", "mean axis -2", [](const auto& x) { return mean(x[0], -2); }, Shapes{{2, 3, 4}},
      [](In x) {
        return naive::sum(x[0], {1}, {2, 4}) / 3;
      },
      keeps_nothing);
  add_row(
      "mean", "mean keepdims",
      [](const auto& x) {
        return mean(x[0], {0, 2}, {.keepdims = true});
      },
      Shapes{{2, 3, 4}},
      [](In x) {
        return naive::sum(x[0], {0, 2}, {1, 3, 1}) / 8;
      },
      keeps_nothing);
  add_row(
      "sum_to", "sum_to",
      [](const auto& x) {
        return sum_to(x[0], {3, 1});
      },
      Shapes{{2, 3, 4}},
      [](In x) {
        return naive::reshape(naive::sum(x[0], {0, 2}, {3}), {3, 1});
      },
      keeps_nothing);
  add_row(
      "sum_to", "sum_to a number", [](const auto& x) { return sum_to(x[0], {}); }, Shapes{{2, 3}},
      [](In x) { return naive::total(x[0]); }, keeps_nothing);
  add_row(
      "reshape", "reshape",
      [](const auto& x) {
        return reshape(x[0], {-1, 2, 2});
      },
      Shapes{{3, 4}},
      [](In x) {
        return naive::reshape(x[0], {3, 2, 2});
      },
      keeps_nothing);
  add_row(
      "reshape", "reshape to ()", [](const auto& x) { return reshape(x[0], {}); }, Shapes{{1, 1}},
      [](In x) { return naive::reshape(x[0], {}); }, keeps_nothing);
  add_row(
      "reshape", "reshape a last reference", [](const auto& x) { return reshape(exp(x[0]), {6}); }, Shapes{{2, 3}},
      [](In x) { return A(xt::exp(naive::reshape(x[0], {6}))); }, Details{.kept = {other}});
  add_row(
      "reshape", "reshape empty",
      [](const auto& x) {
        return reshape(x[0], {3, 0});
      },
      Shapes{{0, 5}},
      [](In x) {
        return naive::reshape(x[0], {3, 0});
      },
      keeps_nothing);
  add_row(
      "flatten", "flatten", [](const auto& x) { return flatten(x[0]); }, Shapes{{2, 3, 2}},
      [](In x) {
        return naive::reshape(x[0], {2, 6});
      },
      keeps_nothing);
  add_row(
      "permute", "permute",
      [](const auto& x) {
        return permute(x[0], {2, 0, -2});
      },
      Shapes{{2, 3, 4}},
      [](In x) {
        return naive::permute(x[0], {2, 0, 1});
      },
      keeps_nothing);
  add_row(
      "permute", "permute of 5",
      [](const auto& x) {
        return permute(x[0], {4, 1, 0, 3, 2});
      },
      Shapes{{2, 3, 1, 2, 2}},
      [](In x) {
        return naive::permute(x[0], {4, 1, 0, 3, 2});
      },
      keeps_nothing);
  add_row(
      "transpose", "transpose(axes)",
      [](const auto& x) {
        return transpose(x[0], {0, 2, 1});
      },
      Shapes{{2, 3, 4}},
      [](In x) {
        return naive::permute(x[0], {0, 2, 1});
      },
      keeps_nothing);
  add_row(
      "broadcast_to", "broadcast_to",
      [](const auto& x) {
        return broadcast_to(x[0], {2, 3, 4});
      },
      Shapes{{3, 1}},
      [](In x) {
        return naive::fill({2, 3, 4}, [&](const Shape& i) { return naive::at(x[0], i); });
      },
      keeps_nothing);
  add_row(
      "broadcast_to", "broadcast_to from ()",
      [](const auto& x) {
        return broadcast_to(x[0], {2, 3});
      },
      Shapes{{}},
      [](In x) {
        return naive::fill({2, 3}, [&](const Shape& i) { return naive::at(x[0], i); });
      },
      keeps_nothing);
  add_row(
      "broadcast_to", "broadcast_to empty",
      [](const auto& x) {
        return broadcast_to(x[0], {0, 3});
      },
      Shapes{{1, 3}},
      [](In) {
        return zeros<double>({0, 3});
      },
      Details{.kept = {none}, .allow_zero = true});

  struct Product {
    Shape a, b;
    bool ta, tb;
    std::uint32_t keep_a, keep_b;
  };
  for (const auto& [sa, sb, ta, tb, ka, kb] :
       std::vector<Product>{{{2, 3}, {3, 4}, false, false, b, a},        {{3, 2}, {3, 4}, true, false, b, a},
                            {{2, 3}, {4, 3}, false, true, b, a},         {{3, 2}, {4, 3}, true, true, b, a},
                            {{1, 5}, {5, 1}, false, false, b, a},        {{4}, {4}, false, false, other, other},
                            {{4}, {4, 2}, false, false, b, other},       {{3, 4}, {4}, false, false, other, a},
                            {{4}, {2, 4}, false, true, b, other},        {{4, 3}, {4}, true, false, other, a},
                            {{4}, {3, 4, 2}, false, false, b, other},    {{2, 3, 4}, {4}, false, false, other, a},
                            {{2, 3, 4}, {2, 4, 2}, false, false, b, a},  {{2, 3, 4}, {4, 2}, false, false, b, a},
                            {{3, 4}, {2, 4, 2}, false, false, b, a},     {{2, 1, 3, 2}, {3, 2, 4}, false, false, b, a},
                            {{2, 4, 3}, {1, 4, 2}, true, false, b, a},   {{2, 3, 4}, {2, 4}, false, true, b, a},
                            {{2, 4, 3}, {3, 1, 2, 4}, true, true, b, a}, {{2, 4, 3}, {4, 2}, true, false, b, a},
                            {{2, 0}, {0, 3}, false, false, b, a},        {{0, 2}, {2, 3}, false, false, b, a},
                            {{0, 2, 3}, {3, 2}, false, false, b, a}})
    add_row(
        "matmul", "matmul " + to_string(sa) + (ta ? "ᵀ " : " ") + to_string(sb) + (tb ? "ᵀ" : ""),
        [ta = ta, tb = tb](const auto& x) { return matmul(x[0], x[1], {.transpose_a = ta, .transpose_b = tb}); }, Shapes{sa, sb},
        [ta = ta, tb = tb](In x) { return naive::matmul(x[0], x[1], ta, tb); },
        Details{.kept = {ka, kb}, .allow_zero = sa.back() == 0 || sa[0] == 0});
  struct Layer {
    Shape x;
    std::uint32_t kept;
  };
  for (const auto& [shape, kept] : std::vector<Layer>{{{2, 3}, a}, {{3}, other}, {{2, 2, 3}, other}, {{0, 3}, a}}) {
    const auto reference = [](In x) {
      A r = naive::matmul(x[0], x[1], false, true);
      return x.size() == 3 ? A(r + x[2]) : r;
    };
    const bool empty = size_of(shape) == 0;
    add_row(
        "linear", "linear " + to_string(shape), [](const auto& x) { return linear(x[0], x[1], x[2]); }, Shapes{shape, {4, 3}, {4}},
        reference, Details{.kept = {b, kept, none}, .allow_zero = empty});
    add_row(
        "linear", "linear without bias " + to_string(shape), [](const auto& x) { return linear(x[0], x[1]); },
        Shapes{shape, {4, 3}}, reference, Details{.kept = {b, kept}, .allow_zero = empty});
  }

  struct Conv {
    Shape x, w;
    Extent2d stride, padding;
  };
  for (const auto& [sx, sw, stride, padding] : std::vector<Conv>{{{2, 4, 5, 2}, {3, 3, 3, 2}, 1, 0},
                                                                 {{1, 5, 4, 2}, {2, 3, 3, 2}, 1, 1},
                                                                 {{2, 6, 5, 1}, {2, 3, 2, 1}, {2, 1}, {1, 2}},
                                                                 {{1, 7, 7, 1}, {1, 3, 3, 1}, 3, 0},
                                                                 {{2, 3, 3, 2}, {3, 1, 1, 2}, 1, 0},
                                                                 {{1, 4, 4, 2}, {2, 1, 1, 2}, 2, 0},
                                                                 {{1, 2, 2, 1}, {1, 3, 3, 1}, 1, {3, 2}},
                                                                 {{1, 3, 4, 2}, {2, 3, 4, 2}, 1, 0},
                                                                 {{0, 3, 3, 1}, {2, 2, 2, 1}, 1, 0}}) {
    const naive::Window window{stride.h, stride.w, padding.h, padding.w};
    const Conv2dOptions options{stride, padding};
    const Shape sy = naive::conv_shape(sx, sw, window);
    const bool empty = sx[0] == 0;
    const std::string what = to_string(sx) + " " + to_string(sw);
    add_row(
        "conv2d", "conv2d " + what, [options](const auto& x) { return conv2d(x[0], x[1], options); }, Shapes{sx, sw},
        [window](In x) { return naive::conv2d(x[0], x[1], window); }, Details{.kept = {b, a}, .allow_zero = empty});
    add_row(
        "conv2d", "conv2d with bias " + what, [options](const auto& x) { return conv2d(x[0], x[1], x[2], options); },
        Shapes{sx, sw, {sw[0]}}, [window](In x) { return naive::conv2d(x[0], x[1], window, &x[2]); },
        Details{.kept = {b, a, none}, .allow_zero = empty});
    add_row(
        "conv2d_input_grad", "conv2d_input_grad " + what,
        [sx = sx, options](const auto& x) { return conv2d_input_grad(x[0], x[1], sx, options); }, Shapes{sy, sw},
        [sx = sx, window](In x) { return naive::conv2d_input_grad(x[0], x[1], sx, window); },
        Details{.kept = {b, a}, .allow_zero = empty});
    add_row(
        "conv2d_weight_grad", "conv2d_weight_grad " + what,
        [sw = sw, options](const auto& x) { return conv2d_weight_grad(x[0], x[1], sw, options); }, Shapes{sx, sy},
        [sw = sw, window](In x) { return naive::conv2d_weight_grad(x[0], x[1], sw, window); },
        Details{.kept = {b, a}, .allow_zero = empty});
  }
  struct Pool {
    Shape x;
    Extent2d size, stride;
  };
  for (const auto& [sx, size, stride] : std::vector<Pool>{{{2, 4, 4, 3}, 2, 2},
                                                          {{1, 5, 6, 2}, 3, 2},
                                                          {{1, 5, 5, 1}, 2, 2},
                                                          {{1, 4, 6, 2}, {1, 3}, {2, 1}},
                                                          {{1, 3, 3, 1}, 3, 1},
                                                          {{1, 5, 5, 1}, 1, 2},
                                                          {{0, 4, 4, 1}, 2, 2}})
    add_row(
        "max_pool2d", "max_pool2d " + to_string(sx),
        [size = size, stride = stride](const auto& x) { return max_pool2d(x[0], size, {.stride = stride}); }, Shapes{sx},
        [size = size, stride = stride](In x) {
          return naive::max_pool2d(x[0], static_cast<std::size_t>(size.h), static_cast<std::size_t>(size.w),
                                   static_cast<std::size_t>(stride.h), static_cast<std::size_t>(stride.w));
        },
        Details{.kept = {none}, .distinct = true, .allow_zero = sx[0] == 0});
  add_row(
      "max_pool2d", "max_pool2d of square", [](const auto& x) { return max_pool2d(square(x[0]), 2); }, Shapes{{1, 4, 4, 2}},
      [](In x) { return naive::max_pool2d(A(xt::square(x[0])), 2, 2, 2, 2); },
      Details{.kept = {a}, .domains = {{0.2, 2}}, .distinct = true});
  add_row(
      "max_pool2d", "max_pool2d default stride",
      [](const auto& x) {
        return max_pool2d(x[0], {2, 3});
      },
      Shapes{{1, 5, 6, 2}}, [](In x) { return naive::max_pool2d(x[0], 2, 3, 2, 3); }, Details{.kept = {none}, .distinct = true});

  struct Soft {
    Shape x;
    int axis;
    std::size_t k;
    std::uint32_t kept;
  };
  for (const auto& [s, axis, k, kept] : std::vector<Soft>{{{3, 4}, -1, 1, y},
                                                          {{4}, 0, 0, y},
                                                          {{3, 4}, 0, 0, other},
                                                          {{2, 3, 4}, -2, 1, other},
                                                          {{2, 3, 4}, 0, 0, other},
                                                          {{2, 9, 17}, 2, 2, y},
                                                          {{0, 3}, 1, 1, y},
                                                          {{3, 0}, 1, 1, y}}) {
    const bool empty = size_of(s) == 0;
    add_row(
        "softmax", "softmax " + to_string(s) + " axis " + std::to_string(axis),
        [axis = axis](const auto& x) { return softmax(x[0], axis); }, Shapes{s}, [k = k](In x) { return naive::softmax(x[0], k); },
        Details{.kept = {kept}, .allow_zero = empty});
    add_row(
        "log_softmax", "log_softmax " + to_string(s) + " axis " + std::to_string(axis),
        [axis = axis](const auto& x) { return log_softmax(x[0], axis); }, Shapes{s},
        [k = k](In x) { return naive::log_softmax(x[0], k); }, Details{.kept = {kept}, .allow_zero = empty});
  }
  add_row(
      "cross_entropy", "cross_entropy", [labels](const auto& x) { return cross_entropy(x[0], labels); }, Shapes{{3, 5}},
      [labels](In x) { return naive::total(naive::cross_entropy(x[0], labels), 3); }, Details{.kept = {a}});
  add_row(
      "cross_entropy", "cross_entropy sum",
      [labels](const auto& x) { return cross_entropy(x[0], labels, {.reduction = Reduction::sum}); }, Shapes{{3, 5}},
      [labels](In x) { return naive::total(naive::cross_entropy(x[0], labels)); }, Details{.kept = {a}});
  add_row(
      "cross_entropy", "cross_entropy none",
      [labels](const auto& x) { return cross_entropy(x[0], labels, {.reduction = Reduction::none}); }, Shapes{{3, 5}},
      [labels](In x) { return naive::cross_entropy(x[0], labels); }, Details{.kept = {a}});
  add_row(
      "cross_entropy", "cross_entropy leading axes",
      [](const auto& x) { return cross_entropy(x[0], grid, {.reduction = Reduction::none}); }, Shapes{{3, 2, 3}},
      [](In x) { return naive::cross_entropy(x[0], grid); }, Details{.kept = {a}});
  add_row(
      "cross_entropy", "cross_entropy of one sample",
      [](const auto& x) { return cross_entropy(x[0], full<std::int64_t>(Shape{}, 1)); }, Shapes{{4}},
      [](In x) { return naive::cross_entropy(x[0], full<std::int64_t>(Shape{}, 1)); }, Details{.kept = {a}});
  const auto squares = [](In x) { return A(xt::square(x[0] - x[1])); };
  add_row(
      "mse_loss", "mse_loss", [](const auto& x) { return mse_loss(x[0], x[1]); }, Shapes{{3, 2}, {3, 2}},
      [=](In x) { return naive::total(squares(x), 6); }, Details{.kept = {a | b, a | b}});
  add_row(
      "mse_loss", "mse_loss sum", [](const auto& x) { return mse_loss(x[0], x[1], {.reduction = Reduction::sum}); },
      Shapes{{3, 2}, {2}}, [=](In x) { return naive::total(squares(x)); }, Details{.kept = {a | b, a | b}});
  return std::move(add_row.rows);
}

}  // namespace op_table
