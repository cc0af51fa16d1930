#pragma once
// Networks that tests write to ONNX files: read back here, checked by ONNX's own checker, and run by ONNX Runtime where these are
// installed.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <xgrad/onnx/onnx.hpp>
#include <xgrad/xgrad.hpp>

#include "directory.hpp"

namespace xgrad_test {

using namespace xgrad;

/// A function of x and, for those who want it, a weight.
struct Function {
  using V = Variable<float>;
  std::function<V(const V&, const V&)> f;
  V weight{Array<float>{0.5, -1, 2}, true};
  V operator()(const V& x) const { return f(x, weight); }
  XGRAD_FIELDS(weight)
};

template <class T>
double distance(const Array<T>& a, const Array<T>& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const double x = double{a.data()[k]}, y = double{b.data()[k]};
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double d = std::abs(x - y) / (1 + std::abs(y));
    worst = d < std::numeric_limits<double>::infinity() ? std::max(worst, d) : std::numeric_limits<double>::infinity();
  }
  return worst;
}

class Written {
 public:
  /// Saves, loads and compares with one sample and with some others; leaves the file with inputs and results beside it.
  template <class Net>
  void check(const std::string& name, Net net, Shape shape, const onnx::SaveOptions& options = {}) {
    using T = nn::real_of<Net>;
    onnx::save(net, shape, folder.file(name + ".onnx"), options);
    compare(name, std::move(net), std::move(shape), options, [](const Shape& lengths) { return Variable<T>(normal<T>(lengths)); });
  }
  /// … of a network that takes integers.
  template <class Net>
  void check(const std::string& name, Net net, onnx::Integers input) {
    onnx::save(net, input, folder.file(name + ".onnx"));
    compare(name, std::move(net), input.shape, {}, [&](const Shape& lengths) { return randint(lengths, 0, input.classes); });
  }
  Directory folder;
  int count = 0;

 private:
  template <class Net, class Make>
  void compare(const std::string& name, Net net, Shape shape, const onnx::SaveOptions& options, const Make& make) {
    using T = nn::real_of<Net>;
    CAPTURE(name);
    options.training ? nn::train(net) : nn::eval(net);
    const auto loaded = onnx::load<T>(folder.file(name + ".onnx"));
    CHECK(loaded.inputs().size() == 1);
    CHECK(loaded.inputs()[0].name == "input");
    CHECK(loaded.inputs()[0].shape[0] == (options.any_batch ? -1 : static_cast<std::int64_t>(shape[0])));
    CHECK(loaded.opset() == 17);
    for (const char* const batch : {"one", "some"}) {
      if (options.any_batch) shape[0] = *batch == 'o' ? 1 : static_cast<std::size_t>(randint({1}, 2, 8).data()[0]);
      const NoGrad quiet;
      auto x = make(shape);
      const Variable<T> y = nn::detail::call_layer(net, x, Where::current());
      const auto save_input = [&](const auto& array) { save_npy(array, folder.file(fmt::format("{}.{}.x.npy", name, batch))); };
      if constexpr (std::is_same_v<decltype(x), Labels>) {
        save_input(x);
      } else {
        if (options.channels_first) x = permute(x, {0, 3, 1, 2});
        save_input(x.value());
      }
      CHECK(distance(std::get<Variable<T>>(loaded.run({x})[0]).value(), y.value()) < 1e-5);
      save_npy(y.value(), folder.file(fmt::format("{}.{}.y.npy", name, batch)));
    }
    ++count;
  }
};

/// The first of these commands that works here, or "".
inline std::string working(const std::vector<std::string>& programs, const std::string& trial) {
  for (const std::string& program : programs)
    if (std::system((program + trial + " >/dev/null 2>&1").c_str()) == 0) return program;
  return {};
}

/// Runs a script with the folder and the number of its files as arguments.
inline void run_script(const Written& written, const std::string& program, const std::string& name, const std::string& script,
                       const std::string& more = "") {
  std::ofstream(written.folder.file(name)) << script;
  const std::string command = fmt::format("{} {} {} {} {} >{} 2>&1", program, written.folder.file(name),
                                          written.folder.path.string(), written.count, more, written.folder.file("log"));
  const int code = std::system(command.c_str());
  CHECK_MESSAGE(code == 0, contents(written.folder.file("log")));
}
/// … by node with ONNX Runtime.
inline void run_node(const Written& written, const std::string& script, const std::string& more = "") {
  const std::string node = working({"node"}, " -e 'require(\"onnxruntime-node\")'");
  if (node.empty())
    MESSAGE("ONNX Runtime was skipped: no node with onnxruntime-node here (npm, and NODE_PATH)");
  else
    run_script(written, node, "check.js", script, more);
}

