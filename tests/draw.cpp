// Pictures, charts, pages and what is written while a program trains, read again from outside.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "directory.hpp"
#include "pictures.hpp"
#include "support.hpp"

namespace fs = std::filesystem;
namespace xg = xgrad;
namespace draw = xgrad::draw;
using draw::Pixels;
using xg::Array;
using namespace xgrad_test;

namespace {

/// Bytes 0, 1, 2 … in this shape.
Pixels counted(const xg::Shape& shape) {
  Pixels result(shape);
  for (std::size_t i = 0; i < result.size(); ++i) result.data()[i] = static_cast<std::uint8_t>(i);
  return result;
}
std::vector<std::uint8_t> bytes_of(const Pixels& x) { return {x.data(), x.data() + x.size()}; }

}  // namespace

TEST_CASE("png: grey and colour, as they were") {
  for (const xg::Shape& shape :
       {xg::Shape{2, 5}, xg::Shape{3, 2, 1}, xg::Shape{4, 3, 3}, xg::Shape{1, 1}, xg::Shape{300, 200, 3}}) {
    const Pixels image = counted(shape);
    const Png png = read_png(draw::png(image));
    CHECK(png.height == shape[0]);
    CHECK(png.width == shape[1]);
    CHECK(png.channels == (shape.size() == 3 ? shape[2] : 1));
    CHECK(png.pixels == bytes_of(image));
  }
  const Directory directory;
  draw::write_png(directory.path / "a.png", counted({2, 2}));
  CHECK(contents(directory.path / "a.png") == draw::png(counted({2, 2})));
  const std::string uri = draw::png_uri(counted({1, 1}));
  CHECK(uri.starts_with("data:image/png;base64,iVBORw0KGgo"));
  CHECK((uri.size() - 22) % 4 == 0);
}

TEST_CASE("png: what it cannot be") {
  const std::string what = error(__LINE__, [] { draw::png(Pixels(xg::Shape{4})); });
  CHECK(what == "png: the picture is (4,); it must be (height, width), (height, width, 1) or (height, width, 3)");
  CHECK(has(error_of([] { draw::png(Pixels(xg::Shape{4, 4, 2})); }), "the picture is (4, 4, 2); it must be"));
  CHECK(has(error_of([] { draw::png(Pixels(xg::Shape{4, 0})); }), "the picture is (4, 0); its sides must be from 1"));
  CHECK(has(error_of([] {
              draw::write_png("/nonexistent/a.png", counted({1, 1}));
            }),
            "write_png: /nonexistent/a.png: cannot be written"));
}

TEST_CASE("numbers as bytes and as colours") {
  const Array<double> x{{-1, 0, 0.25}, {1, 7, na}};
  CHECK(bytes_of(draw::to_pixels(x)) == std::vector<std::uint8_t>{0, 0, 64, 255, 255, 0});
  CHECK(bytes_of(draw::to_pixels(x, -1, 1)) == std::vector<std::uint8_t>{0, 128, 159, 255, 255, 0});
  CHECK(has(error_of([&] { draw::to_pixels(x, 1, 1); }), "low is 1, high is 1; low must be below high"));
  const Array<float> y{{-2, 0, 1}};
  const Pixels colours = draw::to_colours(y);
  CHECK(colours.shape() == xg::Shape{1, 3, 3});
  CHECK(bytes_of(colours) == std::vector<std::uint8_t>{29, 78, 172, 250, 250, 250, 219, 147, 145});
  CHECK(bytes_of(draw::to_colours(Array<float>{{-1, 1}}, 1)) == std::vector<std::uint8_t>{29, 78, 172, 188, 44, 40});
  CHECK(bytes_of(draw::to_colours(Array<double>{{inf, na, 0}})) == std::vector<std::uint8_t>{188, 44, 40, 0, 0, 0, 250, 250, 250});
  CHECK(has(error_of([&] { draw::to_colours(y, -1); }), "most is -1; it must be finite and not negative"));
  CHECK(has(error_of([] { draw::to_colours(Array<float>(xg::Shape{3})); }), "values are (3,); they must be (height, width)"));
}

