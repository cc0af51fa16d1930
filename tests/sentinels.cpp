// Every function of the kernels' table between sentinels, at lengths that no vector divides: it computes its results, and writes
// nothing else.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <xgrad/core/random.hpp>

#include "../src/kernels/table.hpp"
#include "guarded.hpp"

using namespace xgrad;
using kernels::panel_width;
using xgrad_test::Guarded;

namespace {

// Who adds a function to the table adds it here, and counts it.
static_assert(sizeof(kernels::Table<float>) == (8 * primitive_count + 34) * sizeof(void (*)()));

constexpr std::size_t most = 67;

template <class T>
void fill(Guarded<T>& x, std::uint64_t seed, double low = -1, double high = 1) {
  Generator generator(seed);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(generator.uniform(low, high));
}

template <class T>
Guarded<T> numbers(std::size_t n, std::uint64_t seed, double low = -1, double high = 1, bool padded = false) {
  Guarded<T> x(n, padded);
  fill(x, seed, low, high);
  return x;
}

template <class T>
void near(T got, double wanted, const char* what) {
  const double apart = std::abs(static_cast<double>(got) - wanted);
  if (!(apart <= (sizeof(T) == 4 ? 3e-6 : 1e-14) * (1 + std::abs(wanted))))
    FAIL_CHECK(std::string(what), " is ", got, "; it must be ", wanted);
}

/// out[i] is f(i) for each i.
template <class T, class F>
void each(const Guarded<T>& out, const char* what, F f) {
  for (std::size_t i = 0; i < out.size(); ++i) near(out[i], f(i), what);
}

template <class F>
void every_length(F f) {
  for (std::size_t n = 1; n <= most; ++n) {
    CAPTURE(n);
    f(n);
  }
}

template <class T>
double sum_of(const Guarded<T>& x) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]);
  return sum;
}

/// m x mᵀ for x (s, s): what a transform of Winograd's does to a tile.
std::vector<double> both_sides(const std::vector<std::vector<double>>& m, const std::vector<double>& x) {
  const std::size_t rows = m.size(), s = m[0].size();
  std::vector<double> result(rows * rows);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < rows; ++j)
      for (std::size_t u = 0; u < s; ++u)
        for (std::size_t v = 0; v < s; ++v) result[i * rows + j] += m[i][u] * x[u * s + v] * m[j][v];
  return result;
}
std::vector<std::vector<double>> transposed(const std::vector<std::vector<double>>& m) {
  std::vector<std::vector<double>> result(m[0].size(), std::vector<double>(m.size()));
  for (std::size_t i = 0; i < m.size(); ++i)
    for (std::size_t j = 0; j < m[0].size(); ++j) result[j][i] = m[i][j];
  return result;
}
const std::vector<std::vector<double>> pixels_side{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};  // Bᵀ
const std::vector<std::vector<double>> filter_side{{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};          // G
const std::vector<std::vector<double>> results_side{{1, 1, 1, 0}, {0, 1, -1, -1}};                              // Aᵀ

}  // namespace

TEST_CASE("sentinels: an array tells when something beside it was written") {
  for (const std::ptrdiff_t at : {-64, -1, 5, 68}) {
    Guarded<float> x(5);
    CHECK(x.intact());
    CHECK(x.fresh(4));
    float* const there = x.data() + at;
    const float before = *there;
    *there = Guarded<float>(5)[0];
    CHECK_FALSE(x.intact());
    *there = before;
  }
  Guarded<double> padded(5, true);
  padded.data()[7] = 0;  // the last of 64 bytes
  CHECK(padded.intact());
}