/// ONNX's checker on each file.
inline void check_files(const Written& written) {
  const std::string python = working({"python3", "/usr/bin/python3"}, " -c 'import onnx'");
  if (python.empty())
    MESSAGE("ONNX's checker was skipped: no python3 with onnx here (Debian: python3-onnx)");
  else
    run_script(written, python, "check.py", R"(
import glob, onnx, sys
names = glob.glob(sys.argv[1] + "/*.onnx")
assert len(names) == int(sys.argv[2])
for name in names:
    print(name)
    onnx.checker.check_model(name, full_check=True)
    model = onnx.load(name)
    said = {v.name: v for v in model.graph.value_info}
    assert said or len(model.graph.node) < 4, "no shapes"
    del model.graph.value_info[:]
    inferred = {v.name: v for v in onnx.shape_inference.infer_shapes(model).graph.value_info
                if v.type.tensor_type.HasField("shape")}
    def shape(value):
        return [d.dim_value if d.HasField("dim_value") else None for d in value.type.tensor_type.shape.dim]
    for value in said.keys() & inferred.keys():
        a, b = shape(said[value]), shape(inferred[value])
        assert len(a) == len(b) and all(x == y or x is None or y is None for x, y in zip(a, b)), (value, a, b)
)");
}

/// … and ONNX Runtime's result beside ours, to 1e-5; of whole networks (XGRAD_WHOLE) to 1e-5 of the largest. It lacks some
/// operators of doubles. Its optimisations, one of "all" and "disabled", take dropout and the batch's statistics out of what is in
/// training.
inline void check_elsewhere(const Written& written, const std::string& optimisations = "all") {
  check_files(written);
  run_node(written, R"(
const fs = require("fs"), ort = require("onnxruntime-node"), [folder, count, optimisations] = process.argv.slice(2);
function load(path) {
  const bytes = fs.readFileSync(path), end = 10 + bytes.readUInt16LE(8), header = bytes.toString("latin1", 10, end);
  const shape = header.match(/\(([^)]*)\)/)[1].split(",").filter(x => x.trim()).map(Number);
  const [type, kind] = {"<f4": ["float32", Float32Array], "<f8": ["float64", Float64Array], "<i8": ["int64", BigInt64Array]}[header.match(/<[a-z]\d/)[0]];
  return new ort.Tensor(type, new kind(bytes.buffer.slice(bytes.byteOffset + end, bytes.byteOffset + bytes.length)), shape);
}
(async () => {
  let bad = 0;
  const names = fs.readdirSync(folder).filter(x => x.endsWith(".onnx")).map(x => folder + "/" + x.slice(0, -5));
  if (names.length != count) throw new Error("files are missing");
  for (const name of names) {
    try {
      const session = await ort.InferenceSession.create(name + ".onnx", {executionProviders: ["cpu"], logSeverityLevel: 3, graphOptimizationLevel: optimisations});
      for (const batch of ["one", "some"]) {
        const x = load(`${name}.${batch}.x.npy`), y = load(`${name}.${batch}.y.npy`), z = (await session.run({input: x})).output;
        let worst = z.dims.join() == y.dims.join() && z.type == y.type ? 0 : Infinity, largest = 0;
        for (let k = 0; k < y.data.length; ++k) if (Number.isFinite(Number(y.data[k]))) largest = Math.max(largest, Math.abs(Number(y.data[k])));
        for (let k = 0; k < y.data.length; ++k) {
          const a = z.data[k], b = y.data[k];
          if (!(a === b || (a !== a && b !== b))) worst = Math.max(worst, isNaN(a - b) ? Infinity : Math.abs(a - b) / (1 + (process.env.XGRAD_WHOLE ? largest : Math.abs(b))));
        }
        console.log(name, y.dims[0], "samples:", worst, "largest result:", largest);
        if (!(worst < 1e-5)) ++bad;
      }
    } catch (error) {
      console.log(name, error.message);
      if (!(name.includes("double") && error.message.includes("Could not find an implementation"))) ++bad;
    }
  }
  process.exit(bad > 0 ? 1 : 0);
})();
)",
           optimisations);
}

/// A BatchNorm's statistics as training leaves them.
template <class Net>
Net trained(Net net, const Shape& shape) {
  using T = nn::real_of<Net>;
  const NoGrad quiet;
  for (int k = 0; k < 3; ++k) net(Variable<T>(normal<T>(shape, 0.5, 2)));
  return net;
}

}  // namespace xgrad_test
