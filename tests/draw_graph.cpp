// The page and the picture of a recorded graph, read again from outside.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "directory.hpp"
#include "pictures.hpp"
#include "support.hpp"

namespace xg = xgrad;
namespace draw = xgrad::draw;
using nlohmann::json;
using xg::Array;
using V = xg::Variable<double>;
using namespace xgrad_test;

namespace {

/// What the script of a page is given.
json data_of(const std::string& page) {
  const std::string begin = "<script id=\"data\" type=\"application/json\">";
  const std::size_t from = page.find(begin);
  REQUIRE(from != page.npos);
  return json::parse(page.substr(from + begin.size(), page.find("</script>", from) - from - begin.size()));
}

/// The box with this name or path.
json box(const json& data, const std::string& name) {
  for (const json& b : data["boxes"])
    if (b.value("p", "") == name || b["n"] == name || (b["n"] == "" && b["o"] == name)) return b;
  FAIL("no box is called " << name);
  return {};
}

/// Parents know their children, and every layer's plan has each child in one row, and lines between what is there.
void check_tree(const json& data) {
  const json& boxes = data["boxes"];
  for (std::size_t k = 0; k < boxes.size(); ++k) {
    if (!boxes[k].contains("h") || boxes[k]["h"].empty()) continue;
    const std::size_t n = boxes[k]["h"].size();
    for (const json& child : boxes[k]["h"]) CHECK(boxes[child.get<std::size_t>()]["u"] == k);
    const json& plan = data["plans"][std::to_string(k)];
    std::map<std::size_t, int> times;
    for (const json& row : plan["r"])
      for (const json& v : row) ++times[v.get<std::size_t>()];
    for (std::size_t c = 0; c < n; ++c) CHECK(times[c] == 1);
    for (const auto& [v, count] : times) CHECK(count == 1);
    for (const json& line : plan["l"]) {
      REQUIRE(line.size() >= 2);
      for (const json& v : line) CHECK(times.contains(v.get<std::size_t>()));
    }
  }
}

struct Block {
  xg::nn::Linear<double> first{4, 4}, second{4, 4};
  V operator()(V x) const { return x + second(tanh(first(x))); }
};
struct Net {
  std::vector<Block> blocks{2};
  xg::nn::Linear<double> out{4, 3};
  V operator()(V x) const {
    for (const Block& block : blocks) x = block(x);
    return out(x);
  }
};
Array<double> inputs() {
  Array<double> x(xg::Shape{2, 4});
  xg::Generator(3).fill_normal(x, 0, 1);
  return x;
}

}  // namespace

TEST_CASE("layers by the paths of parameters, operations in them") {
  const Net net;
  const auto loss = cross_entropy(net(inputs()), xg::Labels{0, 2});
  const auto line = "draw_graph.cpp:" + std::to_string(__LINE__ - 1);
  const json data = data_of(draw::graph_page(loss, {.title = "step", .names = xg::nn::named_parameters(net)}));
  check_tree(data);
  CHECK(data["title"] == "step");
  CHECK(data["open"] == json{0});
  const auto parent = [&](const json& b) { return data["boxes"][b["u"].get<std::size_t>()].value("p", ""); };
  CHECK(parent(box(data, "blocks.0.first.weight")) == "blocks.0.first");
  CHECK(box(data, "blocks.0.first.weight")["n"] == "weight");
  CHECK(parent(box(data, "blocks.1.second")) == "blocks.1");
  CHECK(parent(box(data, "blocks")) == "");
  std::map<std::string, std::set<std::string>> ops;
  for (const json& b : data["boxes"])
    if (b["k"] == 1 || b["k"] == 4) ops[b["o"]].insert(parent(b));
  CHECK(ops["linear"] == std::set<std::string>{"blocks.0.first", "blocks.0.second", "blocks.1.first", "blocks.1.second", "out"});
  CHECK(ops["tanh"] == std::set<std::string>{"blocks.0", "blocks.1"});
  CHECK(ops["add"] == std::set<std::string>{"blocks.0", "blocks.1"});
  CHECK(ops["mean"] == std::set<std::string>{""});
  const json out = box(data, "out"), whole = data["boxes"][0];
  CHECK(out["s"] == "(2, 3)");
  CHECK(out["q"] == 15);
  CHECK(out["c"] == 1);
  CHECK(whole["q"] == 95);
  for (const json& b : data["boxes"])
    if (b["o"] == "mean") CHECK(b["w"] == line);
}