TEST_CASE_TEMPLATE("sentinels: primitives of formulas and chains of them", T, float, double) {
  for (std::size_t op = static_cast<std::size_t>(Primitive::neg); op < primitive_count; ++op)
    for (unsigned mask = 0; mask < 8; ++mask) {
      const auto f = kernels::table<T>().formula[op][mask];
      if (!f) continue;
      CAPTURE(op);
      CAPTURE(mask);
      const bool whole =
          op == static_cast<std::size_t>(Primitive::gaussian) || op == static_cast<std::size_t>(Primitive::polygamma);
      const auto operand = [&](unsigned place, std::size_t n) {
        const bool scalar = (mask >> place & 1) != 0, one = whole && place == 0;
        const double low = one ? 1 : op == static_cast<std::size_t>(Primitive::acosh) ? 1.1 : 0.1;
        return numbers<T>(scalar ? 1 : n, place + 1, low, one ? 1 : low + 0.8, !scalar);
      };
      const Guarded<T> a = operand(0, most), b = operand(1, most), c = operand(2, most);
      Guarded<T> all(most, true);
      f(all.data(), a.data(), b.data(), c.data(), most);
      every_length([&](std::size_t n) {
        Guarded<T> p = operand(0, n), q = operand(1, n), r = operand(2, n), out(n, true);
        f(out.data(), p.data(), q.data(), r.data(), n);
        each(out, "result", [&](std::size_t i) { return static_cast<double>(all[i]); });
        if ((mask & 1) != 0) return;
        f(p.data(), p.data(), q.data(), r.data(), n);
        each(p, "result in place", [&](std::size_t i) { return static_cast<double>(all[i]); });
      });
    }
  every_length([](std::size_t n) {
    const auto a = numbers<T>(n, 1, -1, 1, true), b = numbers<T>(n, 2, -1, 1, true), c = numbers<T>(1, 3);
    Guarded<T> kept(n, true), out(n, true);
    const std::array<kernels::Link<T>, 3> links{{{kernels::link_code(Primitive::mul, 0, 0), b.data(), nullptr, nullptr},
                                                 {kernels::store_link, nullptr, nullptr, kept.data()},
                                                 {kernels::link_code(Primitive::add, 0, 1), c.data(), nullptr, nullptr}}};
    kernels::table<T>().chain(out.data(), a.data(), links.data(), links.size(), n);
    const auto product = [&](std::size_t i) { return static_cast<double>(a[i]) * static_cast<double>(b[i]); };
    each(kept, "product", product);
    each(out, "sum", [&](std::size_t i) { return product(i) + static_cast<double>(c[0]); });
  });
}

