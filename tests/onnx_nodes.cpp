// ONNX's own tests of its operators, and a network from elsewhere, where the data are there: $XGRAD_DATA names a directory with
// onnx-node/, onnx-models/ and mnist/ (without it, shared/data beside the project is looked for).
#include "directory.hpp"
#include "sanitized.hpp"
#include "support.hpp"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>
#include <random>

#include <xgrad/onnx/onnx.hpp>

namespace fs = std::filesystem;
namespace onnx = xgrad::onnx;

using xgrad::Array;
using xgrad::Shape;
using xgrad::Variable;
using xgrad_test::sanitized;

namespace {

fs::path data(const std::string& what) {
  const char* named = std::getenv("XGRAD_DATA");
  const fs::path path = (named ? fs::path(named) : fs::path(XGRAD_TEST_DATA) / "../../../shared/data") / what;
  if (!fs::exists(path)) {
    MESSAGE("skipped: there is no ", what, "; set XGRAD_DATA to a directory that has it");
    return {};
  }
  return path;
}

template <class T>
using Values = std::vector<onnx::Value<T>>;

template <class T>
Values<T> tensors(const fs::path& folder, const std::string& kind) {
  Values<T> result;
  for (std::size_t k = 0;; ++k) {
    const fs::path file = folder / "test_data_set_0" / (kind + "_" + std::to_string(k) + ".pb");
    if (!fs::exists(file)) return result;
    result.push_back(onnx::load_tensor<T>(file));
  }
}

template <class E>
std::string differs(const Array<E>& is, const Array<E>& expected) {
  if (is.shape() != expected.shape())
    return "the shape is " + xgrad::to_string(is.shape()) + ", expected " + xgrad::to_string(expected.shape());
  for (std::size_t k = 0; k < is.size(); ++k) {
    const auto a = static_cast<double>(is.data()[k]), b = static_cast<double>(expected.data()[k]);
    const bool same =
        a == b || (std::isnan(a) && std::isnan(b)) || (std::is_floating_point_v<E> && std::abs(a - b) <= 1e-7 + 1e-3 * std::abs(b));
    if (!same) return "element " + std::to_string(k) + " is " + std::to_string(a) + ", expected " + std::to_string(b);
  }
  return "";
}
template <class T>
std::string differs(const Values<T>& is, const Values<T>& expected) {
  if (is.size() != expected.size()) return "the number of outputs";
  for (std::size_t k = 0; k < is.size(); ++k) {
    if (is[k].index() != expected[k].index()) return "the element type of output " + std::to_string(k);
    const std::string text = is[k].index() == 0   ? differs(std::get<0>(is[k]).value(), std::get<0>(expected[k]).value())
                             : is[k].index() == 1 ? differs(std::get<1>(is[k]), std::get<1>(expected[k]))
                                                  : differs(std::get<2>(is[k]), std::get<2>(expected[k]));
    if (!text.empty()) return "output " + std::to_string(k) + ": " + text;
  }
  return "";
}

/// Why something was refused, in a few words.
std::string reason(const std::string& text) {
  for (const char* part : {"is an operator that this library lacks", "has elements of type", "elements become", "is not supported"})
    if (text.find(part) != std::string::npos) return part;
  return text.substr(text.find("; ") == std::string::npos ? 0 : text.find("; ") + 2, 80);
}

std::vector<fs::path> cases(const fs::path& root) {
  std::vector<fs::path> result;
  for (const auto& entry : fs::directory_iterator(root))
    if (fs::exists(entry.path() / "model.onnx")) result.push_back(entry.path());
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("onnx: ONNX's tests of its operators pass or are refused", T, float, double) {
  const fs::path root = data("onnx-node");
  if (root.empty()) return;
  std::size_t passed = 0, refused = 0, wrong = 0;
  std::map<std::string, std::size_t> reasons;
  for (const fs::path& folder : cases(root)) {
    const std::string name = folder.filename().string();
    CAPTURE(name);
    Values<T> results;
    try {
      const auto net = onnx::load<T>(folder / "model.onnx");
      results = net.run(tensors<T>(folder, "input"));
    } catch (const xgrad::Error& e) {
      CHECK(xgrad_test::has(e.what(), name));  // every refusal names the file
      CHECK(xgrad_test::has(e.what(), "node "));
      ++refused;
      ++reasons[reason(e.message())];
      if (std::getenv("XGRAD_ONNX_REFUSED")) MESSAGE(name, ": ", e.message());
      continue;
    }
    const std::string difference = [&]() -> std::string {
      try {
        return differs<T>(results, tensors<T>(folder, "output"));
      } catch (const xgrad::Error& e) {
        return "there is a result, and none can be expected: " + e.message();
      }
    }();
    if (difference.empty()) {
      ++passed;
    } else {
      ++wrong;
      FAIL_CHECK(difference);
    }
  }
  std::string summary;
  for (const auto& [why, count] : reasons) summary += "\n  " + std::to_string(count) + ": " + why;
  MESSAGE(passed, " passed, ", refused, " refused, ", wrong, " wrong; refused:", summary);
  CHECK(wrong == 0);
  CHECK(passed >= 375);
}

TEST_CASE("onnx: gradients of ONNX's tests of its operators") {
  const fs::path root = data("onnx-node");
  if (root.empty()) return;
  std::size_t checked = 0, without = 0;
  std::vector<std::string> failed;
  for (const fs::path& folder : cases(root)) {
    const std::string name = folder.filename().string();
    CAPTURE(name);
    Values<double> inputs;
    std::vector<Variable<double>> leaves;
    const auto net = [&]() -> std::optional<onnx::Network<double>> {
      try {
        auto loaded = onnx::load<double>(folder / "model.onnx");
        inputs = tensors<double>(folder, "input");
        loaded.run(inputs);
        return loaded;
      } catch (const xgrad::Error&) {
        return std::nullopt;  // the test above counts them
      }
    }();
    if (!net) continue;
    std::size_t elements = 0;
    for (auto& input : inputs) {
      if (input.index() != 0) continue;
      Variable<double> leaf(std::get<0>(input).value(), true);
      const auto constant = std::exchange(input, leaf);
      try {
        net->run(inputs);
        leaves.push_back(leaf);
        elements += leaf.size();
      } catch (const xgrad::ValueError& e) {
        CHECK(xgrad_test::has(e.what(), "must be"));
        input = constant;
      }
    }
    const auto scalar_of = [&] {
      Variable<double> total(0.0);
      for (const auto& value : net->run(inputs)) {
        if (value.index() != 0) continue;
        const Variable<double>& y = std::get<0>(value);
        Array<double> weights(y.shape());
        for (std::size_t k = 0; k < weights.size(); ++k) weights.data()[k] = std::cos(static_cast<double>(k) + 0.5);
        total = total + sum(y * weights);
      }
      return total;
    };
    if (leaves.empty() || !scalar_of().requires_grad() || !std::isfinite(scalar_of().item())) {
      ++without;
      continue;
    }
    std::vector<xgrad::NamedVariable<double>> named;
    for (std::size_t k = 0; k < leaves.size(); ++k) named.push_back({"input" + std::to_string(k), leaves[k]});
    const auto report = xgrad::gradcheck(scalar_of, named, {.rtol = 1e-6, .allow_zero = true, .joint = elements > 40});
    ++checked;
    if (!report.ok()) {
      failed.push_back(name);
      MESSAGE(name, ": ", xgrad::to_string(report));
    }
  }
  MESSAGE(checked, " gradients checked; ", without, " cases have none");
  // Points without a derivative: acosh at 1, the zero vector, 0 to a power, and a kink or a jump at one of the inputs.
  CHECK(failed == std::vector<std::string>{"test_acosh_example", "test_floor_example", "test_l2normalization_axis_0", "test_pow",
                                           "test_selu_example", "test_thresholdedrelu_example"});
  CHECK(checked >= 290);
}

TEST_CASE("onnx: a network of digits from elsewhere knows MNIST's, and more of them after an epoch") {
  const fs::path model = data("onnx-models/mnist-cntk.onnx"), images = data("mnist");
  if (model.empty() || images.empty()) return;
  const auto net = onnx::load<float>(model);
  CHECK(xgrad::nn::named_parameters(net).size() == 6);
  const xgrad::Split sets = xgrad::load_mnist(images);
  // It takes one image at a time: a reshape in it has a batch of 1 for good.
  const auto image_of = [](const xgrad::Dataset& set, std::size_t k) {
    Array<float> image(Shape{1, 1, 28, 28});
    for (std::size_t i = 0; i < 784; ++i) image.data()[i] = static_cast<float>(set.images.data()[k * 784 + i]) / 255;
    return Variable<float>(std::move(image));
  };
  const auto scores_of = [&](const xgrad::Dataset& set, std::size_t k) { return net(image_of(set, k)); };
  const std::size_t count = sanitized ? 500 : sets.test.size();
  const auto right = [&] {
    const xgrad::NoGrad none;
    std::size_t result = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const xgrad::Labels digit = xgrad::argmax(scores_of(sets.test, k));
      result += *digit.data() == sets.test.labels.data()[k];
    }
    return result;
  };
  const std::size_t before = right();
  MESSAGE(before, " of ", count);
  CHECK(before >= (sanitized ? 485 : 9890));

  // Gradients of 20 images are added up for a step.
  const std::size_t steps = sanitized ? 5 : sets.train.size() / 20;
  xgrad::optim::Optimizer opt(xgrad::nn::parameters(net), xgrad::optim::SGD{.momentum = 0.9});
  const auto rate = xgrad::optim::cosine(0.005, steps);
  std::vector<std::size_t> order(sets.train.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(1);
  for (std::size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[random() % k]);
  for (std::size_t step = 0; step < steps; ++step) {
    opt.zero_grad();
    for (std::size_t k = 20 * step; k < 20 * (step + 1); ++k) {
      const std::int64_t label = sets.train.labels.data()[order[k]];
      backward(cross_entropy(scores_of(sets.train, order[k]), xgrad::Labels{label}) / 20.F);
    }
    opt.options.lr = rate(step);
    opt.step();
  }
  const std::size_t after = right();
  MESSAGE(after, " of ", count);
  CHECK(after > (sanitized ? 480 : before));

  // What it has learned goes on.
  const xgrad_test::Directory folder;
  const std::string path = folder.file("tuned.onnx");
  onnx::save(net, {1, 1, 28, 28}, path, {.any_batch = false});
  const auto again = onnx::load<float>(path);
  CHECK(xgrad::nn::parameter_count(again) == xgrad::nn::parameter_count(net));
  for (std::size_t k = 0; k < 20; ++k) {
    const Variable<float> a = scores_of(sets.test, k), b = again(image_of(sets.test, k));
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(b.value().data()[i] == doctest::Approx(a.value().data()[i]).epsilon(1e-5));
  }
}
