// Networks written to ONNX files give what they gave here.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "../models/alexnet.hpp"
#include "../models/cnn.hpp"
#include "../models/dpm.hpp"
#include "../models/googlenet.hpp"
#include "../models/lenet.hpp"
#include "../models/nin.hpp"
#include "../models/resnet.hpp"
#include "../models/transformer.hpp"
#include "../models/vgg.hpp"
#include "onnx_written.hpp"

namespace models = xgrad::models;
namespace nn = xgrad::nn;
using xgrad::Array;
using xgrad::Shape;
using xgrad::Variable;
using xgrad_test::check_elsewhere;
using xgrad_test::trained;
using xgrad_test::Written;
using V = Variable<float>;

namespace {

struct Recurrent {
  nn::LSTM<float> lstm{3, 4, {.layers = 2, .bidirectional = true}};
  nn::GRU<float> gru{8, 5};
  nn::Linear<float> out{5, 2};
  V operator()(V x) const { return out(gru(lstm(std::move(x)).output).output); }
};
struct Transformer {
  nn::LearnedPositions<float> positions{6, 8};
  nn::TransformerEncoderLayer<float> a{8, 2, {.dim_feedforward = 12}},
      b{8, 4, {.dim_feedforward = 9, .norm_first = true, .gelu = true}};
  nn::RMSNorm<float> norm{8};
  V operator()(V x) const { return norm(b(a(positions(std::move(x))))); }
};
/// What the models leave out: groups, transposed convolutions, other norms and pools, shortcuts between images.
struct Images {
  nn::Conv2d<float> wide{4, 8, {3, 2}, {.stride = 2, .padding = {1, 0, 0, 1}, .groups = 2}};
  nn::ConvTranspose2d<float> back{8, 6, {3, 2}, {.stride = 2, .output_padding = 1, .groups = 2}};
  nn::GroupNorm<float> group{3, 6};
  nn::LayerNorm<float> layer{6};
  nn::PReLU<float> prelu{6};
  nn::Conv2d<float> squeeze{6, 2, 1}, excite{2, 6, 1};
  V operator()(V x) const {
    x = avg_pool2d(group(back(wide(std::move(x)))), 2, {.stride = 1, .padding = 1});
    x = local_response_norm(prelu(layer(x)), 4);
    const V weights = sigmoid(excite(relu(squeeze(mean(x, {1, 2}, {.keepdims = true})))));
    x = local_response_norm(x * weights, 3);
    return min_pool2d(std::move(x), 3, {.stride = 2, .ceil_mode = true});
  }
};
/// Words to scores of the next one: places known by their numbers, each word looks at those before it.
struct Language {
  nn::Embedding<float> words{20, 8}, places{6, 8};
  nn::TransformerEncoderLayer<float> block{8, 2, {.dim_feedforward = 16}};
  V operator()(const xgrad::Labels& x) const {
    xgrad::Labels all = x;
    all.reshape(Shape{x.size()});
    const V seen = block(words(x) + places({0, 1, 2, 3, 4, 5}), {.causal = true}) + sum(words(all), 0);
    return matmul(seen, words.weight, {.transpose_b = true});
  }
};
/// How well words are told from themselves: labels that are the input.
struct Loss {
  nn::Sequential<nn::Embedding<float>, nn::Linear<float>> net{nn::Embedding<float>(7, 4), nn::Linear<float>(4, 7)};
  V operator()(const xgrad::Labels& x) const { return cross_entropy(net(x), x, {.reduction = xgrad::Reduction::none}); }
};
/// Batch norms of images and of vectors, with and without weights.
struct Normed {
  nn::Conv2d<float> conv{3, 4, 3};
  nn::BatchNorm<float> images{4}, plain{4, {.affine = false}}, vectors{5, {.momentum = 0.3, .eps = 1e-3}};
  nn::Linear<float> out{4, 5};
  V operator()(V x) const { return vectors(out(global_avg_pool2d(relu(plain(images(conv(std::move(x)))))))); }
};
struct Dropping {
  V one{Array<float>{1}, true};
  nn::Dropout units{0.25};
  nn::Dropout2d channels{0.5};
  V operator()(V x) const { return channels(units(std::move(x) * one)); }
};
struct Doubles {
  nn::Conv2d<double> conv{2, 3, 3};
  nn::BatchNorm<double> norm{3};
  nn::Linear<double> out{3, 2};
  Variable<double> operator()(Variable<double> x) const { return out(global_avg_pool2d(relu(norm(conv(std::move(x)))))); }
};

}  // namespace

TEST_CASE("onnx networks: they give what they gave here, for any number of samples") {
  xgrad::seed(1);
  Written written;
  written.check("lenet", models::LeNet<>{}, {1, 28, 28, 1});
  written.check("lenet_theirs", models::LeNet<>{}, {1, 28, 28, 1}, {.channels_first = true});
  written.check("lenet_three", models::LeNet<>{}, {3, 28, 28, 1}, {.any_batch = false});
  written.check("logistic", models::LogisticLeNet<>{}, {1, 28, 28, 1});
  written.check("mlp", models::MLP<>{}, {1, 28, 28, 1});
  written.check("cnn", trained(models::CNN<>({1, 4, 6}, 12), {4, 12, 12, 1}), {1, 12, 12, 1});
  written.check("images", Images{}, {1, 9, 8, 4});
  written.check("recurrent", Recurrent{}, {1, 5, 3});
  written.check("transformer", Transformer{}, {1, 6, 8});
  written.check("language", Language{}, xgrad::onnx::Integers{{1, 6}, 20});
  written.check("loss", Loss{}, xgrad::onnx::Integers{{1, 5}, 7});
  written.check("sequence of integers", nn::Sequential{nn::Embedding<float>(5, 3), nn::Flatten{}, nn::Linear<float>(12, 2)},
                xgrad::onnx::Integers{{1, 4}, 5});
  written.check("sequential", nn::Sequential{nn::Conv2d<float>(1, 4, 3), nn::ReLU{}, nn::Flatten{}, nn::Linear<float>(144, 3)},
                {1, 8, 8, 1});
  written.check("double", trained(Doubles{}, {4, 6, 5, 2}), {1, 6, 5, 2});
  check_elsewhere(written);
}

