// Networks of PyTorch, loaded into the same networks here, and saved for PyTorch.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <xgrad/nn/activation.hpp>
#include <xgrad/nn/attention.hpp>
#include <xgrad/nn/containers.hpp>
#include <xgrad/nn/conv.hpp>
#include <xgrad/nn/embedding.hpp>
#include <xgrad/nn/linear.hpp>
#include <xgrad/nn/norm.hpp>
#include <xgrad/nn/pool.hpp>
#include <xgrad/nn/recurrent.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/pool.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/state/state.hpp>

#include "../models/resnet.hpp"
#include "../models/vgg.hpp"
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

const std::string layers = XGRAD_TEST_DATA "/files/layers.pt";

/// A part of layers.pt: a network, what it was given and what it gave. Shapes are the file's.
template <class L>
struct Example {
  L net;
  Variable<float> x, y;
};
template <class L>
Example<L> example(L net, const Shape& x, const Shape& y) {
  return {std::move(net), Array<float>(x), Array<float>(y)};
}
auto sequential() {
  return nn::Sequential{nn::Conv2d<float>(2, 3, 3, {.stride = 2}),
                        nn::BatchNorm<float>(3),
                        nn::ReLU{},
                        nn::MaxPool2d{2, {.stride = 1}},
                        nn::Flatten{},
                        nn::Linear<float>(18, 4),
                        nn::BatchNorm<float>(4)};
}

template <class L, class F>
double worst(const Example<L>& e, const F& run) {
  const Variable<float> y = run(e.net, e.x);
  REQUIRE(y.shape() == e.y.shape());
  double result = 0;
  for (std::size_t k = 0; k < y.size(); ++k)
    result = std::max(result, std::abs(double{y.value().data()[k]} - double{e.y.value().data()[k]}));
  return result;
}
const auto call = [](const auto& net, const auto& x) { return net(x); };
const auto output = [](const auto& net, const auto& x) { return net(x).output; };

/// What runs Python with PyTorch, or a module that needs it, here, or "".
std::string python(const std::string& module = "torch") {
  for (const std::string name : {"python3", "/usr/bin/python3"})
    if (std::system((name + " -c 'import " + module + "' 2>/dev/null").c_str()) == 0) return name;
  return {};
}

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
      doctest::Contains("load: fc1.weight takes 18 features behind a convolution of 3 channels; flattened must say how many "
                        "channels the images had that were flattened, or 1 if none were: {.flattened = {{\"fc1\", 3}}};"),
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

TEST_CASE("from torch: layers, of one state or many, give what they gave there") {
  const auto check = [](auto e, const char* prefix, std::size_t count, const auto& run, nn::Flattened flattened = {}) {
    CAPTURE(prefix);
    const auto report = nn::load(e, layers, {.prefix = std::string(prefix), .from_torch = true, .flattened = std::move(flattened)});
    CHECK(report.loaded.size() == count + 2);
    nn::eval(e);
    CHECK(worst(e, run) < 1e-5);
  };
  const Shape sequence{2, 5, 8};
  check(example(sequential(), {2, 7, 9, 2}, {2, 4}), "images", 12, call, {{"net.5", 3}});
  check(example(nn::LSTM<float>(3, 4, {.layers = 2, .bidirectional = true}), {2, 5, 3}, sequence), "lstm", 16, output);
  check(example(nn::GRU<float>(3, 4), {2, 5, 3}, {2, 5, 4}), "gru", 4, output);
  check(example(nn::MultiheadAttention<float>(8, 2), sequence, sequence), "attention", 4, call);
  check(example(nn::TransformerEncoderLayer<float>(8, 2, {.dim_feedforward = 12}), sequence, sequence), "encoder", 12, call);
}

