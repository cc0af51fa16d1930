// PyTorch's side of the comparison.   usage: torch_cases CASE [channels_last]   (see cases.hpp; benchmarks/run calls it)
//                                         torch_cases config: says which PyTorch that is, and its libraries
#include <torch/torch.h>

#include <memory>

#include "cases.hpp"
#include "torch_networks.hpp"

using torch::Tensor;

namespace {

using torch_networks::format, torch_networks::tensor;

struct Net {
  std::vector<torch::nn::Conv2d> convs;  // both in order of the layers
  std::vector<torch::nn::Linear> linears;
  std::vector<cases::Layer> layers;
  std::vector<Tensor> parameters;

  explicit Net(const cases::Net& net) : layers(net.layers) {
    int64_t side = net.height, channels = net.channels;
    std::size_t k = 0;
    for (const cases::Layer& l : layers) {
      const auto weights = [&](int64_t kernel) {  // outputs, inputs, kernel, kernel
        return tensor({l.outputs, kernel, kernel, channels},
                      cases::weights(k, static_cast<std::size_t>(l.outputs), static_cast<std::size_t>(kernel),
                                     static_cast<std::size_t>(channels)))
            .permute({0, 3, 1, 2});
      };
      const auto add = [&](auto& layer, const Tensor& weight) {
        layer->weight.set_data(weight);
        torch::nn::init::zeros_(layer->bias);
        parameters.push_back(layer->weight);
        parameters.push_back(layer->bias);
      };
      if (l.kind == cases::Layer::conv) {
        torch::nn::Conv2d conv(torch::nn::Conv2dOptions(channels, l.outputs, l.kernel).padding(l.padding));
        add(conv, weights(l.kernel).contiguous(format));
        convs.push_back(conv);
        side += 2 * l.padding - l.kernel + 1;
        channels = l.outputs;
      } else if (l.kind == cases::Layer::pool) {
        side /= 2;
      } else {
        torch::nn::Linear linear(side * side * channels, l.outputs);
        add(linear, weights(side).reshape({l.outputs, -1}).contiguous());
        linears.push_back(linear);
        side = 1;
        channels = l.outputs;
      }
      ++k;
    }
  }

