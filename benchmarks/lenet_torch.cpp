// The same program with PyTorch.   usage: lenet_torch DIRECTORY EPOCHS
// Batches come from its DataLoader, or with -DINDEXED from one tensor of bytes, which is faster and takes less memory.
#include <torch/torch.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

struct LeNet : torch::nn::Module {
  torch::nn::Conv2d conv1 = register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 6, 5).padding(2)));
  torch::nn::Conv2d conv2 = register_module("conv2", torch::nn::Conv2d(6, 16, 5));
  torch::nn::Linear fc1 = register_module("fc1", torch::nn::Linear(400, 120));
  torch::nn::Linear fc2 = register_module("fc2", torch::nn::Linear(120, 84));
  torch::nn::Linear fc3 = register_module("fc3", torch::nn::Linear(84, 10));

  torch::Tensor forward(torch::Tensor x) {
    x = torch::max_pool2d(torch::relu(conv1(x)), 2);
    x = torch::max_pool2d(torch::relu(conv2(x)), 2);
    x = torch::relu(fc1(x.flatten(1)));
    return fc3(torch::relu(fc2(x)));
  }
};

#ifdef INDEXED
torch::Tensor read_idx(const std::string& path, int64_t header, torch::IntArrayRef shape) {
  torch::Tensor bytes = torch::empty(shape, torch::kByte);
  std::ifstream file(path, std::ios::binary);
  file.seekg(header);
  file.read(reinterpret_cast<char*>(bytes.data_ptr()), bytes.numel());
  TORCH_CHECK(file, path, " cannot be read");
  return bytes;
}
#endif

int main(int, char** argv) {
  torch::manual_seed(1);
#ifdef INDEXED
  const std::string directory = argv[1];
  const int64_t size = 60000;
  const torch::Tensor all = read_idx(directory + "/train-images-idx3-ubyte", 16, {size, 1, 28, 28});
  const torch::Tensor targets = read_idx(directory + "/train-labels-idx1-ubyte", 8, {size}).to(torch::kLong);
#else
  torch::data::datasets::MNIST mnist(argv[1]);
  const auto size = static_cast<int64_t>(*mnist.size());
  auto data = std::move(mnist).map(torch::data::transforms::Normalize<>(0.1307, 0.3081)).map(torch::data::transforms::Stack<>());
  auto loader = torch::data::make_data_loader<torch::data::samplers::RandomSampler>(std::move(data), 64);
#endif
  LeNet net;
  torch::optim::SGD opt(net.parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  for (int epoch = 0; epoch < std::atoi(argv[2]); ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    double total = 0;
    const auto step = [&](const torch::Tensor& images, const torch::Tensor& labels) {
      const auto loss = torch::cross_entropy_loss(net.forward(images), labels);
      net.zero_grad(/* set_to_none */ true);
      loss.backward();
      opt.step();
      total += loss.item<float>();
    };
#ifdef INDEXED
    const torch::Tensor order = torch::randperm(size);
    for (int64_t i = 0; i < size; i += 64) {
      const torch::Tensor rows = order.slice(0, i, std::min(i + 64, size));
      step(all.index_select(0, rows).to(torch::kFloat).sub_(0.1307 * 255).div_(0.3081 * 255), targets.index_select(0, rows));
    }
#else
    for (auto& batch : *loader) step(batch.data, batch.target);
#endif
    std::printf("%.6f seconds, loss %.4f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
                total / static_cast<double>((size + 63) / 64));
  }
}
