// xgrad's side of the comparison.   usage: xgrad_cases CASE   (see cases.hpp; benchmarks/run calls it)
//                                          xgrad_cases digits DIRECTORY: writes as many digits as MNIST has, in its format
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <variant>
#include <xgrad/xgrad.hpp>

#include "../models/alexnet.hpp"
#include "../models/googlenet.hpp"
#include "../models/resnet.hpp"
#include "../models/vgg.hpp"
#include "cases.hpp"

namespace xg = xgrad;
using V = xg::Variable<float>;

namespace {

xg::Array<float> array(const xg::Shape& shape, const std::vector<float>& numbers) {
  xg::Array<float> result(shape);
  std::copy(numbers.begin(), numbers.end(), result.data());
  return result;
}
xg::Array<float> array(const xg::Shape& shape, std::uint64_t seed) {
  return array(shape, cases::numbers(static_cast<std::size_t>(xg::size_of(shape)), seed));
}
double mean_of(const xg::Array<float>& a) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a.data()[i];
  return sum / static_cast<double>(a.size());
}

struct Pool {};
struct Net {
  std::vector<std::variant<xg::nn::Conv2d<float>, xg::nn::Linear<float>, Pool>> layers;
  std::vector<bool> relus;

  explicit Net(const cases::Net& net) {
    auto side = static_cast<std::size_t>(net.height), channels = static_cast<std::size_t>(net.channels);
    for (const cases::Layer& l : net.layers) {
      const auto k = layers.size(), outputs = static_cast<std::size_t>(l.outputs), kernel = static_cast<std::size_t>(l.kernel);
      if (l.kind == cases::Layer::conv) {
        xg::nn::Conv2d<float> conv(channels, outputs, l.kernel, {.padding = l.padding});
        conv.weight.assign(array(conv.weight.shape(), cases::weights(k, outputs, kernel, channels)));
        layers.emplace_back(std::move(conv));
        side = side + 2 * static_cast<std::size_t>(l.padding) - kernel + 1;
        channels = outputs;
      } else if (l.kind == cases::Layer::pool) {
        layers.emplace_back(Pool{});
        side /= 2;
      } else {
        xg::nn::Linear<float> linear(side * side * channels, outputs);
        linear.weight.assign(array(linear.weight.shape(), cases::weights(k, outputs, side, channels)));
        layers.emplace_back(std::move(linear));
        side = 1;
        channels = outputs;
      }
      relus.push_back(l.relu);
    }
  }

  V operator()(V x) const {
    for (std::size_t k = 0; k < layers.size(); ++k) {
      if (const auto* conv = std::get_if<xg::nn::Conv2d<float>>(&layers[k]))
        x = (*conv)(std::move(x));
      else if (const auto* linear = std::get_if<xg::nn::Linear<float>>(&layers[k]))
        x = (*linear)(x.shape().size() > 2 ? flatten(std::move(x)) : std::move(x));
      else
        x = max_pool2d(std::move(x), 2);
      if (relus[k]) x = relu(std::move(x));
    }
    return x;
  }
};

/// The last output of a sequence (steps, batch, inputs), and a linear layer.
struct Lstm {
  xg::nn::LSTMCell<float> cell{cases::lstm_inputs, cases::lstm_hidden};
  xg::nn::Linear<float> fc{cases::lstm_hidden, 10};

  Lstm() {
    for (V* bias : {&cell.bias_ih, &cell.bias_hh}) bias->assign(xg::zeros<float>(bias->shape()));
  }
  V operator()(V x) const {
    auto state = cell.zero_state(x.shape()[1]);
    for (int t = 0; t < cases::lstm_steps; ++t) state = cell(select(x, 0, t), std::move(state));
    return fc(std::move(state.h));
  }
  XGRAD_FIELDS(cell, fc)
};

/// Attention and a perceptron, each behind a layer norm and beside a shortcut; then the mean over the places and a linear layer.
struct Transformer {
  static constexpr std::size_t width = cases::transformer_width, heads = cases::transformer_heads;
  xg::nn::LayerNorm<float> norm1{width};
  xg::nn::Linear<float> qkv{width, 3 * width}, out{width, width};
  xg::nn::LayerNorm<float> norm2{width};
  xg::nn::Linear<float> up{width, 4 * width}, down{4 * width, width}, fc{width, 10};

