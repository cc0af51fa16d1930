/// A network of two layers learns exclusive or, which no single layer can: a plain struct, and five lines of training.
#include <fmt/format.h>
#include <cstdio>
#include <xgrad/xgrad.hpp>

namespace xg = xgrad;

struct Perceptron {
  xg::nn::Linear<float> hidden{2, 8}, output{8, 1};

  xg::Variable<float> operator()(xg::Variable<float> x) const { return flatten(sigmoid(output(tanh(hidden(x)))), 0); }
};

int main() {
  const xg::Array<float> x{{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  const xg::Array<float> y{0, 1, 1, 0};

  xg::seed(1);
  const Perceptron net;
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.lr = 0.5, .momentum = 0.9});
  for (int step = 1; step <= 500; ++step) {
    const auto loss = mse_loss(net(x), y);
    opt.zero_grad();
    backward(loss);
    opt.step();
    if (step % 100 == 0) fmt::print("step {}   loss {:.5f}\n", step, loss.item());
  }

  const xg::NoGrad no_grad;
  const auto answer = net(x);
  fmt::print("\n a  b   a xor b   the network says\n");
  for (std::size_t i = 0; i < 4; ++i)
    fmt::print(" {:.0f}  {:.0f}      {:.0f}          {:.3f}\n", x(i, 0), x(i, 1), y(i), answer.value()(i));
  if (std::fflush(stdout) != 0) return std::perror("xor: standard output"), 1;  // a full disk, say
}
