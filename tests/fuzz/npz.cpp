// A network in an npz file or one of torch.save, and arrays in npz and npy files. The first byte chooses.
#include "fuzz.hpp"

namespace {

struct Run {
  xgrad::nn::Linear<float> layer{3, 2};
  xgrad::Array<std::int32_t> table{{1, 2}, {3, 4}};
  std::vector<double> numbers{1, 2};
  std::string text = "a";
  std::int64_t epoch = 3;
};

std::string contents(const Run& run) {
  std::string result;
  for (const auto& entry : xgrad::nn::state_entries(run)) {
    result += entry.name + xgrad::to_string(entry.shape);
    if (entry.bytes() > 0) result.append(static_cast<const char*>(entry.data()), entry.bytes());
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const fuzz::File file({data + 1, size - 1});
  const bool flag = (data[0] & 1) != 0;
  switch (data[0] >> 1 & 3) {
    case 0:
      fuzz::reads([&] { xgrad::load_npy<float>(file.path(), {.convert = flag}); });
      break;
    case 1:
      fuzz::reads([&] { xgrad::load_npz<std::int32_t>(file.path(), {.convert = flag}); });
      break;
    default: {
      Run run;
      const std::string before = contents(run);
      const bool loaded = fuzz::reads([&] { xgrad::nn::load(run, file.path(), {.strict = !flag, .convert = flag}); });
      if (!loaded && contents(run) != before) {
        std::fprintf(stderr, "a file that was refused changed the state\n");
        std::abort();
      }
    }
  }
  return 0;
}