// With the layers that their papers have, but fewer channels where they have many, for smaller images.
TEST_CASE("onnx networks: those of the papers") {
  xgrad::seed(2);
  Written written;
  const auto vgg = [](models::VGGConfig config) {
    config.width = 8;
    config.side = 32;
    config.hidden = 16;
    config.classes = 10;
    return models::VGG<>(config);
  };
  written.check("alexnet", models::AlexNet<>({.classes = 10, .divide = 8, .side = 67}), {1, 67, 67, 3});
  written.check("vgg_a", vgg(models::vgg_a), {1, 32, 32, 3});
  written.check("vgg_a_lrn", vgg(models::vgg_a_lrn), {1, 32, 32, 3});
  written.check("vgg_d", vgg(models::vgg_d), {1, 32, 32, 3});
  written.check("nin",
                models::NIN<>({{5, 1, 2, {24, 20, 12}, models::MlpConvConfig::max, true},
                               {5, 1, 2, {24, 24, 24}, models::MlpConvConfig::average, true},
                               {3, 1, 1, {24, 24, 10}}}),
                {1, 32, 32, 3});
  written.check("googlenet", models::GoogLeNet<>({.classes = 10, .divide = 4}), {1, 52, 52, 3});
  written.check("resnet20", trained(models::ResNet20<>{}, {2, 32, 32, 3}), {1, 32, 32, 3});
  written.check("resnet50", trained(models::ResNet50<>({.width = 8, .classes = 10}), {2, 40, 40, 3}), {1, 40, 40, 3});
  written.check("dpm", models::DPM<>({.channels = 3}), {1, 16, 18, 3});
  written.check("transformer", models::CharTransformer<>({.characters = 30, .length = 8, .width = 16}),
                xgrad::onnx::Integers{{1, 8}, 30});
  check_elsewhere(written);
}

// With all their channels, for images of their size: 2 GB of files, and minutes.
TEST_CASE("onnx networks: whole, with XGRAD_WHOLE=1" * doctest::skip(std::getenv("XGRAD_WHOLE") == nullptr)) {
  xgrad::seed(4);
  const auto check = [](const std::string& name, auto net, const Shape& shape) {
    Written written;
    written.check(name, std::move(net), shape);
    check_elsewhere(written);
  };
  check("alexnet", models::AlexNet<>{}, {1, 227, 227, 3});
  check("vgg_a", models::VGG<>(models::vgg_a), {1, 224, 224, 3});
  check("vgg_d", models::VGG<>(models::vgg_d), {1, 224, 224, 3});
  check("nin_cifar", models::NIN<>{}, {1, 32, 32, 3});
  check("nin_imagenet", models::NIN<>(models::nin_imagenet), {1, 224, 224, 3});
  check("googlenet", models::GoogLeNet<>{}, {1, 224, 224, 3});
  check("resnet50", trained(models::ResNet50<>{}, {2, 224, 224, 3}), {1, 224, 224, 3});
}

TEST_CASE("onnx networks: in training batch norms and dropout are nodes") {
  xgrad::seed(3);
  Written written;
  const Normed net = trained(Normed{}, {4, 6, 7, 3});
  const Array<float> before = net.images.running_mean.value();
  const xgrad::Shape shape{2, 6, 7, 3};
  written.check("normed", nn::clone(net), shape, {.any_batch = false, .training = true});
  CHECK(net.images.running_mean.value() == before);
  const auto loaded = xgrad::onnx::load<float>(written.folder.file("normed.onnx"));
  CHECK(loaded.weights.at("images.running_mean").value() == before);
  CHECK(!loaded.weights.at("vectors.running_var").requires_grad());
  check_elsewhere(written, "disabled");

  Written drops;
  xgrad::onnx::save(Dropping{}, {1, 20, 30, 40}, drops.folder.file("drops.onnx"), {.training = true});
  drops.count = 1;
  xgrad_test::check_files(drops);
  xgrad_test::run_node(drops, R"(
const ort = require("onnxruntime-node");
(async () => {
  const session = await ort.InferenceSession.create(process.argv[2] + "/drops.onnx", {executionProviders: ["cpu"], logSeverityLevel: 3, graphOptimizationLevel: "disabled"});  // it would take them out
  const y = (await session.run({input: new ort.Tensor("float32", new Float32Array(72000).fill(3), [3, 20, 30, 40])})).output;
  const some = new Float32Array([8])[0], values = new Set(y.data), share = y.data.filter(x => x != 0).length / 72000;
  if (values.size != 2 || !values.has(0) || !values.has(some)) throw new Error([...values].join());
  if (Math.abs(share - 0.375) > 0.2) throw new Error(share);
  for (let n = 0; n < 3; ++n)
    for (let c = 0; c < 40; ++c) {
      let kept = 0;
      for (let k = 0; k < 600; ++k) kept += y.data[(n * 600 + k) * 40 + c] != 0;
      if (kept > 0 && Math.abs(kept - 450) > 100) throw new Error(kept);
    }
})().catch(error => { console.error(String(error)); process.exit(1); });
)");
}
