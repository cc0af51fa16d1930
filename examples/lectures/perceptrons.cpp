/// Perceptrons with one, two and three layers, on exclusive or and on a spiral: which class they give each place.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "lecture.hpp"

using Var = xg::Variable<double>;

struct Points {
  xg::Array<double> x;  // (n, 2)
  xg::Labels y;
};

Points exclusive_or(std::size_t n) {
  Points p{xg::uniform<double>({n, 2}, -1, 1), xg::Labels(xg::Shape{n})};
  for (std::size_t i = 0; i < n; ++i) p.y(i) = (p.x(i, 0) > 0) != (p.x(i, 1) > 0);
  return p;
}

Points spiral(std::size_t n) {  // three arms
  Points p{xg::normal<double>({n, 2}, 0, 0.02), xg::Labels(xg::Shape{n})};
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t arm = i % 3;
    const double r = 0.05 + 0.9 * static_cast<double>(i) / static_cast<double>(n),
                 angle = 5 * r + static_cast<double>(arm) * 2 * std::numbers::pi / 3;
    p.x(i, 0) += r * std::cos(angle), p.x(i, 1) += r * std::sin(angle);
    p.y(i) = static_cast<std::int64_t>(arm);
  }
  return p;
}

/// Trains a network on all points at once, and draws what it says. The share that is right.
template <class Net>
double show(std::vector<std::string>& charts, const char* title, const Net& net, const Points& data, int steps) {
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::Adam{.lr = 0.02});
  double loss = 0;
  for (int step = 0; step < steps; ++step) {
    const Var value = cross_entropy(net(Var(data.x)), data.y);
    opt.zero_grad();
    backward(value);
    opt.step();
    loss = value.item();
  }
  xg::Metrics metrics;
  metrics.add(net(Var(data.x)).value(), data.y);
  fmt::print("{:<36} {:>5} parameters, loss {:.4f}, {:.1f} % right\n", title, xg::nn::parameter_count(net), loss,
             100 * metrics.accuracy());

  std::vector<draw::Series> classes;
  for (std::int64_t k = 0; k <= *std::max_element(data.y.begin(), data.y.end()); ++k) {
    draw::Series s{fmt::format("class {}", k), {}, {}, false, draw::Style::points};
    for (std::size_t i = 0; i < data.y.size(); ++i)
      if (data.y(i) == k) s.x.push_back(data.x(i, 0)), s.y.push_back(data.x(i, 1));
    classes.push_back(s);
  }
  const draw::Box box{-1.1, 1.1, -1.1, 1.1};
  const std::size_t n = 110;
  xg::Labels regions = argmax(net(Var(draw::places(box, n, n))), 1);
  regions.reshape({n, n});
  charts.push_back(
      chart(classes, {.title = title, .x = {"x"}, .y = {"y"}, .width = 360, .height = 360, .regions = {regions, box}}));
  return metrics.accuracy();
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Perceptrons on exclusive or and on a spiral", [](const Lecture& l) {
    using Linear = xg::nn::Linear<double>;
    using xg::nn::Sequential, xg::nn::Tanh;
    const int steps = l.size(2000, 300);
    const Points two = exclusive_or(200), three = spiral(300);
    std::vector<std::string> charts;
    const double line = show(charts, "Exclusive or, one layer", Linear(2, 2), two, steps),
                 bent = show(charts, "Exclusive or, two layers", Sequential{Linear(2, 8), Tanh{}, Linear(8, 2)}, two, steps);
    show(charts, "Exclusive or, three layers", Sequential{Linear(2, 8), Tanh{}, Linear(8, 8), Tanh{}, Linear(8, 2)}, two, steps);
    must(line < 0.75 && bent > 0.9, "one layer cannot, two can");
    show(charts, "Spiral, one layer", Linear(2, 3), three, steps);
    show(charts, "Spiral, two layers", Sequential{Linear(2, 32), Tanh{}, Linear(32, 3)}, three, steps);
    const double deep = show(charts, "Spiral, three layers",
                             Sequential{Linear(2, 32), Tanh{}, Linear(32, 32), Tanh{}, Linear(32, 3)}, three, steps);
    must(deep > 0.9, "three layers tell the arms of the spiral");
    draw::write_svg(l.file("perceptrons.svg"), draw::panels(charts, 3));
  });
}
