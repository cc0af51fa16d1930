// Rows of the losses beyond op_table.hpp's.
#include <optional>

#include "naive_special.hpp"
#include "op_table.hpp"

namespace op_table {

/// cross_entropy and nll_loss as loops over samples and classes: `log_p` is log_softmax(logits), `target` of sample r and class k.
struct NaiveClasses {
  std::vector<double> weights = {};
  std::optional<std::int64_t> ignored = {};
  double smoothing = 0;
  Reduction reduction = Reduction::mean;

  A operator()(const A& log_p, const Labels& labels) const {
    const std::size_t classes = log_p.shape().back();
    const auto weight = [&](std::size_t k) { return weights.empty() ? 1 : weights[k]; };
    A loss = zeros<double>(labels.shape());
    double sum = 0, divisor = 0;
    for (std::size_t r = 0; r < labels.size(); ++r) {
      if (ignored && labels.data()[r] == *ignored) continue;
      const auto label = static_cast<std::size_t>(labels.data()[r]);
      for (std::size_t k = 0; k < classes; ++k) {
        const double target =
            (k == label ? (1 - smoothing) * weight(label) : 0) + smoothing / static_cast<double>(classes) * weight(k);
        loss.data()[r] -= target * log_p.data()[r * classes + k];
      }
      sum += loss.data()[r];
      divisor += weight(label);
    }
    if (reduction == Reduction::none) return loss;
    return full<double>(Shape{}, reduction == Reduction::sum ? sum : sum / divisor);
  }
};

inline A naive_multi_margin(const A& x, const Labels& labels, double margin, int p, double divisor,
                            const std::vector<double>& weights) {
  A loss = zeros<double>(labels.shape());
  const std::size_t classes = x.shape().back();
  for (std::size_t r = 0; r < labels.size(); ++r)
    for (std::size_t k = 0; k < classes; ++k) {
      const auto label = static_cast<std::size_t>(labels.data()[r]);
      if (k != label)
        loss.data()[r] += std::pow(std::max(0., margin - x.data()[r * classes + label] + x.data()[r * classes + k]), p) / divisor *
                          (weights.empty() ? 1 : weights[label]);
    }
  return loss;
}

std::vector<Row> class_loss_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  static const Labels labels{2, 0, 4, 2}, holes{2, -100, 4, 0}, none_left{7, 7, 7, 7};
  static const Labels grid = {{0, 2}, {1, 1}, {2, 0}};
  static const std::vector<double> weights{1, 2, 0.5, 3, 0.25}, three{0.5, 1.5, 3};
  const auto log_softmax_of = [](const A& x) { return naive::log_softmax(x, x.dimension() - 1); };
  struct Case {
    std::string name;
    Labels labels;
    Shape shape;
    CrossEntropyOptions options;
  };
  std::vector<Case> cases;
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
    cases.push_back({"weights", labels, {4, 5}, {.reduction = reduction, .class_weights = weights}});
    cases.push_back({"ignored", holes, {4, 5}, {.reduction = reduction, .ignore_index = -100}});
    cases.push_back({"a class ignored", labels, {4, 5}, {.reduction = reduction, .ignore_index = 2}});
    cases.push_back({"weights, ignored", holes, {4, 5}, {.reduction = reduction, .class_weights = weights, .ignore_index = -100}});
    cases.push_back({"smoothing", labels, {4, 5}, {.reduction = reduction, .label_smoothing = 0.1}});
    cases.push_back(
        {"all", holes, {4, 5}, {.reduction = reduction, .class_weights = weights, .ignore_index = -100, .label_smoothing = 0.3}});
    cases.push_back({"all, leading axes",
                     grid,
                     {3, 2, 3},
                     {.reduction = reduction, .class_weights = three, .ignore_index = 1, .label_smoothing = 0.3}});
  }
  cases.push_back({"smoothing 1", labels, {4, 5}, {.label_smoothing = 1}});
  cases.push_back({"nothing to ignore", labels, {4, 5}, {.ignore_index = -1}});
  cases.push_back(
      {"no samples", Labels(Shape{0}), {0, 5}, {.reduction = Reduction::sum, .class_weights = weights, .label_smoothing = 0.1}});
  for (const auto& [name, label, shape, o] : cases) {
    const NaiveClasses naive_loss{o.class_weights, o.ignore_index, o.label_smoothing, o.reduction};
    const bool empty = label.size() == 0;
    const std::string what = name + (o.reduction == Reduction::mean ? " mean" : o.reduction == Reduction::sum ? " sum" : " none");
    const std::uint32_t kept = a | (o.label_smoothing > 0 || !o.class_weights.empty() || naive_loss.ignored ? other : none);
    add_row(
        "cross_entropy", "cross_entropy " + what, [label = label, o = o](const auto& x) { return cross_entropy(x[0], label, o); },
        Shapes{shape}, [=, label = label](In x) { return naive_loss(log_softmax_of(x[0]), label); },
        Details{.kept = {name == "nothing to ignore" ? a : kept}, .allow_zero = empty});
    if (o.label_smoothing == 0)
      add_row(
          "nll_loss", "nll_loss " + what,
          [label = label, o = o](const auto& x) {
            return nll_loss(x[0], label,
                            {.reduction = o.reduction, .class_weights = o.class_weights, .ignore_index = o.ignore_index});
          },
          Shapes{shape}, [=, label = label](In x) { return naive_loss(x[0], label); },
          Details{.kept = {name == "nothing to ignore" ? none : other}, .allow_zero = empty});
  }
  add_row(
      "cross_entropy", "cross_entropy all ignored, sum",
      [](const auto& x) { return cross_entropy(x[0], none_left, {.reduction = Reduction::sum, .ignore_index = 7}); },
      Shapes{{4, 5}}, [](In) { return zeros<double>({}); }, Details{.kept = {a | other}, .allow_zero = true});
  add_row(
      "nll_loss", "nll_loss", [](const auto& x) { return nll_loss(x[0], labels); }, Shapes{{4, 5}},
      [](In x) { return NaiveClasses{}(x[0], labels); }, Details{.kept = {none}});
  add_row(
      "nll_loss", "nll_loss of log_softmax",
      [](const auto& x) {
        return nll_loss(log_softmax(x[0]), xt::xarray<int>{2, 0, 4, 2});
      },
      Shapes{{4, 5}}, [=](In x) { return NaiveClasses{}(log_softmax_of(x[0]), labels); }, Details{.kept = {other}});

  for (const double smoothing : {0., 0.2})
    for (const bool weighted : {false, true})
      for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
        CrossEntropyOptions o{.reduction = reduction, .label_smoothing = smoothing};
        if (weighted) o.class_weights = weights;
        const auto reference = [=](In x) {
          const A log_p = log_softmax_of(x[0]);
          A loss = zeros<double>({4});
          for (std::size_t k = 0; k < 20; ++k)
            loss.data()[k / 5] -=
                ((1 - smoothing) * x[1].data()[k] + smoothing / 5) * (weighted ? weights[k % 5] : 1) * log_p.data()[k];
          return reduction == Reduction::none ? loss : naive::total(loss, reduction == Reduction::mean ? 4 : 1);
        };
        add_row(
            "cross_entropy", "cross_entropy of probabilities", [o](const auto& x) { return cross_entropy(x[0], x[1], o); },
            Shapes{{4, 5}, {4, 5}}, reference,
            Details{.kept = {smoothing > 0 ? other : b | other, other}, .domains = {{}, {0, 1}}});
      }

  const std::vector<Domain> scores{{-2, 2.2}};  // no two differ by a margin
  struct Margin {
    std::string name;
    MultiMarginOptions options;
  };
  for (const auto& [name, o] : std::vector<Margin>{
           {"", {}},
           {" squared", {.p = 2}},
           {" margin", {.margin = 0.3}},
           {" whole", {.per_class = false}},
           {" weights", {.class_weights = weights}},
           {" all", {.reduction = Reduction::sum, .margin = 2, .p = 2, .per_class = false, .class_weights = weights}}})
    add_row(
        "multi_margin_loss", "multi_margin_loss" + name, [o = o](const auto& x) { return multi_margin_loss(x[0], labels, o); },
        Shapes{{4, 5}},
        [o = o](In x) {
          return naive::total(naive_multi_margin(x[0], labels, o.margin, o.p, o.per_class ? 5 : 1, o.class_weights),
                              o.reduction == Reduction::mean ? 4 : 1);
        },
        Details{.kept = {a | other}, .domains = scores, .distinct = true});
  add_row(
      "multi_margin_loss", "multi_margin_loss none",
      [](const auto& x) {
        return multi_margin_loss(x[0], xt::xarray<int>{2, 0, 4, 2}, {.reduction = Reduction::none});
      },
      Shapes{{4, 5}}, [](In x) { return naive_multi_margin(x[0], labels, 1, 1, 5, {}); },
      Details{.kept = {a | other}, .domains = scores, .distinct = true});
  return std::move(add_row.rows);
}

