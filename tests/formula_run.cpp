// Running programs: every class of broadcasting, every size, in place, in parallel.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <xgrad/core/array.hpp>
#include <xgrad/core/parallel.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/core/shape.hpp>

#include "../src/formula/program.hpp"
#include "../src/kernels/direction.hpp"
#include "../src/kernels/table.hpp"

using namespace xgrad;

namespace {

template <class T>
Array<T> random_array(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  Array<T> result(shape);
  generator.fill_uniform(result, -2, 2);
  return result;
}

/// Position in an array of shape `from` of element i of its broadcast to shape `to`.
std::size_t position(std::size_t i, const Shape& from, const Shape& to) {
  std::size_t result = 0, stride = 1;
  for (std::size_t k = 0; k < to.size(); ++k) {
    const std::size_t length = to[to.size() - 1 - k], index = i % length;
    i /= length;
    if (k >= from.size()) continue;
    const std::size_t own = from[from.size() - 1 - k];
    if (own != 1) result += index * stride;
    stride *= own;
  }
  return result;
}

/// Runs f(a, b, c) on inputs of these shapes and compares with a plain loop.
template <class T, class F>
void check(const F& f, const Shape& shape, const std::vector<Shape>& shapes) {
  const Program program = optimise(trace<3>(f));
  std::vector<Array<T>> arrays;
  std::vector<ProgramInput<T>> inputs;
  for (std::size_t k = 0; k < 3; ++k) arrays.push_back(random_array<T>(shapes[k], k + 1));
  for (const auto& a : arrays) inputs.push_back({a.data(), &a.shape()});
  Array<T> got(shape);
  run<T>(program, got.data(), shape, inputs);
  std::size_t bad = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto x = [&](std::size_t k) { return arrays[k].data()[position(i, shapes[k], shape)]; };
    const T want = static_cast<T>(f(x(0), x(1), x(2)));
    bad += !(std::abs(got.data()[i] - want) <= T(1e-5) * (1 + std::abs(want)));
  }
  CHECK_MESSAGE(bad == 0, to_string(shapes[0]), " ", to_string(shapes[1]), " ", to_string(shapes[2]), ": ", bad, " of ",
                got.size());
}

const auto short_formula = [](auto a, auto b, auto c) { return a * b + c; };
const auto long_formula = [](auto a, auto b, auto c) {  // c * c, a + 1 … are the same for all elements when the operand is a scalar
  auto s = (a - b) * (c * c + 1), t = (a + 1) * (b + 2);
  return s / (t * t + 1) + (s - t) * a - c;
};

template <class T>
void check_all(const Shape& shape, const Shape& b) {
  CAPTURE(to_string(shape));
  CAPTURE(to_string(b));
  check<T>(short_formula, shape, {shape, b, shape});
  check<T>(short_formula, shape, {b, shape, Shape{}});
  check<T>(short_formula, shape, {b, b, shape});
  check<T>(long_formula, shape, {shape, b, Shape{1}});
  check<T>(long_formula, shape, {b, shape, b});
  check<T>(long_formula, shape, {b, b, b});
}

}  // namespace

TEST_CASE_TEMPLATE("formula run: sizes", T, float, double) {
  for (std::size_t n :
       std::vector<std::size_t>{0, 1, 2, 15, 16, 17, 31, 1023, 1024, 1025, 3071, 6145, 32767, 32768, 32769, 100000}) {
    check_all<T>(Shape{n}, Shape{n});
    check_all<T>(Shape{n}, Shape{});
    check_all<T>(Shape{n}, Shape{1});
  }
  check_all<T>(Shape{}, Shape{});
  check_all<T>(Shape{1, 1}, Shape{1});
}

