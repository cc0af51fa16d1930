// Networks written to ONNX files: read back here, checked by ONNX's own checker, and run by ONNX Runtime where these are installed.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/onnx/onnx.hpp>
#include <xgrad/xgrad.hpp>

#include "../models/cnn.hpp"
#include "../models/googlenet.hpp"
#include "../models/lenet.hpp"
#include "../models/resnet.hpp"
#include "directory.hpp"

namespace models = xgrad::models;
namespace nn = xgrad::nn;
namespace onnx = xgrad::onnx;
using xgrad::Array;
using xgrad::Shape;
using xgrad::Variable;
using xgrad_test::Directory;
using V = Variable<float>;

namespace {

/// A function of x and, for those who want it, a weight.
struct Function {
  std::function<V(const V&, const V&)> f;
  V weight{Array<float>(xgrad::normal<float>({3})), true};
  V operator()(const V& x) const { return f(x, weight); }
  XGRAD_FIELDS(weight)
};

template <class T>
double distance(const Array<T>& a, const Array<T>& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const double x = double{a.data()[k]}, y = double{b.data()[k]};
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double d = std::abs(x - y) / (1 + std::abs(y));
    worst = d < std::numeric_limits<double>::infinity() ? std::max(worst, d) : std::numeric_limits<double>::infinity();
  }
  return worst;
}

class Written {
 public:
  /// Saves, loads and compares with two numbers of samples; leaves the file with an input and its result beside it.
  template <class Net>
  void check(const std::string& name, Net net, Shape shape, const onnx::SaveOptions& options = {}) {
    using T = nn::real_of<Net>;
    CAPTURE(name);
    const std::string path = folder.file(name + ".onnx");
    onnx::save(net, shape, path, options);
    nn::eval(net);
    const auto loaded = onnx::load<T>(path);
    CHECK(loaded.inputs().size() == 1);
    CHECK(loaded.inputs()[0].name == "input");
    CHECK(loaded.inputs()[0].shape[0] == (options.any_batch ? -1 : static_cast<std::int64_t>(shape[0])));
    CHECK(loaded.opset() == 17);
    for (const std::size_t samples : {std::size_t{1}, std::size_t{5}}) {
      if (options.any_batch) shape[0] = samples;
      const xgrad::NoGrad quiet;
      const Array<T> x = xgrad::normal<T>(shape);
      const Variable<T> y = net(Variable<T>(x));
      Variable<T> input(x);
      if (options.channels_first) input = permute(input, {0, 3, 1, 2});
      CHECK(distance(loaded(input).value(), y.value()) < 1e-5);
      xgrad::save_npy(input.value(), folder.file(fmt::format("{}.{}.x.npy", name, samples)));
      xgrad::save_npy(y.value(), folder.file(fmt::format("{}.{}.y.npy", name, samples)));
    }
    ++count;
  }
  Directory folder;
  int count = 0;
};

/// The first of these commands that works here, or "".
std::string working(const std::vector<std::string>& programs, const std::string& trial) {
  for (const std::string& program : programs)
    if (std::system((program + trial + " >/dev/null 2>&1").c_str()) == 0) return program;
  return {};
}

/// ONNX's checker on each file, and ONNX Runtime's result beside ours. The latter lacks some operators of doubles.
void check_elsewhere(const Written& written) {
  const auto run = [&](const std::string& program, const std::string& script) {
    const std::string command = fmt::format("{} {} {} {} >{} 2>&1", program, written.folder.file(script),
                                            written.folder.path.string(), written.count, written.folder.file("log"));
    const int code = std::system(command.c_str());
    CHECK_MESSAGE(code == 0, xgrad_test::contents(written.folder.file("log")));
  };
  std::ofstream(written.folder.file("check.py")) << R"(
import glob, onnx, sys
names = glob.glob(sys.argv[1] + "/*.onnx")
assert len(names) == int(sys.argv[2])
for name in names:
    print(name)
    onnx.checker.check_model(name, full_check=True)
)";
  const std::string python = working({"python3", "/usr/bin/python3"}, " -c 'import onnx'");
  if (python.empty())
    MESSAGE("ONNX's checker was skipped: no python3 with onnx here (Debian: python3-onnx)");
  else
    run(python, "check.py");
  std::ofstream(written.folder.file("check.js")) << R"(
