#pragma once
// The networks of models/ for PyTorch, as its users write them, with the weights of cases.hpp in the same order.
#include <dlfcn.h>
#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>

#include "cases.hpp"

namespace torch_networks {

namespace nn = torch::nn;
using torch::Tensor;

inline torch::MemoryFormat format = torch::MemoryFormat::Contiguous;

inline Tensor tensor(torch::IntArrayRef shape, const std::vector<float>& numbers) {
  return torch::from_blob(const_cast<float*>(numbers.data()), shape).clone();
}
inline Tensor tensor(torch::IntArrayRef shape, std::uint64_t seed) {
  return tensor(shape, cases::numbers(static_cast<std::size_t>(c10::multiply_integers(shape)), seed));
}

struct Network {
  std::function<Tensor(const Tensor&)> forward;
  std::vector<Tensor> parameters = {};
  std::shared_ptr<bool> dropping = std::make_shared<bool>(false);
};

/// Makes layers and takes their parameters down.
struct Builder {
  std::vector<Tensor> parameters = {};
  std::size_t k = 0;
  std::shared_ptr<bool> dropping = std::make_shared<bool>(false);

  /// Outputs × height × width × inputs in memory, with PyTorch's order of axes.
  Tensor weight(int64_t outputs, int64_t side, int64_t inputs) {
    const auto size = [](int64_t n) { return static_cast<std::size_t>(n); };
    return tensor({outputs, side, side, inputs}, cases::weights(k++, size(outputs), size(side), size(inputs)))
        .permute({0, 3, 1, 2});
  }
  template <class L>
  L take(L layer, const Tensor& weight, bool bias) {
    layer->weight.set_data(weight);
    parameters.push_back(layer->weight);
    if (!bias) return layer;
    nn::init::zeros_(layer->bias);
    parameters.push_back(layer->bias);
    return layer;
  }
  nn::Conv2d conv(int64_t in, int64_t out, int64_t size, int64_t padding = 0, int64_t stride = 1, int64_t groups = 1,
                  bool bias = true) {
    const auto options = nn::Conv2dOptions(in, out, size).padding(padding).stride(stride).groups(groups).bias(bias);
    return take(nn::Conv2d(options), weight(out, size, in / groups).contiguous(format), bias);
  }
  /// Of images with side × side pixels, or of vectors.
  nn::Linear linear(int64_t in, int64_t out, int64_t side = 1) {
    return take(nn::Linear(in * side * side, out), weight(out, side, in).reshape({out, -1}).contiguous(), true);
  }
  template <class L>
  L norm(L layer) {
    parameters.push_back(layer->weight);
    parameters.push_back(layer->bias);
    return layer;
  }
  auto drop(double p = 0.5) const {
    return [p, on = dropping](const Tensor& x) { return *on ? torch::dropout(x, p, true) : x; };
  }
  Network network(std::function<Tensor(const Tensor&)> forward) { return {std::move(forward), parameters, dropping}; }
};

inline Tensor response_norm(const Tensor& x, double alpha, double k) {
  return nn::functional::local_response_norm(x, nn::functional::LocalResponseNormFuncOptions(5).alpha(alpha).beta(0.75).k(k));
}

inline Network alexnet() {
  Builder b;
  auto conv1 = b.conv(3, 96, 11, 0, 4), conv2 = b.conv(96, 256, 5, 2, 1, 2), conv3 = b.conv(256, 384, 3, 1),
       conv4 = b.conv(384, 384, 3, 1, 1, 2), conv5 = b.conv(384, 256, 3, 1, 1, 2);
  auto fc6 = b.linear(256, 4096, 6), fc7 = b.linear(4096, 4096), fc8 = b.linear(4096, 1000);
  return b.network([=, drop = b.drop()](Tensor x) mutable {
    x = torch::max_pool2d(response_norm(torch::relu(conv1(x)), 5e-4, 2), 3, 2);
    x = torch::max_pool2d(response_norm(torch::relu(conv2(x)), 5e-4, 2), 3, 2);
    x = torch::relu(conv4(torch::relu(conv3(x))));
    x = torch::max_pool2d(torch::relu(conv5(x)), 3, 2).flatten(1);
    return fc8(drop(torch::relu(fc7(drop(torch::relu(fc6(x)))))));
  });
}

inline Network vgga() {
  Builder b;
  std::vector<nn::Conv2d> convs;
  const std::vector<int64_t> channels{3, 64, 128, 256, 256, 512, 512, 512, 512};
  for (std::size_t k = 1; k < channels.size(); ++k) convs.push_back(b.conv(channels[k - 1], channels[k], 3, 1));
  auto fc1 = b.linear(512, 4096, 7), fc2 = b.linear(4096, 4096), fc3 = b.linear(4096, 1000);
  return b.network([=, drop = b.drop()](Tensor x) mutable {
    for (std::size_t k = 0; k < convs.size(); ++k) {
      x = torch::relu(convs[k](x));
      if (k < 2 || k % 2 == 1) x = torch::max_pool2d(x, 2);
    }
    return fc3(drop(torch::relu(fc2(drop(torch::relu(fc1(x.flatten(1))))))));
  });
}

inline Network googlenet() {
  Builder b;
  const auto inception = [&](int64_t in, std::array<int64_t, 6> c) {
    auto one = b.conv(in, c[0], 1), reduce3 = b.conv(in, c[1], 1), three = b.conv(c[1], c[2], 3, 1), reduce5 = b.conv(in, c[3], 1),
         five = b.conv(c[3], c[4], 5, 2), project = b.conv(in, c[5], 1);
    return [=](const Tensor& x) mutable {
      return torch::cat({torch::relu(one(x)), torch::relu(three(torch::relu(reduce3(x)))),
                         torch::relu(five(torch::relu(reduce5(x)))), torch::relu(project(torch::max_pool2d(x, 3, 1, 1)))},
                        1);
    };
  };
  auto conv1 = b.conv(3, 64, 7, 3, 2), reduce2 = b.conv(64, 64, 1), conv2 = b.conv(64, 192, 3, 1);
  std::vector<std::function<Tensor(const Tensor&)>> blocks;
  int64_t in = 192;
  for (const auto& c : std::vector<std::array<int64_t, 6>>{{64, 96, 128, 16, 32, 32},
                                                           {128, 128, 192, 32, 96, 64},
                                                           {192, 96, 208, 16, 48, 64},
                                                           {160, 112, 224, 24, 64, 64},
                                                           {128, 128, 256, 24, 64, 64},
                                                           {112, 144, 288, 32, 64, 64},
                                                           {256, 160, 320, 32, 128, 128},
                                                           {256, 160, 320, 32, 128, 128},
                                                           {384, 192, 384, 48, 128, 128}}) {
    blocks.emplace_back(inception(in, c));
    in = c[0] + c[2] + c[4] + c[5];
  }
  auto fc = b.linear(1024, 1000);
  return b.network([=, drop = b.drop(0.4)](Tensor x) mutable {
    const auto half = [](const Tensor& t) { return torch::max_pool2d(t, 3, 2, 0, 1, /* ceil_mode */ true); };
    x = response_norm(half(torch::relu(conv1(x))), 1e-4, 1);
    x = half(response_norm(torch::relu(conv2(torch::relu(reduce2(x)))), 1e-4, 1));
    for (std::size_t k = 0; k < blocks.size(); ++k) x = blocks[k](k == 2 || k == 7 ? half(x) : x);
    return fc(drop(x.mean({2, 3})));
  });
}

struct ConvNorm {
  nn::Conv2d conv;
  nn::BatchNorm2d norm;

