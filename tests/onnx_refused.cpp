// What onnx::save refuses to write.
#include <doctest/doctest.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include <xgrad/onnx/onnx.hpp>
#include <xgrad/xgrad.hpp>

#include "../models/lenet.hpp"
#include "onnx_written.hpp"

namespace models = xgrad::models;
namespace nn = xgrad::nn;
namespace onnx = xgrad::onnx;
using xgrad::Array;
using xgrad::Shape;
using xgrad::Variable;
using xgrad_test::Directory;
using xgrad_test::Function;
using V = Variable<float>;

TEST_CASE("onnx refused: what cannot be written is refused, all at once, and nothing is written") {
  const Directory folder;
  const std::string path = folder.file("a.onnx");
  const auto message = [&](std::function<V(const V&, const V&)> f, const Shape& shape = {1, 3}) {
    const Function net{std::move(f)};
    try {
      onnx::save(net, shape, path);
    } catch (const xgrad::Error& error) {
      CHECK(error.where().line() > 0);
      return error.op() + ": " + error.message();
    }
    return std::string("nothing thrown");
  };
  const std::string text = message([](const V& x, const V& w) {
    const V first = lgamma(x);  // one after the other: which operand of a sum comes first is the compiler's choice
    const V second = mean(im2col(reshape(x, {-1, 1, 3, 1}), {1, 1})) * w;
    return first + second + digamma(x * 2);
  });
  CHECK(text.starts_with(
      "save: the network has what cannot be written to an ONNX file; it must do without: lgamma (onnx_refused.cpp:"));
  CHECK(text.find("): ONNX has no lgamma; im2col (onnx_refused.cpp:") != std::string::npos);
  CHECK(text.find("): this library does not write it to ONNX files; digamma (onnx_refused.cpp:") != std::string::npos);

  CHECK(message([](const V& x, const V& w) {
          return x * w + sum(x).item();
        }).find("it must not depend on the input but by operations") != std::string::npos);
  CHECK(message([](const V& x, const V& w) {
          return x.shape()[0] == 2 ? x * w : relu(x * w);
        }).find("in a second run with other numbers and another number of samples") != std::string::npos);
  CHECK(message([](const V& x, const V& w) {
          return slice(x, {{.start = 0, .stop = static_cast<std::ptrdiff_t>(x.shape()[0]) - 1}}) * w;
        }).find("where it ends depends on the number of samples") != std::string::npos);
  CHECK(message([](const V& x, const V& w) {
          return where(x > 0, x * w, x);
        }).find("it must not depend on the input but by operations") != std::string::npos);
  CHECK(!std::filesystem::exists(path));
  CHECK_THROWS_WITH_AS(onnx::save(models::LeNet<>{}, Shape{}, path),
                       doctest::Contains("the input is (); it must have an axis of samples"), xgrad::ShapeError);
  CHECK_THROWS_WITH_AS(onnx::save(models::LeNet<>{}, {1, 28}, path, {.channels_first = true}),
                       doctest::Contains("it must be images (n, h, w, c) with channels_first"), xgrad::ShapeError);
}