const fs = require("fs"), ort = require("onnxruntime-node"), [folder, count] = process.argv.slice(2);
function load(path) {
  const bytes = fs.readFileSync(path), end = 10 + bytes.readUInt16LE(8), header = bytes.toString("latin1", 10, end);
  const shape = header.match(/\(([^)]*)\)/)[1].split(",").filter(x => x.trim()).map(Number);
  const kind = header.includes("<f8") ? Float64Array : Float32Array;
  return new ort.Tensor(kind === Float64Array ? "float64" : "float32", new kind(bytes.buffer.slice(bytes.byteOffset + end, bytes.byteOffset + bytes.length)), shape);
}
(async () => {
  let bad = 0;
  const names = fs.readdirSync(folder).filter(x => x.endsWith(".onnx")).map(x => folder + "/" + x.slice(0, -5));
  if (names.length != count) throw new Error("files are missing");
  for (const name of names) {
    try {
      const session = await ort.InferenceSession.create(name + ".onnx", {executionProviders: ["cpu"], logSeverityLevel: 3});
      for (const samples of [1, 5]) {
        const x = load(`${name}.${samples}.x.npy`), y = load(`${name}.${samples}.y.npy`), z = (await session.run({input: x})).output;
        let worst = z.dims.join() == y.dims.join() && z.type == y.type ? 0 : Infinity;
        for (let k = 0; k < y.data.length; ++k) {
          const a = z.data[k], b = y.data[k];
          if (!(a === b || (a !== a && b !== b))) worst = Math.max(worst, isNaN(a - b) ? Infinity : Math.abs(a - b) / (1 + Math.abs(b)));
        }
        console.log(name, samples, worst);
        if (!(worst < 1e-5)) ++bad;
      }
    } catch (error) {
      console.log(name, error.message);
      if (!(name.includes("double") && error.message.includes("Could not find an implementation"))) ++bad;
    }
  }
  process.exit(bad > 0 ? 1 : 0);
})();
)";
  const std::string node = working({"node"}, " -e 'require(\"onnxruntime-node\")'");
  if (node.empty())
    MESSAGE("ONNX Runtime was skipped: no node with onnxruntime-node here (npm, and NODE_PATH)");
  else
    run(node, "check.js");
}

/// A BatchNorm's statistics as training leaves them.
template <class Net>
Net trained(Net net, const Shape& shape) {
  using T = nn::real_of<Net>;
  const xgrad::NoGrad quiet;
  for (int k = 0; k < 3; ++k) net(Variable<T>(xgrad::normal<T>(shape, 0.5, 2)));
  return net;
}

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
struct Doubles {
  nn::Conv2d<double> conv{2, 3, 3};
  nn::BatchNorm<double> norm{3};
  nn::Linear<double> out{3, 2};
  Variable<double> operator()(Variable<double> x) const { return out(global_avg_pool2d(relu(norm(conv(std::move(x)))))); }
};

}  // namespace

TEST_CASE("onnx save: networks give what they gave here, for any number of samples") {
  xgrad::seed(1);
  Written written;
  written.check("lenet", models::LeNet<>{}, {1, 28, 28, 1});
  written.check("lenet_theirs", models::LeNet<>{}, {1, 28, 28, 1}, {.channels_first = true});
  written.check("lenet_three", models::LeNet<>{}, {3, 28, 28, 1}, {.any_batch = false});
  written.check("logistic", models::LogisticLeNet<>{}, {1, 28, 28, 1});
  written.check("mlp", models::MLP<>{}, {1, 28, 28, 1});
  written.check("cnn", trained(models::CNN<>({1, 4, 6}, 12), {4, 12, 12, 1}), {1, 12, 12, 1});
  written.check("resnet20", trained(models::ResNet20<>{}, {2, 32, 32, 3}), {1, 32, 32, 3});
  written.check("inception", models::Inception<>(6, {2, 3, 4, 2, 3, 2}), {1, 7, 6, 6});
  written.check("images", Images{}, {1, 9, 8, 4});
  written.check("recurrent", Recurrent{}, {1, 5, 3});
  written.check("transformer", Transformer{}, {1, 6, 8});
  written.check("sequential", nn::Sequential{nn::Conv2d<float>(1, 4, 3), nn::ReLU{}, nn::Flatten{}, nn::Linear<float>(144, 3)},
                {1, 8, 8, 1});
  written.check("double", trained(Doubles{}, {4, 6, 5, 2}), {1, 6, 5, 2});
  check_elsewhere(written);
}

