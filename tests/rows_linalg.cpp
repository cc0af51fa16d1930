// Rows of op_table.hpp for linear algebra.
#include "naive_linalg.hpp"
#include "op_table.hpp"

namespace op_table {

/// x + value on the diagonal of each matrix, which makes matrices regular.
template <class T>
Variable<T> plus_diagonal(const Variable<T>& x, double value) {
  Array<T> diagonal = zeros<T>({x.shape().back(), x.shape().back()});
  for (std::size_t k = 0; k < diagonal.size(); k += diagonal.shape()[0] + 1) diagonal.data()[k] = static_cast<T>(value);
  return x + diagonal;
}
inline A plus_diagonal(const A& x, double value) { return plus_diagonal(Variable<double>(A(x)), value).value(); }

std::vector<Row> product_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  struct Sum {
    std::string equation;
    std::vector<std::string> names;
    std::string result;
    Shapes shapes;
    std::vector<std::uint32_t> kept;
  };
  for (const auto& [equation, names, result, shapes, kept] :
       std::vector<Sum>{{"ij,jk->ik", {"ij", "jk"}, "ik", {{2, 3}, {3, 4}}, {b, a}},
                        {"ji,jk->ik", {"ji", "jk"}, "ik", {{3, 2}, {3, 4}}, {b, a}},
                        {"ij,kj", {"ij", "kj"}, "ik", {{2, 3}, {4, 3}}, {b, a}},
                        {"ij , jk -> ki", {"ij", "jk"}, "ki", {{2, 3}, {3, 4}}, {b, a}},
                        {"bij,bjk->bik", {"bij", "bjk"}, "bik", {{2, 2, 3}, {2, 3, 4}}, {b, a}},
                        {"bhqd,bhkd->bhqk", {"bhqd", "bhkd"}, "bhqk", {{2, 2, 2, 3}, {2, 2, 4, 3}}, {other, other}},
                        {"bqhd,bkhd->bhqk", {"bqhd", "bkhd"}, "bhqk", {{2, 2, 3, 2}, {2, 3, 3, 2}}, {other, other}},
                        {"i,i", {"i", "i"}, "", {{4}, {4}}, {other, other}},
                        {"i,j", {"i", "j"}, "ij", {{2}, {3}}, {other, other}},
                        {"ij,ij->ij", {"ij", "ij"}, "ij", {{2, 3}, {2, 3}}, {b, a}},
                        {"bi,bi->b", {"bi", "bi"}, "b", {{3, 2}, {3, 2}}, {b, a}},
                        {"ij->ji", {"ij"}, "ji", {{2, 3}}, {none}},
                        {"ba", {"ba"}, "ab", {{2, 3}}, {none}},
                        {"ij->", {"ij"}, "", {{2, 3}}, {none}},
                        {"ij->j", {"ij"}, "j", {{2, 3}}, {none}},
                        {"ii", {"ii"}, "", {{3, 3}}, {none}},
                        {"ii->i", {"ii"}, "i", {{3, 3}}, {none}},
                        {"iji->ji", {"iji"}, "ji", {{3, 2, 3}}, {none}},
                        {"iii->i", {"iii"}, "i", {{2, 2, 2}}, {none}},
                        {"iijj->ij", {"iijj"}, "ij", {{2, 2, 3, 3}}, {none}},
                        {"ii,ij->j", {"ii", "ij"}, "j", {{3, 3}, {3, 2}}, {b, other}},
                        {"ij,jk,kl->il", {"ij", "jk", "kl"}, "il", {{2, 3}, {3, 4}, {4, 2}}, {b | c, a | c, other}},
                        {"a,ab,abc->abc", {"a", "ab", "abc"}, "abc", {{2}, {2, 3}, {2, 3, 2}}, {b | c, other | c, other}},
                        {"ab,bc,cd,de->ae",
                         {"ab", "bc", "cd", "de"},
                         "ae",
                         {{2, 3}, {3, 2}, {2, 4}, {4, 2}},
                         {b | other, a | other, use::input(3) | other, c | other}},
                        {"i,j,k->kji", {"i", "j", "k"}, "kji", {{2}, {3}, {2}}, {other, other, other}},
                        {"ij,jk,k", {"ij", "jk", "k"}, "i", {{2, 3}, {3, 4}, {4}}, {other, a | other, a | b}},
                        {"...ij,...jk->...ik", {"xij", "xjk"}, "xik", {{2, 2, 3}, {2, 3, 2}}, {b, a}},
                        {"...ij,jk", {"xyij", "jk"}, "xyik", {{2, 1, 2, 3}, {3, 2}}, {b, other}},
                        {"...i,...i->...", {"xyi", "yi"}, "xy", {{2, 3, 2}, {3, 2}}, {other, other}},
                        {"i...->...i", {"ixy"}, "xyi", {{2, 3, 4}}, {none}},
                        {"...,...", {"xy", "y"}, "xy", {{2, 3}, {3}}, {other, other}},
                        {"i...j", {"ixj"}, "xij", {{2, 3, 4}}, {none}},
                        {"ij,jk->ik", {"ij", "jk"}, "ik", {{2, 1}, {3, 4}}, {other, other}},
                        {"ij,ij->i", {"ij", "ij"}, "i", {{1, 3}, {2, 3}}, {b, other}},
                        {",i", {"", "i"}, "i", {{}, {3}}, {b, other}},
                        {",", {"", ""}, "", {{}, {}}, {b, a}},
                        {"ij,jk->ik", {"ij", "jk"}, "ik", {{2, 0}, {0, 3}}, {b, a}},
                        {"bij,bjk->bik", {"bij", "bjk"}, "bik", {{0, 2, 3}, {0, 3, 2}}, {b, a}}}) {
    bool empty = false;
    std::string what = "einsum " + equation;
    for (const Shape& s : shapes) {
      empty = empty || size_of(s) == 0;
      what += " " + to_string(s);
    }
    add_row(
        "einsum", what, [equation = equation](const auto& x) { return einsum(equation, x); }, shapes,
        [names = names, result = result](In x) { return naive::einsum(names, result, x); },
        Details{.kept = kept, .allow_zero = empty});
  }
  add_row(
      "einsum", "einsum in braces",
      [](const auto& x) {
        return einsum("ij,jk->ik", {x[0], x[1]});
      },
      Shapes{{2, 3}, {3, 4}}, [](In x) { return naive::matmul(x[0], x[1], false, false); }, Details{.kept = {b, a}});

