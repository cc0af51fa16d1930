// Random arrays: distributions by their moments and their ends, the same numbers from the same seed, errors.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

using namespace xgrad;

using namespace xgrad_test;

namespace {

constexpr std::size_t many = 200000;

template <class T>
double mean_of(const Array<T>& x) {
  double total = 0;
  for (std::size_t k = 0; k < x.size(); ++k) total += static_cast<double>(x.data()[k]);
  return total / static_cast<double>(x.size());
}
template <class T>
double deviation_of(const Array<T>& x) {
  const double mean = mean_of(x);
  double total = 0;
  for (std::size_t k = 0; k < x.size(); ++k) total += std::pow(static_cast<double>(x.data()[k]) - mean, 2);
  return std::sqrt(total / static_cast<double>(x.size()));
}
template <class T>
bool within(const Array<T>& x, double low, double high) {
  return std::all_of(x.data(), x.data() + x.size(),
                     [&](T v) { return static_cast<double>(v) >= low && static_cast<double>(v) < high; });
}

}  // namespace

TEST_CASE_TEMPLATE("random: moments", T, float, double) {
  Generator generator(1);
  const auto u = uniform<T>({many}, -1, 3, generator);
  CHECK(within(u, -1, 3));
  CHECK(std::abs(mean_of(u) - 1) < 0.02);
  CHECK(std::abs(deviation_of(u) - 4 / std::sqrt(12.0)) < 0.02);
  const auto z = normal<T>({many}, 2, 0.5, generator);
  CHECK(std::abs(mean_of(z) - 2) < 0.01);
  CHECK(std::abs(deviation_of(z) - 0.5) < 0.01);
  const auto g = gumbel<T>({many}, generator);
  CHECK(std::abs(mean_of(g) - 0.5772156649) < 0.02);
  CHECK(std::abs(deviation_of(g) - std::acos(-1.0) / std::sqrt(6.0)) < 0.02);
  const auto coin = bernoulli<T>({many}, 0.3, generator);
  CHECK(std::abs(mean_of(coin) - 0.3) < 0.01);
  CHECK(std::all_of(coin.data(), coin.data() + many, [](T x) { return x == 0 || x == 1; }));
  CHECK(mean_of(bernoulli<T>({100}, 0, generator)) == 0);
  CHECK(mean_of(bernoulli<T>({100}, 1, generator)) == 1);
  const auto each = bernoulli(Array<T>{0, 1, 0, 1}, generator);
  CHECK(each == Array<T>{0, 1, 0, 1});
  CHECK(uniform<T>({3, 0, 2}).size() == 0);
  CHECK(normal<T>({}).dimension() == 0);
  CHECK(within(uniform<T>({many}, 1, std::nextafter(T(1), T(2)), generator), 1, 1 + 1e-15 + (sizeof(T) == 4 ? 1e-7 : 0)));
}

TEST_CASE("random: truncated normal, as far out as numbers go") {
  const double most = std::numeric_limits<double>::max(), least = std::numeric_limits<double>::denorm_min(),
               endless = xgrad_test::inf;
  Generator generator(3);
  const auto nearest = [&](double mean, double std, double low, double high) {
    const auto x = truncated_normal<double>({100}, mean, std, low, high, generator);
    const auto [first, last] = std::minmax_element(x.data(), x.data() + x.size());
    CHECK(*first >= low);
    CHECK(*last <= high);
    return std::pair(*first, *last);
  };
  CHECK(nearest(0, 1, 1e200, endless) == std::pair(1e200, 1e200));
  CHECK(nearest(0, 1, -endless, -1e200) == std::pair(-1e200, -1e200));
  CHECK(nearest(0, least, 1, 2) == std::pair(1., 1.));
  CHECK(nearest(0, least, -2, -1) == std::pair(-1., -1.));
  CHECK(nearest(0, 1e-200, 1, endless) == std::pair(1., 1.));
  CHECK(nearest(most, 1, -most, 0) == std::pair(0., 0.));
  CHECK(nearest(5, least, 0, 10) == std::pair(5., 5.));
  for (const double low : {1e3, 1e8, 1e12, 1e14, 1e16, 1e100}) {
    CHECK(nearest(0, 1, low, most).second <= low * (1 + 1e-4));
    CHECK(nearest(0, 1, -most, -low).first >= -low * (1 + 1e-4));
  }
  nearest(0, most, -endless, endless);
  nearest(-most, most, -1, most);
}

