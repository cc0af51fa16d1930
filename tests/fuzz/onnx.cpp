// A network, and a tensor alone.
#include "fuzz.hpp"

#include <xgrad/onnx/onnx.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::File file({data, size});
  fuzz::reads([&] { xgrad::onnx::load<float>(file.path()); });
  fuzz::reads([&] { xgrad::onnx::load_tensor<double>(file.path()); });
  return 0;
}