  add_row(
      "tensordot", "tensordot", [](const auto& x) { return tensordot(x[0], x[1]); }, Shapes{{2, 3, 4}, {3, 4, 2}},
      [](In x) {
        return naive::einsum({"ijk", "jkl"}, "il", x);
      },
      Details{.kept = {other, other}});
  add_row(
      "tensordot", "tensordot 1", [](const auto& x) { return tensordot(x[0], x[1], 1); }, Shapes{{2, 3}, {3, 4}},
      [](In x) {
        return naive::einsum({"ij", "jl"}, "il", x);
      },
      Details{.kept = {b, a}});
  add_row(
      "tensordot", "tensordot 0", [](const auto& x) { return tensordot(x[0], x[1], 0); }, Shapes{{2, 3}, {2}},
      [](In x) {
        return naive::einsum({"ij", "k"}, "ijk", x);
      },
      Details{.kept = {other, other}});
  add_row(
      "tensordot", "tensordot axes",
      [](const auto& x) {
        return tensordot(x[0], x[1], {0, -1}, {2, 0});
      },
      Shapes{{2, 3, 4}, {4, 3, 2}},
      [](In x) {
        return naive::einsum({"ijk", "kli"}, "jl", x);
      },
      Details{.kept = {other, other}});
  add_row(
      "outer", "outer", [](const auto& x) { return outer(x[0], x[1]); }, Shapes{{2}, {3}},
      [](In x) {
        return naive::einsum({"i", "j"}, "ij", x);
      },
      Details{.kept = {other, other}});
  add_row(
      "outer", "outer of matrices", [](const auto& x) { return outer(x[0], x[1]); }, Shapes{{2, 2}, {1, 3}},
      [](In x) {
        return naive::reshape(naive::einsum({"ij", "kl"}, "ijkl", x), {4, 3});
      },
      Details{.kept = {other, other}});
  add_row(
      "dot", "dot(array, a)", [](const auto& x) { return dot(ones<Real<decltype(x)>>({3}), x[0]); }, Shapes{{3, 2}},
      [](In x) { return naive::sum(x[0], {0}, {2}); }, Details{.kept = {other}});
  add_row(
      "outer", "outer(2, a)", [](const auto& x) { return outer(2, x[0]); }, Shapes{{3}},
      [](In x) {
        return A(naive::reshape(x[0], {1, 3}) * 2);
      },
      Details{.kept = {none}});
  add_row(
      "matmul", "matmul(array, a)",
      [](const auto& x) {
        return matmul(ones<Real<decltype(x)>>({3, 2}), x[0], {.transpose_a = true});
      },
      Shapes{{3, 2}},
      [](In x) {
        return naive::matmul(ones<double>({2, 3}), x[0]);
      },
      Details{.kept = {other}});
  add_row(
      "dot", "dot of vectors", [](const auto& x) { return dot(x[0], x[1]); }, Shapes{{4}, {4}},
      [](In x) {
        return naive::einsum({"i", "i"}, "", x);
      },
      Details{.kept = {other, other}});
  add_row(
      "dot", "dot of matrices", [](const auto& x) { return dot(x[0], x[1]); }, Shapes{{2, 3}, {3, 4}},
      [](In x) {
        return naive::einsum({"ij", "jk"}, "ik", x);
      },
      Details{.kept = {b, a}});
  add_row(
      "dot", "dot of many axes", [](const auto& x) { return dot(x[0], x[1]); }, Shapes{{2, 3, 4}, {2, 4, 3}},
      [](In x) {
        return naive::einsum({"ijk", "lkm"}, "ijlm", x);
      },
      Details{.kept = {other, other}});
  add_row(
      "dot", "dot by a vector", [](const auto& x) { return dot(x[0], x[1]); }, Shapes{{2, 3, 4}, {4}},
      [](In x) {
        return naive::einsum({"ijk", "k"}, "ij", x);
      },
      Details{.kept = {other, other}});
  add_row(
      "dot", "dot by a number", [](const auto& x) { return dot(x[0], x[1]); }, Shapes{{2, 3}, {}},
      [](In x) {
        return naive::einsum({"ij", ""}, "ij", x);
      },
      Details{.kept = {b, a}});