TEST_CASE("random: truncated normal, near and far") {
  struct Interval {
    double low, high;
  };
  for (const Interval& interval : std::vector<Interval>{{-2, 2},
                                                        {-0.5, 0.2},
                                                        {0, 9},
                                                        {1, 2},
                                                        {3, inf},
                                                        {-inf, -4},
                                                        {8, 8.1},
                                                        {30, 31},
                                                        {-1, inf},
                                                        {0.1, 0.2},
                                                        {5, 5.1},
                                                        {2, 6}}) {
    const double low = interval.low, high = interval.high;
    CAPTURE(low);
    CAPTURE(high);
    Generator generator(7);
    const auto x = truncated_normal<double>({20000}, 10, 2, 10 + 2 * low, 10 + 2 * high, generator);
    CHECK(std::all_of(x.begin(), x.end(), [&](double v) { return v >= 10 + 2 * low && v <= 10 + 2 * high; }));
    // the mean by summing the density, relative to its largest value
    const double from = std::max(low, -12.), to = std::min(high, std::max(low, 0.) + 12),
                 nearest = from > 0 ? from
                           : to < 0 ? to
                                    : 0;
    double mass = 0, moment = 0, square = 0;
    for (int k = 0; k < 200000; ++k) {
      const double v = from + (to - from) * (k + 0.5) / 200000, density = std::exp((nearest * nearest - v * v) / 2);
      mass += density;
      moment += density * v;
      square += density * v * v;
    }
    const double expected = moment / mass, spread = std::sqrt(square / mass - expected * expected);
    CHECK(std::abs((mean_of(x) - 10) / 2 - expected) < 5 * spread / std::sqrt(20000.0));
    CHECK(deviation_of(x) / 2 == doctest::Approx(spread).epsilon(0.05));
  }
}

TEST_CASE("random: whole numbers and classes") {
  Generator generator(3);
  const Labels dice = randint({many}, -2, 4, generator);
  CHECK(within(dice, -2, 4));
  std::vector<double> counts(6, 0);
  for (const auto d : dice) counts[static_cast<std::size_t>(d + 2)] += 1;
  for (const double count : counts) CHECK(std::abs(count / many - 1.0 / 6) < 0.005);
  const Labels wide = randint({50}, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), generator);
  CHECK(std::any_of(wide.begin(), wide.end(), [](std::int64_t x) { return x < 0; }));
  CHECK(std::any_of(wide.begin(), wide.end(), [](std::int64_t x) { return x > 0; }));
  const Labels order = permutation(100, generator);
  CHECK(std::set<std::int64_t>(order.begin(), order.end()).size() == 100);
  CHECK(within(order, 0, 100));
  CHECK(!std::is_sorted(order.begin(), order.end()));
  CHECK(permutation(0, generator).size() == 0);

  Array<double> logits(Shape{many, 4});
  for (std::size_t r = 0; r < many; ++r) {
    const double row[] = {-inf, 1000 + std::log(1.0), 1000 + std::log(3.0), -inf};
    std::copy_n(row, 4, logits.data() + 4 * r);
  }
  const Labels drawn = categorical(logits, generator);
  CHECK(drawn.shape() == Shape{many});
  CHECK(within(drawn, 1, 3));
  CHECK(std::abs(mean_of(drawn) - 1.75) < 0.01);
  CHECK(categorical(Array<float>{0.f, -20.f, 50.f}, generator)() == 2);
  CHECK(categorical(zeros<float>({2, 3, 5}), generator).shape() == Shape{2, 3});
  CHECK(categorical(zeros<float>({0, 5}), generator).size() == 0);
}

TEST_CASE("random: the same seed gives the same numbers") {
  const std::vector<std::function<Array<double>(Generator&)>> draws{
      [](Generator& g) { return uniform<double>({7}, 0, 1, g); },
      [](Generator& g) { return normal<double>({7}, 0, 1, g); },
      [](Generator& g) { return truncated_normal<double>({7}, 0, 1, -2, 2, g); },
      [](Generator& g) { return gumbel<double>({7}, g); },
      [](Generator& g) { return Array<double>(xt::cast<double>(randint({7}, 0, 1000000, g))); },
      [](Generator& g) { return Array<double>(xt::cast<double>(permutation(50, g))); },
  };
  for (const auto& draw : draws) {
    Generator a(11), b(11), c(12);
    const auto first = draw(a);
    CHECK(first == draw(b));
    CHECK(first != draw(c));
    CHECK(first != draw(a));
  }
  seed(5);
  const auto x = uniform({4});
  CHECK(x != uniform({4}));
  seed(5);
  CHECK(x == uniform({4}));
}