TEST_CASE("ranges, norms, bytes, milliseconds") {
  const V w(Array<double>{1, -2, 4}, true);
  V h;
  int called = 0;
  draw::GraphNotes notes;
  const xg::Profile profile;
  const V sum_of = w + 10;  // no gradient keeps its value
  h = square(sum_of);
  h.on_grad([&](const V&) { ++called; });
  const V y = sum(h);
  const json plain = data_of(draw::graph_page(y, {.names = {{"w", w}, {"hidden", h}}, .gradients = false}));
  CHECK_FALSE(box(plain, "w").contains("g"));
  CHECK_FALSE(box(plain, "hidden").contains("f"));
  CHECK(box(plain, "w")["lo"] == -2);
  CHECK(box(plain, "w")["hi"] == 4);

  const json data = data_of(draw::graph_page(y, {.names = {{"w", w}, {"hidden", h}}, .profile = &profile, .notes = &notes}));
  check_tree(data);
  CHECK(called == 0);
  CHECK_FALSE(w.has_grad());
  CHECK(box(data, "w")["g"].get<double>() == doctest::Approx(2 * std::sqrt(11. * 11 + 8 * 8 + 14 * 14)).epsilon(1e-5));
  CHECK(box(data, "hidden")["g"].get<double>() == doctest::Approx(std::sqrt(3.)).epsilon(1e-5));
  CHECK(box(data, "hidden")["lo"] == 64);
  CHECK(box(data, "hidden")["hi"] == 196);
  CHECK(box(data, "hidden")["b"] == 24);
  CHECK(box(data, "hidden")["f"].get<double>() >= 0);
  CHECK(box(data, "add")["lo"] == 8);
  CHECK(box(data, "sum")["k"] == 4);

  backward(y);  // it may run, and is noted
  CHECK(called == 1);
  CHECK(w.grad() == Array<double>{22, 16, 28});
  const json freed = data_of(draw::graph_page(y, {.names = {{"w", w}}, .profile = &profile, .notes = &notes}));
  CHECK(box(freed, "w")["g"].get<double>() > 0);
  CHECK(box(freed, "square").contains("r"));
  CHECK(has(draw::graph_page(y), "gradients are not shown: "));
  CHECK_FALSE(has(draw::graph_page(y, {.notes = &notes}), "gradients are not shown: "));
}

TEST_CASE("values that are not finite") {
  const V x(Array<double>{0, 1, -1}, true);
  const json data = data_of(draw::graph_page(sum(sqrt(x))));
  CHECK(box(data, "sqrt")["odd"] == 1);
  CHECK(box(data, "sqrt")["hi"] == 1);
  CHECK(box(data, "leaf")["g"] == "inf");
}

TEST_CASE("names that would be markup, scripts or the end of one") {
  const std::string bad = "</script><script>alert('\"1\"')</script>&amp;\n\x01\xff]]>";
  const V w(Array<double>{1, 2}, true);
  const V y = sum(square(w));
  const std::string page = draw::graph_page(y, {.title = bad, .names = {{"a.<b>" + bad, w}}});
  const json data = data_of(page);
  CHECK(data["title"] == "</script><script>alert('\"1\"')</script>&amp;\n\x01\ufffd]]>");
  std::size_t scripts = 0;
  for (std::size_t at = page.find("<script"); at != page.npos; at = page.find("<script", at + 1)) ++scripts;
  CHECK(scripts == 2);
  CHECK_FALSE(has(page, "<b>"));
  for (const char* fetched : {"src=", "href=", "@import", "url("}) CHECK_FALSE(has(page, fetched));
  CHECK(has(page, "prefers-color-scheme: dark"));
  const std::string svg = draw::graph_svg(y, {.title = bad, .names = {{"a.<b>" + bad, w}}, .open = 9});
  CHECK(read_xml(svg)["svg"] == 1);
}