  struct Diagonal {
    Shape x;
    int offset, first, second;
  };
  for (const auto& [s, offset, first, second] : std::vector<Diagonal>{{{3, 3}, 0, 0, 1},
                                                                      {{2, 4}, 0, 0, 1},
                                                                      {{4, 2}, -1, 0, 1},
                                                                      {{3, 4}, 2, 0, 1},
                                                                      {{2, 3, 3}, 1, 1, 2},
                                                                      {{3, 2, 4}, 0, 2, 0},
                                                                      {{2, 3}, 5, 0, 1},
                                                                      {{2, 3}, -2, 0, 1},
                                                                      {{0, 3}, 0, 0, 1},
                                                                      {{2, 0, 3}, 0, 1, 2}})
    add_row(
        "trace", "trace " + to_string(s) + " " + std::to_string(offset),
        [offset = offset, first = first, second = second](const auto& x) { return trace(x[0], offset, first, second); }, Shapes{s},
        [offset = offset, first = static_cast<std::size_t>(first), second = static_cast<std::size_t>(second)](In x) {
          const auto others = [&](const Shape& i) {
            Shape rest;
            for (std::size_t k = 0; k < i.size(); ++k)
              if (k != first && k != second) rest.push_back(i[k]);
            return rest;
          };
          A out = zeros<double>(others(x[0].shape()));
          naive::each(x[0].shape(), [&](const Shape& i) {
            if (static_cast<int>(i[second]) - static_cast<int>(i[first]) == offset) naive::at(out, others(i)) += naive::at(x[0], i);
          });
          return out;
        },
        Details{.kept = {none}, .allow_zero = offset == 5 || offset == -2 || size_of(s) == 0});
  return std::move(add_row.rows);
}