TEST_CASE("from torch: Sequential's layers are found by their places") {
  auto e = example(sequential(), {2, 7, 9, 2}, {2, 4});
  CHECK_THROWS_WITH_AS(nn::load(e, layers, {.prefix = "images", .from_torch = true}),
                       doctest::Contains("net.5.weight takes 18 features behind a convolution of 3 channels"), xgrad::ValueError);
  nn::Sequential moved{nn::Conv2d<float>(2, 3, 3, {.stride = 2}), nn::ReLU{}, nn::BatchNorm<float>(3)};
  CHECK_THROWS_WITH_AS(nn::load(moved, layers, {.prefix = "images.net", .from_torch = true}),
                       doctest::Contains("1.weight F32 (3,) in the file alone"), xgrad::FileError);
}

TEST_CASE_TEMPLATE("to torch: what is saved is loaded again, and no other order is", T, float, double) {
  const Directory directory;
  Net<T> net;
  nn::load(net, lenet, {.convert = !std::is_same_v<T, float>, .from_torch = true, .flattened = {{"fc1", 3}}});
  for (const char* name : {"a.pt", "a.PTH", "a.safetensors", "a.npz"}) {
    CAPTURE(name);
    const std::string path = directory.file(name);
    nn::save(net, path, {.to_torch = true, .flattened = {{"fc1", 3}}});
    Net<T> other;
    CHECK_THROWS_AS(nn::load(other, path), xgrad::FileError);
    CHECK(nn::load(other, path, {.from_torch = true, .flattened = {{"fc1", 3}}}).complete());
    nn::eval(net);
    nn::eval(other);
    CHECK(other.fc1.weight.value() == net.fc1.weight.value());
    CHECK(other(images<T>()).value() == net(images<T>()).value());
  }
  const std::string path = directory.file("rounded.pt");
  nn::save(net, path, {.bfloat16 = true, .to_torch = true, .flattened = {{"fc1", 3}}});
  Net<T> other;
  CHECK(nn::load(other, path, {.convert = true, .from_torch = true, .flattened = {{"fc1", 3}}}).complete());
  const T mine = net.conv2.weight.value()(2, 1, 0, 1), theirs = other.conv2.weight.value()(2, 1, 0, 1);
  CHECK(theirs != mine);
  CHECK(theirs == doctest::Approx(mine).epsilon(0.01));
}

TEST_CASE("to torch: state that no module has stays here") {
  const Directory directory;
  struct Run {
    nn::Linear<float> fc{3, 2};
    int epoch = 4;
    std::string note = "hm";
  } run;
  const std::string path = directory.file("a.pt");
  nn::save(run, path, {.to_torch = true});
  nn::Linear<float> fc{3, 2};
  CHECK(nn::load(fc, path, {.prefix = "fc", .from_torch = true}).complete());
  CHECK(nn::load(run, path, {.from_torch = true}).loaded.size() == 2);  // nothing else is in it
}

TEST_CASE("to torch: errors, which write nothing") {
  const Directory directory;
  const Net<float> net;
  const std::string path = directory.file("a.pt");
  CHECK(message(directory, [&] { nn::save(net, path); }) ==
        "save: a.pt: the name ends in .pt; it must end in .npz, or as you like for a safetensors file, or save with {.to_torch = "
        "true}");
  CHECK_THROWS_WITH_AS(nn::save(net, path, {.to_torch = true}),
                       doctest::Contains("save: fc1.weight takes 18 features behind a convolution of 3 channels"),
                       xgrad::ValueError);
  CHECK_THROWS_WITH_AS(nn::save(net, path, {.flattened = {{"fc1", 3}}}),
                       doctest::Contains("flattened has layers; it must be empty without {.to_torch = true}"), xgrad::ValueError);
  CHECK_THROWS_WITH_AS(nn::save(net, path, {.to_torch = true, .flattened = {{"fc1", 5}}}),
                       doctest::Contains("flattened has 5 channels for fc1.weight"), xgrad::ValueError);
  const nn::Flattened flattened{{"fc1", 3}};
  CHECK_THROWS_WITH_AS(nn::save(net, path, {.compress = true, .to_torch = true, .flattened = flattened}),
                       doctest::Contains("compress is true; it must be false"), xgrad::ValueError);
  CHECK_THROWS_WITH_AS(nn::save(net, path, {.metadata = {{"a", "b"}}, .to_torch = true, .flattened = flattened}),
                       doctest::Contains("metadata has texts; it must be empty"), xgrad::ValueError);
  CHECK(std::filesystem::is_empty(directory.path));
}

