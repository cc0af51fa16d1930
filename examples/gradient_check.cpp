/// Are the gradients right? The network that is trained in float is checked in double: every parameter against finite
/// differences. Do this with each network before you train it: a wrong gradient often learns too, only worse.
#include <fmt/format.h>
#include <cstdio>
#include <xgrad/xgrad.hpp>

namespace xg = xgrad;

template <class T>
struct Net {
  xg::nn::Conv2d<T> conv{1, 3, 3, {.padding = 1}};
  xg::nn::Linear<T> hidden{48, 10}, output{10, 4};

  xg::Variable<T> operator()(xg::Variable<T> x) const {
    x = max_pool2d(tanh(conv(x)), 2);
    return output(relu(hidden(flatten(x))));
  }
};

int main() {
  xg::seed(1);
  const Net<float> trained;  // in a real program: after some training, when no weight is special any more

  const Net<double> net;
  xg::nn::copy_state(trained, net);
  xg::Array<double> images(xg::Shape{5, 8, 8, 1});
  xg::default_generator().fill_normal(images, 0, 1);
  const xg::Labels labels{0, 3, 1, 2, 3};

  const auto report = xg::gradcheck([&] { return cross_entropy(net(images), labels); }, xg::nn::named_parameters(net));
  fmt::print("{}\n", report);

  // The images have gradients too, if they are asked for.
  const xg::Variable<double> x(images, true);
  const auto second = xg::gradcheck([&](auto v) { return cross_entropy(net(v), labels); }, {x});
  fmt::print("\n{}\n", second);
  if (std::fflush(stdout) != 0) return std::perror("gradient_check: standard output"), 1;  // a full disk, say
  return report.ok() && second.ok() ? 0 : 1;
}
