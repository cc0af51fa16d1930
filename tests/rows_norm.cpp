// Rows of op_table.hpp for normalisation, dropout and sequences.
#include "naive_linalg.hpp"
#include "op_table.hpp"

namespace naive {

/// x (samples, rows, groups, width), minus the mean per sample and group, divided by the deviation, in the shape it came in.
inline A normalise(const A& x, std::size_t samples, std::size_t rows, std::size_t groups, std::size_t width, double eps) {
  A out(x.shape());
  for (std::size_t s = 0; s < samples; ++s)
    for (std::size_t group = 0; group < groups; ++group) {
      const auto place = [&](const Shape& i) { return ((s * rows + i[0]) * groups + group) * width + i[1]; };
      double mean = 0, variance = 0;
      const auto n = static_cast<double>(rows * width);
      each({rows, width}, [&](const Shape& i) { mean += x.data()[place(i)] / n; });
      each({rows, width}, [&](const Shape& i) { variance += (x.data()[place(i)] - mean) * (x.data()[place(i)] - mean) / n; });
      each({rows, width}, [&](const Shape& i) { out.data()[place(i)] = (x.data()[place(i)] - mean) / std::sqrt(variance + eps); });
    }
  return out;
}
/// y · weight + bias along the last axes, where they are given.
inline A affine(const A& y, const std::vector<A>& x) {
  return fill(y.shape(),
              [&](const Shape& i) { return at(y, i) * (x.size() > 1 ? at(x[1], i) : 1) + (x.size() > 2 ? at(x[2], i) : 0); });
}
inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace naive

namespace op_table {

/// Element k, where there is one; else undefined.
template <class X>
auto optional(const X& x, std::size_t k) {
  return k < x.size() ? x[k] : typename X::value_type{};
}

std::vector<Row> norm_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  /// x alone, with weight, with both, with bias alone; what the gradients of x, weight and bias keep
  const auto with_affine = [&](const std::string& op, const std::string& name, const Shape& x, const Shape& channels,
                               const auto& run, std::function<A(const A&)> plain) {
    const bool empty = size_of(x) == 0;
    add_row(
        op, name, run, Shapes{x}, [plain](In v) { return plain(v[0]); }, Details{.kept = {a}, .allow_zero = empty});
    add_row(
        op, name + " with weight", run, Shapes{x, channels}, [plain](In v) { return naive::affine(plain(v[0]), v); },
        Details{.kept = {a | b, a}, .allow_zero = empty});
    add_row(
        op, name + " with weight and bias", run, Shapes{x, channels, channels},
        [plain](In v) { return naive::affine(plain(v[0]), v); }, Details{.kept = {a | b, a, none}, .allow_zero = empty});
  };
  for (const Shape& s : Shapes{{4, 3}, {2, 3, 2, 3}, {70, 5}, {4, 1}, {300, 2}, {9, 260}}) {
    const std::size_t channels = s.back(), n = size_of(s) / channels;
    const auto run = [channels](const auto& x) {
      using T = Real<decltype(x)>;
      return batch_norm(x[0], optional(x, 1), optional(x, 2), Variable<T>(zeros<T>({channels})), Variable<T>(ones<T>({channels})));
    };
    with_affine("batch_norm", "batch_norm " + to_string(s), s, {channels}, run,
                [n, channels](const A& x) { return naive::normalise(x, 1, n, channels, 1, 1e-5); });
  }
  add_row(
      "batch_norm", "batch_norm with bias", [](const auto& x) { return batch_norm(x[0], {}, x[1], {}, {}, {.eps = 0.1}); },
      Shapes{{5, 2}, {2}}, [](In x) { return A(naive::normalise(x[0], 1, 5, 2, 1, 0.1) + x[1]); }, Details{.kept = {a, none}});
  const auto evaluate = [](const auto& x) {
    using T = Real<decltype(x)>;
    return batch_norm(x[0], optional(x, 1), optional(x, 2), Array<T>{T(0.5), T(-1), T(2)}, Array<T>{T(0.5), T(1), T(3)},
                      {.training = false});
  };
  const auto evaluated = [](In x) {
    const A mean{0.5, -1, 2}, variance{0.5, 1, 3};
    return naive::affine(A((x[0] - mean) / xt::sqrt(variance + 1e-5)), x);
  };
  add_row("batch_norm", "batch_norm evaluation", evaluate, Shapes{{2, 2, 3}}, evaluated, Details{.kept = {other}});
  add_row("batch_norm", "batch_norm evaluation, affine", evaluate, Shapes{{2, 2, 3}, {3}, {3}}, evaluated,
          Details{.kept = {other, a | other, none}});
  add_row("batch_norm", "batch_norm evaluation of nothing", evaluate, Shapes{{0, 3}, {3}, {3}}, evaluated,
          Details{.kept = {other, a | other, none}, .allow_zero = true});

