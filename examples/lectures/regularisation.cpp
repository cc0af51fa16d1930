/// Regularisers: what L1, L2, both, dropout and batch normalisation do to a network with more weights than it has seen digits.
#include "lecture.hpp"

using Var = xg::Variable<float>;

struct Net {
  xg::nn::Linear<float> a{784, 128}, b{128, 64}, out{64, 10};
  xg::nn::BatchNorm<float> norm_a{128}, norm_b{64};
  xg::nn::Dropout dropout{0.5};
  bool normalised, dropping;

  Net(bool with_norms, bool with_dropout) : normalised(with_norms), dropping(with_dropout) {}
  Var operator()(const Var& x) const {
    Var h = a(flatten(x));
    h = relu(normalised ? norm_a(h) : h);
    h = b(dropping ? dropout(h) : h);
    h = relu(normalised ? norm_b(h) : h);
    return out(dropping ? dropout(h) : h);
  }
  XGRAD_FIELDS(a, b, out, norm_a, norm_b, dropout)
};

struct Way {
  std::string name;
  xg::nn::PenaltyOptions penalty = {};
  bool normalised = false, dropping = false;
};

struct Outcome {
  double train, test;           // accuracies
  std::vector<double> weights;  // of the first layer, without signs, the largest first
};

Outcome learn(const Way& way, const xg::Split& data, int epochs) {
  xg::seed(1);
  Net net(way.normalised, way.dropping);
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::Adam{});
  xg::Loader<float> loader(data.train, {.batch_size = 50});
  for (int epoch = 0; epoch < epochs; ++epoch)
    for (auto [images, labels] : loader) {
      opt.zero_grad();
      backward(cross_entropy(net(images), labels) + xg::nn::penalty(net, way.penalty));
      opt.step();
    }
  Outcome result{xg::nn::evaluate(net, data.train).accuracy(), xg::nn::evaluate(net, data.test).accuracy(), {}};
  for (const float w : net.a.weight.value()) result.weights.push_back(std::abs(w));
  std::sort(result.weights.begin(), result.weights.end(), std::greater<>());
  return result;
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "L1, L2, elastic net, dropout, batch normalisation", [](const Lecture& l) {
    const Var x(matrix<float>({{1, 1, 1, 1}}));
    for (const auto& w : {matrix<float>({{1, 0, 0, 0}}), matrix<float>({{0.25, 0.25, 0.25, 0.25}})})
      fmt::print("w = ({}, {}, {}, {}): score {}, L2 {}, L1 {}\n", w(0, 0), w(0, 1), w(0, 2), w(0, 3), sum(x * w).item(),
                 sum(square(Var(w))).item(), sum(abs(Var(w))).item());

    const xg::Split data = l.digits(l.size<std::size_t>(1000, 200), l.size<std::size_t>(5000, 300));
    const std::vector<Way> ways{{"none"},
                                {"L1", {.l1 = 2e-4}},
                                {"L2", {.l2 = 2e-3}},
                                {"elastic net", {.l1 = 1e-4, .l2 = 1e-3}},
                                {"dropout", {}, false, true},
                                {"batch norm", {}, true, false}};
    draw::Series errors{"", {}, {}, false, draw::Style::bars};
    draw::Axis names;
    std::vector<draw::Series> weights;
    fmt::print("\n{} images to learn from, {} to test with\n", data.train.size(), data.test.size());
    for (const Way& way : ways) {
      const Outcome o = learn(way, data, l.size(60, 3));
      const auto small = std::count_if(o.weights.begin(), o.weights.end(), [](double w) { return w < 1e-3; });
      fmt::print("{:<12} training {:6.2f} %, test {:.2f} %, {:.0f} % of the first layer's weights below 0.001\n", way.name,
                 100 * o.train, 100 * o.test, 100.0 * static_cast<double>(small) / static_cast<double>(o.weights.size()));
      errors.x.push_back(static_cast<double>(names.names.size())), errors.y.push_back(100 - 100 * o.test);
      names.names.push_back(way.name);
      if (way.normalised || way.dropping) continue;
      draw::Series s{way.name, {}, {}};
      for (std::size_t i = 0; i < o.weights.size(); i += 500) s.x.push_back(static_cast<double>(i)), s.y.push_back(o.weights[i]);
      weights.push_back(s);
    }
    must(l.quick || weights[1].y[weights[1].y.size() / 2] < 0.1 * weights[0].y[weights[0].y.size() / 2],
         "L1 leaves weights that are next to nothing");
    const draw::Axis size{.label = "|w|", .scale = draw::Scale::log, .low = 1e-6};
    draw::write_svg(l.file("regularisation.svg"),
                    draw::panels({draw::chart({errors}, {.title = "Errors on other digits", .x = names, .y = {"wrong", "%"}}),
                                  chart(weights, {.title = "The first layer's weights, sorted", .x = {"rank"}, .y = size})}));
  });
}