TEST_CASE("of many operations the layers, or the lines, are drawn") {
  const Net net;
  V x(inputs());
  for (int k = 0; k < 20; ++k) x = net.blocks[0](x);  // the same layers again and again: lines that lead back
  const auto loss = mean(square(net.out(x)));
  for (const std::size_t most : {std::size_t{5000}, std::size_t{10}}) {
    const json data = data_of(draw::graph_page(loss, {.names = xg::nn::named_parameters(net), .most = most}));
    check_tree(data);
    std::set<int> kinds;
    for (const json& b : data["boxes"]) kinds.insert(b["k"].get<int>());
    CHECK(kinds.contains(1) == (most == 5000));
    CHECK(data["boxes"][0]["c"] == 83);
    CHECK(data["boxes"][0]["q"] == 55);
    CHECK(box(data, "blocks.0.first")["q"] == 20);
  }
  const json lines = data_of(draw::graph_page(loss, {.most = 10}));
  check_tree(lines);
  CHECK(lines["boxes"].size() == 3);  // the whole, the line of Block and that of the loss
  for (const json& b : lines["boxes"]) CHECK(b["k"] == 0);
  CHECK(has(draw::graph_page(loss, {.most = 10}), "83 operations are more than 10: layers alone are shown"));
  CHECK(read_xml(draw::graph_svg(loss, {.names = xg::nn::named_parameters(net), .open = 5}))["path"] > 80);
}

// tests/graph_page.py has a browser open them.
TEST_CASE("of 2503 operations all are drawn, of 25 003 the layers") {
  const Net net;
  for (const int count : {500, 5000}) {
    const xg::Profile profile;
    V x(inputs());
    for (int k = 0; k < count; ++k) x = net.blocks[static_cast<std::size_t>(k % 2)](x) * 0.1;
    const std::string page =
        draw::graph_page(mean(square(net.out(x))), {.names = xg::nn::named_parameters(net), .profile = &profile});
    const json data = data_of(page);
    check_tree(data);
    CHECK(data["boxes"][0]["c"] == 5 * count + 3);
    CHECK(has(page, "layers alone are shown") == (count == 5000));
    CHECK(data["boxes"].size() > (count == 500 ? 2500 : 5));
    CHECK(data["boxes"].size() < (count == 500 ? 3500 : 50));
    if (const char* folder = std::getenv("XGRAD_PAGES"))
      xg::write_file(std::filesystem::path(folder) / (std::to_string(5 * count + 3) + ".html"), page);
  }
}

TEST_CASE("pictures and files of a graph") {
  const Net net;
  const auto loss = cross_entropy(net(inputs()), xg::Labels{0, 2});
  const auto names = xg::nn::named_parameters(net);
  auto closed = read_xml(draw::graph_svg(loss, {.names = names})),
       opened = read_xml(draw::graph_svg(loss, {.names = names, .open = 3}));
  CHECK(closed["rect"] < opened["rect"]);
  CHECK(has(draw::graph_svg(loss, {.names = names}), ">blocks<"));
  CHECK(has(draw::graph_svg(loss, {.names = names, .open = 3}), ">(4, 4)<"));

  const Directory directory;
  draw::graph(loss, directory.path / "graph.html", {.names = names});
  draw::graph(loss, directory.path / "graph.svg", {.names = names});
  CHECK(contents(directory.path / "graph.html").starts_with("<!DOCTYPE html>"));
  CHECK(contents(directory.path / "graph.svg") == draw::graph_svg(loss, {.names = names}));
  const std::string what = error(__LINE__, [&] { draw::graph(loss, "graph.pdf"); });
  CHECK(what == "graph: the path is graph.pdf; it must end in .html or .svg");
  CHECK(has(error_of([] { draw::graph_page(V()); }),
            "graph_page: the Variable is undefined; it must have a value before it is drawn"));

  CHECK(data_of(draw::graph_page(V(2.0)))["boxes"].size() == 2);        // a constant
  CHECK(data_of(draw::graph_page(V(2.0, true)))["boxes"].size() == 2);  // a leaf
  const xg::Variable<float> x(Array<float>{1, 2}, true);
  CHECK(box(data_of(draw::graph_page(square(x))), "leaf")["g"].get<double>() == doctest::Approx(std::sqrt(20.)));  // of the sum
}