TEST_CASE("onnx save: operations") {
  xgrad::seed(2);
  Written written;
  const auto check = [&](const char* name, Shape shape, std::function<V(const V&, const V&)> f) {
    written.check(name, Function{std::move(f)}, std::move(shape));
  };
  const auto elementwise = [&](const char* name, auto f) {
    check(name, {1, 4, 3}, [f](const V& x, const V& w) { return f(x) + w; });
  };
#define ELEMENTWISE(f) elementwise(#f, [](const V& x) { return f(x); })
  // clang-format off
  ELEMENTWISE(abs); ELEMENTWISE(sign); ELEMENTWISE(square); ELEMENTWISE(exp); ELEMENTWISE(expm1); ELEMENTWISE(sin);
  ELEMENTWISE(cos); ELEMENTWISE(tan); ELEMENTWISE(atan); ELEMENTWISE(sinh); ELEMENTWISE(cosh); ELEMENTWISE(asinh);
  ELEMENTWISE(erf); ELEMENTWISE(floor); ELEMENTWISE(ceil); ELEMENTWISE(round); ELEMENTWISE(relu); ELEMENTWISE(relu6);
  ELEMENTWISE(hardtanh); ELEMENTWISE(leaky_relu); ELEMENTWISE(elu); ELEMENTWISE(selu); ELEMENTWISE(sigmoid); ELEMENTWISE(log_sigmoid);
  ELEMENTWISE(tanh); ELEMENTWISE(softplus); ELEMENTWISE(softsign); ELEMENTWISE(silu); ELEMENTWISE(mish); ELEMENTWISE(hardswish);
  ELEMENTWISE(gelu); ELEMENTWISE(reciprocal);
  // clang-format on
#undef ELEMENTWISE
  elementwise("gelu_tanh", [](const V& x) { return gelu(x, {.approximate = true}); });
  elementwise("positive", [](const V& v) {
    const V x = abs(v) + 1;
    return sqrt(x) + rsqrt(x) + log(x) + log2(x) + log10(x) + log1p(x) + acosh(x) + pow(x, 1.5F) + hypot(x, v);
  });
  elementwise("inside", [](const V& v) {
    const V x = v / (1 + abs(v)) * 0.9F;
    return asin(x) + acos(x) + atanh(x) + log1p(x) + log1p(x * 1e-6F) * 1e5F + expm1(x * 1e-6F) * 1e5F + fmod(v, 0.75F);
  });
  elementwise("choices",
              [](const V& x) { return maximum(x, 0.1F) + minimum(x, -x) + clamp(x, -0.5F, 0.25F) + lerp(x, -x, 0.25F); });
  elementwise("operators", [](const V& x) { return (2 - x) / (x * x + 1) - x; });
  elementwise("own formula", [](const V& x) {
    static const auto own =
        xgrad::elementwise("batch_norm", [](auto a, auto b) { return where(a < b && !(a < -1), a * b, a - b); });
    return own(x, x * x);
  });

  check("sums", {1, 4, 3},
        [](const V& x, const V&) { return sum(x, 1) + mean(x, -2) + amax(x, 1) + amin(x, 1) + logsumexp(x, 1); });
  check("products", {1, 4, 3}, [](const V& x, const V&) { return prod(x, {1}, {.keepdims = true}) + cumsum(x, 1); });
  check("moments", {1, 4, 5, 3}, [](const V& x, const V&) {
    return var(x, {1, 2}, {.ddof = 1}) + xgrad::std(x, {1, 2}) + norm(x, {1, 2});
  });
  check("norms", {1, 4, 3}, [](const V& x, const V&) {
    return norm(x, 1, {.p = 1}) + norm(x, 1, {.p = 3}) + norm(x, 1, {.p = std::numeric_limits<double>::infinity()});
  });
  check("everything", {1, 4, 3}, [](const V& x, const V& w) { return sum(x * x) + w; });
  check("softmax", {1, 4, 3}, [](const V& x, const V&) { return softmax(x) + log_softmax(x, 1); });
  check("shapes", {1, 4, 6}, [](const V& x, const V&) {
    return xgrad::concat<float>({reshape(x, {-1, 8, 3}), reshape(permute(x, {0, 2, 1}), {-1, 8, 3})}, 1);
  });
  check("merged", {1, 4, 6}, [](const V& x, const V& w) { return reshape(matmul(reshape(x, {-1, 3}), unsqueeze(w, 1)), {-1, 8}); });
  check("parts", {1, 6, 5}, [](const V& x, const V&) {
    const auto halves = split(x, 2, 1);
    return xgrad::stack<float>({select(halves[0], 1, 2), select(x, 1, -1)}, 1) +
           slice(x, {{}, {.start = 1, .stop = 5, .step = 3}}) + slice(flip(x, 1), {{}, {.start = -1, .stop = 2, .step = -2}});
  });
  check("pads", {1, 2, 3}, [](const V& x, const V&) { return pad(x, {{}, {1, 2}, {0, 1}}, {.value = 0.5}); });
  check("repeats", {1, 3}, [](const V& x, const V& w) { return broadcast_to(unsqueeze(x, 1), Shape{x.shape()[0], 4, 3}) * w; });
  check("grows", {1, 3}, [](const V& x, const V& w) {
    const V start(xgrad::full<float>(Shape{x.shape()[0], 2}, 0.5F, xgrad::Where{}));
    return xgrad::concat<float>({start, x * w, xgrad::concat<float>({start, start}, 1)}, 1);
  });
  check("layer_norm", {1, 4, 3}, [](const V& x, const V& w) { return layer_norm(x, w) + layer_norm(x) + rms_norm(x, w); });
  check("instance_norm", {1, 4, 5, 3}, [](const V& x, const V& w) { return instance_norm(x, w, w); });
  check("batch_norm", {1, 3}, [](const V& x, const V& w) {
    const V variance(Array<float>{1, 2, 3});
    return batch_norm(x, w, {}, V(Array<float>{1, 0, 2}), variance, {.training = false}) +
           batch_norm(x, {}, w, V(Array<float>{1, 0, 2}), variance, {.training = false, .eps = 0.5});
  });
  check("pools", {1, 8, 9, 3}, [](const V& x, const V&) {
    return max_pool2d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true}) +
           avg_pool2d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false});
  });
  check("adaptive", {1, 8, 6, 3}, [](const V& x, const V&) {
    return adaptive_avg_pool2d(x, {4, 2}) + adaptive_max_pool2d(x, {4, 2});
  });
  check("channels", {1, 4, 5, 3}, [](const V& x, const V& w) {
    const V y = max_pool2d(x, 2);  // in their order from here on
    return xgrad::concat<float>(
               {softmax(y * w), flip(y, -1), slice(pad(y, {{}, {}, {}, {1, 2}}), {{}, {}, {}, {.start = 1, .stop = 3}})}, -1) +
           unsqueeze(amax(y, -1), -1);
  });
  check("attention", {1, 4, 3}, [](const V& x, const V& w) { return scaled_dot_product_attention(x * w, x, x); });
  check("causal", {1, 4, 3}, [](const V& x, const V& w) {
    return scaled_dot_product_attention(x * w, x, x, {.causal = true}) +
           matmul(tril(matmul(x, x, {.transpose_b = true})), triu(x, -1));
  });
  check("masks", {1, 4, 4, 3}, [](const V& x, const V& w) {
    const xgrad::Mask channels{true, false, true};
    const V y = max_pool2d(x, 2);
    return where(channels, y, y * w) + masked_fill(y, !channels, V(2.5F));
  });
  check("first samples", {1, 3}, [](const V& x, const V& w) {
    return slice(xgrad::concat<float>({x, x}, 0), {{.stop = 2}}) * w + mean(x, 0);
  });
  check("transposed", {1, 4, 3}, [](const V& x, const V&) { return matmul(x, x, {.transpose_a = true}); });
  check("tensordot", {1, 4, 3}, [](const V& x, const V& w) { return tensordot(x, w, 1); });
  check("conv1d", {1, 8, 3}, [](const V& x, const V& w) { return conv1d(x, reshape(xgrad::concat<float>({w, w}, 0), {1, 2, 3})); });
  check("squeeze", {1, 1, 3}, [](const V& x, const V& w) { return squeeze(x * w, 1); });
  check("no samples", {1, 3}, [](const V& x, const V& w) {
    return xgrad::concat<float>({slice(x, {{.start = 1}}), slice(x, {{.start = 2}}), x}, 0) * w;
  });
  check("last samples", {1, 3}, [](const V& x, const V& w) { return flip(slice(x, {{.start = 1}}), 0) * w; });
  check("longer", {1, 3}, [](const V& x, const V& w) { return xgrad::concat<float>({x, x, reshape(w, {1, 3})}, 0); });
  check("unchanged", {1, 3}, [](const V& x, const V&) { return x; });
  written.check("unchanged images", Function{[](const V& x, const V&) { return x; }}, {1, 2, 3, 4}, {.channels_first = true});
  check("made", {1, 3}, [](const V& x, const V&) { return V(xgrad::full<float>(Shape{x.shape()[0], 2}, 0.5F, xgrad::Where{})); });
  check("no axis", {1, 4, 3}, [](const V& x, const V&) {
    const xgrad::Axes none(std::vector<std::ptrdiff_t>{});
    return norm(x, none) + norm(x, none, {.p = 3}) + norm(sum(x));
  });
  check("narrow", {1, 4, 1}, [](const V& x, const V&) { return layer_norm(x) + x; });
  check("ddof", {1, 4, 3}, [](const V& x, const V&) { return var(x, 1, {.ddof = 5}) + xgrad::std(x, 1, {.ddof = 4}); });
  static const auto first = xgrad::elementwise("first", [](auto a, auto) { return a; });
  static const auto seven = xgrad::elementwise("seven", [](auto) { return 7; });
  check("unread", {1, 4, 3}, [](const V& x, const V& w) { return first(w * 2, x) + first(sum(x, 1, {.keepdims = true}), x); });
  check("unread images", {1, 4, 4, 3}, [](const V& x, const V&) {
    const V y = max_pool2d(x, 2);
    return first(amax(y, {1, 2}, {.keepdims = true}), y);
  });
  check("constant formula", {1, 4, 3}, [](const V& x, const V&) { return seven(x); });
  check_elsewhere(written);
}

