/// Scores and losses: three images, ten classes, and what the softmax's cross-entropy and the support vector machine's hinge say.
#include <cmath>

#include "lecture.hpp"

using Var = xg::Variable<double>;

int main(int argc, char** argv) {
  return lecture(argc, argv, "Scores of three images, their softmax and hinge losses", [](const Lecture& l) {
    // f(x, W) = W x + b for one column, X W + b for rows of examples: the library's weights are W, its examples rows
    const Var column(xg::normal<double>({3072, 1})), w(xg::normal<double>({10, 3072})), b(xg::normal<double>({10}));
    const double same = amax(abs(flatten(matmul(w, column), 0) + b - flatten(linear(transpose(column), w, b), 0))).item();
    // two linear layers are one: W = W₂ W₁, b = W₂ b₁ + b₂
    const Var w1(xg::normal<double>({50, 3072})), b1(xg::normal<double>({50})), w2(xg::normal<double>({10, 50})),
        x = transpose(column);
    const Var two = linear(linear(x, w1, b1), w2, b), one = linear(x, matmul(w2, w1), matmul(w2, b1) + b);
    fmt::print("W x + b against rows: {:.0e} apart; two linear layers against one: {:.0e}\n\n", same, amax(abs(two - one)).item());
    must(same < 1e-10 && amax(abs(two - one)).item() < 1e-9, "both are the same function");

    const std::vector<std::string> classes{"airplane", "automobile", "bird",  "cat",  "deer",
                                           "dog",      "frog",       "horse", "ship", "truck"};
    const Var scores(matrix({{-3.45, -8.87, 0.09, 2.9, 4.48, 8.02, 3.78, 1.06, -0.36, -0.72},
                             {-0.51, 6.04, 5.31, -4.22, -4.19, 3.58, 4.49, -4.37, -2.09, -2.93},
                             {3.42, 4.64, 2.65, 5.1, 2.64, 5.55, -4.34, -1.5, -4.79, 6.14}}));
    const xg::Labels labels{3, 1, 6};  // a cat, an automobile, a frog
    const auto soft = cross_entropy(scores, labels, {.reduction = xg::Reduction::none}).value();
    const auto hinge = multi_margin_loss(scores, labels, {.reduction = xg::Reduction::none, .per_class = false}).value();
    const auto p = softmax(scores).value();
    const auto guesses = argmax(scores, 1);
    std::vector<draw::Series> bars;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto label = static_cast<std::size_t>(labels(i)), guess = static_cast<std::size_t>(guesses(i));
      fmt::print("{:<10}  score {:6.2f}, p = {:.2e}   cross-entropy {:8.5f}   hinge {:6.2f}   taken for: {}\n", classes[label],
                 scores.value()(i, label), p(i, label), soft(i), hinge(i), classes[guess]);
      draw::Series series{"image of: " + classes[label], {}, {}, false, draw::Style::bars};
      for (std::size_t k = 0; k < 10; ++k) series.x.push_back(static_cast<double>(k)), series.y.push_back(p(i, k));
      bars.push_back(series);
    }
    must(std::abs(soft(2) - 11.29448) < 1e-5 && std::abs(hinge(2) - 71.91) < 1e-9, "the lecture's losses");
    const Var nothing(matrix({{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}));
    fmt::print("all scores 0: {:.6f} = ln 10, whatever the label\n", cross_entropy(nothing, xg::Labels{7}).item());

    // what both say as the true class's score rises over that of one other class
    draw::Series ce{"cross-entropy", {}, {}}, svm{"hinge, Δ = 1", {}, {}};
    for (double lead = -4; lead <= 4; lead += 0.05) {
      const Var pair(matrix({{lead, 0}}));
      ce.x.push_back(lead), ce.y.push_back(cross_entropy(pair, xg::Labels{0}).item());
      svm.x.push_back(lead), svm.y.push_back(multi_margin_loss(pair, xg::Labels{0}, {.per_class = false}).item());
    }
    draw::write_svg(
        l.file("scores.svg"),
        draw::panels(
            {chart(bars,
                   {.title = "Softmax of the scores", .x = {.names = classes}, .y = {.label = "probability", .low = 0, .high = 1}}),
             draw::chart({ce, svm}, {.title = "Two losses of two classes", .x = {"true score − other score"}, .y = {"loss"}})}));
  });
}