inline constexpr LossOptions each{.reduction = Reduction::none};

std::vector<Row> element_loss_rows() {
  using S = std::span<const double>;
  using naive_special::softplus;
  const Domain probability{0.1, 0.9}, target{0, 1}, count{0, 4}, rate{0.5, 3};
  const double pi = std::acos(-1.0);
  Rows add_row;
  add_row(
      "l1_loss", "l1_loss", [](const auto& x) { return l1_loss(x[0], x[1], each); }, [](S x) { return std::abs(x[0] - x[1]); },
      Details{.kept = {a | b, a | b}, .distinct = true});
  add_row(
      "smooth_l1_loss", "smooth_l1_loss",
      [](const auto& x) { return smooth_l1_loss(x[0], x[1], {.reduction = Reduction::none, .beta = 1.5}); },
      [](S x) {
        const double d = std::abs(x[0] - x[1]);
        return d < 1.5 ? d * d / 3 : d - 0.75;
      },
      Details{.kept = {a | b, a | b}});
  add_row(
      "smooth_l1_loss", "smooth_l1_loss beta 0",
      [](const auto& x) { return smooth_l1_loss(x[0], x[1], {.reduction = Reduction::none, .beta = 0}); },
      [](S x) { return std::abs(x[0] - x[1]); }, Details{.kept = {a | b, a | b}, .distinct = true});
  add_row(
      "huber_loss", "huber_loss",
      [](const auto& x) { return huber_loss(x[0], x[1], {.reduction = Reduction::none, .delta = 1.5}); },
      [](S x) {
        const double d = std::abs(x[0] - x[1]);
        return d < 1.5 ? d * d / 2 : 1.5 * (d - 0.75);
      },
      Details{.kept = {a | b, a | b}});
  add_row(
      "huber_loss", "huber_loss(a, 0)", [](const auto& x) { return huber_loss(x[0], 0, {.reduction = Reduction::none}); },
      [](S x) {
        const double d = std::abs(x[0]);
        return d < 1 ? d * d / 2 : d - 0.5;
      },
      Details{.kept = {a}, .domains = {{-0.9, 0.9}}});
  add_row(
      "binary_cross_entropy", "binary_cross_entropy", [](const auto& x) { return binary_cross_entropy(x[0], x[1], each); },
      [](S x) { return -x[1] * std::log(x[0]) - (1 - x[1]) * std::log(1 - x[0]); },
      Details{.kept = {a | b, a}, .domains = {probability, target}});
  add_row(
      "binary_cross_entropy", "binary_cross_entropy to 1", [](const auto& x) { return binary_cross_entropy(x[0], 1, each); },
      [](S x) { return -std::log(x[0]); }, Details{.kept = {a}, .domains = {probability}});
  add_row(
      "binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits",
      [](const auto& x) { return binary_cross_entropy_with_logits(x[0], x[1], {.reduction = Reduction::none}); },
      [](S x) { return x[1] * softplus(-x[0]) + (1 - x[1]) * softplus(x[0]); },
      Details{.kept = {a | b, a}, .domains = {{}, target}});
  add_row(
      "binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits pos_weight",
      [](const auto& x) { return binary_cross_entropy_with_logits(x[0], x[1], {.reduction = Reduction::none, .pos_weight = 3}); },
      [](S x) { return 3 * x[1] * softplus(-x[0]) + (1 - x[1]) * softplus(x[0]); },
      Details{.kept = {a | b, a}, .domains = {{}, target}});
  add_row(
      "hinge_loss", "hinge_loss", [](const auto& x) { return hinge_loss(x[0], x[1], {.reduction = Reduction::none, .margin = 9}); },
      [](S x) { return 9 - x[0] * x[1]; }, Details{.kept = {b | y, a | y}, .domains = {{}}});
  add_row(
      "hinge_loss", "hinge_loss to -1", [](const auto& x) { return hinge_loss(x[0], -1, {.reduction = Reduction::none}); },
      [](S x) { return std::max(0., 1 + x[0]); }, Details{.kept = {y}, .domains = {{-2, 2, -1}}, .allow_zero = true});
  add_row(
      "kl_div", "kl_div", [](const auto& x) { return kl_div(x[0], x[1], {.reduction = Reduction::none}); },
      [](S x) { return x[1] * (std::log(x[1]) - x[0]); }, Details{.kept = {b, a | b}, .domains = {{}, probability}});
  add_row(
      "kl_div", "kl_div log_target",
      [](const auto& x) { return kl_div(x[0], x[1], {.reduction = Reduction::none, .log_target = true}); },
      [](S x) { return std::exp(x[1]) * (x[1] - x[0]); }, Details{.kept = {b, a | b}});
  add_row(
      "poisson_nll_loss", "poisson_nll_loss",
      [](const auto& x) { return poisson_nll_loss(x[0], x[1], {.reduction = Reduction::none}); },
      [](S x) { return std::exp(x[0]) - x[0] * x[1]; }, Details{.kept = {a | b, a}, .domains = {{}, count}});
  add_row(
      "poisson_nll_loss", "poisson_nll_loss of rates",
      [](const auto& x) { return poisson_nll_loss(x[0], x[1], {.reduction = Reduction::none, .log_input = false, .eps = 0.1}); },
      [](S x) { return x[0] - x[1] * std::log(x[0] + 0.1); }, Details{.kept = {a | b, a}, .domains = {rate, count}});
  add_row(
      "poisson_nll_loss", "poisson_nll_loss full",
      [](const auto& x) { return poisson_nll_loss(x[0], x[1], {.reduction = Reduction::none, .full = true}); },
      [pi](S x) {
        return std::exp(x[0]) - x[0] * x[1] + (x[1] > 1 ? x[1] * std::log(x[1]) - x[1] + 0.5 * std::log(2 * pi * x[1]) : 0);
      },
      Details{.kept = {a | b, a | b}, .domains = {{}, {0, 4, 1}}});
  add_row(
      "gaussian_nll_loss", "gaussian_nll_loss",
      [](const auto& x) { return gaussian_nll_loss(x[0], x[1], x[2], {.reduction = Reduction::none}); },
      [](S x) { return 0.5 * (std::log(x[2]) + (x[0] - x[1]) * (x[0] - x[1]) / x[2]); },
      Details{.kept = {a | b | other, a | b | other, a | b | c | other}, .domains = {{}, {}, rate}});
  add_row(
      "gaussian_nll_loss", "gaussian_nll_loss full, eps",
      [](const auto& x) { return gaussian_nll_loss(x[0], x[1], x[2], {.reduction = Reduction::none, .full = true, .eps = 1.5}); },
      [pi](S x) {
        const double v = std::max(x[2], 1.5);
        return 0.5 * (std::log(v) + (x[0] - x[1]) * (x[0] - x[1]) / v + std::log(2 * pi));
      },
      Details{.kept = {a | b | other, a | b | other, a | b | c | other},
              .domains = {{}, {}, {0.5, 3, 1.5}},
              .distinct = false,
              .allow_zero = true});
  return std::move(add_row.rows);
}

