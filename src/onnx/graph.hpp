#pragma once
/// A network made ready to run: names have become places.
#include "call.hpp"

namespace xgrad::onnx {

/// The table of all operators, made once.
template <class T>
const Table<T>& operators();

namespace detail {

inline constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

struct Input {
  std::size_t slot = nowhere;  ///< nowhere: left out
  bool last = false;           ///< whether nobody needs the value afterwards
};
template <class T>
struct Step {
  std::size_t number = 0;  ///< in the file
  Node node;
  Entry<T> entry;
  std::vector<Input> inputs;
  std::vector<std::size_t> outputs;  ///< nowhere: nobody needs it
};
template <class T>
struct Graph {
  std::filesystem::path path;
  int opset = 0;
  std::vector<Port> inputs, outputs;
  std::vector<std::size_t> input_slots, output_slots;
  std::vector<std::pair<std::string, std::size_t>> weights;
  std::vector<std::pair<std::size_t, Value<T>>> constants;
  std::vector<Step<T>> steps;
  std::size_t slots = 0;
};

}  // namespace detail
}  // namespace xgrad::onnx
