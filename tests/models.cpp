// The networks of models/ have the parameters of their papers. They are not run here, the large ones would take seconds.
#include <doctest/doctest.h>

#include <cmath>

#include "../models/alexnet.hpp"
#include "../models/googlenet.hpp"
#include "../models/lenet.hpp"
#include "../models/resnet.hpp"
#include "../models/vgg.hpp"

namespace models = xgrad::models;
namespace nn = xgrad::nn;

TEST_CASE("networks have the parameters of their papers") {
  CHECK(nn::parameter_count(models::LeNet<>{}) == 61706);
  CHECK(nn::parameter_count(models::AlexNet<>{}) == 60965224);
  CHECK(nn::parameter_count(models::VGGA<>{}) == 132863336);
  CHECK(nn::parameter_count(models::GoogLeNet<>{}) == 6998552);
  CHECK(nn::parameter_count(models::ResNet20<>{}) == 269722);
  CHECK(nn::parameter_count(models::ResNet50<>{}) == 25557032);
}

namespace {
/// The loss of a new network on images of noise.
template <class Net>
double first_loss(std::size_t batch, std::size_t size, std::size_t classes) {
  xgrad::seed(1);
  const Net net;
  const auto x = xgrad::normal<float>({batch, size, size, 3});
  const auto y = xgrad::randint({batch}, 0, static_cast<std::int64_t>(classes));
  const xgrad::NoGrad guard;
  return cross_entropy(net(xgrad::Variable<float>(x)), y).item();
}
}  // namespace

// An image each where the network is large; smaller images where it takes them. VGG-A would take seconds.
TEST_CASE("new deep networks take each class for as likely") {
  CHECK(std::abs(first_loss<models::ResNet20<>>(8, 32, 10) - std::log(10.0)) < 0.3);
  CHECK(std::abs(first_loss<models::ResNet50<>>(2, 64, 1000) - std::log(1000.0)) < 0.3);
  CHECK(std::abs(first_loss<models::GoogLeNet<>>(1, 64, 1000) - std::log(1000.0)) < 1);
  CHECK(std::abs(first_loss<models::AlexNet<>>(1, 227, 1000) - std::log(1000.0)) < 1);
}