TEST_CASE_TEMPLATE("sentinels: kernels along rows", T, float, double) {
  const auto& table = kernels::table<T>();
  every_length([&](std::size_t n) {
    const auto x = numbers<T>(n, 1), g = numbers<T>(n, 2), rows = numbers<T>(3 * n, 3);
    const auto at = [](const Guarded<T>& of) { return [&of](std::size_t i) { return static_cast<double>(of[i]); }; };
    const auto X = at(x), G = at(g), R = at(rows);
    const T shift = T(1.5), factor = T(-0.75);
    const auto e = [&](std::size_t i) { return std::exp(X(i) - 1.5); };
    double total = 0, dot = 0;
    for (std::size_t i = 0; i < n; ++i) total += e(i), dot += X(i) * G(i);

    near(table.sum_row(x.data(), n), sum_of(x), "sum_row");
    Guarded<T> sums(3);
    table.sum_each_row(rows.data(), sums.data(), 3, n);
    each(sums, "sum_each_row", [&](std::size_t r) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += R(r * n + i);
      return sum;
    });
    Guarded<T> sum = numbers<T>(n, 2);
    table.add_row(sum.data(), x.data(), n);
    each(sum, "add_row", [&](std::size_t i) { return G(i) + X(i); });
    Guarded<T> out(n);
    near(table.exp_row(x.data(), shift, out.data(), n), total, "exp_row's sum");
    each(out, "exp_row", e);
    near(table.exp_sum_row(x.data(), shift, n), total, "exp_sum_row");
    table.exp_scaled_row(x.data(), shift, factor, out.data(), n);
    each(out, "exp_scaled_row", [&](std::size_t i) { return e(i) * -0.75; });
    Guarded<T> scaled = numbers<T>(n, 1);
    table.scale_row(scaled.data(), factor, n);
    each(scaled, "scale_row", [&](std::size_t i) { return X(i) * -0.75; });
    table.lower_row(x.data(), shift, factor, out.data(), n);
    each(out, "lower_row", [&](std::size_t i) { return X(i) - 1.5 + 0.75; });
    table.softmax_grad_row(x.data(), g.data(), out.data(), n);
    each(out, "softmax_grad_row", [&](std::size_t i) { return X(i) * (G(i) - dot); });
    table.log_softmax_grad_row(x.data(), g.data(), out.data(), n);
    each(out, "log_softmax_grad_row", [&](std::size_t i) { return G(i) - std::exp(X(i)) * sum_of(g); });
    Guarded<T> apart(3 * (n + 5));  // rows with sentinels between them
    for (std::size_t i = 0; i < 3 * n; ++i) apart[i / n * (n + 5) + i % n] = rows[i];
    table.sum_few_rows(apart.data(), out.data(), 3, n, n + 5);
    each(out, "sum_few_rows", [&](std::size_t i) { return R(i) + R(n + i) + R(2 * n + i); });

    // norm_rows.cpp
    const auto p = numbers<T>(n, 4), q = numbers<T>(n, 5), r = numbers<T>(n, 6), x0 = numbers<T>(n, 7);
    const auto P = at(p), Q = at(q), S = at(r), Z = at(x0);
    fill(sum, 2);
    table.add_products_row(sum.data(), x.data(), x0.data(), p.data(), q.data(), n);
    each(sum, "add_products_row", [&](std::size_t i) { return G(i) + (X(i) - Z(i)) * (P(i) - Q(i)); });
    table.normalise_row(out.data(), x.data(), x0.data(), p.data(), q.data(), n);
    each(out, "normalise_row", [&](std::size_t i) { return (X(i) - Z(i)) * P(i) + Q(i); });
    table.normalise_grad_row(out.data(), g.data(), p.data(), x.data(), x0.data(), q.data(), r.data(), n);
    each(out, "normalise_grad_row", [&](std::size_t i) { return G(i) * P(i) + (X(i) - Z(i)) * Q(i) + S(i); });

    // extremes.cpp; the sentinels are larger and smaller than all
    near(table.extreme_row[0](x.data(), n), static_cast<double>(*std::min_element(x.data(), x.data() + n)), "extreme_row[0]");
    near(table.extreme_row[1](x.data(), n), static_cast<double>(*std::max_element(x.data(), x.data() + n)), "extreme_row[1]");
    fill(sum, 2);
    table.extreme_into[0](sum.data(), x.data(), n);
    each(sum, "extreme_into[0]", [&](std::size_t i) { return std::min(G(i), X(i)); });
    fill(sum, 2);
    table.extreme_into[1](sum.data(), x.data(), n);
    each(sum, "extreme_into[1]", [&](std::size_t i) { return std::max(G(i), X(i)); });
    CHECK(table.place_row(x.data(), n, x.data()[n]) == n);  // what stands behind is not found
    CHECK(table.place_row(x.data(), n, x[n / 2]) == n / 2);

    // windows.cpp, what is not a pool
    fill(sum, 2);
    table.add_scaled_row(sum.data(), x.data(), factor, n);
    each(sum, "add_scaled_row", [&](std::size_t i) { return G(i) - 0.75 * X(i); });
    Guarded<std::int32_t> place(n), best_place(n);
    for (std::size_t i = 0; i < n; ++i) place[i] = static_cast<std::int32_t>(i), best_place[i] = -1;
    fill(sum, 2);
    table.improve_row(x.data(), p.data(), place.data(), sum.data(), best_place.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      const T value = x[i] - p[i];
      near(sum[i], std::max(static_cast<double>(value), G(i)), "improve_row");
      CHECK(best_place[i] == (value > g[i] ? static_cast<std::int32_t>(i) : -1));
    }
  });
}