TEST_CASE("random: streams of one seed are different, and stream 0 is the seed's own") {
  CHECK(Generator(5).next() == Generator(5, 0).next());
  std::set<std::uint64_t> firsts;
  for (std::uint64_t seed_ = 0; seed_ < 100; ++seed_)
    for (std::uint64_t stream = 0; stream < 100; ++stream) firsts.insert(Generator(seed_, stream).next());
  CHECK(firsts.size() == 10000);
  Generator a(3, 1), b(3, 2);
  const auto x = uniform<double>({many}, -1, 1, a), y = uniform<double>({many}, -1, 1, b);
  CHECK(std::abs(mean_of(Array<double>(x * y))) < 0.005);  // 1/3 if they were the same
  CHECK(std::abs(mean_of(x)) < 0.01);
}

TEST_CASE("random: threads draw different numbers, the same again for the same seed") {
  const auto draw = [](std::size_t threads) {  // one after the other
    std::vector<Array<double>> result;
    for (std::size_t k = 0; k < threads; ++k)
      std::thread([&] { result.push_back(dropout(Variable<double>(ones<double>({64})), 0.5).value()); }).join();
    return result;
  };
  seed(4);
  const auto first = draw(4);
  const auto mine = uniform<double>({64});
  const auto more = draw(1);
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(first[k] != more[0]);
    for (std::size_t j = 0; j < k; ++j) CHECK(first[k] != first[j]);
  }
  seed(4);
  CHECK(draw(5) == std::vector<Array<double>>{first[0], first[1], first[2], first[3], more[0]});
  CHECK(uniform<double>({64}) == mine);
  seed(5);
  CHECK(draw(1)[0] != first[0]);

  // a thread that has drawn goes on; one that has a number of its own says nothing about others
  seed(6);
  const auto expected = draw(1)[0];
  seed(6);
  Array<double> of_7_3, again;
  std::thread([&] {
    seed(7, 3);
    of_7_3 = uniform<double>({8});
    seed(7, 3);
    again = uniform<double>({8});
  }).join();
  CHECK(of_7_3 == again);
  Generator same(7, 3);
  CHECK(of_7_3 == uniform<double>({8}, 0, 1, same));
  Generator start(6);
  CHECK(uniform<double>({8}) == uniform<double>({8}, 0, 1, start));
}

TEST_CASE("random: errors") {
  // clang-format off
  CHECK(error(__LINE__, [] { uniform({2}, 1, 0); }) == "uniform: low is 1, high is 0; they must be finite, and low not above high");
  CHECK(error(__LINE__, [] { uniform({2}, 0, inf); }) == "uniform: low is 0, high is inf; they must be finite, and low not above high");
  CHECK(error(__LINE__, [] { normal({2}, 0, -1); }) == "normal: std is -1; it must be finite and not negative");
  CHECK(error(__LINE__, [] { truncated_normal({2}, 0, 0); }) == "truncated_normal: std is 0; it must be finite and positive");
  CHECK(error(__LINE__, [] { truncated_normal({2}, 0, 1, 2, 2); }) == "truncated_normal: low is 2, high is 2; low must be less than high");
  CHECK(error(__LINE__, [] { bernoulli({2}, 1.5); }) == "bernoulli: p is 1.5; it must be from 0 to 1");
  CHECK(error(__LINE__, [] { bernoulli(Array<double>{0, std::nan("")}); }) == "bernoulli: p is nan at index 1; it must be from 0 to 1");
  CHECK(error(__LINE__, [] { randint({2}, 3, 3); }) == "randint: low is 3, high is 3; low must be less than high");
  CHECK(error(__LINE__, [] { permutation(-1); }) == "permutation: n is -1; it must not be negative");
  CHECK(error(__LINE__, [] { categorical(full<float>(Shape{}, 1)); }) == "categorical: logits are (); they must have an axis for the classes");
  CHECK(error(__LINE__, [] { categorical(Array<double>{{0, 1}, {-inf, -inf}}); }) == "categorical: the logits of sample 1 are NaN, inf or all -inf; one at least must be finite");
  CHECK(error(__LINE__, [] { categorical(Array<double>{0, std::nan("")}); }) == "categorical: the logits of sample 0 are NaN, inf or all -inf; one at least must be finite");
  // clang-format on
}