  for (const Shape& s : Shapes{{3, 4}, {2, 2, 5}, {6}, {2, 300}, {0, 4}}) {
    const std::size_t channels = s.back(), n = size_of(s) / channels;
    with_affine(
        "layer_norm", "layer_norm " + to_string(s), s, {channels},
        [](const auto& x) { return layer_norm(x[0], optional(x, 1), optional(x, 2)); },
        [n, channels](const A& x) { return naive::normalise(x, n, 1, 1, channels, 1e-5); });
  }
  with_affine(
      "layer_norm", "layer_norm of two axes", {3, 2, 4}, {2, 4},
      [](const auto& x) { return layer_norm(x[0], optional(x, 1), optional(x, 2), {.axes = 2, .eps = 0.01}); },
      [](const A& x) { return naive::normalise(x, 3, 1, 1, 8, 0.01); });
  with_affine(
      "group_norm", "group_norm", {2, 3, 2, 6}, {6},
      [](const auto& x) { return group_norm(x[0], 3, optional(x, 1), optional(x, 2)); },
      [](const A& x) { return naive::normalise(x, 2, 6, 3, 2, 1e-5); });
  with_affine(
      "group_norm", "group_norm of one group", {3, 4}, {4},
      [](const auto& x) { return group_norm(x[0], 1, optional(x, 1), optional(x, 2), {.eps = 0.1}); },
      [](const A& x) { return naive::normalise(x, 3, 1, 1, 4, 0.1); });
  with_affine(
      "instance_norm", "instance_norm", {2, 3, 2, 3}, {3},
      [](const auto& x) { return instance_norm(x[0], optional(x, 1), optional(x, 2)); },
      [](const A& x) { return naive::normalise(x, 2, 6, 3, 1, 1e-5); });

  const auto root_mean_square = [](const A& x, std::size_t n, double eps) {
    A out = x;
    for (std::size_t k = 0; k < x.size(); k += n) {
      double total = 0;
      for (std::size_t j = k; j < k + n; ++j) total += x.data()[j] * x.data()[j] / static_cast<double>(n);
      for (std::size_t j = k; j < k + n; ++j) out.data()[j] /= std::sqrt(total + eps);
    }
    return out;
  };
  add_row(
      "rms_norm", "rms_norm", [](const auto& x) { return rms_norm(x[0]); }, Shapes{{3, 4}},
      [=](In x) { return root_mean_square(x[0], 4, 1e-5); }, Details{.kept = {a | other}});
  add_row(
      "rms_norm", "rms_norm with weight", [](const auto& x) { return rms_norm(x[0], x[1]); }, Shapes{{2, 2, 3}, {3}},
      [=](In x) { return naive::affine(root_mean_square(x[0], 3, 1e-5), x); }, Details{.kept = {a | b | other, a | other}});
  add_row(
      "rms_norm", "rms_norm of two axes", [](const auto& x) { return rms_norm(x[0], x[1], {.axes = 2, .eps = 0.1}); },
      Shapes{{2, 2, 3}, {2, 3}}, [=](In x) { return naive::affine(root_mean_square(x[0], 6, 0.1), x); },
      Details{.kept = {a | b | other, a | other}});