  V operator()(V x) const {
    const std::size_t n = x.shape()[0], length = x.shape()[1];
    V parts = permute(reshape(qkv(norm1(x)), {n, length, 3, heads, width / heads}), {2, 0, 3, 1, 4});
    V seen = scaled_dot_product_attention(select(parts, 0, 0), select(parts, 0, 1), select(parts, 0, 2));
    x = x + out(reshape(permute(std::move(seen), {0, 2, 1, 3}), {n, length, width}));
    x = x + down(gelu(up(norm2(x))));
    return fc(mean(std::move(x), 1));
  }
};

struct Network {
  std::function<V(V)> forward;
  std::vector<V> parameters;
  std::function<void()> drop = [] {};  // dropout begins
};

/// One of models/ or above: the arrays of more than one axis get their numbers, in their order.
template <class N>
Network numbered(bool drops = false) {
  const auto net = std::make_shared<N>();
  std::size_t k = 0;
  for (V& p : xg::nn::parameters(*net))
    if (p.shape().size() > 1) {
      const std::size_t outputs = p.shape()[0];
      p.assign(array(p.shape(), cases::weights(k++, outputs, p.size() / outputs)));
    }
  Network result{[net](V x) { return (*net)(std::move(x)); }, xg::nn::parameters(*net)};
  if (!drops) return result;
  xg::nn::eval(*net);
  result.drop = [net] { xg::nn::train(*net); };
  return result;
}

Network make_network(const std::string& name) {
  if (name == "alexnet") return numbered<xg::models::AlexNet<>>(true);
  if (name == "vgga") return numbered<xg::models::VGG<>>(true);
  if (name == "googlenet") return numbered<xg::models::GoogLeNet<>>(true);
  if (name == "resnet20") return numbered<xg::models::ResNet20<>>();
  if (name == "resnet50") return numbered<xg::models::ResNet50<>>();
  if (name == "lstm") return numbered<Lstm>();
  if (name == "transformer") return numbered<Transformer>();
  const auto net = std::make_shared<Net>(cases::net(name));
  return {[net](V x) { return (*net)(std::move(x)); }, xg::nn::parameters(net->layers)};
}

/// A network with its batch. What is timed: a training step, or the loss alone ("value"), or with gradients ("gradient").
cases::Case network(const std::string& name, std::size_t batch, const std::string& what) {
  struct State {
    Network net;
    xg::optim::Optimizer<float, xg::optim::SGD> opt = optimiser(cases::rate);
    xg::Labels labels{};
    float loss = 0;

    xg::optim::Optimizer<float, xg::optim::SGD> optimiser(double rate) const {
      return xg::optim::Optimizer(net.parameters, xg::optim::SGD{.lr = rate, .momentum = cases::momentum});
    }
  };
  const auto s = std::make_shared<State>(State{make_network(name)});
  const std::vector<std::size_t> input = cases::input(name, batch);
  if (!input.empty()) s->opt = s->optimiser(cases::small_rate);
  xg::Shape shape(input.begin(), input.end());
  if (input.empty()) {
    const cases::Net data = cases::net(name);
    const auto size = [](int n) { return static_cast<std::size_t>(n); };
    shape = data.height == 1 ? xg::Shape{batch, size(data.channels)}
                             : xg::Shape{batch, size(data.height), size(data.width), size(data.channels)};
  }
  const V images(array(shape, 1));
  s->labels = xg::Labels(xg::Shape{batch});
  for (std::size_t i = 0; i < batch; ++i) s->labels(i) = static_cast<std::int64_t>(i % 10);
  const auto check = [s] { return double{s->loss}; };
  if (what == "value")
    return {[s, images] {
              const xg::NoGrad no_grad;
              s->loss = cross_entropy(s->net.forward(images), s->labels).item();
            },
            check};
  const bool step = what.empty();
  return {[s, images, step] {
            const V loss = cross_entropy(s->net.forward(images), s->labels);
            s->opt.zero_grad();
            backward(loss);
            if (step) s->opt.step();
            s->loss = loss.item();
          },
          check,
          [s] {
            s->opt = s->optimiser(0);
            s->net.drop();
          },
          input.empty() ? cases::first_steps : cases::first_steps_of_deep};
}

/// An operation without gradients.
template <class F>
cases::Case operation(F f) {
  const auto result = std::make_shared<V>();
  return {[=] {
            *result = {};
            *result = f();
          },
          [=] { return mean_of(result->value()); }};
}

