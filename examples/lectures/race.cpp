/// The race of the optimisers: from one start each, on Beale's function and on a saddle, and Newton's method, which is drawn to any
/// point without slope.
#include "lecture.hpp"

using Point = xg::Array<double>;
using Var = xg::Variable<double>;

template <class X>
X beale(const X& p) {  // its minimum is 0, at (3, 1/2)
  const X x = select(p, -1, 0), y = select(p, -1, 1);
  return square(1.5 - x + x * y) + square(2.25 - x + x * square(y)) + square(2.625 - x + x * pow(y, 3));
}
template <class X>
X saddle(const X& p) {  // falls along y, but has no slope at y = 0
  return square(select(p, -1, 0)) - square(select(p, -1, 1));
}

void add(draw::Series& path, const Point& p) { path.x.push_back(p(0)), path.y.push_back(p(1)); }

template <class F, class Rule>
draw::Series path(const char* name, const F& f, const Point& start, int steps, Rule rule) {
  const Var p(start, true);
  xg::optim::Optimizer opt(std::vector{p}, rule);
  draw::Series result{name, {}, {}};
  add(result, start);
  for (int step = 0; step < steps; ++step) {
    opt.zero_grad();
    backward(f(p));
    opt.step();
    add(result, p.value());
  }
  return result;
}

draw::Series newton(const char* name, Point p) {  // p - H⁻¹ g
  draw::Series result{name, {}, {}, true};
  for (int step = 0; step < 12; ++step) {
    add(result, p);
    const Var x(p, true), slope = grad(beale(x), {x})[0];
    const auto h = xg::hessian([](const auto& v) { return beale(v); }, x);
    p = (x - solve(h, slope)).value();
  }
  return result;
}

template <class F>
std::vector<draw::Series> race(const F& f, const Point& start, int steps, double scale) {
  namespace o = xg::optim;
  return {path("SGD", f, start, steps, o::SGD{.lr = 0.01 * scale}),
          path("momentum", f, start, steps, o::SGD{.lr = 0.002 * scale, .momentum = 0.9}),
          path("Nesterov", f, start, steps, o::SGD{.lr = 0.002 * scale, .momentum = 0.9, .nesterov = true}),
          path("AdaGrad", f, start, steps, o::Adagrad{.lr = 0.3}),
          path("RMSProp", f, start, steps, o::RMSprop{.lr = 0.02, .alpha = 0.9}),
          path("Adam", f, start, steps, o::Adam{.lr = 0.05}),
          path("Rprop", f, start, steps, o::Rprop{.lr = 0.01})};
}

template <class F>  // tells where each path ends, and draws them over the function's heights
std::string show(const char* title, const F& f, std::vector<draw::Series> paths, const draw::Box& box,
                 const std::vector<double>& levels) {
  fmt::print("{}\n", title);
  for (const draw::Series& path : paths) {
    const Point end{path.x.back(), path.y.back()};
    fmt::print("  {:<16} to ({:.5f}, {:.5f}) in {} steps, f = {:.3g}\n", path.name, end(0), end(1), path.x.size() - 1,
               f(Var(end)).item());
  }
  constexpr std::size_t n = 120;
  paths.push_back(contours(reshape(f(Var(draw::places(box, n, n))), {n, n}).value(), box, levels));
  const draw::Axis x{.label = "x", .low = box.left, .high = box.right}, y{.label = "y", .low = box.bottom, .high = box.top};
  return chart(paths, {.title = title, .x = x, .y = y, .width = 460, .height = 440});
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "The race of the optimisers on Beale's function and on a saddle", [](const Lecture& l) {
    const auto f = [](const auto& p) { return beale(p); };
    const auto g = [](const auto& p) { return saddle(p); };
    const draw::Box hills{-0.5, 4, -1.5, 2}, pass{-1, 1, -1, 1};
    const std::vector<double> heights{0.05, 0.5, 2, 5, 10, 14.203125, 20, 40, 80, 160};
    const std::vector newtons{newton("from (1, 1.5)", {1, 1.5}), newton("from (2.5, 0.3)", {2.5, 0.3})};
    const std::string first = show("Beale's function from (1, 1.5)", f, race(f, {1, 1.5}, l.size(1000, 100), 1), hills, heights);
    const std::string second = show("The saddle x² − y² from (−0.9, 0.001)", g, race(g, {-0.9, 1e-3}, l.size(60, 20), 5), pass,
                                    {-0.8, -0.6, -0.4, -0.2, -0.05, 0, 0.05, 0.2, 0.4, 0.6, 0.8});
    const std::string third = show("Newton's method on Beale's function", f, newtons, hills, heights);
    must(std::abs(newtons[0].x.back()) < 1e-6, "Newton's method ends in the saddle (0, 1)");
    must(std::abs(newtons[1].x.back() - 3) < 1e-6, "Newton's method finds the minimum (3, 0.5)");
    draw::write_svg(l.file("race.svg"), draw::panels({first, second, third}, 3));
  });
}