TEST_CASE("a grid of pictures, and one of them") {
  const Pixels images = counted({3, 1, 2});
  CHECK(bytes_of(draw::picture(images, 2)) == std::vector<std::uint8_t>{4, 5});
  const Pixels grid = draw::grid(images, {.gap = 1, .background = 9});
  CHECK(grid.shape() == xg::Shape{3, 5, 1});
  CHECK(bytes_of(grid) == std::vector<std::uint8_t>{0, 1, 9, 2, 3, 9, 9, 9, 9, 9, 4, 5, 9, 9, 9});
  CHECK(draw::grid(counted({4, 2, 2, 3}), {.columns = 4, .gap = 0}).shape() == xg::Shape{2, 8, 3});
  CHECK(draw::grid(counted({2, 2, 2}), {.columns = 9}).shape() == xg::Shape{2, 6, 1});
  CHECK(has(error_of([&] { draw::picture(images, 3); }), "picture 3; it must be below 3"));
  CHECK(has(error_of([&] { draw::grid(counted({2, 2})); }), "the array of pictures is (2, 2); it must be"));
  CHECK(has(error_of([&] { draw::grid(Pixels(xg::Shape{0, 2, 2})); }), "it must have a pixel"));
}

TEST_CASE("a gallery: pictures row by row over what they are called") {
  const std::string nasty = "<b> \"'&\x1b\xff";
  const std::vector<draw::Picture> pictures{{counted({2, 2}), "first", "a note", nasty, draw::Look::ink},
                                            {counted({4, 2, 3}), nasty, nasty, {}, draw::Look::around_white},
                                            {counted({1, 3, 1}), "one word after another, too many for a line"}};
  const std::string svg = draw::gallery(pictures, {.title = nasty, .columns = 2, .width = 228});
  auto seen = read_xml(svg);
  CHECK(seen["svg"] == 1);
  CHECK(seen["image"] == 3);
  CHECK(seen["title"] == 1);
  CHECK(count(svg, "class=\"caption\"") == 5);  // the last caption has three lines
  CHECK(has(svg, "x=\"14.00\" y=\"38.00\" width=\"93.00\" height=\"93.00\" class=\"ink\""));
  CHECK(has(svg, "x=\"121.00\" y=\"38.00\" width=\"93.00\" height=\"186.00\" class=\"white\""));
  CHECK(has(svg, "href=\"" + draw::png_uri(counted({1, 3, 1})) + "\""));
  CHECK(count(draw::gallery({pictures[0], pictures[0]}), "height=\"339.00\"") == 4);  // pictures and their edges in one row
  CHECK(error(__LINE__, [] { draw::gallery({}); }) == "gallery: there are no pictures; there must be one at least");
  CHECK(has(error_of([&] { draw::gallery(pictures, {.width = 10001}); }), "width is 10001; it must be from 100 to 10000"));
  CHECK(has(error_of([&] { draw::gallery(std::vector<draw::Picture>(9, pictures[0]), {.columns = 9, .width = 100}); }),
            "9 columns in a width of 100 have 0.0 pixels each; it must be 8 at least"));
  CHECK(has(error_of([] { draw::gallery({{counted({4, 0})}}); }), "the picture is (4, 0); its sides must be from 1"));
  const Directory directory;
  draw::write_gallery(directory.path / "g.svg", pictures);
  CHECK(read_xml(contents(directory.path / "g.svg"))["image"] == 3);
  CHECK(read_xml(draw::panels({svg, draw::chart({})}))["image"] == 3);
}