TEST_CASE_TEMPLATE("formula run: rows, columns and mixes", T, float, double) {
  for (std::size_t c : std::vector<std::size_t>{1, 2, 3, 6, 16, 17, 1000, 5000, 20000})
    for (std::size_t n : std::vector<std::size_t>{1, 2, 33, 401}) {
      if (n * c > 500000) continue;
      check_all<T>(Shape{n, c}, Shape{c});
      check_all<T>(Shape{n, c}, Shape{1, c});
      check_all<T>(Shape{n, c}, Shape{n, 1});
    }
  check_all<T>(Shape{70001, 1}, Shape{70001, 1});
  check_all<T>(Shape{7, 5, 3}, Shape{7, 1, 3});
  check_all<T>(Shape{7, 5, 3}, Shape{1, 5, 1});
  check_all<T>(Shape{7, 5, 3}, Shape{5, 3});
  check_all<T>(Shape{7, 5, 3}, Shape{5, 1});
  check_all<T>(Shape{61, 50, 40}, Shape{61, 1, 40});
  check_all<T>(Shape{61, 50, 40}, Shape{1, 50, 1});
  check_all<T>(Shape{6, 8, 9, 33}, Shape{6, 1, 9, 1});
  check_all<T>(Shape{6, 8, 9, 33}, Shape{1, 8, 1, 33});
  check_all<T>(Shape{6, 8, 9, 33}, Shape{6, 1, 1, 33});
  check_all<T>(Shape{2, 1, 3, 1, 5, 2, 1, 3}, Shape{2, 1, 1, 1, 5, 1, 1, 3});
  // a different kind of broadcasting for each operand
  check<T>(long_formula, Shape{61, 50, 40}, {Shape{50, 40}, Shape{61, 1, 1}, Shape{1, 50, 1}});
  check<T>(long_formula, Shape{401, 300}, {Shape{401, 1}, Shape{300}, Shape{}});
  for (const Shape& empty : {Shape{0, 3}, Shape{3, 0}, Shape{0, 0, 2}}) check_all<T>(empty, Shape{});
  check_all<T>(Shape{0, 3}, Shape{3});
  check_all<T>(Shape{0, 3}, Shape{1, 3});
  check_all<T>(Shape{3, 0}, Shape{3, 1});
}

TEST_CASE_TEMPLATE("formula run: results that are inputs or numbers", T, float, double) {
  for (std::size_t n : std::vector<std::size_t>{1, 5, 40000}) {
    check<T>([](auto a, auto, auto) { return a; }, Shape{n, 3}, {Shape{n, 3}, Shape{}, Shape{}});
    check<T>([](auto, auto b, auto) { return b; }, Shape{n, 3}, {Shape{n, 3}, Shape{3}, Shape{}});
    check<T>([](auto, auto b, auto) { return b; }, Shape{n, 3}, {Shape{n, 3}, Shape{n, 1}, Shape{}});
    check<T>([](auto, auto, auto c) { return c; }, Shape{n, 3}, {Shape{n, 3}, Shape{3}, Shape{}});
    check<T>([](auto, auto, auto) { return T(7); }, Shape{n, 3}, {Shape{n, 3}, Shape{3}, Shape{}});
  }
}

TEST_CASE_TEMPLATE("formula run: in place", T, float, double) {
  const Program program = optimise(trace<3>(long_formula));
  for (std::size_t n : std::vector<std::size_t>{1, 17, 1000, 100003, 200001}) {
    const Shape shape{n};
    for (std::size_t which : {0u, 1u, 2u}) {
      std::vector<Array<T>> arrays;
      for (std::size_t k = 0; k < 3; ++k) arrays.push_back(random_array<T>(shape, k + 1));
      std::vector<ProgramInput<T>> inputs;
      for (const auto& a : arrays) inputs.push_back({a.data(), &shape});
      Array<T> want(shape);
      run<T>(program, want.data(), shape, inputs);
      run<T>(program, arrays[which].data(), shape, inputs);
      CHECK(arrays[which] == want);
    }
  }
}