TEST_CASE("onnx save: weights have their paths, nodes their layers") {
  const Directory folder;
  const std::string path = folder.file("a.onnx");
  onnx::save(models::LeNet<>{}, {1, 28, 28, 1}, path);
  const auto net = onnx::load<float>(path);
  std::vector<std::string> names;
  for (const auto& [name, weight] : net.weights) names.push_back(name);
  CHECK(names == std::vector<std::string>{"conv1.bias", "conv1.weight", "conv2.bias", "conv2.weight", "fc1.bias", "fc1.weight",
                                          "fc2.bias", "fc2.weight", "fc3.bias", "fc3.weight"});
  CHECK(net.outputs()[0].name == "output");
  CHECK(net.outputs()[0].shape == std::vector<std::int64_t>{-1, 10});
  const std::string bytes = xgrad_test::contents(path);
  CHECK(bytes.find("conv2/Conv") != std::string::npos);
  CHECK(bytes.find("fc3/Gemm") != std::string::npos);
  const auto count = [&](const std::string& text) {
    std::size_t n = 0;
    for (std::size_t at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1)) ++n;
    return n;
  };
  CHECK(count("\"\x09Transpose") == 2);  // one at each end of the images
  onnx::save(models::LeNet<>{}, {1, 28, 28, 1}, path, {.channels_first = true});
  CHECK(xgrad_test::contents(path).size() < bytes.size());

  const auto again = folder.file("b.onnx");
  onnx::save(net, {1, 28, 28, 1}, again);
  CHECK(onnx::load<float>(again).weights.size() >= 10);
}

