#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/where.hpp>
#include <xgrad/draw/chart.hpp>

namespace xgrad::draw {

struct Tick {
  double at;
  std::string text;
};

/// What an axis shows, in places.
struct Ruler {
  Scale scale = Scale::linear;
  double low = 0, high = 1;
  std::vector<Tick> ticks = {};

  double part(double at) const { return (at - low) / (high - low); }
};

/// Where a value lies on a straight line; NaN when it lies nowhere.
double place(double value, Scale scale);
/// The axis for places from low to high; with `rounded` its ends are ticks where they are not given. Throws ValueError.
Ruler ruler(const Axis& axis, double low, double high, bool rounded, Where at, const char* name);
/// A value as an axis tells it.
std::string shown(double value, Scale scale);
/// Label and unit.
std::string title_of(const Axis& axis);
/// About how wide a text is in pixels: nobody asks the font.
double width_of(std::string_view text);
/// Throws ValueError unless the box is one.
void check(const Box& box, std::string_view op, Where at);

}  // namespace xgrad::draw
