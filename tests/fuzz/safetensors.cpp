// A checkpoint of all kinds of state. What cannot be loaded must leave everything as it was.
#include "fuzz.hpp"

namespace {

struct Run {
  xgrad::nn::Linear<float> layer{3, 2};
  xgrad::nn::BatchNorm<double> norm{2};
  xgrad::Generator generator{7};
  std::vector<double> numbers{1, 2};
  std::string text = "a";
  std::int64_t epoch = 3;
};

/// The bytes of the tensors and what else there is.
std::string contents(const Run& run) {
  std::string result = run.text + std::to_string(run.epoch) + "," + std::to_string(run.numbers.size());
  const auto add = [&](const auto& array) {
    result.append(reinterpret_cast<const char*>(array.data()), array.size() * sizeof(*array.data()));
  };
  add(run.layer.weight.value());
  add(run.layer.bias.value());
  add(run.norm.weight.value());
  add(run.norm.running_var.value());
  add(run.numbers);
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const fuzz::File file({data + 1, size - 1});
  Run run;
  const std::string before = contents(run);
  const bool loaded = fuzz::reads([&] { xgrad::nn::load(run, file.path(), {.strict = (data[0] & 1) == 0}); });
  if (!loaded && contents(run) != before) {
    std::fprintf(stderr, "a file that was refused changed the state\n");
    std::abort();
  }
  return 0;
}