TEST_CASE("onnx save: several results") {
  const Directory folder;
  const nn::LSTM<float> lstm(3, 4);
  onnx::save(lstm, {1, 5, 3}, folder.file("a.onnx"));
  const auto net = onnx::load<float>(folder.file("a.onnx"));
  REQUIRE(net.outputs().size() == 3);
  CHECK(net.outputs()[0].name == "output");
  CHECK(net.outputs()[1].name == "state.h");
  const V x(Array<float>(xgrad::normal<float>({2, 5, 3})));
  const auto expected = lstm(x);
  const auto results = net.run({x});
  CHECK(distance(std::get<V>(results[0]).value(), expected.output.value()) < 1e-5);
  CHECK(distance(std::get<V>(results[2]).value(), expected.state.c.value()) < 1e-5);
}

TEST_CASE("onnx save: only lengths that are the number of samples are called so") {
  const Directory folder;
  const std::string path = folder.file("a.onnx");
  const auto named = [&](std::function<V(const V&, const V&)> f) {
    onnx::save(Function{std::move(f)}, {1, 3}, path);
    CHECK(onnx::load<float>(path).outputs()[0].shape == std::vector<std::int64_t>{-1, 3});
    const std::string bytes = xgrad_test::contents(path);
    std::size_t n = 0;
    for (std::size_t at = bytes.find("batch"); at != std::string::npos; at = bytes.find("batch", at + 1)) ++n;
    return n;
  };
  CHECK(named([](const V& x, const V& w) { return x * w; }) == 2);
  CHECK(named([](const V& x, const V& w) { return xgrad::concat<float>({x * w, x}, 0); }) == 1);
  CHECK(named([](const V& x, const V& w) { return xgrad::concat<float>({x, reshape(w, {1, 3})}, 0); }) == 1);
}