  struct Response {
    Shape x;
    int size;
  };
  for (const auto& [s, size] :
       std::vector<Response>{{{2, 6}, 3}, {{2, 2, 5}, 2}, {{1, 4}, 5}, {{3}, 1}, {{2, 3}, 12}, {{0, 3}, 3}, {{2, 2, 2, 7}, 4}})
    add_row(
        "local_response_norm", "local_response_norm " + to_string(s) + " " + std::to_string(size),
        [size = size](const auto& x) { return local_response_norm(x[0], size, {.alpha = 0.5, .beta = 0.75, .k = 2}); }, Shapes{s},
        [size = size](In x) {
          return naive::fill(x[0].shape(), [&](const Shape& i) {
            double total = 0;
            for (int d = -(size / 2); d <= (size - 1) / 2; ++d) {
              const auto channel = static_cast<std::ptrdiff_t>(i.back()) + d;
              if (channel < 0 || channel >= static_cast<std::ptrdiff_t>(x[0].shape().back())) continue;
              Shape j = i;
              j.back() = static_cast<std::size_t>(channel);
              total += naive::at(x[0], j) * naive::at(x[0], j);
            }
            return naive::at(x[0], i) / std::pow(2 + 0.5 / size * total, 0.75);
          });
        },
        Details{.kept = {a | other}, .allow_zero = size_of(s) == 0});

  struct Length {
    Shape x;
    int p, axis;
    std::size_t k;
  };
  for (const auto& [s, p, axis, k] : std::vector<Length>{{{3, 4}, 2, -1, 1},
                                                         {{3, 4}, 1, -1, 1},
                                                         {{3, 4}, 2, 0, 0},
                                                         {{2, 3, 2}, 1, 1, 1},
                                                         {{5}, 2, 0, 0},
                                                         {{0, 3}, 2, 1, 1},
                                                         {{2, 0}, 1, 1, 1}})
    add_row(
        "normalize", "normalize " + to_string(s) + " L" + std::to_string(p) + " axis " + std::to_string(axis),
        [p = p, axis = axis](const auto& x) { return normalize(x[0], axis, {.p = p}); }, Shapes{s},
        [p = p, k = k](In x) {
          return naive::fill(x[0].shape(), [&](Shape i) {
            const double own = naive::at(x[0], i);
            double total = 0;
            for (i[k] = 0; i[k] < x[0].shape()[k]; ++i[k]) total += std::pow(std::abs(naive::at(x[0], i)), p);
            return own / std::pow(total, 1.0 / p);
          });
        },
        Details{.kept = {a | y | (s.size() > 1 ? other : none)},
                .domains = {{-2, 2, 0}},
                .distinct = false,
                .allow_zero = size_of(s) == 0});

