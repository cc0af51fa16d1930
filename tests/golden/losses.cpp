#include "table.hpp"

namespace golden {

/// f(x, reduction) for all three; the cases are called "mean", "mean after" and so on.
template <class F>
void reductions(Table& table, const std::string& name, const std::string& after, F) {
  const auto configs = [&](const std::string& reduction) {
    std::string result;
    for (const std::string& end : list(after)) result += (result.empty() ? "" : ", ") + reduction + (end.empty() ? "" : " ") + end;
    return result;
  };
  ROW(name, configs("mean"), F{}(x, Reduction::mean));
  ROW(name, configs("sum"), F{}(x, Reduction::sum));
  ROW(name, configs("none"), F{}(x, Reduction::none));
}
#define REDUCTIONS(name, after, ...) reductions(table, name, after, [](const auto& x, Reduction reduction) { return __VA_ARGS__; })

void class_loss_rows(Table& table) {
#define WEIGHTS .class_weights = {0.5, 2, 1.25}
#define LABELLED(name)                                                                                           \
  REDUCTIONS(#name, ", images", name(x[0], labels(x[1]), {.reduction = reduction}));                             \
  REDUCTIONS(#name, "weights", name(x[0], labels(x[1]), {.reduction = reduction, WEIGHTS}));                     \
  REDUCTIONS(#name, "ignored", name(x[0], labels(x[1]), {.reduction = reduction, WEIGHTS, .ignore_index = -1})); \
  ROW(#name, "one class", name(x[0], labels(x[1])));                                                             \
  ROW(#name, "ignored wide", name(x[0], labels(x[1]), {.ignore_index = 1}))
  LABELLED(cross_entropy);
  LABELLED(nll_loss);
  REDUCTIONS("cross_entropy", "empty", cross_entropy(x[0], labels(x[1]), {.reduction = reduction}));
  ROW("cross_entropy", "extreme", cross_entropy(x[0], labels(x[1])));
  REDUCTIONS("cross_entropy", "smoothing", cross_entropy(x[0], labels(x[1]), {.reduction = reduction, .label_smoothing = 0.25}));
  REDUCTIONS("cross_entropy", "everything",
             cross_entropy(x[0], labels(x[1]), {.reduction = reduction, WEIGHTS, .ignore_index = -1, .label_smoothing = 0.25}));
  REDUCTIONS("cross_entropy probabilities", "", cross_entropy(x[0], x[1], {.reduction = reduction}));
  REDUCTIONS("cross_entropy probabilities", "everything",
             cross_entropy(x[0], x[1], {.reduction = reduction, WEIGHTS, .label_smoothing = 0.25}));

  REDUCTIONS("multi_margin_loss", "p=1", multi_margin_loss(x[0], labels(x[1]), {.reduction = reduction}));
  REDUCTIONS("multi_margin_loss", "p=2", multi_margin_loss(x[0], labels(x[1]), {.reduction = reduction, .p = 2}));
  REDUCTIONS("multi_margin_loss", "p=1 weights",
             multi_margin_loss(x[0], labels(x[1]), {.reduction = reduction, .margin = 0.5, WEIGHTS}));
  REDUCTIONS("multi_margin_loss", "p=2 weights",
             multi_margin_loss(x[0], labels(x[1]), {.reduction = reduction, .margin = 0.5, .p = 2, WEIGHTS}));
  ROW("multi_margin_loss", "whole p=1", multi_margin_loss(x[0], labels(x[1]), {.margin = 0.5, .per_class = false}));
  ROW("multi_margin_loss", "whole p=2", multi_margin_loss(x[0], labels(x[1]), {.margin = 0.5, .p = 2, .per_class = false}));
}

void element_loss_rows(Table& table) {
#define ELEMENTS(name, ...) REDUCTIONS(name, "same, row, ones, number, empty", __VA_ARGS__)
  ELEMENTS("mse_loss", mse_loss(x[0], x[1], {.reduction = reduction}));
  ELEMENTS("l1_loss", l1_loss(x[0], x[1], {.reduction = reduction}));
  ELEMENTS("smooth_l1_loss", smooth_l1_loss(x[0], x[1], {.reduction = reduction, .beta = 0.75}));
  ELEMENTS("huber_loss", huber_loss(x[0], x[1], {.reduction = reduction, .delta = 0.75}));
  ROW("l1_loss", "kink", l1_loss(x[0], x[1]));
  ROW("smooth_l1_loss", "beta 0", smooth_l1_loss(x[0], x[1], {.beta = 0}));
  ROW("smooth_l1_loss", "kink", smooth_l1_loss(x[0], x[1], {.beta = 0.75}));
  ROW("huber_loss", "kink", huber_loss(x[0], x[1], {.delta = 0.75}));
  ELEMENTS("binary_cross_entropy", binary_cross_entropy(x[0], x[1], {.reduction = reduction}));
  ROW("binary_cross_entropy", "ends", binary_cross_entropy(x[0], x[1], {.reduction = Reduction::none}));
  ELEMENTS("binary_cross_entropy_with_logits",
           binary_cross_entropy_with_logits(x[0], x[1], {.reduction = reduction, .pos_weight = 2.5}));
  ROW("binary_cross_entropy_with_logits", "plain", binary_cross_entropy_with_logits(x[0], x[1]));
  ROW("binary_cross_entropy_with_logits", "extreme", binary_cross_entropy_with_logits(x[0], x[1], {.reduction = Reduction::none}));
  ELEMENTS("hinge_loss", hinge_loss(x[0], x[1], {.reduction = reduction, .margin = 0.75}));
  ROW("hinge_loss", "kink", hinge_loss(x[0], x[1]));
  ELEMENTS("kl_div", kl_div(x[0], x[1], {.reduction = reduction}));
  ROW("kl_div", "zero target", kl_div(x[0], x[1], {.reduction = Reduction::sum}));
  ROW("kl_div", "log target", kl_div(x[0], x[1], {.log_target = true}));
  ELEMENTS("poisson_nll_loss", poisson_nll_loss(x[0], x[1], {.reduction = reduction}));
  ROW("poisson_nll_loss", "rate", poisson_nll_loss(x[0], x[1], {.log_input = false, .eps = 1.0 / 1024}));
  ROW("poisson_nll_loss", "full, full both", poisson_nll_loss(x[0], x[1], {.full = true}));
  REDUCTIONS("gaussian_nll_loss", "", gaussian_nll_loss(x[0], x[1], x[2], {.reduction = reduction}));
  REDUCTIONS("gaussian_nll_loss", "full", gaussian_nll_loss(x[0], x[1], x[2], {.reduction = reduction, .full = true}));
  ROW("gaussian_nll_loss", "row", gaussian_nll_loss(x[0], x[1], x[2]));
  ROW("gaussian_nll_loss", "small variance", gaussian_nll_loss(x[0], x[1], x[2], {.reduction = Reduction::none, .eps = 0.25}));
  ROW("cosine_similarity", "last, broadcast, one", cosine_similarity(x[0], x[1]));
  ROW("cosine_similarity", "first", cosine_similarity(x[0], x[1], 0));
}

}  // namespace golden
