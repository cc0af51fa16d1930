/// How to find weights: by trying them, by the slope that differences give, and by the slope that backpropagation gives. And how
/// exact differences are.
#include <cmath>

#include "lecture.hpp"

using Var = xg::Variable<double>;

/// A linear classifier of digits on 49 numbers, the means of 4×4 pixels: 500 weights.
struct Problem {
  Var x;
  xg::Labels y;
  Var operator()(const Var& w) const { return cross_entropy(matmul(x, w), y); }
};

Problem problem(const xg::Dataset& digits) {
  const auto [images, labels] = xg::Loader<double>(digits, {.batch_size = digits.size(), .shuffle = false}).batch(0, 0);
  return {xg::concat<double>({flatten(avg_pool2d(Var(images), 4)), Var(xg::Array<double>(xg::Shape{digits.size(), 1}, 1.0))}, 1),
          labels};  // the last input is 1, for the bias
}

xg::Array<double> slope_by_differences(const Problem& loss, const xg::Array<double>& w, double h) {
  const double here = loss(Var(w)).item();
  xg::Array<double> slope(w.shape());
  for (std::size_t i = 0; i < w.size(); ++i) {
    xg::Array<double> moved = w;
    moved.data()[i] += h;
    slope.data()[i] = (loss(Var(moved)).item() - here) / h;
  }
  return slope;
}

/// Keeps what is better: of new weights each time, or of the best ones a little changed.
draw::Series tries(const char* name, const Problem& loss, int count, bool near) {
  draw::Series result{name, {}, {}};
  Var best(xg::Array<double>(xg::Shape{50, 10}, 0.0));
  double least = loss(best).item();
  for (int k = 1; k <= count; ++k) {
    const Var other = (near ? best : best * 0) + xg::normal<double>({50, 10}, 0, near ? 0.1 : 0.5);
    if (const double value = loss(other).item(); value < least) best = other, least = value;
    result.x.push_back(k), result.y.push_back(least);
  }
  return result;
}

template <class Slope>
draw::Series descend(const char* name, const Problem& loss, int steps, double cost, const Slope& slope) {
  draw::Series result{name, {}, {}};
  xg::Array<double> w(xg::Shape{50, 10}, 0.0);
  for (int step = 0; step <= steps; ++step) {
    result.x.push_back(1 + cost * step), result.y.push_back(loss(Var(w)).item());
    w -= 2 * slope(w);
  }
  return result;
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Random search, numerical and analytic gradient", [](const Lecture& l) {
    const double slope = (10.01 * 10.01 - 10 * 10) / 0.01;
    fmt::print("w² is 100 at 10, {:.4f} at 10.01: its slope is {:.2f}, and a step of rate 0.1 leads to {:.3f}\n\n", 10.01 * 10.01,
               slope, 10 - 0.1 * slope);

    const Problem loss = problem(l.digits(1000, 1).train);
    const auto exact = [&](const xg::Array<double>& w) { return value_and_grad(loss, Var(w)).derivative.value(); };
    const int count = l.size(20000, 300), few = l.size(40, 2);
    const std::vector<draw::Series> all{
        tries("random weights", loss, count, false), tries("random changes of the best", loss, count, true),
        descend("slope by differences", loss, few, 501, [&](const auto& w) { return slope_by_differences(loss, w, 1e-5); }),
        descend("slope by backpropagation", loss, few * 250, 2, exact)};
    for (const draw::Series& s : all) fmt::print("{:<27} after the cost of {:>6} losses: {:.4f}\n", s.name, s.x.back(), s.y.back());
    must(all[3].y.back() < all[1].y.back() && all[1].y.back() < all[0].y.back(), "slopes beat changes beat guesses");

    const xg::Array<double> w = xg::normal<double>({50, 10}, 0, 0.1), right = exact(w), way = xg::normal<double>({50, 10});
    const auto at = [&](double h) { return loss(Var(xg::Array<double>(w + h * way))).item(); };
    const double along = sum(Var(right) * way).item(), here = at(0);
    draw::Series taylor{"f(x) + f′h against f(x + h)", {}, {}, true}, forward{"forward difference against f′", {}, {}, true},
        central{"central difference against f′", {}, {}, true};
    for (double h = 1; h > 1e-13; h /= 10) {
      for (draw::Series* s : {&taylor, &forward, &central}) s->x.push_back(h);
      taylor.y.push_back(std::abs(at(h) - here - along * h));
      forward.y.push_back(std::abs((at(h) - here) / h - along));
      central.y.push_back(std::abs((at(h) - at(-h)) / (2 * h) - along));
    }
    fmt::print("\nTaylor: the error is {:.2e} for h = 0.01 and {:.2e} for h = 0.001, {:.0f} times less\n", taylor.y[2], taylor.y[3],
               taylor.y[2] / taylor.y[3]);
    const draw::Axis cost{.label = "evaluations of the loss", .scale = draw::Scale::log},
        step{.label = "h", .scale = draw::Scale::log}, error{.label = "error", .scale = draw::Scale::log};
    draw::write_svg(
        l.file("search.svg"),
        draw::panels({chart(all, {.title = "The loss, for what it cost", .x = cost, .y = {"loss"}}),
                      draw::chart({taylor, forward, central}, {.title = "How exact slopes are", .x = step, .y = error})}));
  });
}