  Tensor operator()(Tensor x) {
    auto conv = convs.begin();
    auto linear = linears.begin();
    for (const cases::Layer& l : layers) {
      if (l.kind == cases::Layer::conv)
        x = (*conv++)->forward(x);
      else if (l.kind == cases::Layer::pool)
        x = torch::max_pool2d(x, 2);
      else
        x = (*linear++)->forward(x.dim() > 2 ? x.flatten(1) : x);
      if (l.relu) x = torch::relu(x);
    }
    return x;
  }
};

cases::Case network(const std::string& name, int64_t batch) {
  struct State {
    torch_networks::Network net;
    std::unique_ptr<torch::optim::SGD> opt = optimiser(cases::rate);
    double loss = 0;

    std::unique_ptr<torch::optim::SGD> optimiser(double rate) const {
      return std::make_unique<torch::optim::SGD>(net.parameters, torch::optim::SGDOptions(rate).momentum(cases::momentum));
    }
  };
  const std::vector<std::size_t> input = cases::input(name, static_cast<std::size_t>(batch));
  std::vector<int64_t> shape(input.begin(), input.end());
  std::shared_ptr<State> s;
  if (input.empty()) {
    const cases::Net data = cases::net(name);
    const Net net(data);
    s.reset(new State{{net, net.parameters}});
    if (data.height == 1)
      shape = {batch, data.channels};
    else
      shape = {batch, data.height, data.width, data.channels};
  } else {
    s.reset(new State{torch_networks::make(name)});
    s->opt = s->optimiser(cases::small_rate);
  }
  Tensor images = tensor(shape, 1);
  if (shape.size() == 4) images = images.permute({0, 3, 1, 2}).contiguous(format);
  const Tensor labels = torch::arange(batch, torch::kLong).remainder(10);
  return {[=] {
            const Tensor loss = torch::cross_entropy_loss(s->net.forward(images), labels);
            for (Tensor& p : s->net.parameters) p.mutable_grad() = Tensor();  // faster than zeros
            loss.backward();
            s->opt->step();
            s->loss = loss.item<float>();
          },
          [=] { return s->loss; },
          [=] {
            s->opt = s->optimiser(0);
            *s->net.dropping = true;
          },
          input.empty() ? cases::first_steps : cases::first_steps_of_deep};
}

/// N×H×W×C numbers in PyTorch's order of axes.
Tensor image(torch::IntArrayRef shape, std::uint64_t seed) { return tensor(shape, seed).permute({0, 3, 1, 2}).contiguous(format); }

template <class F>
cases::Case operation(F f) {
  const auto result = std::make_shared<Tensor>();
  return {[=] {
            const torch::NoGradGuard no_grad;
            *result = Tensor();
            *result = f();
          },
          [=] { return result->to(torch::kDouble).mean().template item<double>(); }};
}

template <class F>
cases::Case gradient(std::vector<Tensor> leaves, Tensor seed, F f) {
  for (Tensor& x : leaves) x.requires_grad_();
  return {[=]() mutable {
            for (Tensor& x : leaves) x.mutable_grad() = Tensor();
            f().backward(seed);
          },
          [=] { return leaves[0].grad().to(torch::kDouble).norm().template item<double>(); }};
}

template <class Optimiser, class Options>
cases::Case optimiser(int64_t n, Options options) {
  const Tensor w = tensor({n}, 2).requires_grad_();
  w.mutable_grad() = tensor({n}, 3);
  const auto opt = std::make_shared<Optimiser>(std::vector<Tensor>{w}, options);
  return {[=] { opt->step(); }, [=] { return w.detach().to(torch::kDouble).square().mean().template item<double>(); },
          [=] { static_cast<Options&>(opt->param_groups()[0].options()).lr(0); }};
}

cases::Case make(const std::string& text) {
  const cases::Name name(text);
  const int64_t n = name.number;
  const std::string& kind = name.kind;
  if (kind == "chain" || kind == "chain-leaves") {  // the other operands are constants, or want gradients too
    const Tensor x = torch::tensor(0.5F), a = torch::tensor(1.0001F), b = torch::tensor(0.0001F);
    return gradient(kind == "chain" ? std::vector<Tensor>{x} : std::vector<Tensor>{x, a, b}, {}, [=] {
      Tensor y = x;
      for (int64_t i = 0; i < n / 2; ++i) y = y * a + b;
      return y;
    });
  }
  if (kind == "formula" || kind == "operators") {  // it has no other way than twelve operators
    const Tensor g = tensor({n}, 2), x = tensor({n}, 3);
    return gradient({x, g}, tensor({n}, 4), [=] { return cases::formula(g, x); });
  }
  if (kind == "sgd")
    return optimiser<torch::optim::SGD>(n, torch::optim::SGDOptions(cases::rate).momentum(cases::momentum).weight_decay(1e-4));
  if (kind == "adamw") return optimiser<torch::optim::AdamW>(n, torch::optim::AdamWOptions(cases::rate));
  if (kind == "cross_entropy") {
    const Tensor x = tensor({n, 1000}, 2), labels = (torch::arange(n, torch::kLong) * 7).remainder(1000);
    return gradient({x}, {}, [=] { return torch::cross_entropy_loss(x, labels); });
  }
  if (kind == "sum") {
    const Tensor x = tensor({16384, 64}, 2);
    return operation([=] { return x.sum(n); });
  }
  if (kind == "mean") {
    const Tensor x = tensor({n}, 2);
    return operation([=] { return x.mean(); });
  }
  if (kind == "transpose") {
    const Tensor x = tensor({n, n}, 2);
    return operation([=] { return x.t().contiguous(); });
  }
  if (kind == "broadcast") {
    const Tensor x = tensor({64, 28, 28, n}, 2), b = tensor({n}, 3);
    return operation([=] { return x + b; });
  }
  if (kind == "matmul") {
    const Tensor a = tensor({n, n}, 2), b = tensor({n, n}, 3);
    return operation([=] { return torch::matmul(a, b); });
  }
  if (kind == "batch_norm") {
    const Tensor x = image({n, 28, 28, 128}, 2), seed = image({n, 28, 28, 128}, 4);
    const auto norm = std::make_shared<torch::nn::BatchNorm2d>(128);
    return gradient({x, (*norm)->weight, (*norm)->bias}, seed, [=] { return (*norm)->forward(x); });
  }
  if (kind == "depthwise") {
    const Tensor x = image({n, 28, 28, 256}, 2), w = image({256, 3, 3, 1}, 3), seed = image({n, 28, 28, 256}, 4);
    return gradient({x, w}, seed, [=] { return torch::conv2d(x, w, {}, 1, 1, 1, 256); });
  }
  return network(kind, n);
}

}  // namespace

int main(int argc, char** argv) {
  return cases::guarded([&] {
    if (argc > 1 && std::string(argv[1]) == "config") {
      std::cout << "PyTorch " << TORCH_VERSION << " with " << torch_networks::libraries() << '\n';
      return 0;
    }
    if (argc > 2 && std::string(argv[2]) == "channels_last") format = torch::MemoryFormat::ChannelsLast;
    return cases::serve(make(argc > 1 ? argv[1] : ""));
  });
}