TEST_CASE("formula run: pieces of a range, from either end") {
  for (const std::size_t begin : std::vector<std::size_t>{0, 7})
    for (const std::size_t length : std::vector<std::size_t>{0, 1, 4, 5, 12}) {
      std::vector<std::pair<std::size_t, std::size_t>> up, down;
      kernels::in_pieces(begin, begin + length, 4, false, [&](std::size_t a, std::size_t b) { up.emplace_back(a, b); });
      kernels::in_pieces(begin, begin + length, 4, true, [&](std::size_t a, std::size_t b) { down.emplace_back(a, b); });
      CHECK(up.size() == (length + 3) / 4);
      std::size_t at = begin;
      for (const auto& [a, b] : up) {
        CHECK(a == at);
        CHECK(b == std::min(a + 4, begin + length));
        at = b;
      }
      std::reverse(down.begin(), down.end());
      CHECK(up == down);
    }
  CHECK(kernels::backwards(kernels::many) != kernels::backwards(kernels::many));
  CHECK_FALSE((kernels::backwards(kernels::many - 1) || kernels::backwards(kernels::many - 1)));
}

TEST_CASE_TEMPLATE("formula run: long loops, from the first element and from the last", T, float, double) {
  const auto both = [](const auto& f, const Shape& shape, const std::vector<Shape>& shapes) {
    for (int turn = 0; turn < 2; ++turn) check<T>(f, shape, shapes);
  };
  for (const std::size_t n : std::vector<std::size_t>{131071, 150003}) {
    both(short_formula, Shape{n}, {Shape{n}, Shape{n}, Shape{n}});
    both(long_formula, Shape{n}, {Shape{n}, Shape{}, Shape{n}});
    both([](auto a, auto b, auto) { return a * b; }, Shape{n}, {Shape{n}, Shape{n}, Shape{}});
  }
  both(short_formula, Shape{4001, 37}, {Shape{4001, 37}, Shape{37}, Shape{4001, 1}});
  both(long_formula, Shape{7, 30001}, {Shape{30001}, Shape{7, 30001}, Shape{7, 1}});
}

TEST_CASE_TEMPLATE("formula run: many live values", T, float, double) {
  for (int live : {40, 500}) {
    const auto f = [&](auto x, auto, auto) {
      std::vector<decltype(x * 1)> values;
      for (int k = 0; k < live; ++k) values.push_back((x + k) * (x + k + 1));
      auto sum = x * 0;
      for (int k = 0; k < live; ++k)
        sum += values[static_cast<std::size_t>(k)] / values[static_cast<std::size_t>(live - 1 - k)] * 0.001;
      return sum;
    };
    const Program program = optimise(trace<3>(f));
    CHECK(program.slots >= live);
    for (std::size_t n : std::vector<std::size_t>{1, 17, 5000, 50001}) {
      const Array<T> x = random_array<T>(Shape{n}, 3), off = [&] {
        Array<T> a = x;
        for (std::size_t i = 0; i < n; ++i) a(i) += T(2.5);  // positive: nothing divided by zero
        return a;
      }();
      Array<T> got(Shape{n});
      const std::vector<ProgramInput<T>> inputs(3, {off.data(), &off.shape()});
      run<T>(program, got.data(), got.shape(), inputs);
      std::size_t bad = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double want = f(static_cast<double>(off(i)), 0, 0);
        bad += !(std::abs(static_cast<double>(got(i)) - want) <= (sizeof(T) == 4 ? 1e-4 : 1e-12) * std::abs(want));
      }
      CHECK(bad == 0);
    }
  }
}