TEST_CASE_TEMPLATE("sentinels: rows of pools, and of products of windows", T, float, double) {
  const auto& table = kernels::table<T>();
  struct Size {
    std::size_t n, c;
  };
  std::vector<Size> sizes{{300, 3}};
  for (const std::size_t n : {1u, 2u, 5u})
    for (const std::size_t c : {1u, 2u, 3u, 5u, 7u, 8u, 9u, 15u, 16u, 17u, 31u, 33u, 67u}) sizes.push_back({n, c});
  for (const Size& size : sizes) {
    const std::size_t n = size.n, c = size.c;
    CAPTURE(n);
    CAPTURE(c);
    const std::size_t w = n + 1;
    const kernels::Window rows{1, 3, 2};  // of four rows of the image
    std::vector<kernels::Window> columns;
    Guarded<std::int32_t> places(n * c);
    for (std::size_t j = 0; j < n; ++j) {
      columns.push_back({j, j + 2, 2});
      for (std::size_t k = 0; k < c; ++k) places[j * c + k] = static_cast<std::int32_t>(j * c + k);
    }
    const auto image = numbers<T>(4 * w * c, 1), other = numbers<T>(4 * w * c, 2);
    const auto pixel = [&](std::size_t j, std::size_t k, std::size_t tap) { return ((1 + tap / 2) * w + j + tap % 2) * c + k; };
    for (const bool largest : {false, true})
      for (const bool collected : {false, true}) {
        if (collected && c >= kernels::few_channels) continue;
        Guarded<T> out(n * c);
        Guarded<std::int32_t> index(n * c);
        (largest ? table.max_pool_row : table.min_pool_row)(image.data(), w, c, rows, columns.data(), n,
                                                            collected ? places.data() : nullptr, out.data(), index.data());
        for (std::size_t i = 0; i < n * c; ++i) {
          std::size_t best = pixel(i / c, i % c, 0);
          for (std::size_t tap = 1; tap < 4; ++tap) {
            const std::size_t at = pixel(i / c, i % c, tap);
            if (largest ? image[at] > image[best] : image[at] < image[best]) best = at;
          }
          near(out[i], static_cast<double>(image[best]), largest ? "max_pool_row" : "min_pool_row");
          CHECK(index[i] == static_cast<std::int32_t>(best));
        }
      }
    Guarded<T> out(n * c);
    table.avg_pool_row(image.data(), w, c, rows, columns.data(), n, out.data());
    each(out, "avg_pool_row", [&](std::size_t i) {
      double sum = 0;
      for (std::size_t tap = 0; tap < 4; ++tap) sum += static_cast<double>(image[pixel(i / c, i % c, tap)]);
      return sum / 4;
    });
    std::vector<kernels::Taps> taps;
    for (std::size_t j = 0; j < n; ++j) taps.push_back({2, static_cast<std::ptrdiff_t>(j), 1, 1, -1});
    const auto row = static_cast<std::ptrdiff_t>(w * c);
    table.product_row(image.data(), row, other.data(), row, c, {2, 1, 1, 3, -2}, taps.data(), n, out.data());
    each(out, "product_row", [&](std::size_t i) {
      double sum = 0;
      for (std::size_t tap = 0; tap < 4; ++tap)
        sum += static_cast<double>(image[pixel(i / c, i % c, tap)]) *
               static_cast<double>(other[((3 - 2 * (tap / 2)) * w + 1 - tap % 2) * c + i % c]);
      return sum;
    });
  }
}

