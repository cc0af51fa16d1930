// A user's program that reads a network.
#include <xgrad/onnx/onnx.hpp>
#include <xgrad/xgrad.hpp>

int main() {
  try {
    xgrad::onnx::load<float>("no/such.onnx");
  } catch (const xgrad::FileError&) {
    return 0;
  }
  return 1;
}