/// Forward and back from a seed; the check is the length of the gradient of the first leaf.
template <class F>
cases::Case gradient(std::vector<V> leaves, V seed, F f) {
  return {[=]() mutable {
            for (V& x : leaves) x.zero_grad();  // of a constant: nothing
            const V y = f();
            if (seed.defined())
              backward(y, seed);
            else
              backward(y);
          },
          [=] {
            const xg::Array<float> g = leaves[0].grad();
            return std::sqrt(std::inner_product(g.data(), g.data() + g.size(), g.data(), 0.0));
          }};
}

/// Steps of a rule on n numbers with a gradient that stays.
template <class Rule>
cases::Case optimiser(std::size_t n, Rule rule) {
  const V w(array({n}, 2), true);
  backward(w, V(array({n}, 3)));
  const auto opt = std::make_shared<xg::optim::Optimizer<float, Rule>>(std::vector{w}, rule);
  return {[=] { opt->step(); }, [=] { return mean_of(square(w).value()); }, [=] { opt->options.lr = 0; }};
}

constexpr std::ptrdiff_t packed_layers = 32, packed_width = 32, packed_layer = packed_width * (packed_width + 1);

/// A recurrent network of many layers whose weights are parts of one vector.
V packed(const V& weights, V x, std::ptrdiff_t steps) {
  for (std::ptrdiff_t t = 0; t < steps; ++t) {
    const std::ptrdiff_t begin = t % packed_layers * packed_layer, bias = begin + packed_width * packed_width;
    const V w = reshape(slice(weights, 0, {begin, bias}), {packed_width, packed_width});
    x = tanh(linear(std::move(x), w, slice(weights, 0, {bias, begin + packed_layer})));
  }
  return sum(x);
}

/// At places t (n, 1), a perceptron of eight units and a line, with 26 parameters.
V curve(const V& p, const V& t) {
  const V bend = matmul(tanh(t * slice(p, 0, {0, 8}) + slice(p, 0, {8, 16})), slice(p, 0, {16, 24}));
  return bend + reshape(t, {-1}) * select(p, 0, 24) + select(p, 0, 25);
}

/// Parts of an array and their gradients: `what` is "gradient", or "value" for the function alone.
std::optional<cases::Case> parts(const std::string& kind, std::size_t n, const std::string& what) {
  if (kind == "slices") {
    const V x(array({1'000'000}, 2), true);
    return gradient({x}, {}, [=] {
      V y = 0;
      for (std::ptrdiff_t k = 0; k < static_cast<std::ptrdiff_t>(n); ++k) y = y + sum(slice(x, 0, {k * 990, k * 990 + 10}));
      return y;
    });
  }
  if (kind == "packed") {
    const V weights(array({static_cast<std::size_t>(packed_layers * packed_layer)}, 2) * 0.1F, what == "gradient");
    const V x(array({1, static_cast<std::size_t>(packed_width)}, 3));
    const auto f = [=] { return packed(weights, x, static_cast<std::ptrdiff_t>(n)); };
    return what == "gradient" ? gradient({weights}, {}, f) : operation(f);
  }
  if (kind == "jacobian") {
    const V p(array({26}, 2)), t(array({n, 1}, 3));
    if (what == "value") return operation([=] { return curve(p, t); });
    return operation([=] { return jacobian([&](const V& q) { return curve(q, t); }, p); });
  }
  if (kind == "embedding") {  // with a step of the optimiser
    const V table(array({1'000'000, 16}, 2), true);
    xg::Labels rows(xg::Shape{n});
    for (std::size_t k = 0; k < n; ++k) rows(k) = static_cast<std::int64_t>(k * 7919 % 1'000'000);
    const auto opt = std::make_shared<xg::optim::Optimizer<float, xg::optim::SGD>>(std::vector{table}, xg::optim::SGD{.lr = 0.01});
    return cases::Case{[=] {
                         opt->zero_grad();
                         backward(sum(square(embedding(rows, table))));
                         opt->step();
                       },
                       [=] { return mean_of(square(embedding(rows, table)).value()); }};
  }
  return {};
}