TEST_CASE_TEMPLATE("sentinels: products of matrices", T, float, double) {
  const auto& table = kernels::table<T>();
  // c (m, n) = a b, whose elements are at a[at_a(i, p)] and b[at_b(p, j)]; between the rows of c are sentinels.
  const auto check = [](const char* what, std::size_t m, std::size_t n, std::size_t k, bool add, const Guarded<T>& a, auto at_a,
                        const Guarded<T>& b, auto at_b, std::size_t c_row, auto multiply) {
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    Guarded<T> c((m - 1) * c_row + n);
    if (add)
      for (std::size_t i = 0; i < m * n; ++i) c[i / n * c_row + i % n] = T(0.5);
    multiply(c.data());
    for (std::size_t i = 0; i < c.size(); ++i) {
      if (i % c_row >= n) {
        CHECK(c.fresh(i));
        continue;
      }
      double sum = add ? 0.5 : 0;
      for (std::size_t p = 0; p < k; ++p)
        sum += static_cast<double>(a[at_a(i / c_row, p)]) * static_cast<double>(b[at_b(p, i % c_row)]);
      near(c[i], sum, what);
    }
  };
  for (const std::size_t m : {1u, 2u, 3u, 5u, 6u, 7u, 13u})
    for (const std::size_t k : {1u, 2u, 3u, 7u, 8u, 17u})
      for (const std::size_t panels : {1u, 2u, 3u, 5u, 7u}) {
        const std::size_t n = panels * panel_width, c_row = n + 3;
        for (const bool rows : {false, true}) {  // a by rows and b in panels, or a by columns and b by rows
          const std::size_t a_row = rows ? 1 : k + 2, a_step = rows ? m + 1 : 1, b_row = rows ? n + 5 : panel_width,
                            b_panel = rows ? panel_width : k * panel_width;
          const auto at_a = [=](std::size_t i, std::size_t p) { return i * a_row + p * a_step; };
          const auto at_b = [=](std::size_t p, std::size_t j) { return j / panel_width * b_panel + p * b_row + j % panel_width; };
          const auto a = numbers<T>(at_a(m - 1, k - 1) + 1, 1), b = numbers<T>(at_b(k - 1, n - 1) + 1, 2);
          for (const bool add : {false, true})
            check("multiply_panels", m, n, k, add, a, at_a, b, at_b, c_row, [&](T* c) {
              table.multiply_panels(m, k, a.data(), a_row, a_step, b.data(), b_row, panels, b_panel, c, c_row, add);
            });
          if (rows || k > kernels::short_sum) continue;
          check("multiply_short", m, n, k, false, a, at_a, b, at_b, c_row,
                [&](T* c) { table.multiply_short(m, k, a.data(), a_row, a_step, b.data(), panels, c, c_row); });
        }
      }
  every_length([&](std::size_t k) {
    for (const std::size_t m : {1u, 3u, 5u})
      for (const std::size_t n : {1u, 4u, 7u}) {
        const auto a = numbers<T>((m - 1) * (k + 2) + k, 1), b = numbers<T>((n - 1) * (k + 3) + k, 2);
        for (const bool add : {false, true})
          check(
              "multiply_transposed", m, n, k, add, a, [=](std::size_t i, std::size_t p) { return i * (k + 2) + p; }, b,
              [=](std::size_t p, std::size_t j) { return j * (k + 3) + p; }, n + 3,
              [&](T* c) { table.multiply_transposed(m, n, k, a.data(), k + 2, b.data(), k + 3, c, n + 3, add); });
      }
  });
}