TEST_CASE("to torch: each kind of weight goes back to its own order") {
  const Directory directory;
  struct Single {
    nn::Conv1d<float> sequence{2, 4, 3};
    nn::ConvTranspose2d<float> back{2, 4, {3, 5}};
    nn::Conv2d<float> groups{4, 4, 3, {.groups = 4}};
    nn::LayerNorm<float> norm{Shape{3, 4, 2}};
    nn::LSTM<float> lstm{3, 4};
    nn::Embedding<float> embedding{5, 3};
  } net, other;
  nn::save(net, directory.file("a.pt"), {.to_torch = true, .flattened = {{"embedding", 1}}});
  struct Theirs {
    Layer sequence{counted({4, 2, 3}), counted({4})}, back{counted({2, 4, 3, 5}), counted({4})},
        groups{counted({4, 1, 3, 3}), counted({4})}, norm{counted({2, 3, 4}), counted({2, 3, 4})};
  } theirs;
  CHECK(nn::load(theirs, directory.file("a.pt"), {.strict = false}).loaded.size() == 8);
  CHECK(theirs.sequence.weight.value()(3, 1, 2) == net.sequence.weight.value()(3, 2, 1));
  CHECK(theirs.back.weight.value()(1, 3, 2, 4) == net.back.weight.value()(1, 2, 4, 3));
  CHECK(theirs.groups.weight.value()(3, 0, 1, 2) == net.groups.weight.value()(3, 1, 2, 0));
  CHECK(nn::load(other, directory.file("a.pt"), {.from_torch = true, .flattened = {{"embedding", 1}}}).complete());
  for (std::size_t k = 0; k < nn::named_state(net).size(); ++k)
    CHECK(nn::named_state(other)[k].variable.value() == nn::named_state(net)[k].variable.value());
}

// Trained here a little, so that no weight is as it was, then run by modules that load_state_dict(strict=True) has filled.
TEST_CASE("to torch: PyTorch loads it strictly, and gives what we give") {
  const std::string program = python();
  if (program.empty()) {
    MESSAGE("skipped: no python3 with PyTorch here (Debian: python3-torch)");
    return;
  }
  const Directory directory;
  const auto write_example = [&](auto e, const std::string& name, const auto& run, nn::Flattened flattened = {}) {
    nn::load(e, layers, {.prefix = name, .from_torch = true, .flattened = flattened});
    for (auto& parameter : nn::parameters(e)) parameter.update([](Array<float>& w) { w = w * 0.75F + 0.01F; });
    nn::eval(e);
    e.y = run(e.net, e.x).detach();
    nn::save(e, directory.file(name + ".pt"), {.to_torch = true, .flattened = std::move(flattened)});
  };
  const Shape sequence{2, 5, 8};
  write_example(example(sequential(), {2, 7, 9, 2}, {2, 4}), "images", call, {{"net.5", 3}});
  write_example(example(nn::LSTM<float>(3, 4, {.layers = 2, .bidirectional = true}), {2, 5, 3}, sequence), "lstm", output);
  write_example(example(nn::GRU<float>(3, 4), {2, 5, 3}, {2, 5, 4}), "gru", output);
  write_example(example(nn::MultiheadAttention<float>(8, 2), sequence, sequence), "attention", call);
  write_example(example(nn::TransformerEncoderLayer<float>(8, 2, {.dim_feedforward = 12}), sequence, sequence), "encoder", call);
  archive::write(directory.file("check.py"), R"(
import sys, torch
from torch import nn
def check(name, net, run):
    state = torch.load(sys.argv[1] + "/" + name + ".pt", weights_only=True)
    net.load_state_dict({k[4:]: v for k, v in state.items() if k.startswith("net.")}, strict=True)
    net.eval()
    with torch.no_grad():
        y = run(net, state["x"])
    error = (y - state["y"]).abs().max().item()
    print(name, error)
    assert y.shape == state["y"].shape and error < 1e-5
check("images", nn.Sequential(nn.Conv2d(2, 3, 3, stride=2), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2, 1), nn.Flatten(), nn.Linear(18, 4),
                              nn.BatchNorm1d(4)), lambda net, x: net(x.permute(0, 3, 1, 2)))
check("lstm", nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True), lambda net, x: net(x)[0])
check("gru", nn.GRU(3, 4, batch_first=True), lambda net, x: net(x)[0])
check("attention", nn.MultiheadAttention(8, 2, batch_first=True), lambda net, x: net(x, x, x)[0])
check("encoder", nn.TransformerEncoderLayer(8, 2, dim_feedforward=12, batch_first=True), lambda net, x: net(x))
)");
  CHECK(std::system((program + " " + directory.file("check.py") + " " + directory.path.string()).c_str()) == 0);
}

