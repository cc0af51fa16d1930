// ONNX files that are damaged, or made up wrong, and weights beside them.
#include "support.hpp"

#include <xgrad/onnx/onnx.hpp>

#include "directory.hpp"
#include "onnx_model.hpp"

namespace fs = std::filesystem;
namespace onnx = xgrad::onnx;

using namespace onnx_model;
using xgrad_test::Directory;
using xgrad_test::error;
using xgrad_test::error_of;
using xgrad_test::has;
using xgrad_test::is;

TEST_CASE("onnx: a file that is cut anywhere is an error that names it and the byte") {
  const Directory folder;
  const std::string whole = file(small_network());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    const fs::path path = folder.write("cut.onnx", whole.substr(0, length));
    const std::string text = error_of([&] { onnx::load<float>(path); });
    CHECK(has(text, "cut.onnx: "));
    CHECK((has(text, ": byte ") || has(text, "there is no graph in it") || has(text, "does not say its opset")));
  }
}

TEST_CASE("onnx: bytes that are changed are no crash") {
  const Directory folder;
  const std::string whole = file(small_network());
  std::size_t refused = 0;
  for (std::size_t k = 0; k < whole.size(); ++k)
    for (const char byte : {'\x00', '\x7f', '\xff'}) {
      std::string changed = whole;
      changed[k] = byte;
      const fs::path path = folder.write("changed.onnx", changed);
      try {
        onnx::load<float>(path);
      } catch (const xgrad::FileError& e) {
        CHECK(has(e.what(), "changed.onnx"));
        ++refused;
      }
    }
  CHECK(refused > whole.size());
}

TEST_CASE("onnx: what is wrong with a file") {
  const Directory folder;
  const auto complaint = [&](const std::string& bytes) {
    const fs::path path = folder.write("bad.onnx", bytes);
    return error_of([&] { onnx::load<float>(path); });
  };
  const Graph good = small_network();
  const auto changed = [&](auto change) {
    Graph graph = good;
    change(graph);
    return complaint(file(graph));
  };

  SUBCASE("no file") {
    CHECK(has(error_of([] { onnx::load<float>("no/such.onnx"); }), "no/such.onnx: cannot be read"));
    CHECK(has(error_of([] { onnx::load<float>("/"); }), "no regular file"));
    CHECK(has(error_of([] { onnx::load<float>(""); }), "no path"));
  }
  SUBCASE("opsets") {
    CHECK(has(complaint(file(good, 0)), "the opset is 0; it must be from 1 to 27"));
    CHECK(has(complaint(file(good, 6)), "node 0 'first' (Gemm) is of opset 6; this operator must be of opset 7 to 27"));
    CHECK(has(complaint(file(good, 28)), "the opset is 28"));
  }
  SUBCASE("operators, all at once") {
    const std::string text = changed([](Graph& g) {
      g.nodes.push_back(node("Zap", {"y"}, {"z"}));
      g.nodes.push_back(node("Boom", {"y"}, {"u"}));
    });
    CHECK(has(text, "node 3 (Zap)"));
    CHECK(has(text, "lacking: Boom, Zap"));
    const std::string custom = changed([](Graph& g) { g.nodes[0].text(7, "com.example"); });
    CHECK(has(custom, "com.example.Gemm"));
  }
  SUBCASE("cycles and what is missing") {
    const std::string cycle = changed([](Graph& g) { g.nodes[1] = node("Add", {"a", "y"}, {"h"}, {}, "loop"); });
    CHECK(has(cycle, "node 1 'loop' (Add) needs 'y', which it or a node behind it makes"));
    CHECK(has(cycle, "bad.onnx: byte "));
    const std::string self = changed([](Graph& g) { g.nodes[1] = node("Tanh", {"h"}, {"h"}); });
    CHECK(has(self, "without a cycle"));
    CHECK(has(changed([](Graph& g) { g.nodes[1] = node("Tanh", {"b"}, {"h"}); }), "needs 'b', which nothing in the file makes"));
    CHECK(has(changed([](Graph& g) { g.outputs[0] = port("q", {1}); }), "nothing makes the output 'q'"));
    CHECK(has(changed([](Graph& g) { g.outputs.clear(); }), "has no outputs"));
    CHECK(has(changed([](Graph& g) { g.nodes[1] = node("Tanh", {"a"}, {"a"}); }), "makes 'a', which is there already"));
    CHECK(has(changed([](Graph& g) { g.initialisers.push_back(g.initialisers[0]); }), "two initialisers named 'w1'"));
  }
  SUBCASE("tensors") {
    const auto with = [&](const Message& t) { return changed([&](Graph& g) { g.initialisers[1] = t; }); };
    CHECK(has(with(tensor_head("b1", 1, {std::int64_t{1} << 40}).text(9, "abcd")),
              "has 4 bytes; it must have 1099511627776 elements"));
    CHECK(has(with(tensor_head("b1", 1, {std::int64_t{1} << 40, std::int64_t{1} << 40})), "its elements must be fewer than 2^64"));
    CHECK(has(with(tensor_head("b1", 1, {-2})), "an axis of length -2"));
    const std::string empty = with(tensor_head("b1", 1, {0, std::int64_t{1} << 40, std::int64_t{1} << 40}));
    CHECK((empty.empty() || has(empty, "bad.onnx: byte ")));
    CHECK(has(with(tensor_head("b1", 1, {2}).integer(2, (std::int64_t{1} << 32) + 1)), "element type 4294967297"));
    CHECK(has(with(tensor_head("b1", 1, {2})), "has 0 elements; it must have 2"));
    CHECK(has(with(tensor_head("b1", 10, {2}).text(9, "abcd")), "elements of type float16; they must be"));
    CHECK(has(with(tensor_head("b1", 99, {2})), "element type 99"));
    CHECK(has(with(tensor_head("", 1, {0})), "has no name"));
  }
  SUBCASE("inputs") {
    CHECK(has(changed([](Graph& g) { g.inputs[0] = port("x", {1}, 2); }),
              "input 'x' of node 0 'first' (Gemm) has elements of type uint8"));
    const auto length = [](std::int64_t n) {
      const Message shape = Message().message(1, Message().integer(1, n));
      return Message().text(1, "x").message(2, Message().message(1, Message().integer(1, 1).message(2, shape)));
    };
    CHECK(has(changed([&](Graph& g) { g.inputs[0] = length(-5); }), "the length of an axis is -5; it must be at least 0"));
    CHECK(changed([&](Graph& g) { g.inputs[0] = length(5); }).empty());
    CHECK(has(changed([](Graph& g) { g.inputs.push_back(g.inputs[0]); }), "two inputs named 'x'"));
  }
}