TEST_CASE("a page is one well-formed file that fetches nothing") {
  const std::string nasty = "<script>\"'&\x1b\xff\xe2\x80\xae</script>";
  draw::Page page(nasty, nasty);
  page.headline("9", "%", nasty).note(nasty).facts({{nasty, nasty}}).text(nasty);
  page.section(nasty, nasty).table({{"a", "b"}, {nasty}, {"1", "2"}}, " r", true).charts({draw::chart({{nasty, {1}, {1}}})});
  page.section("empty").table({}).charts({}).pictures({}).facts({}).confusion(xg::Labels(xg::Shape{0, 0}));
  page.section("pictures").pictures({{counted({2, 2}), nasty, nasty, nasty, draw::Look::ink}, {counted({2, 2, 3})}});
  page.section("matrix").confusion(xg::Labels{{5, 1}, {0, 0}}, {nasty});
  page.source(nasty, nasty);
  const std::string text = page.str();
  auto seen = read_xml(text);
  CHECK(seen["section"] == 4);
  CHECK(seen["table"] == 3);
  CHECK(seen["img"] == 2);
  CHECK(seen["script"] == 0);
  for (const char* fetched : {"<link", "<iframe", "@import", "url(", "src=\"http", "href="}) CHECK_FALSE(has(text, fetched));
  CHECK(has(text, "prefers-color-scheme: dark"));
  CHECK(has(text, "taken for 1: 1\">1<"));
  CHECK(has(text, ">83.3\u202f%<"));
  CHECK(has(text, ">–<"));
  const Directory directory;
  page.write(directory.path / "page.html");
  CHECK(contents(directory.path / "page.html") == text);
  CHECK(read_xml(draw::Page("alone").str())["h1"] == 1);
  const xg::Labels wide(xg::Shape{2, 3});
  const std::string what = error(__LINE__, [&] { page.confusion(wide); });
  CHECK(what == "confusion: counts are (2, 3); they must be (classes, classes)");
  CHECK(has(error_of([&] { page.confusion(xg::Labels{{1, 0}, {-1, 0}}); }), "the count at (1, 0) is -1; it must not be negative"));
  CHECK(draw::grouped(0) == "0");
  CHECK(draw::grouped(1234567) == "1\u202f234\u202f567");
}

TEST_CASE("history: curves, CSV, JSON, and as state") {
  draw::History h;
  CHECK(h.empty());
  h.add(1, {{"loss", 0.5}, {"rate, \"now\"", 1e-3}});
  h.add(0.5, {{"loss", 2}});
  h.add(2, {{"test loss", na}});
  h.add(2, {{"loss", 0.25}});
  CHECK(h.names() == std::vector<std::string>{"loss", "rate, \"now\"", "test loss"});
  CHECK(h.series("loss").x == std::vector<double>{1, 0.5, 2});
  CHECK(h.series("loss").y == std::vector<double>{0.5, 2, 0.25});
  CHECK(h.series("none").x.empty());
  CHECK(draw::to_csv(h) == "step,loss,\"rate, \"\"now\"\"\",test loss\n0.5,2,,\n1,0.5,0.001,\n2,0.25,,nan\n");
  const Directory directory;
  draw::write_csv(directory.path / "h.csv", h, "epoch");
  const xg::Table table = xg::read_csv(directory.path / "h.csv");
  CHECK(table.names == std::vector<std::string>{"epoch", "loss", "rate, \"now\"", "test loss"});
  CHECK(is(table.column("loss"), {2, 0.5, 0.25}));
  CHECK(is(table.column("test loss"), {na, na, na}));

  const auto json = nlohmann::json::parse(draw::to_json(h, {{"data \"x\"", "a\\b\n\xff"}}));
  CHECK(json["facts"]["data \"x\""] == "a\\b\n\ufffd");
  CHECK(json["history"]["loss"]["at"] == std::vector<double>{1, 0.5, 2});
  CHECK(json["history"]["loss"]["value"] == std::vector<double>{0.5, 2, 0.25});
  CHECK(json["history"]["test loss"]["value"][0].is_null());
  CHECK(nlohmann::json::parse(draw::to_json({})).size() == 2);
  draw::write_json(directory.path / "run.json", h);
  CHECK(contents(directory.path / "run.json") == draw::to_json(h));

  struct Run {
    draw::History history;
    std::uint64_t step = 0;
  } run{h, 7}, again;
  xg::nn::save(run, (directory.path / "run").string());
  xg::nn::load(again, (directory.path / "run").string());
  CHECK(draw::to_csv(again.history) == draw::to_csv(h));

  const std::string before = draw::to_csv(h);
  CHECK(error(__LINE__, [&] { h.add(na, {{"loss", 1}}); }) == "History::add: the time is nan; it must be finite");
  CHECK(has(error_of([&] { h.add(9, {{"new", 1}, {"a\nb", 1}}); }), "it must be one line of text"));
  CHECK(draw::to_csv(h) == before);
}