// The networks of models/ have torchvision's names: its files are loaded as they are, and what is saved here is loaded strictly
// there.
TEST_CASE("from torch: networks of torchvision") {
  const std::string program = python("torchvision");
  if (program.empty()) {
    MESSAGE("skipped: no python3 with torchvision here (Debian: python3-torchvision)");
    return;
  }
  const Directory directory;
  const std::string networks = R"(
import sys, torch
from torch import nn
from torchvision.models import resnet, vgg
here = sys.argv[1]
torch.manual_seed(1)
small = nn.Module()
small.features = vgg.make_layers([8, "M", 16, "M", 32, 32, "M"])
small.classifier = nn.Sequential(nn.Linear(512, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 10))
small.forward = lambda x: small.classifier(small.features(x).flatten(1))
networks = {"vgg": (small, 32), "basic": (resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], num_classes=10), 64),
            "bottleneck": (resnet.ResNet(resnet.Bottleneck, [1, 1, 2, 1], num_classes=10), 64)}
)";
  archive::write(directory.file("write.py"), networks + R"(
for name, (net, side) in networks.items():
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    net.eval()
    x = torch.randn(2, 3, side, side)
    torch.save(net.state_dict(), f"{here}/{name}.pt")
    with torch.no_grad():
        torch.save({"x": x.permute(0, 2, 3, 1).contiguous(), "y": net(x)}, f"{here}/{name}-there.pt")
)");
  archive::write(directory.file("read.py"), networks + R"(
for name, (net, side) in networks.items():
    net.load_state_dict(torch.load(f"{here}/{name}-back.pt", weights_only=True), strict=True)
    back = net.state_dict()
    for key, value in torch.load(f"{here}/{name}.pt").items():
        assert key.endswith("num_batches_tracked") or torch.equal(back[key], value), key
)");
  const auto python_runs = [&](const char* file) {
    return std::system((program + " " + directory.file(file) + " " + directory.path.string()).c_str()) == 0;
  };
  REQUIRE(python_runs("write.py"));
  const auto check = [&](auto net, const std::string& name, std::size_t side) {
    CAPTURE(name);
    CHECK(nn::load(net, directory.file(name + ".pt"), {.from_torch = true}).complete());
    Example<decltype(net)> e{std::move(net), Array<float>(Shape{2, side, side, 3}), Array<float>(Shape{2, 10})};
    struct Numbers {
      Variable<float> x, y;
    } there{e.x, e.y};
    nn::load(there, directory.file(name + "-there.pt"));
    e.x = there.x, e.y = there.y;
    nn::eval(e);
    CHECK(worst(e, call) < 1e-4);
    nn::save(e.net, directory.file(name + "-back.pt"), {.to_torch = true});
  };
  namespace models = xgrad::models;
  check(models::VGG<>({.filters = {{3}, {3}, {3, 3}}, .width = 8, .side = 32, .hidden = 16, .classes = 10}), "vgg", 32);
  check(models::ResNet<models::BasicBlock>({.depths = {1, 1, 1, 1}, .classes = 10}), "basic", 64);
  check(models::ResNet<models::Bottleneck>({.depths = {1, 1, 2, 1}, .classes = 10}), "bottleneck", 64);
  CHECK(python_runs("read.py"));
}
