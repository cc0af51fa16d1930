#pragma once
// A data set whose samples can be told apart.
#include <algorithm>

#include <xgrad/data/dataset.hpp>

namespace xgrad_test {

/// Image i is filled with byte i, its label is i modulo the number of classes.
inline xgrad::Dataset numbered(std::size_t n, std::size_t classes = 0) {
  classes = classes == 0 ? std::max<std::size_t>(n, 1) : classes;
  xgrad::Dataset data{xgrad::Array<std::uint8_t>(xgrad::Shape{n, 2, 3, 1}), xgrad::Labels(xgrad::Shape{n}), {}, classes};
  for (std::size_t i = 0; i < n; ++i) {
    std::fill_n(data.images.data() + 6 * i, 6, static_cast<std::uint8_t>(i));
    data.labels.data()[i] = static_cast<std::int64_t>(i % classes);
  }
  return data;
}

}  // namespace xgrad_test
