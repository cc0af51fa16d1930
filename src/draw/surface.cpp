// Functions of two numbers, as points to evaluate and lines to draw.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <xgrad/core/error.hpp>
#include <xgrad/draw/chart.hpp>

#include "axis.hpp"

namespace xgrad::draw {
namespace {

double middle(double low, double high, std::size_t k, std::size_t n) {
  return low + (high - low) * (static_cast<double>(k) + 0.5) / static_cast<double>(n);
}

using Point = std::pair<double, double>;
using Edge = std::size_t;  // of the grid of values: twice the number of its first point, and one more when it goes up

/// Pieces of lines between edges, put together to lines that are as long as can be.
class Lines {
 public:
  void add(Edge a, const Point& at_a, Edge b, const Point& at_b) {
    points_[a] = at_a, points_[b] = at_b;
    next_.emplace(a, b), next_.emplace(b, a);
  }
  void write(Series& to) {
    std::vector<Edge> ends;
    for (const auto& [edge, other] : next_)
      if (next_.count(edge) == 1) ends.push_back(edge);
    for (const Edge end : ends)
      if (next_.count(end) > 0) write(to, end);              // no line has begun there from its other end
    while (!next_.empty()) write(to, next_.begin()->first);  // rings
  }

 private:
  void write(Series& to, Edge at) {
    for (;;) {
      to.x.push_back(points_[at].first), to.y.push_back(points_[at].second);
      const auto step = next_.find(at);
      if (step == next_.end()) break;
      const Edge other = step->second;
      next_.erase(step);
      const auto [begin, end] = next_.equal_range(other);
      next_.erase(std::find_if(begin, end, [&](const auto& back) { return back.second == at; }));
      at = other;
    }
    to.x.push_back(std::numeric_limits<double>::quiet_NaN()), to.y.push_back(0);
  }

  std::map<Edge, Point> points_;
  std::multimap<Edge, Edge> next_;
};

}  // namespace

template <Real T>
Array<T> places(const Box& box, std::size_t rows, std::size_t columns, Where at) {
  check(box, "places", at);
  Array<T> result = make_array<T>(Shape{rows, columns, 2}, at, "places");
  result.reshape(Shape{rows * columns, 2});
  T* to = result.data();
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) {
      *to++ = static_cast<T>(middle(box.left, box.right, j, columns));
      *to++ = static_cast<T>(middle(box.bottom, box.top, i, rows));
    }
  return result;
}

template <Real T>
Series contours(const Array<T>& values, const Box& box, const std::vector<double>& heights, Where at) {
  if (values.dimension() != 2)
    throw ShapeError(at, "contours", fmt::format("values are {}; they must be (rows, columns)", to_string(values.shape())));
  check(box, "contours", at);
  const std::size_t rows = values.shape()[0], columns = values.shape()[1];
  const auto value = [&](std::size_t i, std::size_t j) { return static_cast<double>(values.data()[i * columns + j]); };
  Series result{"", {}, {}, false, Style::faint};
  for (const double height : heights) {
    Lines lines;
    // where the line crosses from one place of the grid to its neighbour
    const auto crossing = [&](std::size_t i, std::size_t j, bool up) {
      const double a = value(i, j), b = up ? value(i + 1, j) : value(i, j + 1), part = (height - a) / (b - a);
      const double x = middle(box.left, box.right, j, columns), y = middle(box.bottom, box.top, i, rows);
      return up ? Point{x, y + part * (box.top - box.bottom) / static_cast<double>(rows)}
                : Point{x + part * (box.right - box.left) / static_cast<double>(columns), y};
    };
    for (std::size_t i = 0; i + 1 < rows; ++i)
      for (std::size_t j = 0; j + 1 < columns; ++j) {
        const std::array<double, 4> corners{value(i, j), value(i, j + 1), value(i + 1, j + 1), value(i + 1, j)};
        if (!std::all_of(corners.begin(), corners.end(), [](double v) { return std::isfinite(v); })) continue;
        std::array<std::pair<Edge, Point>, 4> crossed;
        std::size_t n = 0;
        const std::array<std::array<std::size_t, 3>, 4> sides{{{i, j, 0}, {i, j + 1, 1}, {i + 1, j, 0}, {i, j, 1}}};
        for (std::size_t side = 0; side < 4; ++side)
          if ((corners[side] > height) != (corners[(side + 1) % 4] > height)) {
            const auto [row, column, up] = sides[side];
            crossed[n++] = {2 * (row * columns + column) + up, crossing(row, column, up == 1)};
          }
        for (std::size_t k = 0; k + 1 < n; k += 2)
          lines.add(crossed[k].first, crossed[k].second, crossed[k + 1].first, crossed[k + 1].second);
      }
    lines.write(result);
  }
  return result;
}

#define XGRAD_INSTANTIATE(T)                                             \
  template Array<T> places(const Box&, std::size_t, std::size_t, Where); \
  template Series contours(const Array<T>&, const Box&, const std::vector<double>&, Where)
XGRAD_INSTANTIATE(float);
XGRAD_INSTANTIATE(double);

}  // namespace xgrad::draw
