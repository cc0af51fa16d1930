// Linear layers behind convolutions in files of PyTorch: whose columns are turned without being named, and which must be
// named; and what turning takes.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <string>

#include <xgrad/core/memory.hpp>
#include <xgrad/nn/activation.hpp>
#include <xgrad/nn/containers.hpp>
#include <xgrad/nn/conv.hpp>
#include <xgrad/nn/linear.hpp>
#include <xgrad/nn/norm.hpp>
#include <xgrad/nn/pool.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/state/state.hpp>

#include "../models/vgg.hpp"
#include "directory.hpp"

namespace nn = xgrad::nn;
using xgrad::Array;
using xgrad_test::Directory;

namespace {

struct Parts {
  nn::Sequential<nn::Conv2d<float>, nn::BatchNorm<float>, nn::Conv2d<float>> features{
      {1, 2, 3}, nn::BatchNorm<float>(2), {2, 3, 3}};
  nn::Sequential<nn::Linear<float>, nn::Linear<float>> classifier{{27, 4}, {4, 2}};
};
struct LeNet {  // whose layers might be branches
  nn::Conv2d<float> conv1{1, 2, 3}, conv2{2, 3, 3};
  nn::Linear<float> fc1{27, 4}, fc2{4, 2};
};
struct Equal {
  nn::Concat<nn::Conv2d<float>, nn::Conv2d<float>> branches{{3, 3, 3}, {3, 3, 3}};
  nn::Linear<float> out{24, 2};  // 2 x 2 places of 6 channels
};
struct Branches {
  nn::Conv2d<float> stem{1, 8, 3}, left{8, 4, 3}, right{8, 4, 3};
  nn::Linear<float> out{16, 2};  // 2 x 2 places of 4 channels, or what two branches and the stem have
};
struct Vectors {
  nn::Conv2d<float> conv{1, 3, 3};
  nn::BatchNorm<float> norm{12};
  nn::Linear<float> out{12, 2};  // behind a norm that would have to be turned too
};
struct Later {
  nn::Conv2d<float> conv1{1, 4, 3};
  nn::Linear<float> gate{4, 4};
  nn::Conv2d<float> conv2{4, 2, 3};
  nn::Linear<float> out{8, 2};
};

}  // namespace

TEST_CASE("from torch: the first linear layer behind a Sequential's convolutions takes square images") {
  const Directory directory;
  const std::string path = directory.file("a.pt");
  const auto kept = [&](auto net, const nn::Flattened& assumed) {  // by saving both ways
    const std::string& layer = assumed.begin()->first;
    CAPTURE(layer);
    nn::save(net, path, {.to_torch = true});
    auto other = nn::clone(net);
    for (auto& parameter : nn::parameters(other)) parameter.update([](Array<float>& w) { w = w * 0.F; });
    const nn::LoadReport report = nn::load(other, path, {.from_torch = true, .flattened = assumed});
    CHECK(report.complete());
    CHECK(report.flattened.empty());
    for (std::size_t k = 0; k < nn::named_state(net).size(); ++k)
      CHECK(nn::named_state(other)[k].variable.value() == nn::named_state(net)[k].variable.value());
    const nn::LoadReport alone = nn::load(other, path, {.from_torch = true});
    CHECK(alone.flattened == assumed);
    const std::string text = fmt::format(", {} as of flattened images of {} channels", layer, assumed.begin()->second);
    CHECK(to_string(alone).find(text) != std::string::npos);
    for (std::size_t k = 0; k < nn::named_state(net).size(); ++k)
      CHECK(nn::named_state(other)[k].variable.value() == nn::named_state(net)[k].variable.value());
  };
  kept(Parts(), {{"classifier.0", 3}});
  kept(xgrad::models::VGG<>({.filters = {{3}, {3, 3}}, .width = 4, .side = 12, .hidden = 6, .classes = 5}), {{"classifier.0", 8}});
  kept(nn::Sequential{nn::Conv2d<float>(2, 3, 3), nn::ReLU{}, nn::Flatten{}, nn::Linear<float>(48, 4)}, {{"3", 3}});

  const auto asked = [&](auto net, const char* layer, std::size_t channels) {
    CHECK_THROWS_WITH_AS(nn::save(net, path, {.to_torch = true}), doctest::Contains("say how many channels"), xgrad::ValueError);
    nn::save(net, path, {.to_torch = true, .flattened = {{layer, channels}}});
    CHECK_THROWS_WITH_AS(nn::load(net, path, {.from_torch = true}), doctest::Contains("say how many channels"), xgrad::ValueError);
  };
  asked(LeNet(), "fc1", 3);
  asked(Equal(), "out", 6);
  asked(nn::Sequential{nn::Conv2d<float>(2, 3, 3), nn::Flatten{}, nn::Linear<float>(18, 4)}, "2", 3);  // 2 x 3 places
  asked(nn::Sequential{nn::Concat{nn::Conv2d<float>(4, 4, 3), nn::Conv2d<float>(4, 4, 3)}, nn::Flatten{}, nn::Linear<float>(32, 4)},
        "2", 8);
  asked(nn::Sequential{nn::ConvTranspose2d<float>(16, 4, 3), nn::Flatten{}, nn::Linear<float>(64, 4)}, "2", 4);
  asked(Branches(), "out", 4);
  asked(Vectors(), "out", 3);
  asked(Later(), "out", 2);
}

TEST_CASE("from torch: weights are turned on their way from a mapped file, not in memory of their own") {
  const Directory directory;
  const nn::Conv2d<float> net(128, 2048, 6);
  nn::Conv2d<float> other(128, 2048, 6);
  const std::size_t bytes = net.weight.size() * sizeof(float);
  REQUIRE(bytes > std::size_t{2} << 24);  // else a file, of bfloat16 too, is not mapped
  const auto peak_of = [&](const nn::SaveOptions& options) {
    nn::save(net, directory.file("a.safetensors"), options);
    other.weight.update([](Array<float>& w) { w.fill(0); });
    const std::size_t before = xgrad::memory::stats().in_use;
    xgrad::memory::reset_peak();
    nn::load(other, directory.file("a.safetensors"), {.convert = options.bfloat16, .from_torch = true});
    return xgrad::memory::stats().peak - before;
  };
  CHECK(peak_of({.bfloat16 = true, .to_torch = true}) < bytes * 5 / 8);  // the turned numbers of the largest array
  CHECK(amax(abs(other.weight - net.weight)).item() < 0.01F);
  CHECK(peak_of({.to_torch = true}) < bytes / 8);
  CHECK(other.weight.value() == net.weight.value());
}