namespace {

/// A reader of event files that knows nothing of the writer: records with their checksums, fields of messages.
std::uint32_t slow_crc32c(std::string_view bytes) {  // bit by bit, RFC 3720
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const bool one = ((crc ^ (static_cast<unsigned char>(c) >> bit)) & 1U) != 0;
      crc = (crc >> 1U) ^ (one ? 0x82f63b78U : 0U);
    }
  return ~crc;
}
template <class N>
N little_endian(std::string_view bytes) {
  N n;
  REQUIRE(bytes.size() >= sizeof n);
  std::memcpy(&n, bytes.data(), sizeof n);
  return n;
}
std::vector<std::string> records(std::string_view file) {
  const auto checked = [](std::string_view bytes, std::string_view checksum) {
    const std::uint32_t crc = slow_crc32c(bytes);
    CHECK(little_endian<std::uint32_t>(checksum) == ((crc >> 15U | crc << 17U) + 0xa282ead8U));
  };
  std::vector<std::string> result;
  while (!file.empty()) {
    const auto n = little_endian<std::uint64_t>(file);
    REQUIRE(file.size() >= 16 + n);
    checked(file.substr(0, 8), file.substr(8));
    checked(file.substr(12, n), file.substr(12 + n));
    result.emplace_back(file.substr(12, n));
    file.remove_prefix(16 + n);
  }
  return result;
}
/// Field number to bytes (of a number: its eight or four bytes, or the varint as eight).
std::multimap<unsigned, std::string> fields(std::string_view message) {
  const auto varint = [&] {
    std::uint64_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
      REQUIRE(!message.empty());
      const auto byte = static_cast<unsigned char>(message[0]);
      message.remove_prefix(1);
      n |= static_cast<std::uint64_t>(byte & 127U) << shift;
      if (byte < 128) return n;
    }
  };
  std::multimap<unsigned, std::string> result;
  while (!message.empty()) {
    const std::uint64_t key = varint();
    std::string value;
    if (key % 8 == 0) {
      const std::uint64_t n = varint();
      value.assign(reinterpret_cast<const char*>(&n), sizeof n);
    } else {
      const std::size_t size = key % 8 == 1 ? 8 : key % 8 == 5 ? 4 : varint();
      REQUIRE((key % 8 == 1 || key % 8 == 5 || key % 8 == 2));
      REQUIRE(message.size() >= size);
      value = message.substr(0, size);
      message.remove_prefix(size);
    }
    result.emplace(static_cast<unsigned>(key / 8), value);
  }
  return result;
}

}  // namespace

