// Metrics, and the evaluation of networks.
#include <cmath>
#include <memory>
#include <utility>

#include "numbered.hpp"
#include "support.hpp"

using namespace xgrad;
using namespace xgrad_test;

namespace {

struct Net {
  nn::BatchNorm<float> norm{1};
  nn::Dropout drop{0.5};
  nn::Linear<float> fc{6, 3};
  auto operator()(Variable<float> x) const { return fc(flatten(drop(norm(std::move(x))))); }
};

}  // namespace

TEST_CASE_TEMPLATE("metrics against plain loops", T, float, double) {
  Generator generator(6);
  Array<T> scores(Shape{50, 8});
  generator.fill_normal(scores, 0, 2);
  scores(0, 0) = scores(0, 1) = 9;  // a tie
  Labels labels(Shape{50});
  for (std::int64_t& label : labels) label = static_cast<std::int64_t>(generator.below(8));
  labels(0) = 1;
  Metrics m, half;
  m.add(scores, labels);
  double loss = 0, right = 0, five = 0;
  Labels confusion = zeros<std::int64_t>(Shape{8, 8});
  for (std::size_t i = 0; i < 50; ++i) {
    const auto label = static_cast<std::size_t>(labels(i));
    double sum = 0;
    std::size_t guess = 0, larger = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      sum += std::exp(static_cast<double>(scores(i, k)));
      if (scores(i, k) > scores(i, guess)) guess = k;
      larger += scores(i, k) > scores(i, label);
    }
    loss += std::log(sum) - static_cast<double>(scores(i, label));
    right += guess == label;
    five += larger < 5;
    ++confusion(label, guess);
  }
  CHECK(m.loss() == doctest::Approx(loss / 50));
  CHECK(m.accuracy() == right / 50);
  CHECK(m.top5() == five / 50);
  CHECK(m.confusion == confusion);
  CHECK(half.accuracy() == 0);
}

TEST_CASE("evaluate leaves the network as it was") {
  seed(1);
  Net net;
  net.drop.training = false;
  const Variable<float> before(net.norm.running_mean.value());
  const Metrics a = nn::evaluate(net, numbered(20, 3), {.batch_size = 6}),
                b = nn::evaluate(net, numbered(20, 3), {.batch_size = 20, .workers = 1});
  CHECK(a.samples == 20);
  CHECK(a.loss() == doctest::Approx(b.loss()));
  CHECK(net.norm.training);
  CHECK(!net.drop.training);
  CHECK(net.norm.running_mean.value() == before.value());
}

TEST_CASE("evaluate of an empty source, and of classes without samples") {
  Net net;
  const Metrics none = nn::evaluate(net, numbered(0, 3));
  CHECK(none.samples == 0);
  CHECK(none.loss() == 0);
  CHECK(none.accuracy() == 0);
  const Dataset some = numbered(20, 3);
  Dataset one = some;
  one.labels.fill(1);
  const Metrics of_one = nn::evaluate(net, one);
  CHECK(of_one.samples == 20);
  CHECK(sum(Variable<double>(xt::cast<double>(of_one.confusion)), 1).value() == Array<double>{0, 20, 0});
}

namespace {
struct Dropping {
  nn::Linear<double> layer{1, 3};
  nn::Dropout drop{0.5};
  nn::BatchNorm<double> norm{3};
  Variable<double> operator()(Variable<double> x) const { return norm(drop(layer(std::move(x)))); }
};
}  // namespace

TEST_CASE("evaluate of a const network is not in training mode either") {
  Dropping net;
  const Source<double> source(normal<double>({4, 1}), Labels{0, 1, 2, 0});
  const auto before = net.norm.running_mean.value();
  const double loss = nn::evaluate(net, source).loss();
  CHECK(nn::evaluate(std::as_const(net), source).loss() == loss);
  CHECK(nn::evaluate(std::as_const(net), source).loss() == loss);
  CHECK(net.norm.running_mean.value() == before);
  CHECK(net.norm.training);
}

namespace {
struct Twice {
  std::shared_ptr<nn::Dropout> drop = std::make_shared<nn::Dropout>(0.5), again = drop;
  nn::Linear<double> layer{1, 3};
  Variable<double> operator()(Variable<double> x) const { return (*again)(layer((*drop)(std::move(x)))); }
};
}  // namespace

TEST_CASE("evaluate leaves a layer that a network has twice as it was") {
  Twice net;
  nn::evaluate(net, Source<double>(normal<double>({4, 1}), Labels{0, 1, 2, 0}));
  CHECK(net.drop->training);
}
