/// Learning rates that fall: what each schedule is, what a network makes of it, and when the two forms of momentum differ.
#include <cmath>
#include <utility>

#include "lecture.hpp"

namespace o = xg::optim;
using Var = xg::Variable<float>;

/// Trains one perceptron, from the same weights each time, and gives its loss.
draw::Series train(const std::string& name, const xg::Split& data, std::size_t steps, const o::Schedule& rate,
                   double* accuracy = nullptr, o::SGD rule = {.momentum = 0.9}) {
  xg::seed(1);
  const xg::nn::Sequential net{xg::nn::Flatten{}, xg::nn::Linear<float>(784, 32), xg::nn::ReLU{}, xg::nn::Linear<float>(32, 10)};
  xg::Loader<float> loader(data.train, {.batch_size = 64});
  o::Optimizer opt(xg::nn::parameters(net), rule);
  draw::Series result{name, {}, {}};
  while (result.x.size() < steps)
    for (auto [images, labels] : loader) {
      if (result.x.size() == steps) break;
      opt.options.lr = rate(result.x.size());
      const Var loss = cross_entropy(net(images), labels);
      opt.zero_grad();
      backward(loss);
      opt.step();
      result.x.push_back(static_cast<double>(result.x.size())), result.y.push_back(loss.item());
    }
  if (accuracy) *accuracy = xg::nn::evaluate(net, data.test).accuracy();
  return result;
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Schedules of the learning rate", [](const Lecture& l) {
    const xg::Split data = l.digits(l.size<std::size_t>(20000, 600), l.size<std::size_t>(5000, 300));
    const std::size_t n = l.size<std::size_t>(3000, 100);
    const double rate = 0.1, steps = static_cast<double>(n);
    const std::vector<std::pair<const char*, o::Schedule>> schedules{
        {"constant", o::constant(rate)},
        {"step: halved eight times", o::step_decay(rate, n / 8, 0.5)},
        {"exponential, α₀ e^(−kt)", o::exponential(rate, std::exp(-6 / steps))},
        {"1/t, α₀ / (1 + kt)", o::inverse_time(rate, 50 / steps)},
        {"half a cosine", o::cosine(rate, n)},
        {"one cycle", o::one_cycle(n, 2 * rate)}};
    std::vector<draw::Series> rates, losses;
    for (const auto& [name, schedule] : schedules) {
      double accuracy = 0;
      draw::Series r{name, {}, {}};
      for (std::size_t step = 0; step < n; step += n / 100) r.x.push_back(static_cast<double>(step)), r.y.push_back(schedule(step));
      rates.push_back(r), losses.push_back(averaged(train(name, data, n, schedule, &accuracy), 40));
      fmt::print("{:<28} loss {:.4f} at the end, {:.2f} % of {} test images\n", name, losses.back().y.back(), 100 * accuracy,
                 data.test.size());
    }
    // m ← αm + g, w ← w - ηm against m ← αm + ηg, w ← w - m: the same until η changes
    const auto apart = [&](const o::Schedule& schedule) {
      const std::size_t few = n / 10;
      const auto a = train("", data, few, schedule, nullptr, {.momentum = 0.9}),
                 b = train("", data, few, schedule, nullptr, {.momentum = 0.9, .rate_inside = true});
      double most = 0;
      for (std::size_t i = 0; i < few; ++i) most = std::max(most, std::abs(a.y[i] - b.y[i]));
      return most;
    };
    const double same = apart(o::constant(0.01)), other = apart(o::exponential(0.1, 0.98));
    fmt::print("momentum with the rate outside and inside: losses {:.0e} apart at a constant rate, {:.0e} once it decays\n", same,
               other);
    must(same < 1e-3 && other > 10 * same, "the two forms of momentum differ only where the rate does");
    draw::write_svg(
        l.file("schedules.svg"),
        draw::panels({chart(rates, {.title = "Rates", .x = {"step"}, .y = {.label = "learning rate", .low = 0}}),
                      chart(losses, {.title = "Losses", .x = {"step"}, .y = {.label = "loss", .scale = draw::Scale::log}})}));
  });
}