namespace {

/// The error of saving a function.
std::string save_error(std::function<V(const V&, const V&)> f, const Shape& shape = {1, 3}) {
  const Directory folder;
  const std::string path = folder.file("a.onnx");
  const Function net{std::move(f)};
  try {
    onnx::save(net, shape, path);
  } catch (const xgrad::Error& error) {
    CHECK(error.where().line() > 0);
    CHECK(error.op() == "save");
    CHECK(!std::filesystem::exists(path));
    return error.message();
  }
  return "nothing thrown";
}
bool has(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("onnx refused: results that no operation has made are refused where they depend on the input") {
  const std::string other = "it must do without: the result output: a constant has ";
  CHECK(has(save_error([](const V& x, const V&) { return V(xgrad::one_hot<float>(argmax(x, -1), 3)); }), other));
  CHECK(has(save_error([](const V& x, const V& w) { return where(x > 0, w, -w); }), other));
  CHECK(has(save_error([](const V& x, const V&) { return V(sum(x).item()); }), other));
  CHECK(has(save_error([](const V& x, const V& w) {
              return xgrad::concat<float>({V(xgrad::zeros<float>(Shape{x.shape()[0] - 2, 3}, xgrad::Where{})), x * w}, 0);
            }),
            "has no elements for the first"));
  CHECK(has(save_error([](const V& x, const V& w) { return cross_entropy(x * w, argmax(x, -1)); }),
            "it must do without: cross_entropy (onnx_refused.cpp:"));
}

TEST_CASE("onnx refused: lengths that do not grow evenly with the samples are refused") {
  const auto cut = [](const xgrad::Slice& part) {
    return save_error([part](const V& x, const V& w) { return slice(x, {part}) * w; });
  };
  CHECK(has(cut({.stop = 4}), "axis 0 of the result of slice (onnx_refused.cpp:"));
  CHECK(has(cut({.stop = 4}), "has 2 places for 2 samples, 3 for 3 and 4 for 37; it must grow evenly with their number"));
  CHECK(has(cut({.start = -4}), "it must grow evenly"));
  CHECK(has(cut({.start = 1, .stop = 4}), "it must grow evenly"));
  CHECK(has(cut({.step = 3}), "it must grow evenly"));
  CHECK(has(save_error([](const V& x, const V& w) { return select(x, 0, static_cast<int>(x.shape()[0] / 2)) * w; }),
            "where it begins depends on the number of samples"));
  CHECK(has(save_error([](const V& x, const V& w) { return x.shape()[0] > 30 ? relu(x * w) : x * w; }),
            "there are 1 operations in one run and 2"));
}

TEST_CASE("onnx refused: masks of rare numbers are refused") {
  const std::string part = "it must not depend on the input but by operations";
  CHECK(has(save_error([](const V& x, const V& w) { return where(equal(x, V(0.0F)), w, x); }), part));
  CHECK(has(save_error([](const V& x, const V& w) { return where(x > 100, w, x); }), part));
  CHECK(has(save_error([](const V& x, const V& w) { return where(x < -100, w, x); }), part));
}

TEST_CASE("onnx refused: options, formulas and axes that the runs do not share are refused") {
  CHECK(has(save_error([](const V& x, const V& w) { return sum(x, x.shape()[0] == 2 ? 1 : 2) * w; }, {1, 3, 3}),
            "axes.reduced=(0, 1, 0) in one run is axes.reduced=(0, 0, 1) in another"));
  CHECK(has(save_error([](const V& x, const V& w) {
              return pad(x * w, {{}, {1, 1}}, {.value = amin(x).item()});
            }),
            "it must be the same for every input and any number of samples"));
  CHECK(has(save_error([](const V& x, const V& w) {
              const float least = amin(x).item();
              return xgrad::elementwise("own", [least](auto a) { return a * least; })(x * w);
            }),
            "operation 2, own, has another formula in a second run"));
  CHECK(has(save_error([](const V& x, const V& w) {
              return x.shape()[0] == 2 ? reshape(x * w, {-1, 3}) : reshape(x * w, {-1, 3, 1});
            }),
            "is (2, 3) for 2 samples, (3, 3, 1) for 3 and (37, 3, 1) for 37"));
  CHECK(has(save_error([](const V& x, const V& w) {
              const V a = x * w, b = x + w;
              return x.shape()[0] == 2 ? a : b;
            }),
            "the result output is another operation's"));
}

namespace {

struct Two {
  V output, input;
};
struct Results {
  V weight{Array<float>{1, 2, 3}, true};
  bool both = true;
  Two operator()(const V& x) const { return {x * weight, both ? x + weight : V()}; }
  XGRAD_FIELDS(weight)
};

}  // namespace

TEST_CASE("onnx refused: results need a name of their own, and a value") {
  const Directory folder;
  const std::string path = folder.file("a.onnx");
  Results net;
  CHECK_THROWS_WITH_AS(onnx::save(net, {1, 3}, path), doctest::Contains("a result is called input, as is what the network takes"),
                       xgrad::ValueError);
  net.both = false;
  CHECK_THROWS_WITH_AS(onnx::save(net, {1, 3}, path), doctest::Contains("the result input is undefined; it must have a value"),
                       xgrad::ValueError);
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE("onnx refused: errors of the network and of the shape have the user's line") {
  const Directory folder;
  const auto line = [&](const Shape& shape) {
    try {
      onnx::save(nn::Linear<float>(3, 4), shape, folder.file("a.onnx"));
    } catch (const xgrad::Error& error) {
      return xgrad::to_string(error.where());
    }
    return std::string("nothing thrown");
  };
  CHECK(has(line({1, 5}), "onnx_refused.cpp:"));
  CHECK(has(line({1, std::size_t{1} << 40U, std::size_t{1} << 40U}), "onnx_refused.cpp:"));
}

namespace {

/// Integers that are taken for more than indices.
struct Hot {
  nn::Linear<float> out{5, 2};
  V operator()(const xgrad::Labels& x) const { return out(V(xgrad::one_hot<float>(x, 5))); }
};

}  // namespace

TEST_CASE("onnx refused: inputs of integers that are no indices, or of none") {
  const Directory folder;
  const std::string path = folder.file("a.onnx");
  const nn::Embedding<float> net(5, 3);
  CHECK_THROWS_WITH_AS(onnx::save(net, onnx::Integers{{1, 4}, 0}, path),
                       doctest::Contains("there are 0 classes of integers; there must be at least 1"), xgrad::ValueError);
  CHECK_THROWS_WITH_AS(onnx::save(net, onnx::Integers{{1, 4, 2, 2}, 5}, path, {.channels_first = true}),
                       doctest::Contains("it must be images (n, h, w, c) with channels_first"), xgrad::ShapeError);
  CHECK_THROWS_AS(onnx::save(net, onnx::Integers{{1, 4}, 6}, path), xgrad::IndexError);
  CHECK_THROWS_WITH_AS(onnx::save(Hot{}, onnx::Integers{{1, 4}, 5}, path),
                       doctest::Contains("it must not depend on the input but by operations"), xgrad::ValueError);
  CHECK(
      has(save_error([](const V& x, const V& w) { return sort(x, 0) * w; }), "how many it takes depends on the number of samples"));
  CHECK(!std::filesystem::exists(path));
}