  for (const double p : {0.0, 0.4, 1.0}) {
    const auto scaled = [p](double v, bool kept) { return kept ? v / (1 - p) : 0; };
    add_row(
        "dropout", "dropout " + std::to_string(p),
        [p](const auto& x) {
          Generator generator(7);
          return dropout(x[0], p, {}, generator);
        },
        Shapes{{3, 5}},
        [p, scaled](In x) {
          Generator generator(7);
          return naive::fill({3, 5}, [&](const Shape& i) { return scaled(naive::at(x[0], i), generator.uniform() >= p); });
        },
        Details{.kept = {none}, .allow_zero = p == 1});
    add_row(
        "dropout2d", "dropout2d " + std::to_string(p),
        [p](const auto& x) {
          Generator generator(7);
          return dropout2d(x[0], p, {}, generator);
        },
        Shapes{{2, 2, 3, 4}},
        [p, scaled](In x) {
          Generator generator(7);
          A mask(Shape{2, 4});
          for (double& m : std::span(mask.data(), 8)) m = generator.uniform() >= p;
          return naive::fill({2, 2, 3, 4}, [&](const Shape& i) {
            return scaled(naive::at(x[0], i), naive::at(mask, {i[0], i[3]}) != 0);
          });
        },
        Details{.kept = {none}, .allow_zero = p == 1});
  }
  add_row(
      "dropout", "dropout of a last reference",
      [](const auto& x) {
        Generator generator(7);
        return dropout(exp(x[0]), 0.3, {}, generator);
      },
      Shapes{{7}},
      [](In x) {
        Generator generator(7);
        return naive::fill({7},
                           [&](const Shape& i) { return generator.uniform() >= 0.3 ? std::exp(naive::at(x[0], i)) / 0.7 : 0; });
      },
      Details{.kept = {other}});
  add_row(
      "dropout", "dropout in evaluation", [](const auto& x) { return dropout(x[0] * 1, 0.3, {.training = false}); }, Shapes{{7}},
      [](In x) { return x[0]; }, Details{.kept = {none}});
  return std::move(add_row.rows);
}

std::vector<Row> sequence_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  /// allowed(i, j): whether query i may attend to key j
  const auto attention = [](In x, double scale, const std::function<bool(std::size_t, std::size_t)>& allowed) {
    A scores = naive::matmul(x[0], x[1], false, true);
    const std::size_t l = scores.shape()[scores.dimension() - 2], s = scores.shape().back();
    for (std::size_t r = 0; r * s < scores.size(); ++r) {
      double total = 0;
      double* row_of = scores.data() + r * s;
      for (std::size_t j = 0; j < s; ++j) total += row_of[j] = allowed(r % l, j) ? std::exp(scale * row_of[j]) : 0;
      for (std::size_t j = 0; j < s && total > 0; ++j) row_of[j] /= total;
    }
    return naive::matmul(scores, x[2]);
  };
  const auto all = [](std::size_t, std::size_t) { return true; };
  const auto earlier = [](std::size_t i, std::size_t j) { return j <= i; };
  const auto masked = [](std::size_t i, std::size_t j) { return (i * 5 + j) % 3 != 1 && i != 1; };  // query 1 attends to none
  const auto mask_of = [masked](std::size_t l, std::size_t s) {
    Mask mask(Shape{l, s});
    for (std::size_t k = 0; k < l * s; ++k) mask.data()[k] = masked(k / s, k % s);
    return mask;
  };
  struct Attention {
    Shape q, k, v;
  };
  for (const auto& [q, k, v] : std::vector<Attention>{{{3, 2}, {4, 2}, {4, 3}},
                                                      {{2, 3, 4}, {2, 3, 4}, {2, 3, 2}},
                                                      {{2, 2, 3, 2}, {2, 2, 3, 2}, {2, 2, 3, 2}},
                                                      {{2, 3, 2}, {4, 2}, {4, 3}},
                                                      {{0, 3, 2}, {0, 3, 2}, {0, 3, 2}}}) {
    const double scale = 1 / std::sqrt(static_cast<double>(q.back()));
    const std::size_t l = q[q.size() - 2], s = k[k.size() - 2];
    const Mask mask = mask_of(l, s);
    const bool empty = size_of(q) == 0;
    const std::string what = "attention " + to_string(q) + " " + to_string(k) + " " + to_string(v);
    const Details details{{b | c | other, c | other, other}, {{}}, false, empty};
    add_row(
        "scaled_dot_product_attention", what, [](const auto& x) { return scaled_dot_product_attention(x[0], x[1], x[2]); },
        Shapes{q, k, v}, [=](In x) { return attention(x, scale, all); }, details);
    add_row(
        "scaled_dot_product_attention", what + " causal",
        [](const auto& x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.causal = true, .scale = 0.7}); },
        Shapes{q, k, v}, [=](In x) { return attention(x, 0.7, earlier); }, details);
    add_row(
        "scaled_dot_product_attention", what + " masked",
        [mask](const auto& x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.mask = mask}); }, Shapes{q, k, v},
        [=](In x) { return attention(x, scale, masked); }, details);
    add_row(
        "scaled_dot_product_attention", what + " masked and causal",
        [mask](const auto& x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.causal = true, .mask = mask}); },
        Shapes{q, k, v},
        [=](In x) { return attention(x, scale, [=](std::size_t i, std::size_t j) { return masked(i, j) && j <= i; }); }, details);
    // a mask that is added: numbers that get a gradient, and -inf that forbids
    const auto with_bias = [=](In x, auto allowed) {
      A scores = A(scale * naive::matmul(x[0], x[1], false, true) + x[3]);
      for (std::size_t r = 0; r * s < scores.size(); ++r) {
        double total = 0;
        double* row_of = scores.data() + r * s;
        for (std::size_t j = 0; j < s; ++j) total += row_of[j] = allowed(r % l, j) ? std::exp(row_of[j]) : 0;
        for (std::size_t j = 0; j < s && total > 0; ++j) row_of[j] /= total;
      }
      return naive::matmul(scores, x[2]);
    };
    const Details biased{{b | c | other, c | other, other, c | other}, {{}}, false, empty};
    add_row(
        "scaled_dot_product_attention", what + " with numbers added",
        [](const auto& x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.mask = x[3]}); }, Shapes{q, k, v, {l, s}},
        [=](In x) { return with_bias(x, all); }, biased);
    add_row(
        "scaled_dot_product_attention", what + " with numbers and -inf added, causal",
        [mask](const auto& x) {
          return scaled_dot_product_attention(
              x[0], x[1], x[2], {.causal = true, .mask = where(mask, x[3], -std::numeric_limits<double>::infinity())});
        },
        Shapes{q, k, v, {1, s}},
        [=](In x) { return with_bias(x, [=](std::size_t i, std::size_t j) { return masked(i, j) && j <= i; }); }, biased);
  }

  const auto lstm = [](In x, bool want_c) {  // x, h, c, weight_ih, weight_hh, then the biases
    A sum = naive::matmul(x[0], x[3], false, true) + naive::matmul(x[1], x[4], false, true);
    if (x.size() > 5) sum = A(sum + x[5] + x[6]);
    const std::size_t n = x[1].shape().back();
    return naive::fill(x[1].shape(), [&](Shape i) {
      const double before = naive::at(x[2], i);
      const auto gate = [&](std::size_t k) {
        Shape j = i;
        j.back() += k * n;
        return naive::at(sum, j);
      };
      const double memory = naive::logistic(gate(1)) * before + naive::logistic(gate(0)) * std::tanh(gate(2));
      return want_c ? memory : naive::logistic(gate(3)) * std::tanh(memory);
    });
  };
  const auto lstm_step = [](const auto& x) { return lstm_cell(x[0], {x[1], x[2]}, x[3], x[4], optional(x, 5), optional(x, 6)); };
  const Shapes lstm_shapes{{2, 3}, {2, 2}, {2, 2}, {8, 3}, {8, 2}};
  const Shapes lstm_biased{{2, 3}, {2, 2}, {2, 2}, {8, 3}, {8, 2}, {8}, {8}};
  add_row(
      "lstm_cell", "lstm_cell h", [=](const auto& x) { return lstm_step(x).h; }, lstm_shapes, [=](In x) { return lstm(x, false); },
      Details{.kept = {c | use::input(3) | other, c | use::input(4) | other, other, a | c | other, b | c | other}});
  add_row(
      "lstm_cell", "lstm_cell c", [=](const auto& x) { return lstm_step(x).c; }, lstm_biased, [=](In x) { return lstm(x, true); },
      Details{.kept = {c | use::input(3) | other, c | use::input(4) | other, other, a | c | other, b | c | other, c | other,
                       c | other}});
  add_row(
      "lstm_cell", "lstm_cell h with bias", [=](const auto& x) { return lstm_step(x).h; }, lstm_biased,
      [=](In x) { return lstm(x, false); },
      Details{.kept = {c | use::input(3) | other, c | use::input(4) | other, other, a | c | other, b | c | other, c | other,
                       c | other}});

  const auto gru = [](In x) {  // x, h, weight_ih, weight_hh, then the biases
    A of_x = naive::matmul(x[0], x[2], false, true), of_h = naive::matmul(x[1], x[3], false, true);
    if (x.size() > 4) {
      of_x = A(of_x + x[4]);
      of_h = A(of_h + x[5]);
    }
    const std::size_t n = x[1].shape().back();
    return naive::fill(x[1].shape(), [&](Shape i) {
      const auto gate = [&](const A& from, std::size_t k) {
        Shape j = i;
        j.back() += k * n;
        return naive::at(from, j);
      };
      const double fresh = std::tanh(gate(of_x, 2) + naive::logistic(gate(of_x, 0) + gate(of_h, 0)) * gate(of_h, 2));
      const double update = naive::logistic(gate(of_x, 1) + gate(of_h, 1));
      return (1 - update) * fresh + update * naive::at(x[1], i);
    });
  };
  const auto gru_step = [](const auto& x) { return gru_cell(x[0], x[1], x[2], x[3], optional(x, 4), optional(x, 5)); };
  add_row("gru_cell", "gru_cell", gru_step, Shapes{{2, 3}, {2, 2}, {6, 3}, {6, 2}}, gru,
          Details{.kept = {b | c | other, b | use::input(3) | other, a | b | other, b | other}});
  add_row("gru_cell", "gru_cell with bias", gru_step, Shapes{{2, 3}, {2, 2}, {6, 3}, {6, 2}, {6}, {6}}, gru,
          Details{.kept = {b | c | other, b | use::input(3) | other, a | b | other, b | other, b | other, b | other}});
  return std::move(add_row.rows);
}

}  // namespace op_table