std::vector<Row> reduced_loss_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  const Details both{{a | b, a | b}, {{}}, true};
  const auto distances = [](In x) { return A(xt::abs(x[0] - x[1])); };
  add_row(
      "l1_loss", "l1_loss mean", [](const auto& x) { return l1_loss(x[0], x[1]); }, Shapes{{3, 2}, {3, 2}},
      [=](In x) { return naive::total(distances(x), 6); }, both);
  add_row(
      "l1_loss", "l1_loss sum", [](const auto& x) { return l1_loss(x[0], x[1], {.reduction = Reduction::sum}); },
      Shapes{{3, 2}, {2}}, [=](In x) { return naive::total(distances(x)); }, both);
  add_row(
      "smooth_l1_loss", "smooth_l1_loss mean", [](const auto& x) { return smooth_l1_loss(x[0], x[1], {.beta = 100}); },
      Shapes{{3, 2}, {3, 2}}, [](In x) { return naive::total(A(xt::square(x[0] - x[1]) / 200), 6); }, both);
  add_row(
      "huber_loss", "huber_loss mean", [](const auto& x) { return huber_loss(x[0], x[1], {.delta = 100}); }, Shapes{{3, 2}, {3, 2}},
      [](In x) { return naive::total(A(xt::square(x[0] - x[1]) / 2), 6); }, both);
  add_row(
      "binary_cross_entropy", "binary_cross_entropy mean", [](const auto& x) { return binary_cross_entropy(x[0], 1); },
      Shapes{{3, 2}}, [](In x) { return naive::total(A(-xt::log(x[0])), 6); }, Details{.kept = {a}, .domains = {{0.1, 0.9}}});
  add_row(
      "binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits mean",
      [](const auto& x) { return binary_cross_entropy_with_logits(x[0], 0); }, Shapes{{3, 2}},
      [](In x) { return naive::total(A(xt::log(1 + xt::exp(x[0]))), 6); }, Details{.kept = {a}});
  add_row(
      "hinge_loss", "hinge_loss mean", [](const auto& x) { return hinge_loss(x[0], x[1], {.margin = 9}); }, Shapes{{3, 2}, {3, 2}},
      [](In x) { return naive::total(A(9 - x[0] * x[1]), 6); }, Details{.kept = {b | other, a | other}});
  add_row(
      "kl_div", "kl_div mean", [](const auto& x) { return kl_div(x[0], x[1], {.log_target = true}); }, Shapes{{3, 2}, {3, 2}},
      [](In x) { return naive::total(A(xt::exp(x[1]) * (x[1] - x[0])), 6); }, Details{.kept = {b, a | b}});
  add_row(
      "poisson_nll_loss", "poisson_nll_loss mean", [](const auto& x) { return poisson_nll_loss(x[0], x[1]); },
      Shapes{{3, 2}, {3, 2}}, [](In x) { return naive::total(A(xt::exp(x[0]) - x[0] * x[1]), 6); }, Details{.kept = {a | b, a}});
  add_row(
      "gaussian_nll_loss", "gaussian_nll_loss mean", [](const auto& x) { return gaussian_nll_loss(x[0], x[1], 1); },
      Shapes{{3, 2}, {3, 2}}, [](In x) { return naive::total(A(xt::square(x[0] - x[1]) / 2), 6); },
      Details{.kept = {a | b, a | b}});
  struct Cosine {
    Shape a, b;
    int axis;
    std::size_t place;
    std::uint32_t kept_a, kept_b;
  };
  const std::uint32_t all = a | b | other;
  for (const auto& [sa, sb, axis, place, kept_a, kept_b] : std::vector<Cosine>{{{3, 4}, {3, 4}, -1, 1, all, all},
                                                                               {{3, 4}, {3, 4}, 0, 0, all, all},
                                                                               {{2, 3, 4}, {4}, 2, 2, a | other, a | other},
                                                                               {{3, 1}, {4}, 0, 0, other, other},
                                                                               {{5}, {5}, 0, 0, a | b, a | b},
                                                                               {{0, 3}, {0, 3}, 1, 1, a | b, a | b}})
    add_row(
        "cosine_similarity", "cosine_similarity " + to_string(sa) + to_string(sb),
        [axis = axis](const auto& x) { return cosine_similarity(x[0], x[1], axis); }, Shapes{sa, sb},
        [place = place](In x) {
          const Shape common = broadcast_shapes(x[0].shape(), x[1].shape());
          Shape left;
          for (std::size_t k = 0; k < common.size(); ++k)
            if (k != place) left.push_back(common[k]);
          const auto total = [&](const A& p, const A& q) {
            return naive::sum(naive::fill(common, [&](const Shape& i) { return naive::at(p, i) * naive::at(q, i); }), {place},
                              left);
          };
          return A(total(x[0], x[1]) / xt::sqrt(total(x[0], x[0]) * total(x[1], x[1])));
        },
        Details{.kept = {kept_a, kept_b}, .allow_zero = size_of(sa) == 0});
  return std::move(add_row.rows);
}

}  // namespace op_table
