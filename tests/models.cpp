// The networks of models/ have the parameters of their papers. They are not run here, the large ones would take seconds.
#include <doctest/doctest.h>

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
