#pragma once
#include <cstddef>
#include <vector>

namespace xgrad::kernels {

/// A place between two pixels of an axis: 1 - part of pixel `below`, and `part` of the next one, which is looked at only when
/// part > 0.
struct Blend {
  std::size_t below;
  double part;
};

/// Images (n, h, w, c), of which (n, rows.size(), columns.size(), c) is made.
struct ResampleShape {
  std::size_t n, h, w, c;
  std::vector<Blend> rows, columns;
};

template <class T>
void resample(const T* x, T* out, const ResampleShape& shape);
/// Its transpose: x (n, h, w, c) from g.
template <class T>
void resample_back(const T* g, T* x, const ResampleShape& shape);

}  // namespace xgrad::kernels