TEST_CASE("event files: what TensorBoard reads") {
  CHECK(slow_crc32c("123456789") == 0xe3069283U);  // the check value of CRC-32C
  const Directory directory;
  const fs::path runs = directory.path / "runs" / "first";
  const auto begin = std::chrono::system_clock::now().time_since_epoch();
  fs::path path;
  {
    draw::EventFile events(runs);
    path = events.path();
    events.add(3, {{"loss", 0.5}, {"test/accuracy", 0.75}});
    CHECK(records(contents(path)).size() == 2);  // at once
    events.add(std::int64_t{1} << 40U, {{std::string(300, 'x'), 1e-3}});
    events.add_image(7, "filters", counted({2, 3, 3}));
    const draw::EventFile other(runs, {.purge_step = 5});
    CHECK(other.path() != path);
    const auto resumed = records(contents(other.path()));
    REQUIRE(resumed.size() == 2);
    const auto start = fields(resumed[1]);
    CHECK(little_endian<std::int64_t>(start.find(2)->second) == 5);
    const auto session = fields(start.find(7)->second);
    CHECK(little_endian<std::int64_t>(session.find(1)->second) == 1);
  }
  CHECK(path.parent_path() == runs);
  CHECK(path.filename().string().starts_with("events.out.tfevents."));
  const auto all = records(contents(path));
  REQUIRE(all.size() == 4);
  CHECK(fields(all[0]).find(3)->second == "brain.Event:2");
  const double time = little_endian<double>(fields(all[0]).find(1)->second);
  CHECK(std::abs(time - std::chrono::duration<double>(begin).count()) < 3600);
  const auto event = fields(all[1]);
  CHECK(little_endian<std::int64_t>(event.find(2)->second) == 3);
  const auto summary = fields(event.find(5)->second);
  REQUIRE(summary.count(1) == 2);
  const auto first = fields(summary.begin()->second), second = fields(std::next(summary.begin())->second);
  CHECK(first.find(1)->second == "loss");
  CHECK(little_endian<float>(first.find(2)->second) == 0.5F);
  CHECK(second.find(1)->second == "test/accuracy");
  CHECK(little_endian<float>(second.find(2)->second) == 0.75F);
  CHECK(little_endian<std::int64_t>(fields(all[2]).find(2)->second) == std::int64_t{1} << 40U);
  const auto picture = fields(fields(fields(fields(all[3]).find(5)->second).find(1)->second).find(4)->second);
  CHECK(little_endian<std::int64_t>(picture.find(1)->second) == 2);
  CHECK(little_endian<std::int64_t>(picture.find(2)->second) == 3);
  CHECK(little_endian<std::int64_t>(picture.find(3)->second) == 3);
  CHECK(read_png(picture.find(4)->second).pixels == bytes_of(counted({2, 3, 3})));

  std::ofstream(directory.path / "file") << "x";
  CHECK(has(error_of([&] { draw::EventFile(directory.path / "file"); }), "no such directory can be made"));
  CHECK(has(error_of([&] { draw::EventFile(""); }), "EventFile: the path is empty"));
}

TEST_CASE("the report of any network") {
  struct Net {
    xg::nn::Linear<float> first{4, 8}, second{8, 3};
    xg::Variable<float> operator()(xg::Variable<float> x) const { return second(relu(first(std::move(x)))); }
  } net;
  draw::History history;
  for (int step = 1; step <= 500; ++step) history.add(step, {{"loss", 1.0 / step}, {"accuracy", 1 - 0.5 / step}});
  history.add(500, {{"test loss", 0.1}, {"learning rate", -1}});
  const auto charts = draw::charts(history);
  REQUIRE(charts.size() == 3);
  CHECK(has(charts[0], ">test loss<"));
  CHECK(has(charts[1], "%<"));

  xg::Metrics metrics;
  metrics.add(Array<float>{{1, 0, 0}, {0, 1, 0}}, xg::Labels{0, 2});
  const Array<float> x(xg::Shape{2, 4});
  const std::string dot = xg::to_dot(sum(net(xg::Variable<float>(x))));
  const draw::Report all{.title = "R",
                         .facts = {{"batch", "64"}},
                         .history = history,
                         .metrics = metrics,
                         .classes = {"a", "b", "c"},
                         .summary = xg::nn::summary(net, {1, 4}),
                         .dot = dot};
  const std::string text = draw::report(all).str();
  auto seen = read_xml(text);
  CHECK(seen["section"] == 3);
  CHECK(seen["svg"] >= 6);
  CHECK(has(text, "<b>50.00<small>"));
  CHECK(has(text, "c taken for b: 1"));
  CHECK(has(text, "<td>first</td>"));
  CHECK(has(text, ">67<"));  // parameters
  CHECK(read_xml(draw::report({.title = "nothing"}).str())["section"] == 0);

  const char* path = std::getenv("PATH");
  const std::string kept = path ? path : "";
  setenv("PATH", "/nonexistent", 1);
  CHECK_FALSE(draw::graphviz_svg(dot));
  const std::string without = draw::report(all).str();
  setenv("PATH", kept.c_str(), 1);
  read_xml(without);
  CHECK(has(without, "Graphviz was not found"));
  CHECK(has(without, "digraph"));
  if (const auto svg = draw::graphviz_svg(dot)) CHECK(read_xml(*svg)["svg"] == 1);
}
