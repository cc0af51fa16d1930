// The ground: memory, shapes, errors, random numbers, threads.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using xg::Axes;
using xg::Shape;

using namespace xgrad_test;

TEST_CASE("blocks are aligned, padded and recycled") {
  for (std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{65}, std::size_t{1000}, std::size_t{1025},
                            std::size_t{5000}, std::size_t{1} << 20, (std::size_t{1} << 20) + 1}) {
    void* block = xg::memory::allocate(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
    std::fill_n(static_cast<char*>(block), (bytes + 63) / 64 * 64, 'x');  // the last vector is ours too
    xg::memory::deallocate(block, bytes);
  }
}

TEST_CASE("blocks of every large size class can be had") {
  for (std::size_t bytes = 3 << 20; bytes < 17 << 20; bytes += 1 << 18) {
    void* block = xgrad::memory::allocate(bytes);
    REQUIRE(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
    xgrad::memory::deallocate(block, bytes);
  }
}

TEST_CASE("stats count what is in use, and the peak") {
  const auto before = xg::memory::stats();
  xg::memory::reset_peak();
  {
    const xg::Array<float> big = xg::zeros<float>({1000, 1000});
    const auto during = xg::memory::stats();
    CHECK(during.in_use >= before.in_use + 4'000'000);
    CHECK(during.in_use <= before.in_use + 5'100'000);
  }
  const auto after = xg::memory::stats();
  CHECK(after.in_use == before.in_use);
  CHECK(after.peak >= before.in_use + 4'000'000);
  xg::memory::trim();
  CHECK(xg::memory::stats().cached == 0);
}

TEST_CASE("shapes") {
  CHECK(xg::to_string(Shape{}) == "()");
  CHECK(xg::to_string(Shape{5}) == "(5,)");
  CHECK(xg::to_string(Shape{64, 400}) == "(64, 400)");
  CHECK(xg::broadcast_shapes({2, 1, 3}, {4, 1}) == Shape{2, 4, 3});
  CHECK(xg::broadcast_shapes({}, {4}) == Shape{4});
  CHECK(xg::broadcast_shapes({0, 1}, {1, 5}) == Shape{0, 5});
  CHECK(error_of([] {
          xg::broadcast_shapes({2, 3}, {4, 3});
        }) == "a is (2, 3), b is (4, 3): lengths 2 and 4 of axis -2 do not broadcast; they must be equal, or one of them 1");
  CHECK(error_of([] { xg::broadcast_shapes({3}, {2, 4}); }).find("lengths 3 and 4 of axis -1") != std::string::npos);
  CHECK(xg::broadcasts_to({3, 1}, {2, 3, 4}));
  CHECK_FALSE(xg::broadcasts_to({2, 3, 4}, {3, 4}));
  CHECK_FALSE(xg::broadcasts_to({3}, {1}));
  CHECK(xg::size_of({}) == 1);
}

TEST_CASE("sizes that no memory holds are errors") {
  const std::size_t large = std::size_t{1} << 31;
  CHECK(error_of([&] { xg::size_of({large, large, large}); }).find("has more elements than memory can hold") != std::string::npos);
  CHECK(xg::size_of({large, large, large, 0}) == 0);
  CHECK(error_of([&] { xg::zeros<float>({large, large, 4}); }) != "");
  CHECK_THROWS_AS(xg::size_of({large, large, large, 0}, 0, 3), xg::ShapeError);
  CHECK_THROWS_AS(xg::zeros<double>({large, large}), xg::ShapeError);
  CHECK_THROWS_AS(xg::make_array<bool>({large, large, 2}), xg::ShapeError);
  CHECK(xg::zeros<double>({large, 0}).size() == 0);
  CHECK_THROWS_AS(xg::zeros<double>({large, large, large, 0}), xg::ShapeError);  // their strides overflow
  CHECK_THROWS_AS(xg::memory::allocate(std::size_t{1} << 60), xg::MemoryError);
  CHECK_THROWS_AS(xg::memory::Allocator<double>().allocate(std::size_t{1} << 62), xg::MemoryError);
  xg::memory::set_limit(1 << 20);
  CHECK(error_of([] {
          xg::make_array<float>({512, 513});
        }) == "an array of shape (512, 513) takes 1050624 bytes, which is more than memory can hold; they must be at most 1048576");
  CHECK(error_of([] { xg::zeros<float>({512, 513}); }).find("core.cpp:") == 0);
  CHECK(error_of([] { xg::memory::allocate((1 << 20) + 1); }) ==
        "there is no memory for 1048577 bytes; an array must have at most 1048576");
  CHECK(xg::zeros<float>({512, 512}).size() == 512 * 512);
  xg::memory::set_limit(0);
  CHECK(xg::memory::limit() > 1 << 20);
  CHECK(xg::length_of(xg::Wide{1} << 40) == std::size_t{1} << 40);
  CHECK_THROWS_AS(xg::length_of(-1), xg::ShapeError);
  CHECK_THROWS_AS(xg::length_of(xg::Wide{1} << 63), xg::ShapeError);
  const xg::Variable<float> x(1.0F);
  CHECK(error_of([&] { broadcast_to(x, {large, large, 4}); }).find("broadcast_to: an array of shape") != std::string::npos);
  CHECK(error_of([] { xg::nn::Conv2d<float>(1, 6, -1); }).find("Conv2d: the kernel's length is -1") != std::string::npos);
}

TEST_CASE("axes") {
  CHECK(Axes().flags(2) == std::vector<bool>{true, true});
  CHECK(Axes(-1).flags(3) == std::vector<bool>{false, false, true});
  CHECK(Axes{0, -1}.flags(3) == std::vector<bool>{true, false, true});
  CHECK(error_of([] { Axes(2).flags(2); }) == "axis 2 is out of range; for an array of 2 axes it must be from -2 to 1");
  CHECK(error_of([] { Axes{1, -1}.flags(2); }) == "axis 1 is given twice; each must be given once");
  CHECK(error_of([] { Axes(0).flags(0); }) == "axis 0 of an array without axes; it must have one");
}

TEST_CASE("errors name the place once it is known") {
  xg::ShapeError error("a is odd");
  CHECK(std::string(error.what()) == "a is odd");
  error.place(xg::Where::current("/home/you/src/net.cpp", 31), "matmul");
  CHECK(std::string(error.what()) == "net.cpp:31: matmul: a is odd");
  error.place(xg::Where::current("other.cpp", 1), "other");  // the first place stays
  error.note("in the backward of train.cpp:9");
  CHECK(std::string(error.what()) == "net.cpp:31: matmul: a is odd (in the backward of train.cpp:9)");
  CHECK(error.where().line() == 31);
  CHECK(error.op() == "matmul");
  CHECK(error.message() == "a is odd (in the backward of train.cpp:9)");
}

TEST_CASE("a generator repeats, and is what it says") {
  xg::Generator a(7), b(7), c(8);
  CHECK(a.next() == b.next());
  CHECK(a.next() != c.next());
  // By the authors' reference: the state is splitmix64's first four numbers from 0. The sequence must not change between versions.
  CHECK(xg::Generator(0).next() == 0x53175d61490b23dfU);

  xg::Array<double> x(Shape{100'000});
  xg::Generator g(3);
  const auto moments = [&] {
    double mean = 0, square = 0;
    for (double v : x) mean += v / 1e5;
    for (double v : x) square += (v - mean) * (v - mean) / 1e5;
    return std::pair(mean, square);
  };
  g.fill_normal(x, 2, 3);
  auto [mean, variance] = moments();
  CHECK(mean == doctest::Approx(2).epsilon(0.02));
  CHECK(variance == doctest::Approx(9).epsilon(0.02));
  g.fill_uniform(x, -1, 3);
  std::tie(mean, variance) = moments();
  CHECK(mean == doctest::Approx(1).epsilon(0.02));
  CHECK(variance == doctest::Approx(16.0 / 12).epsilon(0.02));

  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[g.below(7)];
  for (int count : counts) CHECK(std::abs(count - 10'000) < 500);
  const auto order = g.permutation(100);
  CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == 100);
  CHECK(order != g.permutation(100));
  CHECK(g.permutation(0).empty());

  xg::seed(5);
  const auto drawn = xg::default_generator().next();
  xg::seed(5);
  CHECK(xg::default_generator().next() == drawn);
}

TEST_CASE("parallel_for covers everything once, and hands on exceptions") {
  for (int threads : {1, 2, 3}) {
    const int before = xg::num_threads();
    xg::set_num_threads(threads);
    for (std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, std::size_t{100'001}}) {
      std::vector<int> seen(n);
      xg::parallel_for(
          n, 1,
          [&](std::size_t begin, std::size_t end) {
            CHECK(begin % 64 == 0);
            for (std::size_t i = begin; i < end; ++i) ++seen[i];
          },
          64);
      CHECK(std::accumulate(seen.begin(), seen.end(), std::size_t{0}) == n);
    }
    CHECK(error_of([] { xg::parallel_for(100'000, 1, [](std::size_t, std::size_t) { throw xg::ValueError("inside"); }); }) ==
          "inside");
    xg::set_num_threads(before);
  }
}

TEST_CASE("arrays, shapes and Variables as text, for fmt and for streams") {
  using xg::Array;
  const auto streamed = [](const auto& x) {
    std::ostringstream stream;
    stream << x;
    return stream.str();
  };
  const auto both = [&](const auto& x) {
    const std::string text = fmt::format("{}", x);
    CHECK(streamed(x) == text);
    return text;
  };
  CHECK(both(Shape{64, 400}) == "(64, 400)");
  CHECK(both(Shape{}) == "()");
  CHECK(both(Array<double>{1, -2.5, 1e-7, inf}) == "[    1,  -2.5, 1e-07,   inf]");
  CHECK(both(Array<float>{{0, 0.5F}, {10, 1}}) == "[[  0, 0.5],\n [ 10,   1]]");
  CHECK(both(Array<std::int64_t>{{{1, 5}, {2, 6}}, {{3, 7}, {4, 8}}}) == "[[[1, 5],\n  [2, 6]],\n\n [[3, 7],\n  [4, 8]]]");
  CHECK(both(Array<std::uint8_t>{65, 200}) == "[ 65, 200]");
  CHECK(both(xg::Mask{true, false}) == "[ true, false]");
  CHECK(both(xg::full<double>({}, 2.5)) == "2.5");
  CHECK(both(xg::zeros<float>({0, 3})) == "[]");
  CHECK(both(xg::zeros<float>({2, 0})) == "[[],\n []]");
  CHECK(both(xg::ones<float>({1001})) == "[1, 1, 1, …, 1, 1, 1]");
  CHECK(both(xg::ones<float>({2, 501})) == "[[1, 1, 1, …, 1, 1, 1],\n [1, 1, 1, …, 1, 1, 1]]");
  CHECK(fmt::format("{:>8}|", Shape{2, 3}) == "  (2, 3)|");
  const xg::Variable<double> x(Array<double>{1, 2}, true);
  CHECK(both(x) == "[1, 2] (2,) leaf");
  CHECK(both(x.detach()) == "[1, 2] (2,) constant");
  CHECK(both(x * x).starts_with("[1, 4] (2,) mul at core.cpp:"));
  CHECK(both(xg::Variable<float>()) == "undefined");
}
