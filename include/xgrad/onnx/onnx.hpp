#pragma once
/// Networks from ONNX files, and to them. A library of its own, xgrad-onnx, and not part of xgrad.hpp.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <xgrad/core/error.hpp>
#include <xgrad/core/fields.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/nn/containers.hpp>
#include <xgrad/state/state.hpp>

namespace xgrad::onnx {

/// A tensor: floating-point numbers, which have derivatives, integers, or truth values. ONNX's float and double are both T, its
/// int32 and int64 both 64 bits wide.
template <class T>
using Value = std::variant<Variable<T>, Labels, Mask>;

/// An input or output of a network.
struct Port {
  std::string name;
  std::string element;              ///< ONNX's name of what its elements are: "float", "int64"
  std::vector<std::int64_t> shape;  ///< -1 for a length that the file leaves open
  bool any_shape = false;           ///< whether the file says nothing of the shape
};

namespace detail {
template <class T>
struct Graph;
}

/// A network from an ONNX file: a function of tensors, made of ordinary operations on Variables. So its results can be
/// differentiated, also by its weights, which are state like that of any struct: `nn::parameters(net)`, `nn::save(net, path)`,
/// `nn::clone(net)` and optimisers see them.
template <Real T>
class Network {
 public:
  /// For load.
  explicit Network(std::shared_ptr<const detail::Graph<T>> graph, std::map<std::string, Variable<T>> values)
      : weights(std::move(values)), graph_(std::move(graph)) {}

  /// The file's initialisers of floating-point numbers (or, where it has none, its Constants of one axis or more), by name. Those
  /// that are needed as they are, such as the running mean of a BatchNormalization, need no gradient; all others do, and are the
  /// parameters.
  std::map<std::string, Variable<T>> weights;

  /// What the network takes, without its weights, and what it gives, in the file's order.
  XGRAD_API const std::vector<Port>& inputs() const;
  XGRAD_API const std::vector<Port>& outputs() const;
  /// The version of ONNX's operators for which the file was written.
  XGRAD_API int opset() const;

  /// All outputs for all inputs, in the order of `inputs` and `outputs`. Images are in ONNX's order, (n, c, h, w). Errors of an
  /// operation name the node and the file. Throws ValueError for inputs of another number or element type, ShapeError for another
  /// number of axes or another length, and ValueError for what a node asks for and this library cannot do.
  XGRAD_API std::vector<Value<T>> run(std::vector<Value<T>> inputs, Where at = Where::current()) const;
  /// The first output, which must be floating-point, of a network with one input. Throws as run.
  XGRAD_API Variable<T> operator()(Variable<T> x, Where at = Where::current()) const;

 private:
  std::shared_ptr<const detail::Graph<T>> graph_;
  XGRAD_FIELDS(weights)
};

/// Reads a network from an ONNX file, of opset 7 to 27 (some operators also of 1 to 6), and the files of weights beside it that it
/// names. Nothing is allocated here on the word of a number in the file; but `run` makes what nodes ask for, however large.
/// docs/onnx.md lists what can be read.
///
///     auto net = xg::onnx::load<float>("net.onnx");
///     auto y = net(x);
///
/// Throws FileError for a file that cannot be read or is no ONNX file, with the byte where that shows, and for one that has
/// operators, element types or features which this library lacks; the message lists all such operators.
template <Real T>
XGRAD_API Network<T> load(const std::filesystem::path& path, Where at = Where::current());

/// Reads a tensor from a file of ONNX's TensorProto alone, as ONNX's tests have them. Throws FileError.
template <Real T>
XGRAD_API Value<T> load_tensor(const std::filesystem::path& path, Where at = Where::current());

struct SaveOptions {
  /// Whether the file's input has its images as ONNX has them, (n, c, h, w), and not (n, h, w, c) as the network here.
  bool channels_first = false;
  /// Whether the file is for any number of samples, the first axis of the input; else for as many as the shape says.
  bool any_batch = true;
  /// Whether the network is written as it is in training: batch normalisation by the batch's statistics, and dropout, stay nodes.
  bool training = false;
};

/// An input of integers from 0 to classes - 1, which a network takes for indices: the words of a text.
struct Integers {
  Shape shape;
  std::int64_t classes;
};

namespace detail {
template <class T>
struct Outputs {
  std::vector<std::string> names;
  std::vector<Variable<T>> values;
};
template <class T>
using Function = std::function<Outputs<T>(const Value<T>&)>;
struct SavedInput {
  Shape shape;
  std::optional<std::int64_t> classes = {};  ///< of integers
};
XGRAD_API void save(const Function<float>& net, std::span<const NamedVariable<float>> state, const SavedInput& input,
                    const std::filesystem::path& path, const SaveOptions& options, Where at);
XGRAD_API void save(const Function<double>& net, std::span<const NamedVariable<double>> state, const SavedInput& input,
                    const std::filesystem::path& path, const SaveOptions& options, Where at);

/// X is what the network takes: Variable or Labels.
template <class X, class Net>
void save_copy(const Net& net, const SavedInput& input, const std::filesystem::path& path, const SaveOptions& options, Where at) {
  using T = nn::real_of<Net>;
  Net copy = nn::clone(net, at);
  options.training ? nn::train(copy, at) : nn::eval(copy, at);
  const auto state = nn::named_state(copy, at);
  const Function<T> function = [&](const Value<T>& x) {
    auto result = nn::detail::call_layer(std::as_const(copy), std::get<X>(x), at);
    Outputs<T> outputs;
    nn::visit(result, [&](const std::string& name, const Variable<T>& y) {
      outputs.names.push_back(name.empty() ? "output" : name);
      if (!y.defined()) throw ValueError(at, "save", "the result " + outputs.names.back() + " is undefined; it must have a value");
      outputs.values.push_back(y);
    });
    return outputs;
  };
  save(function, std::span(state), input, path, options, at);
}
}  // namespace detail

/// Writes a network to an ONNX file of opset 17, as it is in evaluation, or, with `.training`, in training: other programs run it.
/// `input` is the shape of what the network takes, whose first length, the number of samples, may be another one when the file
/// runs; of one that takes Labels it says also from how many classes they are.
///
///     xg::onnx::save(net, {1, 28, 28, 1}, "net.onnx");
///     xg::onnx::save(language_model, xg::onnx::Integers{{1, 12}, 256}, "model.onnx");
///
/// A copy of the network is run on random numbers, with two, with three and with 37 samples: what the operations do is written, not
/// what C++ does beside them. Where the runs show that this differs, or that a number in it depends on the input by other ways than
/// operations, it is a ValueError. The input is called "input", the result "output" (of several, by their names); weights have
/// their paths in the network. docs/onnx.md says how operations are written. Throws what the network throws, ValueError for what
/// ONNX cannot express, which lists all such operations with their lines, and FileError.
template <class Net>
void save(const Net& net, const Shape& input, const std::filesystem::path& path, const SaveOptions& options = {},
          Where at = Where::current()) {
  detail::save_copy<Variable<nn::real_of<Net>>>(net, {input}, path, options, at);
}
template <class Net>
void save(const Net& net, const Integers& input, const std::filesystem::path& path, const SaveOptions& options = {},
          Where at = Where::current()) {
  detail::save_copy<Labels>(net, {input.shape, input.classes}, path, options, at);
}

}  // namespace xgrad::onnx
