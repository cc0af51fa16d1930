// Charts: what is drawn, and that it is well-formed SVG.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "directory.hpp"
#include "pictures.hpp"
#include "support.hpp"

namespace xg = xgrad;
namespace draw = xgrad::draw;
using xg::Array;
using namespace xgrad_test;

TEST_CASE("charts are well-formed, whatever is drawn") {
  using draw::Scale;
  const std::vector<draw::Series> series{{"train & \"test\"", {1, 2, 3}, {0.5, na, 0.25}},
                                         {"", {}, {}},
                                         {"<dots>\x01", {-1e308, 2, 5}, {inf, 0.999, 1}, true},
                                         {"same", {2, 2}, {1e-9, 1e-9}, true}};
  for (const Scale x : {Scale::linear, Scale::log, Scale::share})
    for (const Scale y : {Scale::linear, Scale::log, Scale::share})
      for (const std::vector<draw::Series>& some : {series, {}, {series[0]}, {series[3]}, {series[2]}}) {
        const std::string svg =
            draw::chart(some, {.title = "a < b", .x = {.label = "time", .unit = "s", .scale = x}, .y = {.scale = y}});
        auto seen = read_xml(svg);
        CHECK(seen["svg"] == 2);
        CHECK(seen["text"] >= 3);
        CHECK_FALSE(has(svg, "nan"));
        CHECK_FALSE(has(svg, "inf"));
        CHECK(has(svg, ">time (s)<"));
      }
  const Directory directory;
  draw::write_chart(directory.path / "c.svg", series);
  CHECK(read_xml(contents(directory.path / "c.svg"))["circle"] == 4);
}

TEST_CASE("charts: lines, gaps, ticks, legends") {
  const draw::Series line{"a", {0, 1, 2, 3}, {1, 10, na, 100}}, other{"b", {0, 3}, {3, 4}};
  const std::string one = draw::chart({line}, {.y = {.scale = draw::Scale::log}});
  CHECK(count(one, "class=\"line\"") == 1);  // no legend
  CHECK(has(one, ">1<"));
  CHECK(has(one, ">100<"));
  const std::string drawn = one.substr(one.find("class=\"line\""));
  CHECK(count(drawn, "M") == 2);  // a gap
  CHECK(count(drawn, "L") == 1);
  const std::string two = draw::chart({line, other});
  CHECK(count(two, "class=\"line\"") == 4);
  CHECK(has(two, ">a<"));
  CHECK(count(two, "var(--c1)") == 2);
  // each of seven colours is another, and the eighth line has dashes
  const std::string many = draw::chart(std::vector<draw::Series>(8, other));
  for (int k = 0; k < 7; ++k) CHECK(count(many, "var(--c" + std::to_string(k) + ")") >= 2);
  CHECK(count(many, "stroke-dasharray") == 2);
  CHECK(has(many, "prefers-color-scheme:dark"));
  const std::string share = draw::chart({{"", {1, 2}, {0.9, 0.995}}}, {.y = {.scale = draw::Scale::share}});
  CHECK(has(share, ">90 %<"));
  CHECK(has(share, ">99 %<"));
  const std::string part = draw::chart({line}, {.y = {.low = 0, .high = 20}});
  CHECK(has(part, "overflow=\"hidden\""));
  CHECK(has(part, ">20<"));
  CHECK_FALSE(has(part, ">100<"));
}

TEST_CASE("charts: what they cannot be") {
  CHECK(error(__LINE__, [] { draw::chart({{"a", {1, 2}, {1}}}); }) == "chart: series \"a\" has 2 x and 1 y; it must have as many");
  CHECK(has(error_of([] { draw::chart({}, {.y = {.low = 2, .high = 1}}); }), "y.low is 2, y.high is 1; low must be below high"));
  CHECK(has(error_of([] { draw::chart({}, {.x = {.scale = draw::Scale::log, .low = 0}}); }),
            "x.low is 0; it must be a number that the scale has"));
  CHECK(has(error_of([] { draw::chart({}, {.x = {.high = na}}); }), "x.high is nan; it must be"));
  CHECK(has(error_of([] { draw::chart({}, {.width = 99}); }), "width is 99; it must be from 100 to 10000"));
  const draw::Series mean = draw::averaged({"s", {1, 2, 3, 4, 5}, {1, 3, na, 5, 7}}, 2);
  CHECK(mean.x == std::vector<double>{1.5, 4});
  CHECK(mean.y == std::vector<double>{2, 6});
  CHECK(draw::averaged({"s", {1, 2}, {3, 4}}, 0).x.empty());
  CHECK(draw::averaged({"s", {1, 2}, {3, 4}}).y == std::vector<double>{3, 4});
}

