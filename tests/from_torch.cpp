// Networks of PyTorch, loaded into the same networks here.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include <xgrad/nn/attention.hpp>
#include <xgrad/nn/conv.hpp>
#include <xgrad/nn/linear.hpp>
#include <xgrad/nn/norm.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/pool.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/state/state.hpp>

#include "archive.hpp"

namespace nn = xgrad::nn;
using archive::Directory;
using archive::message;
using xgrad::Array;
using xgrad::Shape;
using xgrad::Variable;

namespace {

const std::string lenet = XGRAD_TEST_DATA "/files/lenet.pt";

/// tests/golden/make_torch_files.py has it in Python.
template <class T>
struct Net {
  nn::Conv2d<T> conv1{1, 2, 3};
  nn::BatchNorm<T> norm{2};
  nn::Conv2d<T> conv2{2, 3, 2, {.bias = false}};
  nn::Linear<T> fc1{18, 4}, fc2{4, 2};

  Variable<T> operator()(Variable<T> x) const {
    x = relu(norm(conv1(std::move(x))));
    x = relu(conv2(max_pool2d(std::move(x), 2)));
    return fc2(relu(fc1(flatten(std::move(x)))));
  }
};
template <class T>
Variable<T> images() {
  Array<T> x(Shape{1, 8, 10, 1});
  for (std::size_t k = 0; k < 80; ++k) x.data()[k] = static_cast<T>(k) / 40 - 1;
  return x;
}

Variable<float> counted(const Shape& shape) {
  Array<float> result(shape);
  for (std::size_t k = 0; k < result.size(); ++k) result.data()[k] = static_cast<float>(k);
  return {std::move(result), true};
}
struct Layer {
  Variable<float> weight, bias;
};

}  // namespace

TEST_CASE_TEMPLATE("from torch: a network gives what it gave there", T, float, double) {
  Net<T> net;
  const nn::LoadReport report =
      nn::load(net, lenet, {.convert = !std::is_same_v<T, float>, .from_torch = true, .flattened = {{"fc1", 3}}});
  CHECK(report.complete());
  CHECK(report.loaded.size() == 11);
  nn::eval(net);
  const Variable<T> y = net(images<T>());
  CHECK(y.value()(0, 0) == doctest::Approx(-0.17025795578956604).epsilon(1e-5));
  CHECK(y.value()(0, 1) == doctest::Approx(-0.43031492829322815).epsilon(1e-5));
}

TEST_CASE("from torch: without its layout a file does not fit, or must not be taken as it is") {
  Net<float> net;
  const Net<float> before = nn::clone(net);
  CHECK_THROWS_WITH_AS(nn::load(net, lenet),
                       doctest::Contains("conv1.weight is F32 (2, 1, 3, 3) in the file and F32 (2, 3, 3, 1) in memory"),
                       xgrad::FileError);
  CHECK_THROWS_WITH_AS(
      nn::load(net, lenet, {.from_torch = true}),
      doctest::Contains("load: fc1.weight takes 18 features behind a convolution of 3 channels; say how many channels the images "
                        "had that were flattened, {.flattened = {{\"fc1\", 3}}}, or 1 if none were"),
      xgrad::ValueError);
  CHECK_THROWS_WITH_AS(nn::load(net, lenet, {.from_torch = true, .flattened = {{"fc1", 4}}}),
                       doctest::Contains("flattened has 4 channels for fc1.weight, which takes 18 features"), xgrad::ValueError);
  CHECK_THROWS_WITH_AS(nn::load(net, lenet, {.from_torch = true, .flattened = {{"fc1", 3}, {"conv1", 3}}}),
                       doctest::Contains("flattened has conv1; it must be a linear layer of the network"), xgrad::ValueError);
  CHECK(net.conv1.weight.value() == before.conv1.weight.value());

  struct Whole {
    nn::Conv2d<float> conv1{1, 3, 3};  // another length, and no norm
    nn::Linear<float> fc2{4, 2};
  } other;
  CHECK_THROWS_WITH_AS(
      nn::load(other, lenet, {.from_torch = true, .flattened = {{"fc2", 1}}}),
      doctest::Contains(
          "conv1.weight is F32 (2, 1, 3, 3) in the file and F32 (3, 3, 3, 1) in memory, conv1.bias F32 (2,) in the file "
          "and F32 (3,) in memory, norm.weight F32 (2,) in the file alone, norm.bias"),
      xgrad::FileError);
}