std::vector<Row> equation_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  add_row(
      "inverse", "inverse", [](const auto& x) { return inverse(x[0]); }, Shapes{{2, 2}}, [](In x) { return naive::inverse(x[0]); },
      Details{.kept = {y}});
  add_row(
      "det", "det", [](const auto& x) { return det(x[0]); }, Shapes{{3, 3}}, [](In x) { return naive::dets(x[0]); },
      Details{.kept = {a | y}});
  add_row(
      "solve", "solve", [](const auto& x) { return solve(x[0], x[1]); }, Shapes{{2, 2}, {2, 3}},
      [](In x) { return naive::solve(x[0], x[1]); }, Details{.kept = {a | y, a}});
  add_row(
      "solve", "solve(array, a)",
      [](const auto& x) {
        return solve(ones<Real<decltype(x)>>({1, 1}), x[0]);
      },
      Shapes{{1, 3}}, [](In x) { return x[0]; }, Details{.kept = {none}});
  add_row(
      "triangular_solve", "triangular_solve(array, a)",
      [](const auto& x) {
        return triangular_solve(ones<Real<decltype(x)>>({2, 2}), x[0]);
      },
      Shapes{{2, 3}},
      [](In x) {
        return naive::solve(naive::triangle(ones<double>({2, 2}), true), x[0]);
      },
      Details{.kept = {other}});
  for (const Shape& s : Shapes{{1, 1}, {4, 4}, {2, 3, 3}, {2, 1, 2, 2}, {0, 2, 2}, {0, 0}}) {
    const bool empty = size_of(s) == 0;
    const std::string what = " " + to_string(s);
    add_row(
        "inverse", "inverse" + what, [](const auto& x) { return inverse(plus_diagonal(x[0], 5)); }, Shapes{s},
        [](In x) { return naive::inverse(plus_diagonal(x[0], 5)); }, Details{.kept = {y}, .allow_zero = empty});
    add_row(
        "det", "det" + what, [](const auto& x) { return det(plus_diagonal(x[0], 3)); }, Shapes{s},
        [](In x) { return naive::dets(plus_diagonal(x[0], 3)); }, Details{.kept = {other | y}, .allow_zero = empty});
    add_row(
        "logdet", "logdet" + what, [](const auto& x) { return logdet(plus_diagonal(x[0], 5)); }, Shapes{s},
        [](In x) { return A(xt::log(naive::dets(plus_diagonal(x[0], 5)))); }, Details{.kept = {other}, .allow_zero = empty});
    add_row(
        "slogdet", "slogdet" + what,
        [](const auto& x) {
          auto [sign, size] = slogdet(plus_diagonal(x[0], -5));
          return sign * size;
        },
        Shapes{s},
        [](In x) {
          const A d = naive::dets(plus_diagonal(x[0], -5));
          return A(xt::sign(d) * xt::log(xt::abs(d)));
        },
        Details{.kept = {other}, .allow_zero = empty});
    add_row(
        "cholesky", "cholesky" + what, [](const auto& x) { return cholesky(plus_diagonal(x[0], 9)); }, Shapes{s},
        [](In x) { return naive::cholesky(plus_diagonal(x[0], 9)); }, Details{.kept = {y}, .allow_zero = empty});
  }
  struct Equations {
    Shape a, b;
  };
  for (const auto& [sa, sb] : std::vector<Equations>{{{3, 3}, {3, 2}},
                                                     {{3, 3}, {3}},
                                                     {{1, 1}, {1, 1}},
                                                     {{2, 3, 3}, {2, 3, 2}},
                                                     {{2, 3, 3}, {3, 2}},
                                                     {{3, 3}, {2, 3, 1}},
                                                     {{2, 3, 3}, {3}},
                                                     {{2, 1, 2, 2}, {3, 2, 2}},
                                                     {{0, 0}, {0, 2}},
                                                     {{2, 2}, {2, 0}},
                                                     {{0, 2, 2}, {2, 1}}}) {
    const bool empty = size_of(sa) == 0 || size_of(sb) == 0;
    const std::uint32_t kept_output = sb.size() == 1 ? other : y;
    const std::string what = " " + to_string(sa) + " " + to_string(sb);
    add_row(
        "solve", "solve" + what, [](const auto& x) { return solve(plus_diagonal(x[0], 5), x[1]); }, Shapes{sa, sb},
        [](In x) { return naive::solve(plus_diagonal(x[0], 5), x[1]); },
        Details{.kept = {other | kept_output, other}, .allow_zero = empty});
    for (const bool lower : {true, false})
      for (const bool transpose : {true, false})
        for (const bool unit : {true, false}) {
          const TriangularSolveOptions options{lower, transpose, unit};
          add_row(
              "triangular_solve",
              "triangular_solve" + what + (lower ? " lower" : " upper") + (transpose ? " transposed" : "") + (unit ? " unit" : ""),
              [options](const auto& x) { return triangular_solve(x[0], x[1], options); }, Shapes{sa, sb},
              [options](In x) {
                return naive::matmul(naive::inverse(naive::triangle(x[0], options.lower, options.unit_diagonal)), x[1],
                                     options.transpose, false);
              },
              Details{.kept = {a | kept_output, a},
                      .domains = {{0.5, 1.5}, {}},
                      .distinct = false,
                      .allow_zero = empty || (unit && sa.back() == 1)});
        }
  }
  return std::move(add_row.rows);
}

}  // namespace op_table