TEST_CASE_TEMPLATE("formula run: chains give what their steps give one by one", T, float, double) {
  using P = Primitive;
  const auto operands = [](P op) { return op < P::add ? 1 : op < P::where ? 2 : 3; };
  const auto instr = [](P op, std::vector<int> from) {
    from.resize(3, -1);
    return xgrad::detail::Instr{.op = op, .a = from[0], .b = from[1], .c = from[2]};
  };
  // Inputs 0, 1 and 2, each an array or one number for all; the value that comes out of the first step at each place of the second.
  const std::vector<std::size_t> sizes{1, 16, 100, 300};
  std::vector<std::vector<Array<T>>> full;
  std::vector<Array<T>> one;
  for (std::uint64_t k = 0; k < 3; ++k) one.push_back(random_array<T>(Shape{}, k + 1));
  for (std::size_t n : sizes) {
    full.emplace_back();
    for (std::uint64_t k = 0; k < 3; ++k) full.back().push_back(random_array<T>(Shape{n}, k + 1));
  }
  std::size_t compared = 0;
  for (std::size_t first_op = 2; first_op < primitive_count; ++first_op) {
    for (std::size_t op = 2; op < primitive_count; ++op) {
      const P p = static_cast<P>(first_op), q = static_cast<P>(op);
      if (!kernels::can_chain(p) || !kernels::can_chain(q) || (p != P::sub && q != P::neg)) continue;  // each with one other
      for (int place = 0; place < operands(q); ++place) {
        std::vector<int> from{0, 1, 2}, then{0, 1, 2};
        from.resize(static_cast<std::size_t>(operands(p)));
        then[static_cast<std::size_t>(place)] = 3;
        then.resize(static_cast<std::size_t>(operands(q)));
        Program both(3), first(3), second(4);
        first.code.push_back(instr(p, from));
        first.result = 3;
        both.code.push_back(instr(p, from));
        both.code.push_back(instr(q, then));
        both.result = second.result = 4;
        second.code.push_back(instr(q, then));
        const Program chained = optimise(both);
        CHECK(chained.slots == 0);
        for (unsigned scalars = 0; scalars < 8; ++scalars) {
          if (std::all_of(from.begin(), from.end(), [&](int k) { return scalars >> k & 1; })) continue;  // one value for all
          for (std::size_t size = 0; size < sizes.size(); ++size) {
            const Shape& shape = full[size][0].shape();
            std::vector<ProgramInput<T>> inputs;
            for (std::size_t k = 0; k < 3; ++k) {
              const Array<T>& x = scalars >> k & 1 ? one[k] : full[size][k];
              inputs.push_back({x.data(), &x.shape()});
            }
            Array<T> between(shape), want(shape), got(shape);
            run<T>(first, between.data(), shape, inputs);
            std::vector<ProgramInput<T>> more = inputs;
            more.push_back({between.data(), &shape});
            run<T>(second, want.data(), shape, more);
            run<T>(chained, got.data(), shape, inputs);
            ++compared;
            const auto same = [&](const Array<T>& x) { return std::memcmp(x.data(), want.data(), x.size() * sizeof(T)) == 0; };
            if (!same(got)) {
              CAPTURE(to_string(chained));
              CAPTURE(place);
              CAPTURE(scalars);
              CHECK(same(got));
            }
            // over an operand
            for (std::size_t k = 0; k < 3; ++k) {
              if (scalars >> k & 1) continue;
              Array<T> over = full[size][k];
              std::vector<ProgramInput<T>> itself = inputs;
              itself[k] = {over.data(), &shape};
              run<T>(chained, over.data(), shape, itself);
              if (!same(over)) CHECK_MESSAGE(same(over), to_string(chained), " over input ", k);
            }
          }
        }
      }
    }
  }
  CHECK(compared > 1000);
}

TEST_CASE_TEMPLATE("formula run: a chain of many kinds with broadcasting and long arrays", T, float, double) {
  const auto f = [](auto a, auto b, auto c) {
    using std::abs;
    auto s = abs(a * b - 0.5) * c + a;
    return 2 - ((s * b + 1) / (abs(c) + 1) - a) * 0.25;
  };
  for (const Shape& shape : {Shape{3, 50}, Shape{41, 1000}, Shape{1000, 301}}) {
    const Shape row{shape[1]}, column{shape[0], 1};
    check<T>(f, shape, {shape, row, Shape{}});
    check<T>(f, shape, {row, column, shape});
    check<T>(f, shape, {shape, shape, column});
  }
}

