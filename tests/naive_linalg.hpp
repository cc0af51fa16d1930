#pragma once
/// Linear algebra as plain loops over doubles.
#include <map>
#include <string>

#include "naive.hpp"

namespace naive {

/// f(matrix, its number) for each of the square matrices (…, n, n), as (n, n).
template <class F>
void each_matrix(const A& x, F f) {
  const std::size_t n = x.shape().back();
  for (std::size_t i = 0; n > 0 && i < x.size() / (n * n); ++i) {
    A m(Shape{n, n});
    std::copy_n(x.data() + i * n * n, n * n, m.data());
    f(m, i);
  }
}
inline Shape batch(const A& x) { return Shape(x.shape().begin(), x.shape().end() - 2); }

/// By expansion along the first row.
inline double det(const A& m) {
  const std::size_t n = m.shape()[0];
  if (n == 0) return 1;
  double total = 0;
  for (std::size_t c = 0; c < n; ++c) {
    A minor(Shape{n - 1, n - 1});
    for (std::size_t i = 1; i < n; ++i)
      for (std::size_t j = 0, k = 0; j < n; ++j)
        if (j != c) minor.data()[(i - 1) * (n - 1) + k++] = m.data()[i * n + j];
    total += (c % 2 ? -1 : 1) * m.data()[c] * det(minor);
  }
  return total;
}
inline A dets(const A& x) {
  A out = xgrad::ones<double>(batch(x));
  each_matrix(x, [&](const A& m, std::size_t i) { out.data()[i] = det(m); });
  return out;
}

/// By Gauss and Jordan, the pivot being the largest in its column.
inline A inverse(const A& x) {
  A out(x.shape());
  each_matrix(x, [&](A m, std::size_t number) {
    const std::size_t n = m.shape()[0];
    double* y = out.data() + number * n * n;
    for (std::size_t k = 0; k < n * n; ++k) y[k] = k % (n + 1) == 0 ? 1 : 0;
    for (std::size_t c = 0; c < n; ++c) {
      std::size_t p = c;
      for (std::size_t r = c; r < n; ++r)
        if (std::abs(m.data()[r * n + c]) > std::abs(m.data()[p * n + c])) p = r;
      for (double* rows : {m.data(), y}) std::swap_ranges(rows + c * n, rows + (c + 1) * n, rows + p * n);
      for (std::size_t r = 0; r < n; ++r) {
        if (r == c) continue;
        const double factor = m.data()[r * n + c] / m.data()[c * n + c];
        for (double* rows : {m.data(), y})
          for (std::size_t k = 0; k < n; ++k) rows[r * n + k] -= factor * rows[c * n + k];
      }
    }
    for (std::size_t k = 0; k < n * n; ++k) y[k] /= m.data()[k / n * (n + 1)];
  });
  return out;
}
inline A solve(const A& a, const A& b) { return matmul(inverse(a), b, false, false); }

/// Of each matrix the triangle, with ones on the diagonal if asked for.
inline A triangle(const A& x, bool lower, bool unit = false) {
  return fill(x.shape(), [&](const Shape& i) {
    const std::size_t r = i[i.size() - 2], c = i.back();
    return r == c && unit ? 1.0 : r == c || (r > c) == lower ? at(x, i) : 0.0;
  });
}
inline A identity(std::size_t n, double value = 1) {
  return fill({n, n}, [&](const Shape& i) { return i[0] == i[1] ? value : 0.0; });
}

inline A cholesky(const A& x) {
  A out = xgrad::zeros<double>(x.shape());
  each_matrix(x, [&](const A& m, std::size_t number) {
    const std::size_t n = m.shape()[0];
    double* l = out.data() + number * n * n;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        double rest = (m.data()[i * n + j] + m.data()[j * n + i]) / 2;
        for (std::size_t k = 0; k < j; ++k) rest -= l[i * n + k] * l[j * n + k];
        l[i * n + j] = i == j ? std::sqrt(rest) : rest / l[j * n + j];
      }
  });
  return out;
}

/// Every product of elements, added to where it belongs. A letter is an axis; those of length 1 broadcast.
inline A einsum(const std::vector<std::string>& names, const std::string& result, const std::vector<A>& x) {
  std::map<char, std::size_t> lengths;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t k = 0; k < names[i].size(); ++k) {
      std::size_t& length = lengths.try_emplace(names[i][k], 1).first->second;
      if (x[i].shape()[k] != 1) length = x[i].shape()[k];
    }
  std::string letters;
  Shape all, shape;
  for (const auto& [letter, length] : lengths) {
    letters += letter;
    all.push_back(length);
  }
  for (const char letter : result) shape.push_back(lengths[letter]);
  A out = xgrad::zeros<double>(shape);
  each(all, [&](const Shape& index) {
    const auto pick = [&](const std::string& wanted) {
      Shape picked;
      for (const char letter : wanted) picked.push_back(index[letters.find(letter)]);
      return picked;
    };
    double product = 1;
    for (std::size_t i = 0; i < x.size(); ++i) product *= at(x[i], pick(names[i]));
    at(out, pick(result)) += product;
  });
  return out;
}

}  // namespace naive