cases::Case make(const std::string& text) {
  const cases::Name name(text);
  const auto n = static_cast<std::size_t>(name.number);
  const std::string& kind = name.kind;
  if (kind == "chain" || kind == "chain-leaves") {  // the other operands are constants, or want gradients too
    const V x(0.5, true), a(1.0001, kind != "chain"), b(0.0001, kind != "chain");
    return gradient({x, a, b}, {}, [=] {
      V y = x;
      for (std::size_t i = 0; i < n / 2; ++i) y = y * a + b;
      return y;
    });
  }
  if (kind == "formula" || kind == "operators") {
    const V g(array({n}, 2), true), x(array({n}, 3), true), seed(array({n}, 4));
    const auto one = xg::elementwise("formula", cases::formula);
    if (kind == "formula") return gradient({x, g}, seed, [=] { return one(g, x); });
    return gradient({x, g}, seed, [=] { return cases::formula(g, x); });
  }
  if (kind == "sgd") return optimiser(n, xg::optim::SGD{.lr = cases::rate, .momentum = cases::momentum, .weight_decay = 1e-4});
  if (kind == "adamw") return optimiser(n, xg::optim::AdamW{.lr = cases::rate});
  if (kind == "cross_entropy") {
    const V x(array({n, 1000}, 2), true);
    xg::Labels labels(xg::Shape{n});
    for (std::size_t i = 0; i < n; ++i) labels(i) = static_cast<std::int64_t>(i * 7 % 1000);
    return gradient({x}, {}, [=] { return cross_entropy(x, labels); });
  }
  if (kind == "sum") {
    const V x(array({16384, 64}, 2));
    return operation([=] { return sum(x, name.number); });
  }
  if (kind == "mean") {
    const V x(array({n}, 2));
    return operation([=] { return mean(x); });
  }
  if (kind == "transpose") {
    const V x(array({n, n}, 2));
    return operation([=] { return transpose(x); });
  }
  if (kind == "broadcast") {
    const V x(array({64, 28, 28, n}, 2)), b(array({n}, 3));
    return operation([=] { return x + b; });
  }
  if (kind == "matmul") {
    const V a(array({n, n}, 2)), b(array({n, n}, 3));
    return operation([=] { return matmul(a, b); });
  }
  if (kind == "batch_norm") {
    const V x(array({n, 28, 28, 128}, 2), true), seed(array({n, 28, 28, 128}, 4));
    const xg::nn::BatchNorm<float> norm(128);
    return gradient({x, norm.weight, norm.bias}, seed, [=] { return norm(x); });
  }
  if (kind == "depthwise") {
    const V x(array({n, 28, 28, 256}, 2), true), w(array({256, 3, 3, 1}, 3), true), seed(array({n, 28, 28, 256}, 4));
    return gradient({x, w}, seed, [=] { return conv2d(x, w, {.padding = 1, .groups = 256}); });
  }
  const std::size_t dash = kind.find('-');
  const std::string first = kind.substr(0, dash), what = dash == kind.npos ? "" : kind.substr(dash + 1);
  if (auto found = parts(first, n, what)) return *found;
  return network(first, n, what);
}

void write_idx(const std::filesystem::path& path, const std::vector<std::size_t>& shape, const std::vector<std::uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  const auto put = [&](std::size_t x) { file.put(static_cast<char>(x)); };
  for (const std::size_t x : {std::size_t{0}, std::size_t{0}, std::size_t{8}, shape.size()}) put(x);
  for (const std::size_t n : shape)
    for (const int shift : {24, 16, 8, 0}) put(n >> shift & 255U);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error(path.string() + ": cannot be written");
}
int write_digits(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  for (const auto& [name, n, seed] : {std::tuple("t10k", 10000, 2), {"train", 60000, 1}}) {
    const xg::Dataset data = xg::digits(static_cast<std::size_t>(n), static_cast<std::uint64_t>(seed));
    const auto path = [&, set = std::string(name)](const char* what) { return directory / (set + what); };
    write_idx(path("-images-idx3-ubyte"), {data.size(), 28, 28}, {data.images.data(), data.images.data() + data.images.size()});
    write_idx(path("-labels-idx1-ubyte"), {data.size()}, {data.labels.data(), data.labels.data() + data.size()});
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return cases::guarded([&] {
    if (argc == 3 && std::string(argv[1]) == "digits") return write_digits(argv[2]);
    if (argc == 2 && std::string(argv[1]) == "config") {
      std::cout << to_string(xg::config()) << '\n';
      return 0;
    }
    return cases::serve(make(argc > 1 ? argv[1] : ""));
  });
}
