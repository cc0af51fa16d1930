/// Backpropagation three ways, on one step of a small network: by hand as the lectures write it, weight by weight; layer by layer,
/// with matrices; and by the recorded graph. Then the layer form learns exclusive or, beside the graph, to the same numbers.
#include <cmath>

#include "lecture.hpp"

using Var = xg::Variable<double>;

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// A layer z = φ(x w + b) that passes gradients back: δˣ = δᶻ wᵀ, Δw = xᵀ δᶻ, Δb = the sum of δᶻ's rows, δᶻ = δ ∘ φ′.
struct Layer {
  Var w, b;
  Var x = {}, y = {};  // what came in, and what went out

  Var forward(const Var& input) {
    x = input;
    return y = sigmoid(matmul(x, w) + b);
  }
  Var backward(const Var& delta, double rate) {  // changes the layer, and gives the δ of the layer below
    const Var inside = delta * y * (1 - y), below = matmul(inside, transpose(w));
    w = w - rate * matmul(transpose(x), inside);
    b = b - rate * sum(inside, 0);
    return below;
  }
};

void one_step() {
  const double x1 = 0.5, x2 = -1, target = 1, rate = 0.1;
  const double w1 = 0.1, w2 = 0.2, w3 = -0.3, w4 = 0.4, w5 = 0.5, w6 = -0.6, v1 = 0.7, v2 = -0.8, v3 = 0.9;
  // by hand: F(X) = φ(X w) v with the loss ½ (Y - F)²
  const double h1 = logistic(x1 * w1 + x2 * w2), h2 = logistic(x1 * w3 + x2 * w4), h3 = logistic(x1 * w5 + x2 * w6);
  const double f = h1 * v1 + h2 * v2 + h3 * v3;
  const double for_v2 = -(target - f) * h2, for_w2 = -(target - f) * v1 * h1 * (1 - h1) * x2;

  // by the graph
  const Var x(matrix({{x1, x2}})), w(matrix({{w1, w3, w5}, {w2, w4, w6}}), true), v(matrix({{v1}, {v2}, {v3}}), true);
  const Var loss = sum(square(target - matmul(sigmoid(matmul(x, w)), v))) / 2;
  backward(loss);
  // layer by layer: Δ = xᵀ δ with δ beginning as -(Y - F)
  const Var h(matrix({{h1, h2, h3}})), delta(f - target), to_v = transpose(h) * delta;
  const Var to_w = matmul(transpose(x), delta * transpose(v) * h * (1 - h));

  fmt::print("F(X) = {:.6f}, loss {:.6f}\n", f, loss.item());
  fmt::print("            by hand   by layers   by the graph\n");
  fmt::print("∂L/∂v₂   {:10.7f}  {:10.7f}     {:10.7f}\n", for_v2, to_v.value()(1, 0), v.grad()(1, 0));
  fmt::print("∂L/∂w₂   {:10.7f}  {:10.7f}     {:10.7f}\n", for_w2, to_w.value()(1, 0), w.grad()(1, 0));
  fmt::print("v₂ after a step of rate {}: {:.7f} = v₂ + η (Y - F) h₂\n\n", rate, v2 + rate * (target - f) * h2);
  must(std::abs(for_v2 - v.grad()(1, 0)) + std::abs(for_w2 - w.grad()(1, 0)) < 1e-15, "hand and graph agree");
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Backpropagation by hand, layer by layer and by the graph", [](const Lecture& l) {
    one_step();

    const Var x(matrix({{0, 0}, {0, 1}, {1, 0}, {1, 1}})), y = transpose(Var(matrix({{0, 1, 1, 0}})));
    xg::nn::Sequential net{xg::nn::Linear<double>(2, 8, {.init = xg::nn::init::normal()}), xg::nn::Sigmoid{},
                           xg::nn::Linear<double>(8, 1, {.init = xg::nn::init::normal()}), xg::nn::Sigmoid{}};
    const auto& [first, phi, second, phi2] = net.layers;
    Layer below{Var(transpose(first.weight).value()), Var(first.bias.value())},
        above{Var(transpose(second.weight).value()), Var(second.bias.value())};
    xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.lr = 0.5});
    draw::Series hand{"layer by layer", {}, {}, false, draw::Style::points}, graph{"by the graph", {}, {}};
    double apart = 0;
    for (int step = 1, steps = l.size(3000, 300); step <= steps; ++step) {
      const Var loss = sum(square(y - net(x))) / 2;
      opt.zero_grad();
      backward(loss);
      opt.step();
      const Var f = above.forward(below.forward(x));
      const double by_hand = (sum(square(y - f)) / 2).item();
      below.backward(above.backward(f - y, 0.5), 0.5);
      graph.x.push_back(step), graph.y.push_back(loss.item());
      if (step % (steps / 30) == 0) hand.x.push_back(step), hand.y.push_back(by_hand);
      apart = std::max(apart, std::abs(by_hand - loss.item()));
    }
    fmt::print("exclusive or: the loss falls from {:.4f} to {:.6f}; the two ways are never more than {:.0e} apart\n",
               graph.y.front(), graph.y.back(), apart);
    must(apart < 1e-9, "layer by layer and by the graph the same is learned");
    draw::write_chart(
        l.file("backprop.svg"), {graph, hand},
        {.title = "Exclusive or, learned twice", .x = {"step"}, .y = {.label = "½ Σ (y − F)²", .scale = draw::Scale::log}});
  });
}