TEST_CASE_TEMPLATE("sentinels: the transforms of Winograd's convolution", T, float, double) {
  const auto& table = kernels::table<T>();
  /// The values at k in each of some arrays.
  const auto at = [](const std::vector<Guarded<T>>& arrays, std::size_t k) {
    std::vector<double> values;
    for (const Guarded<T>& x : arrays) values.push_back(static_cast<double>(x[k]));
    return values;
  };
  const auto arrays = [](std::size_t count, std::size_t n) {
    std::vector<Guarded<T>> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(numbers<T>(n, i + 1));
    return made;
  };
  const auto pointers = [](auto& from) {
    std::vector<decltype(from[0].data())> made;
    for (auto& x : from) made.push_back(x.data());
    return made;
  };
  for (const std::size_t c : {16u, 32u, 48u}) {
    CAPTURE(c);
    const std::size_t panels = c / panel_width, panel = panel_width + 8, distance = panels * panel + 8;
    /// Where channel k at a frequency is.
    const auto place = [=](std::size_t f, std::size_t k) { return f * distance + k / panel_width * panel + k % panel_width; };
    const auto check = [&](const char* what, const std::vector<std::vector<double>>& side, const std::vector<Guarded<T>>& from,
                           auto f) {
      const std::vector<const T*> rows = pointers(from);
      Guarded<T> out(place(15, c - 1) + 1);
      f(rows.data(), c, out.data(), distance, panel);
      std::size_t written = 0;
      for (std::size_t k = 0; k < c; ++k) {
        const std::vector<double> wanted = both_sides(side, at(from, k));
        for (std::size_t j = 0; j < 16; ++j) near(out[place(j, k)], wanted[j], what);
      }
      for (std::size_t i = 0; i < out.size(); ++i) written += !out.fresh(i);
      CHECK(written == 16 * c);
    };
    check("winograd_pixels", pixels_side, arrays(16, c), table.winograd_pixels);
    check("winograd_gradient", transposed(results_side), arrays(4, c), table.winograd_gradient);

    const auto products = numbers<T>(15 * (c + 8) + c, 3), bias = numbers<T>(c, 4);
    const auto product = [&](std::size_t k) {
      std::vector<double> values;
      for (std::size_t j = 0; j < 16; ++j) values.push_back(static_cast<double>(products[j * (c + 8) + k]));
      return values;
    };
    for (const bool with_bias : {false, true}) {
      std::vector<Guarded<T>> results = arrays(4, c);
      const std::vector<T*> rows = pointers(results);
      table.winograd_results(products.data(), c + 8, c, with_bias ? bias.data() : nullptr, rows.data());
      for (std::size_t k = 0; k < c; ++k) {
        const std::vector<double> wanted = both_sides(results_side, product(k));
        for (std::size_t j = 0; j < 4; ++j)
          near(results[j][k], wanted[j] + (with_bias ? static_cast<double>(bias[k]) : 0), "winograd_results");
      }
    }
    Guarded<T> filter(9 * c);
    table.winograd_filter_grad(products.data(), c + 8, c, filter.data());
    for (std::size_t k = 0; k < c; ++k) {
      const std::vector<double> wanted = both_sides(transposed(filter_side), product(k));
      for (std::size_t j = 0; j < 9; ++j) near(filter[j * c + k], wanted[j], "winograd_filter_grad");
    }
  }
  const std::size_t row = panel_width + 4, tap = panel_width * row + 4, distance = panel_width * panel_width + 8;
  const auto taps = numbers<T>(8 * tap + (panel_width - 1) * row + panel_width, 5);
  Guarded<T> out(15 * distance + panel_width * panel_width);
  table.winograd_filters(taps.data(), static_cast<std::ptrdiff_t>(tap), row, out.data(), distance);
  for (std::size_t i = 0; i < panel_width * panel_width; ++i) {
    std::vector<double> values;
    for (std::size_t j = 0; j < 9; ++j)
      values.push_back(static_cast<double>(taps[j * tap + i / panel_width * row + i % panel_width]));
    const std::vector<double> wanted = both_sides(filter_side, values);
    for (std::size_t j = 0; j < 16; ++j) near(out[j * distance + i], wanted[j], "winograd_filters");
  }
  std::size_t written = 0;
  for (std::size_t i = 0; i < out.size(); ++i) written += !out.fresh(i);
  CHECK(written == 16 * panel_width * panel_width);
}
