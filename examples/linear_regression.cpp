/// The smallest network there is: one weight and one bias find the line behind noisy points.
#include <fmt/format.h>
#include <cstdio>
#include <xgrad/xgrad.hpp>

namespace xg = xgrad;

int main() {
  // 200 points of y = 3x - 2, with noise.
  xg::Generator random(1);
  xg::Array<float> x(xg::Shape{200, 1}), noise(x.shape());
  random.fill_uniform(x, -1, 1);
  random.fill_normal(noise, 0, 0.1);
  const xg::Array<float> y = 3.0F * x - 2.0F + noise;

  const xg::nn::Linear<float> line(1, 1);
  xg::optim::Optimizer opt(xg::nn::parameters(line), xg::optim::SGD{.lr = 0.1, .momentum = 0.9});

  for (int step = 0; step <= 100; ++step) {
    const auto loss = mse_loss(line(x), y);
    if (step % 20 == 0)
      fmt::print("step {:3}   y = {:6.3f} x {:+.3f}   loss {:.4f}\n", step, line.weight.item(), line.bias.item(), loss.item());
    opt.zero_grad();
    backward(loss);
    opt.step();
  }
  fmt::print("\nfound y = {:.2f} x {:+.2f}, the points came from y = 3 x - 2; the noise alone has loss {:.4f}\n",
             line.weight.item(), line.bias.item(), 0.1 * 0.1);
  if (std::fflush(stdout) != 0) return std::perror("linear_regression: standard output"), 1;  // a full disk, say
}