namespace {

/// Programs with three results of three inputs, as their results one by one.
std::vector<Program> programs_with_results() {
  std::vector<Program> programs;
  const auto add = [&](auto f) {
    Program& p = programs.emplace_back(3);
    const auto results = f(Sym(&p, 0), Sym(&p, 1), Sym(&p, 2));
    p.result = results[0].id();
    p.more = {results[1].id(), results[2].id()};
  };
  using Results = std::array<Sym, 3>;
  add([](Sym a, Sym b, Sym c) {  // one chain: results within it
    const Sym s = 0.5 * a + b, t = 0.25 * c + s;
    return Results{s, t, a - 0.125 * t};
  });
  add([](Sym a, Sym b, Sym c) {  // two chains and what is in none
    const Sym m = 0.5 * a + 0.25 * b, v = 0.5 * c + 0.25 * square(b);
    return Results{a - m / (sqrt(v + 4) + 1), m, exp(v)};
  });
  add([](Sym a, Sym b, Sym c) { return Results{b, c, a}; });                          // inputs, the other way round
  add([](Sym a, Sym b, Sym c) { return Results{a * b, a * b, c + a}; });              // a result twice
  add([](Sym a, Sym b, Sym c) { return Results{a + 1, b * a, c - b * square(a)}; });  // inputs read after the first result
  add([](Sym a, Sym b, Sym c) { return Results{a + b, Sym(a.program(), a.program()->constant(3)), c * 2}; });
  return programs;
}

}  // namespace

TEST_CASE_TEMPLATE("formula run: several results in one pass, also over the inputs", T, float, double) {
  std::size_t which = 0;
  for (const Program& program : programs_with_results()) {
    CAPTURE(which++);
    const Program optimised = optimise(program);
    for (const std::size_t n : std::vector<std::size_t>{1, 3, 16, 17, 1000, 16400, 50001, 140000}) {
      CAPTURE(n);
      const Shape shape{n};
      for (unsigned scalars = 0; scalars < (n == 1000 ? 8U : 1U); ++scalars) {
        CAPTURE(scalars);
        std::vector<Array<T>> arrays, wanted;
        const auto inputs = [&] {
          std::vector<ProgramInput<T>> result;
          for (const auto& a : arrays) result.push_back({a.data(), &a.shape()});
          return result;
        };
        for (std::size_t k = 0; k < 3; ++k) arrays.push_back(random_array<T>(scalars >> k & 1 ? Shape{} : shape, k + 1));
        for (int result : {program.result, program.more[0], program.more[1]}) {
          Program single = program;
          single.more.clear();
          single.result = result;
          run<T>(single, wanted.emplace_back(shape).data(), shape, inputs());
        }
        // Elsewhere, and in every order over the inputs. A product that joins a sum in one program may be a result in the other.
        std::vector<std::size_t> order{0, 1, 2};
        const std::vector<Array<T>> before = arrays;
        bool elsewhere = true;
        do {
          arrays = before;
          std::vector<Array<T>> room(3, Array<T>(shape));
          std::vector<T*> outs;
          for (std::size_t r = 0; r < 3; ++r)
            outs.push_back(elsewhere || (scalars >> order[r] & 1) ? room[r].data() : arrays[order[r]].data());
          run<T>(optimised, std::span<T* const>(outs), shape, inputs(), elsewhere ? n + 1 : 0);
          for (std::size_t r = 0; r < 3; ++r) {
            std::size_t bad = 0;
            for (std::size_t i = 0; i < n; ++i) {
              const T want = wanted[r].data()[i];
              bad += !(std::abs(outs[r][i] - want) <= 4 * std::numeric_limits<T>::epsilon() * (1 + std::abs(want)));
            }
            CHECK_MESSAGE(bad == 0, to_string(optimised), ": result ", r, ", ", bad, " wrong");
          }
        } while (std::exchange(elsewhere, false) || std::next_permutation(order.begin(), order.end()));
      }
    }
  }
}