TEST_CASE("from torch: what fits only as it lies in the file is not taken") {
  const Directory directory;
  const std::string path = directory.file("a.safetensors");
  struct Own {
    nn::Conv2d<float> conv1{1, 2, 3};
  } net;
  nn::save(net, path);  // in our order
  CHECK_THROWS_WITH_AS(nn::load(net, path, {.from_torch = true}),
                       doctest::Contains("conv1.weight is F32 (2, 3, 1, 3) in the file and F32 (2, 3, 3, 1) in memory"),
                       xgrad::FileError);

  struct Theirs {
    Layer conv{counted({4, 2, 3}), counted({4})}, fc{counted({2, 8}), counted({2})};
  } theirs;
  struct Ours {
    nn::Conv1d<float> conv{2, 4, 3};
    nn::Linear<float> fc{8, 2};
  } ours;
  nn::save(theirs, path);
  CHECK_THROWS_WITH_AS(nn::load(ours, path, {.from_torch = true}),
                       doctest::Contains("fc.weight takes 8 features behind a convolution of 4 channels"), xgrad::ValueError);
  CHECK(nn::load(ours, path, {.from_torch = true, .flattened = {{"fc", 4}}}).complete());
  CHECK(ours.fc.weight.value()(1, 1) == theirs.fc.weight.value()(1, 2));  // the second channel's first place
}

TEST_CASE("from torch: each kind of weight has its own order") {
  const Directory directory;
  const std::string path = directory.file("a.safetensors");
  struct Rest {  // as PyTorch has them
    Layer sequence{counted({4, 2, 3}), counted({4})}, back{counted({2, 4, 3, 5}), counted({4})},
        groups{counted({4, 1, 3, 3}), counted({4})}, norm{counted({2, 3, 4}), counted({2, 3, 4})}, rows{counted({5}), counted({5})},
        square{counted({3, 3, 3, 3}), counted({3})};
    Variable<float> shift = counted({1, 2, 3, 4});
  } theirs;
  struct Single {
    nn::Conv1d<float> sequence{2, 4, 3};
    nn::ConvTranspose2d<float> back{2, 4, {3, 5}};
    nn::Conv2d<float> groups{4, 4, 3, {.groups = 4}};
    nn::LayerNorm<float> norm{Shape{3, 4, 2}}, rows{5};
    nn::Conv2d<float> square{3, 3, 3};
    Variable<float> shift{Array<float>(Shape{1, 2, 3, 4}), true};  // no weight of a layer: as it is
  } ours;
  nn::save(theirs, path);
  CHECK(nn::load(ours, path, {.from_torch = true}).complete());
  const auto last = [](const Variable<float>& a, const Variable<float>& b) {  // b (…, c, places), a (…, places, c)
    const auto& x = a.value();
    const auto& y = b.value();
    for (std::size_t o = 0; o < y.shape()[0]; ++o)
      for (std::size_t c = 0; c < y.shape()[1]; ++c)
        for (std::size_t i = 0; i < y.shape()[2]; ++i) {
          if (y.dimension() == 3 && x(o, i, c) != y(o, c, i)) return false;
          for (std::size_t j = 0; y.dimension() == 4 && j < y.shape()[3]; ++j)
            if (x(o, i, j, c) != y(o, c, i, j)) return false;
        }
    return true;
  };
  CHECK(last(ours.sequence.weight, theirs.sequence.weight));
  CHECK(last(ours.back.weight, theirs.back.weight));
  CHECK(last(ours.groups.weight, theirs.groups.weight));
  CHECK(last(ours.square.weight, theirs.square.weight));
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 4; ++j) {
        CHECK(ours.norm.weight.value()(i, j, c) == theirs.norm.weight.value()(c, i, j));
        CHECK(ours.norm.bias.value()(i, j, c) == theirs.norm.bias.value()(c, i, j));
      }
  CHECK(ours.rows.weight.value() == theirs.rows.weight.value());
  CHECK(ours.shift.value() == theirs.shift.value());
}
