#pragma once
/// Curves over the epochs of a run, as HTML: lines in an SVG that stretches, text and dots that do not.
#include <string>
#include <vector>

struct Point {
  double x, y;
};
struct Series {
  std::string name;
  std::string style;  ///< its CSS class
  std::vector<Point> points;
  bool dots = false;
};

enum class Scale {
  loss,      ///< logarithmic
  accuracy,  ///< the share of errors, logarithmic and upside down: 99 % is as far from 90 % as 99.9 % is from 99 %
};

std::string chart(const std::string& title, std::vector<Series> series, Scale scale);
