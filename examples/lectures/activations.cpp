/// Activations and their slopes: binarize, logistic, tanh, ReLU in three ways, leaky and noisy ReLU; and saturation.
#include <cmath>

#include "lecture.hpp"

using Var = xg::Variable<double>;

const auto binarize = xg::elementwise("binarize", [](auto x) { return where(x > 0, 1, 0); });

/// Nair & Hinton 2010: max(0, x + N(0, variance sigmoid(x))). The noise is a constant: no slope goes through it.
Var noisy_relu(const Var& x) { return relu(x + sqrt(sigmoid(x)).detach() * xg::normal<double>(x.shape())); }

int main(int argc, char** argv) {
  return lecture(argc, argv, "Activations, their slopes, saturation", [](const Lecture& l) {
    const std::size_t n = 241;
    xg::Array<double> points(xg::Shape{n});
    for (std::size_t i = 0; i < n; ++i)
      points(i) = -6 + 12 * static_cast<double>(i) / (n - 1) + 1e-9;  // not 0, where ReLU has no slope
    const Var x(points, true);
    const std::vector<double> at(points.begin(), points.end());
    const Var noisy = noisy_relu(x);
    std::vector<draw::Series> values, slopes;
    const auto add = [&](const char* name, const Var& y) {
      const xg::Array<double> slope = grad(sum(y), {x})[0].value();
      values.push_back({name, at, {y.value().begin(), y.value().end()}});
      slopes.push_back({name, at, {slope.begin(), slope.end()}});
    };
    add("binarize", binarize(x));
    add("logistic", sigmoid(x));
    add("tanh", tanh(x));
    add("leaky ReLU, 0.1", leaky_relu(x, 0.1));
    add("ReLU", relu(x));
    values.push_back({"noisy ReLU", at, {noisy.value().begin(), noisy.value().end()}, false, draw::Style::points});

    // ReLU three ways: max(h, 0), assignment where h < 0, h times (h ≥ 0)
    const Var a = maximum(x, 0), b = masked_fill(x, less(x, 0), 0), c = x * where(greater_equal(x, 0), Var(1.0), Var(0.0));
    for (const Var& way : {a, b, c})
      must(amax(abs(way - relu(x))).item() == 0 && amax(abs(grad(sum(way), {x})[0] - grad(sum(relu(x)), {x})[0])).item() == 0,
           "ReLU three ways");

    fmt::print("   x   logistic    its slope\n");
    for (const double input : {-1., 2., 5., 50., 100., 200.}) {
      const Var h(input, true), y = sigmoid(h);
      fmt::print("{:4g}   {:.8f}  {:.8f}\n", input, y.item(), grad(y, {h})[0].item());
    }
    // W₂ binarize(W₁ x): its slopes are 0, so W₁ learns nothing
    const Var in(xg::normal<double>({5, 3})), w1(xg::normal<double>({3, 4}), true), w2(xg::normal<double>({4, 1}), true);
    backward(sum(matmul(binarize(matmul(in, w1)), w2)));
    fmt::print("\nW₂ binarize(W₁ x): the largest slope for W₁ is {}, for W₂ {:.1f}\n", amax(abs(Var(w1.grad()))).item(),
               amax(abs(Var(w2.grad()))).item());
    // noise as its variance says
    const Var many(xg::Array<double>(xg::Shape{200000}, 4.0));
    fmt::print("noisy ReLU at 4: mean {:.3f}, variance {:.3f}, sigmoid(4) = {:.3f}\n", mean(noisy_relu(many)).item(),
               var(noisy_relu(many)).item(), 1 / (1 + std::exp(-4)));
    draw::write_svg(
        l.file("activations.svg"),
        draw::panels(
            {chart(values, {.title = "Activations", .x = {"x"}, .y = {.label = "y", .low = -1.5, .high = 6}, .height = 420}),
             chart(slopes,
                   {.title = "Their slopes", .x = {"x"}, .y = {.label = "dy/dx", .low = -0.1, .high = 1.1}, .height = 420})}));
  });
}