  ConvNorm(Builder& b, int64_t in, int64_t out, int64_t size, int64_t stride = 1)
      : conv(b.conv(in, out, size, size / 2, stride, 1, false)), norm(b.norm(nn::BatchNorm2d(out))) {}
  Tensor operator()(const Tensor& x) { return norm(conv(x)); }
};

inline Network resnet20() {
  Builder b;
  struct Block {
    ConvNorm a, b;
    int64_t more;
    Tensor operator()(Tensor x) {
      const Tensor y = b(torch::relu(a(x)));
      using torch::indexing::None, torch::indexing::Slice;
      if (more > 0)
        x = torch::constant_pad_nd(x.index({Slice(), Slice(), Slice(None, None, 2), Slice(None, None, 2)}), {0, 0, 0, 0, 0, more});
      return torch::relu(y + x);
    }
  };
  ConvNorm stem(b, 3, 16, 3);
  std::vector<Block> blocks;
  for (const auto& [in, out] : std::vector<std::pair<int64_t, int64_t>>{
           {16, 16}, {16, 16}, {16, 16}, {16, 32}, {32, 32}, {32, 32}, {32, 64}, {64, 64}, {64, 64}}) {
    ConvNorm first(b, in, out, 3, in == out ? 1 : 2);
    blocks.push_back({first, ConvNorm(b, out, out, 3), out - in});
  }
  auto fc = b.linear(64, 10);
  return b.network([=](Tensor x) mutable {
    x = torch::relu(stem(x));
    for (Block& block : blocks) x = block(x);
    return fc(x.mean({2, 3}));
  });
}

inline Network resnet50() {
  Builder b;
  struct Block {
    ConvNorm a, b, c;
    std::optional<ConvNorm> shortcut;
    Block(Builder& builder, int64_t in, int64_t width, int64_t stride)
        : a(builder, in, width, 1), b(builder, width, width, 3, stride), c(builder, width, 4 * width, 1) {
      if (in != 4 * width) shortcut.emplace(builder, in, 4 * width, 1, stride);
    }
    Tensor operator()(const Tensor& x) {
      const Tensor y = c(torch::relu(b(torch::relu(a(x)))));
      return torch::relu(y + (shortcut ? (*shortcut)(x) : x));
    }
  };
  ConvNorm stem(b, 3, 64, 7, 2);
  std::vector<Block> blocks;
  int64_t in = 64, width = 64;
  for (const int depth : {3, 4, 6, 3}) {
    for (int k = 0; k < depth; ++k, in = 4 * width) blocks.emplace_back(b, in, width, k == 0 && width > 64 ? 2 : 1);
    width *= 2;
  }
  auto fc = b.linear(2048, 1000);
  return b.network([=](Tensor x) mutable {
    x = torch::max_pool2d(torch::relu(stem(x)), 3, 2, 1);
    for (Block& block : blocks) x = block(x);
    return fc(x.mean({2, 3}));
  });
}

/// The last output of a sequence (steps, batch, inputs), and a linear layer.
inline Network lstm() {
  Builder b;
  nn::LSTM cell(nn::LSTMOptions(cases::lstm_inputs, cases::lstm_hidden));
  const auto weights = cell->named_parameters();
  for (const char* name : {"weight_ih_l0", "weight_hh_l0"}) {
    const int64_t in = weights[name].size(1);
    weights[name].set_data(b.weight(4 * cases::lstm_hidden, 1, in).reshape({-1, in}).contiguous());
  }
  for (const char* name : {"bias_ih_l0", "bias_hh_l0"}) nn::init::zeros_(weights[name]);
  for (const Tensor& w : cell->parameters()) b.parameters.push_back(w);
  auto fc = b.linear(cases::lstm_hidden, 10);
  return b.network([=](const Tensor& x) mutable { return fc(std::get<0>(cell(x))[-1]); });
}

/// Attention and a perceptron, each behind a layer norm and beside a shortcut; then the mean over the places and a linear layer.
inline Network transformer() {
  Builder b;
  const int64_t width = cases::transformer_width, heads = cases::transformer_heads;
  auto norm1 = b.norm(nn::LayerNorm(nn::LayerNormOptions({width})));
  auto qkv = b.linear(width, 3 * width), out = b.linear(width, width);
  auto norm2 = b.norm(nn::LayerNorm(nn::LayerNormOptions({width})));
  auto up = b.linear(width, 4 * width), down = b.linear(4 * width, width), fc = b.linear(width, 10);
  return b.network([=](Tensor x) mutable {
    const int64_t n = x.size(0), length = x.size(1);
    const auto parts = qkv(norm1(x)).reshape({n, length, 3, heads, width / heads}).permute({2, 0, 3, 1, 4}).unbind(0);
#if TORCH_VERSION_MAJOR >= 2
    const Tensor seen = torch::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
#else
    const Tensor scores = torch::matmul(parts[0] / std::sqrt(static_cast<double>(width / heads)), parts[1].transpose(-2, -1));
    const Tensor seen = torch::matmul(torch::softmax(scores, -1), parts[2]);
#endif
    x = x + out(seen.transpose(1, 2).reshape({n, length, width}));
    x = x + down(torch::gelu(up(norm2(x))));
    return fc(x.mean(1));
  });
}

inline Network make(const std::string& name) {
  const std::map<std::string, Network (*)()> all{{"alexnet", alexnet},        {"vgga", vgga}, {"googlenet", googlenet},
                                                 {"resnet20", resnet20},      {"lstm", lstm}, {"resnet50", resnet50},
                                                 {"transformer", transformer}};
  return all.at(name)();
}

/// The oneDNN and BLAS that this process has loaded.
inline std::string libraries() {
  struct Version {
    int major, minor, patch;
  };
  std::string result = "no oneDNN";
  if (const auto version = reinterpret_cast<const Version* (*)()>(dlsym(RTLD_DEFAULT, "dnnl_version")))
    result = "oneDNN " + std::to_string(version()->major) + "." + std::to_string(version()->minor) + "." +
             std::to_string(version()->patch);
  const auto blas = reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_config"));
  return result + (blas ? std::string(", ") + blas() : ", a BLAS that does not say its name");
}

}  // namespace torch_networks