TEST_CASE("charts: points, bars, regions, names, and lines that stand behind") {
  using draw::Style;
  const draw::Series a{"a", {0, 1, na}, {1, 2, 3}, false, Style::points}, b{"b", {0}, {3}, false, Style::points};
  const draw::Series faint{"hills", {0, 1}, {0, 0}, false, Style::faint};
  const std::string scatter = draw::chart({faint, a, b});
  read_xml(scatter);
  CHECK(count(scatter, "class=\"mark\"") == 4);  // two series, and two in the legend
  CHECK(count(scatter, "class=\"faint\"") == 1);
  CHECK_FALSE(has(scatter, "hills"));
  CHECK(count(scatter, "fill:var(--c0)") == 2);  // the faint one takes no colour
  CHECK(count(scatter, "fill:var(--c1)") == 2);

  const draw::Series first{"raw", {0, 1}, {2, -1}, false, Style::bars}, second{"HOG", {0, 1}, {4, inf}, false, Style::bars};
  const std::string bars = draw::chart({first, second}, {.x = {.names = {"k < 3", "linear"}}});
  auto seen = read_xml(bars);
  CHECK(seen["rect"] == 4);  // the ground, and three bars that can be shown
  CHECK(has(bars, ">k &lt; 3<"));
  CHECK(has(bars, ">0<"));
  CHECK(has(bars, "<title>HOG: 4</title>"));
  const std::string log = draw::chart({first}, {.y = {.scale = draw::Scale::log}});
  CHECK(read_xml(log)["rect"] == 2);
  const std::string slanted = draw::chart({first}, {.x = {.names = {std::string(40, 'n'), std::string(60, 'm')}}});
  CHECK(count(slanted, "rotate(-35)") == 2);

  const xg::Labels classes{{0, 0, 1}, {1, 1, 1}};
  const draw::Regions regions{classes, {-1, 2, 0, 1}};
  const std::string shaded = draw::chart({a, b}, {.regions = regions});
  read_xml(shaded);
  CHECK(count(shaded, "class=\"region\"") == 2);
  const std::string ones = shaded.substr(shaded.rfind("class=\"region\""));
  CHECK(count(ones.substr(0, ones.find("/>")), "z") == 2);  // a run for each row
  CHECK(has(shaded, ">-1<"));

  CHECK(has(error_of([&] { draw::chart({a}, {.x = {.scale = draw::Scale::log, .names = {"x"}}}); }),
            "x has names and is not linear"));
  CHECK(has(error_of([&] { draw::chart({}, {.regions = {classes, {1, 0, 0, 1}}}); }), "left is 1, its right is 0; both must be"));
  CHECK(has(error_of([&] { draw::chart({}, {.regions = {xg::Labels{1, 2}, {}}}); }), "they must be (rows, columns)"));
}

TEST_CASE("surfaces: the places of a box, and the lines along which a function has a height") {
  const draw::Box box{-2, 2, -1, 1};
  const Array<double> places = draw::places(box, 2, 4);
  CHECK(places.shape() == xg::Shape{8, 2});
  CHECK(is(places, {-1.5, -0.5, -0.5, -0.5, 0.5, -0.5, 1.5, -0.5, -1.5, 0.5, -0.5, 0.5, 0.5, 0.5, 1.5, 0.5}));

  const std::size_t n = 80;
  const Array<double> many = draw::places({-2, 2, -2, 2}, n, n);
  Array<double> bowl(xg::Shape{n, n}), slope(xg::Shape{n, n});
  for (std::size_t i = 0; i < bowl.size(); ++i) {
    const double x = many(i, 0), y = many(i, 1);
    bowl.data()[i] = x * x + y * y, slope.data()[i] = x + 2 * y;
  }
  const draw::Series circle = draw::contours(bowl, {-2, 2, -2, 2}, {1, 99});
  REQUIRE(circle.x.size() > 100);
  for (std::size_t i = 0; i + 1 < circle.x.size(); ++i) {
    CHECK(std::hypot(circle.x[i], circle.y[i]) == doctest::Approx(1).epsilon(1e-3));
    CHECK(std::hypot(circle.x[i] - circle.x[(i + 1) % (circle.x.size() - 2)],
                     circle.y[i] - circle.y[(i + 1) % (circle.x.size() - 2)]) < 0.08);
  }
  CHECK(circle.x.front() == circle.x[circle.x.size() - 2]);  // one ring, closed
  CHECK(std::isnan(circle.x.back()));
  const draw::Series line = draw::contours(slope, {-2, 2, -2, 2}, {0.3});
  CHECK(std::count_if(line.x.begin(), line.x.end(), [](double x) { return std::isnan(x); }) == 1);
  for (std::size_t i = 0; i + 1 < line.x.size(); ++i) CHECK(line.x[i] + 2 * line.y[i] == doctest::Approx(0.3));
  Array<double> holes = slope;
  holes(40, 40) = na;
  CHECK_FALSE(has(draw::chart({draw::contours(holes, {-2, 2, -2, 2}, {0.3})}), "nan"));
  CHECK(has(error_of([&] { draw::contours(places, {0, 1, 2, 2}, {}); }), "bottom is 2, its top is 2; both must be finite"));
  CHECK(has(error_of([&] { draw::contours(Array<double>{1, 2}, box, {}); }), "values are (2,); they must be (rows, columns)"));
  CHECK(has(error_of([&] { draw::places({0, inf, 0, 1}, 1, 1); }), "right is inf"));
  const std::size_t absurd = std::size_t{1} << 32;
  CHECK(has(error_of([&] { draw::places(box, absurd, absurd); }), "places"));
}

TEST_CASE("several charts in one") {
  const std::string one = draw::chart({{"", {1, 2}, {3, 4}}}, {.width = 300, .height = 200});
  const std::string all = draw::panels({one, one, one}, 2);
  CHECK(read_xml(all)["svg"] == 7);
  CHECK(has(all, "viewBox=\"0 0 600 400\""));
  CHECK(has(all, "<svg x=\"300\" y=\"0\""));
  CHECK(has(all, "<svg x=\"0\" y=\"200\""));
  CHECK(has(draw::panels({all, one}, 1), "viewBox=\"0 0 600 600\""));
  read_xml(draw::panels({}));
  CHECK(error(__LINE__, [&] { draw::panels({one}, 0); }) == "panels: columns is 0; it must be at least 1");
  CHECK(has(error_of([&] { draw::panels({one, "<svg/>"}); }), "panel 1 is not an <svg> element of chart; it must be"));
  const Directory directory;
  draw::write_svg(directory.path / "p.svg", all);
  CHECK(contents(directory.path / "p.svg").ends_with(all + "\n"));
  CHECK(has(error_of([&] { draw::write_svg("/nonexistent/a.svg", all); }), "write_svg: /nonexistent/a.svg: cannot be written"));
}
