// Systems: perceptrons, gradients that vanish, the deformable part model.
#include "lecture.hpp"

#include "../../models/dpm.hpp"
#include "../../models/resnet.hpp"

using namespace lecture;

TEST_CASE("lectures: a perceptron with a hidden layer learns XOR, one without does not") {
  seed(1);
  const V x = matrix(2, {0, 0, 0, 1, 1, 0, 1, 1});
  const Labels y{0, 1, 1, 0};
  const auto trained = [&](const auto& net) {
    optim::Optimizer opt(nn::parameters(net), optim::Adam{.lr = 0.05});
    for (int step = 0; step < 200; ++step) {
      opt.zero_grad();
      backward(cross_entropy(net(x), y));
      opt.step();
    }
    return number(cross_entropy(net(x), y));
  };
  CHECK(trained(nn::Sequential{nn::Linear<double>(2, 8), nn::Tanh{}, nn::Linear<double>(8, 2)}) < 0.05);
  CHECK(trained(nn::Sequential{nn::Linear<double>(2, 8), nn::ReLU{}, nn::Linear<double>(8, 8), nn::ReLU{},
                               nn::Linear<double>(8, 2)}) < 0.05);
  CHECK(trained(nn::Linear<double>(2, 2)) > 0.69);  // ln 2 is the best that a line can do
}

TEST_CASE("lectures: gradients vanish through twenty logistic layers, with small weights and with large") {
  const std::size_t width = 16;
  const V x = lecture::noise({8, width});
  /// The norm of the first weight's gradient over that of the last.
  const auto ratio = [&](std::size_t depth, double size) {
    std::vector<V> weights;
    V y = x;
    for (std::size_t k = 0; k < depth; ++k) {
      Generator generator(k + 1);
      weights.emplace_back(normal<double>({width, width}, 0, size / std::sqrt(double(width)), generator), true);
      y = sigmoid(linear(y, weights.back()));
    }
    const auto g = grad(mean(square(y - 0.3)), weights);
    return number(xgrad::norm(g.front())) / number(xgrad::norm(g.back()));
  };
  CHECK(ratio(2, 1) > 0.02);
  CHECK(ratio(20, 1) < 1e-8);    // each layer takes at most a quarter of it
  CHECK(ratio(20, 100) < 1e-4);  // saturated
  CHECK(ratio(2, 100) > 10 * ratio(20, 100));
}

TEST_CASE("lectures: shortcuts carry the gradient back through twenty layers, whatever the weights") {
  const Variable<float> x(xt::cast<float>(lecture::noise({4, 8, 8, 3}).value()));
  // The norm of the loss's gradient for what comes out of the first layer, over that for what goes into the last. Norms are as in
  // use, so that they do not set the signals' size right.
  const auto ratio = [&](bool plain, float size) {
    seed(1);
    models::CifarResNet<float> net({.depth = 20, .width = 4, .plain = plain});
    nn::eval(net);
    for (const auto& named : nn::named_parameters(net))
      if (named.variable.shape().size() == 4) Variable<float>(named.variable).update([&](auto& w) { w *= size; });
    std::vector<Variable<float>> maps{relu(net.stem(x))};
    for (const auto& block : net.blocks) maps.push_back(block(maps.back()));
    const auto g = grad(cross_entropy(net.fc(global_avg_pool2d(maps.back())), {0, 1, 2, 3}), {maps.front(), maps.back()});
    return static_cast<double>(xgrad::norm(g[0]).item() / xgrad::norm(g[1]).item());
  };
  for (const float size : {1.0F, 0.5F}) MESSAGE("plain ", ratio(true, size), ", residual ", ratio(false, size));
  CHECK(ratio(true, 0.5F) < 1e-3);
  CHECK(ratio(false, 0.5F) > 0.1);
}

namespace {

/// Images of a figure, two bars beside each other that stand at varying distances, or of one bar alone.
struct Figures {
  Array<double> images;
  Array<double> truth;  // 1 and -1
};
Figures figures(std::size_t n, std::size_t side) {
  Figures result{zeros<double>({n, side, side, 1}), Array<double>(Shape{n})};
  result.images += normal<double>({n, side, side, 1}, 0, 0.05);
  for (std::size_t i = 0; i < n; ++i) {
    const auto draw = [&](std::size_t y, std::size_t x) {
      for (std::size_t k = 0; k < 4; ++k) result.images(i, y + k, x, 0) += 1;
    };
    const auto any = [](std::int64_t low, std::int64_t high) { return static_cast<std::size_t>(randint({1}, low, high)(0)); };
    const std::size_t y = any(1, static_cast<std::int64_t>(side) - 6), x = any(1, static_cast<std::int64_t>(side) - 8);
    result.truth(i) = i % 2 == 0 ? 1 : -1;
    draw(y, x);
    if (i % 2 == 0) draw(y + any(0, 2), x + any(3, 6));
  }
  return result;
}

}  // namespace

TEST_CASE("lectures: a deformable part model as a network: gradients, and that it learns figures of two parts") {
  seed(2);
  const models::DPMConfig config{.features = 4, .root = 4, .part = 4, .anchors = {{2, 0}, {2, 4}}, .reach = 2};
  const Figures set = figures(20, 16);
  const V truth(set.truth);
  models::DPM<double> net(config);
  CHECK(net.pyramid(V(set.images))[0].shape() == Shape{20, 5, 5});
  CHECK(net.pyramid(V(set.images))[1].shape() == Shape{20, 3, 3});
  const models::DPM<double> four({.features = 4, .root = 4, .part = 4, .anchors = {{2, 0}, {2, 4}, {0, 1}, {4, 3}}, .reach = 2});
  for (V p : nn::parameters(four)) p.update([](auto& a) { a += normal<double>(a.shape(), 0, 0.05); });
  const V some = lecture::noise({2, 12, 12, 1});
  auto inputs = nn::named_parameters(four);
  inputs.push_back({"images", some});
  const auto report = gradcheck([&] { return four(some); }, inputs);
  CHECK_MESSAGE(report.ok(), to_string(report));

  optim::Optimizer opt(nn::parameters(net), optim::Adam{.lr = 0.01});
  const auto loss = [&] { return mean(softplus(-truth * net(V(set.images)))); };
  int step = 0;
  for (; step < 400 && number(loss()) > 0.1 * std::log(2); ++step) {
    opt.zero_grad();
    backward(loss());
    opt.step();
  }
  MESSAGE(number(loss()), " after ", step, " steps");
  CHECK(number(loss()) < 0.1 * std::log(2));
  const Figures more = figures(100, 16);
  const V right = heaviside(V(more.truth) * net(V(more.images)), 0);
  MESSAGE(number(mean(right)), " of new figures");
  CHECK(number(mean(right)) > 0.8);
}