TEST_CASE("onnx: weights in other files") {
  const Directory folder;
  folder.write("model/w.bin", std::string(8, '\0') + float_bytes({0.125F, -0.25F}));
  folder.write("outside.bin", float_bytes({0.125F, -0.25F}));
  const auto load_with = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
    Graph graph = small_network();
    Message t = tensor_head("b1", 1, {2});
    for (const auto& [name, value] : entries) t.message(13, Message().text(1, name).text(2, value));
    graph.initialisers[1] = t.integer(14, 1);
    return onnx::load<float>(folder.write("model/net.onnx", file(graph)));
  };
  const auto net = load_with({{"location", "w.bin"}, {"offset", "8"}, {"length", "8"}});
  CHECK(is(net.weights.at("b1").value(), {0.125, -0.25}));
  CHECK(is(load_with({{"location", "w.bin"}, {"offset", "8"}}).weights.at("b1").value(), {0.125, -0.25}));
  const auto complaint = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
    return error_of([&] { load_with(entries); });
  };
  const std::string out = "it must be one in the model's folder";
  CHECK(has(complaint({{"location", "../outside.bin"}}), out));
  CHECK(has(complaint({{"location", (folder.path / "outside.bin").string()}}), out));
  CHECK(has(complaint({}), out));
  fs::create_symlink(folder.path / "outside.bin", folder.path / "model" / "link.bin");
  CHECK(has(complaint({{"location", "link.bin"}}), out));
  CHECK(has(complaint({{"location", "w.bin"}, {"offset", "12"}, {"length", "8"}}), "has 16 bytes"));
  CHECK(has(complaint({{"location", "w.bin"}, {"offset", "1"}, {"length", "18446744073709551615"}}), "has 16 bytes"));
  CHECK(has(complaint({{"location", "w.bin"}, {"offset", "x"}}), "it must be a whole number"));
  CHECK(has(complaint({{"location", "w.bin"}}), "has 16 bytes; it must have 2 elements"));
  CHECK(has(complaint({{"location", "none.bin"}}), "cannot be read"));
}

TEST_CASE("onnx: a tensor alone that cannot be read is an error of the user's line") {
  const Directory folder;
  const fs::path bad = folder.write("bad.pb", "\x08\xff");
  CHECK(has(error(__LINE__, [&] { onnx::load_tensor<float>(bad); }), "bad.pb: byte 0"));
}