TEST_CASE("formula: what scalars alone give is computed once, in double precision") {
  Program p(4);  // two arrays, two scalars
  const Sym w(&p, 0), g(&p, 1), lr(&p, 2), t(&p, 3);
  const Sym rate = lr / (1 - pow(0.999, t));
  p.result = (w - rate * g + 2).id();
  p.more = {(g * t).id(), rate.id(), p.constant(5)};
  const Halves halves = split_scalars(p, 2);
  CHECK(halves.scalars.inputs == 2);
  REQUIRE(halves.handed == 2);  // t and the rate
  CHECK(halves.scalars.more.size() == 4);
  CHECK(halves.elements.inputs == 4);
  std::array<double, 4> scalars{};
  run_scalars(halves.scalars, std::array{0.5, 3.0}, scalars);
  const double r = 0.5 / (1 - std::pow(0.999, 3.0));
  CHECK(std::max(scalars[0], scalars[1]) == r);
  CHECK(std::min(scalars[0], scalars[1]) == 3);
  CHECK(scalars[2] == r);
  CHECK(scalars[3] == 5);

  const Shape shape{3}, one{};
  const Array<float> weights{1, 2, 3}, gradients{4, 5, 6};
  std::vector<Array<float>> handed;
  for (double s : std::span(scalars).first(2)) handed.push_back(full<float>(one, static_cast<float>(s)));
  const std::vector<ProgramInput<float>> inputs{
      {weights.data(), &shape}, {gradients.data(), &shape}, {handed[0].data(), &one}, {handed[1].data(), &one}};
  std::vector<Array<float>> results(2, Array<float>(shape));
  std::vector<float*> outs;
  for (auto& result : results) outs.push_back(result.data());
  run<float>(halves.elements, std::span<float* const>(outs), shape, inputs, 0);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(results[0](i) == doctest::Approx(weights(i) - r * gradients(i) + 2).epsilon(1e-6));
    CHECK(results[1](i) == gradients(i) * 3);
  }
}

TEST_CASE_TEMPLATE("formula run: flush makes 0 of denormal numbers and of nothing else", T, float, double) {
  const T least = std::numeric_limits<T>::min(), nan = std::numeric_limits<T>::quiet_NaN(),
          inf = std::numeric_limits<T>::infinity();
  const Array<T> x{least, -least, least / 2, -least / 2, T(0), std::numeric_limits<T>::denorm_min(), T(1), nan, inf, -inf};
  Array<T> got(x.shape());
  const std::vector<ProgramInput<T>> inputs{{x.data(), &x.shape()}};
  run<T>(optimise(trace<1>([](auto a) { return flush(a); })), got.data(), x.shape(), inputs);
  for (std::size_t i = 0; i < x.size(); ++i)
    CHECK((std::isnan(x(i)) ? std::isnan(got(i)) : got(i) == (std::abs(x(i)) < least ? T(0) : x(i))));
}

TEST_CASE("formula run: the same result with any number of threads") {
  // Chunks begin at the same places, so even an interleaved sum of last bits could not differ.
  const Program program = optimise(trace<3>(long_formula));
  const Shape shape{200, 1000}, row{1000};
  const Array<float> a = random_array<float>(shape, 1), b = random_array<float>(row, 2);
  const std::vector<ProgramInput<float>> inputs{{a.data(), &shape}, {b.data(), &row}, {a.data(), &shape}};
  Array<float> one(shape), many(shape);
  const int threads = num_threads();
  set_num_threads(1);
  run<float>(program, one.data(), shape, inputs);
  set_num_threads(3);
  run<float>(program, many.data(), shape, inputs);
  set_num_threads(threads);
  CHECK(one == many);
}
