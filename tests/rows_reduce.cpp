// Rows of reductions, running sums and products, and orders.
#include "naive_index.hpp"
#include "op_table.hpp"

namespace op_table {

std::vector<Row> reduce_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  using naive::List;
  const double inf = std::numeric_limits<double>::infinity();
  const Domain positive{0.4, 2}, not_zero{-2, 2, 0};
  const Details keeps_input{{a}}, keeps_both{{a | y}}, selects{{a | y}, {{}}, true}, moves{{none}, {{}}, true};
  add_row(
      "var", "var", [](const auto& x) { return var(x[0]); }, Shapes{{3, 4}},
      [](In x) { return naive::reduce_all(x[0], [](const List& v) { return naive::variance(v); }); }, keeps_input);
  add_row(
      "var", "var axis 0, ddof 1", [](const auto& x) { return var(x[0], 0, {.ddof = 1}); }, Shapes{{3, 4}},
      [](In x) { return naive::reduce(x[0], {0}, {4}, [](const List& v) { return naive::variance(v, 1); }); }, keeps_input);
  add_row(
      "var", "var axes, keepdims",
      [](const auto& x) {
        return var(x[0], {0, -1}, {.keepdims = true});
      },
      Shapes{{2, 3, 2}},
      [](In x) {
        return naive::reduce(x[0], {0, 2}, {1, 3, 1}, [](const List& v) { return naive::variance(v); });
      },
      keeps_input);
  add_row(
      "var", "var of one", [](const auto& x) { return var(x[0]); }, Shapes{{}}, [](In) { return zeros<double>({}); },
      Details{.kept = {a}, .allow_zero = true});
  add_row(
      "var", "var of empty rows", [](const auto& x) { return var(x[0], 1); }, Shapes{{0, 3}}, [](In) { return zeros<double>({0}); },
      keeps_input);
  add_row(
      "std", "std", [](const auto& x) { return xgrad::std(x[0]); }, Shapes{{3, 4}},
      [](In x) { return naive::reduce_all(x[0], [](const List& v) { return std::sqrt(naive::variance(v)); }); }, keeps_both);
  add_row(
      "std", "std axis -1, ddof 1, keepdims", [](const auto& x) { return xgrad::std(x[0], -1, {.ddof = 1, .keepdims = true}); },
      Shapes{{2, 5}},
      [](In x) {
        return naive::reduce(x[0], {1}, {2, 1}, [](const List& v) { return std::sqrt(naive::variance(v, 1)); });
      },
      keeps_both);

  for (const Shape& s : Shapes{{3, 4}, {1}, {2, 1, 3}, {97}}) {
    add_row(
        "amax", "amax", [](const auto& x) { return amax(x[0]); }, Shapes{s},
        [](In x) { return naive::reduce_all(x[0], naive::greatest_of); }, selects);
    add_row(
        "amin", "amin", [](const auto& x) { return amin(x[0]); }, Shapes{s},
        [](In x) { return naive::reduce_all(x[0], naive::least_of); }, selects);
    add_row(
        "logsumexp", "logsumexp", [](const auto& x) { return logsumexp(x[0]); }, Shapes{s},
        [](In x) { return naive::reduce_all(x[0], naive::logsumexp); }, keeps_both);
    add_row(
        "norm", "norm", [](const auto& x) { return norm(x[0]); }, Shapes{s},
        [](In x) { return naive::reduce_all(x[0], [](const List& v) { return naive::norm(v); }); },
        Details{.kept = {a | y}, .domains = {not_zero}});
    add_row(
        "prod", "prod", [](const auto& x) { return prod(x[0]); }, Shapes{s},
        [](In x) { return naive::reduce_all(x[0], naive::product); }, Details{.kept = {a}, .domains = {{0.7, 1.3}}});
    add_row(
        "median", "median", [](const auto& x) { return median(x[0]); }, Shapes{s},
        [](In x) { return naive::reduce_all(x[0], naive::median); }, moves);
  }
  add_row(
      "amax", "amax of a number", [](const auto& x) { return amax(x[0]); }, Shapes{{}}, [](In x) { return x[0]; },
      Details{.kept = {a}});
  add_row(
      "amax", "amax axis 0", [](const auto& x) { return amax(x[0], 0); }, Shapes{{3, 4}},
      [](In x) { return naive::reduce(x[0], {0}, {4}, naive::greatest_of); }, selects);
  add_row(
      "amax", "amax axis -1, keepdims", [](const auto& x) { return amax(x[0], -1, {.keepdims = true}); }, Shapes{{3, 4}},
      [](In x) {
        return naive::reduce(x[0], {1}, {3, 1}, naive::greatest_of);
      },
      selects);
  add_row(
      "amax", "amax axes 0, 2",
      [](const auto& x) {
        return amax(x[0], {0, 2});
      },
      Shapes{{2, 3, 4}},
      [](In x) {
        return naive::reduce(x[0], {0, 2}, {3}, naive::greatest_of);
      },
      selects);
  add_row(
      "amax", "amax of empty rows", [](const auto& x) { return amax(x[0], 1); }, Shapes{{0, 3}},
      [](In) { return zeros<double>({0}); }, selects);
  add_row(
      "amin", "amin axis 1", [](const auto& x) { return amin(x[0], 1); }, Shapes{{2, 3, 4}},
      [](In x) {
        return naive::reduce(x[0], {1}, {2, 4}, naive::least_of);
      },
      selects);
  add_row(
      "logsumexp", "logsumexp axis 0", [](const auto& x) { return logsumexp(x[0], 0); }, Shapes{{3, 4}},
      [](In x) { return naive::reduce(x[0], {0}, {4}, naive::logsumexp); }, keeps_both);
  add_row(
      "logsumexp", "logsumexp axes, keepdims",
      [](const auto& x) {
        return logsumexp(x[0], {0, 2}, {.keepdims = true});
      },
      Shapes{{2, 3, 2}},
      [](In x) {
        return naive::reduce(x[0], {0, 2}, {1, 3, 1}, naive::logsumexp);
      },
      keeps_both);
  add_row(
      "logsumexp", "logsumexp of no elements", [](const auto& x) { return logsumexp(x[0], 0); }, Shapes{{0, 2}},
      [inf](In) { return full<double>({2}, -inf); }, keeps_both);
  struct P {
    double p;
    std::uint32_t kept;
  };
  for (const auto& [p, kept] : std::vector<P>{{1, a}, {2, a | y}, {3, a | y}, {1.5, a | y}, {0.5, a | y}}) {
    const Details d{{kept}, {{-2, 2, 0}}};
    add_row(
        "norm", "norm p = " + std::to_string(p), [p = p](const auto& x) { return norm(x[0], {}, {.p = p}); }, Shapes{{3, 4}},
        [p = p](In x) { return naive::reduce_all(x[0], [p](const List& v) { return naive::norm(v, p); }); }, d);
    add_row(
        "norm", "norm axis 1, keepdims, p = " + std::to_string(p),
        [p = p](const auto& x) { return norm(x[0], 1, {.p = p, .keepdims = true}); }, Shapes{{2, 3, 2}},
        [p = p](In x) {
          return naive::reduce(x[0], {1}, {2, 1, 2}, [p](const List& v) { return naive::norm(v, p); });
        },
        d);
  }
  add_row(
      "norm", "norm p = inf", [inf](const auto& x) { return norm(x[0], -1, {.p = inf}); }, Shapes{{2, 3}},
      [](In x) { return naive::reduce(x[0], {1}, {2}, naive::greatest_of); },
      Details{.kept = {a | other | y}, .domains = {positive}, .distinct = true});
  add_row(
      "norm", "norm p = -inf", [inf](const auto& x) { return norm(x[0], -1, {.p = -inf}); }, Shapes{{2, 3}},
      [](In x) { return naive::reduce(x[0], {1}, {2}, naive::least_of); },
      Details{.kept = {a | other | y}, .domains = {positive}, .distinct = true});
  add_row(
      "norm", "norm p = 0", [](const auto& x) { return norm(x[0], 0, {.p = 0}); }, Shapes{{2, 3}},
      [](In) { return full<double>({3}, 2); }, Details{.kept = {none}, .domains = {positive}, .allow_zero = true});
  add_row(
      "norm", "norm of no elements", [](const auto& x) { return norm(x[0], 0); }, Shapes{{0, 2}},
      [](In) { return zeros<double>({2}); }, keeps_both);

  add_row(
      "prod", "prod axis 0", [](const auto& x) { return prod(x[0], 0); }, Shapes{{3, 2}},
      [](In x) { return naive::reduce(x[0], {0}, {2}, naive::product); }, keeps_input);
  add_row(
      "prod", "prod axis 0 of 3", [](const auto& x) { return prod(x[0], 0); }, Shapes{{2, 3, 2}},
      [](In x) {
        return naive::reduce(x[0], {0}, {3, 2}, naive::product);
      },
      keeps_input);
  add_row(
      "prod", "prod axes 0, 2, keepdims",
      [](const auto& x) {
        return prod(x[0], {0, 2}, {.keepdims = true});
      },
      Shapes{{2, 3, 2}},
      [](In x) {
        return naive::reduce(x[0], {0, 2}, {1, 3, 1}, naive::product);
      },
      keeps_input);
  add_row(
      "prod", "prod of no elements", [](const auto& x) { return prod(x[0], 0); }, Shapes{{0, 2}},
      [](In) { return ones<double>({2}); }, keeps_input);
  add_row(
      "prod", "prod of a number", [](const auto& x) { return prod(x[0]); }, Shapes{{}}, [](In x) { return x[0]; },
      Details{.kept = {a}});
  struct Scan {
    Shape x;
    int axis;
    std::size_t k;
  };
  for (const auto& [s, axis, k] : std::vector<Scan>{
           {{4}, 0, 0}, {{3, 4}, -1, 1}, {{3, 4}, 0, 0}, {{2, 3, 2}, 1, 1}, {{1, 3}, 0, 0}, {{0, 3}, 0, 0}, {{3, 0}, 0, 0}}) {
    const std::size_t n = s[k];
    const bool empty = size_of(s) == 0;
    add_row(
        "cumsum", "cumsum " + std::to_string(axis), [axis = axis](const auto& x) { return cumsum(x[0], axis); }, Shapes{s},
        [k = k, n](In x) { return naive::along(x[0], k, n, naive::running_sums); }, Details{.kept = {none}, .allow_zero = empty});
    add_row(
        "cumprod", "cumprod " + std::to_string(axis), [axis = axis](const auto& x) { return cumprod(x[0], axis); }, Shapes{s},
        [k = k, n](In x) { return naive::along(x[0], k, n, naive::running_products); },
        Details{.kept = {a | y}, .allow_zero = empty});
    add_row(
        "sort", "sort " + std::to_string(axis), [axis = axis](const auto& x) { return sort(x[0], axis); }, Shapes{s},
        [k = k, n](In x) { return naive::along(x[0], k, n, [](const List& v) { return naive::sorted(v); }); }, moves);
    add_row(
        "sort", "sort descending " + std::to_string(axis),
        [axis = axis](const auto& x) { return sort(x[0], axis, {.descending = true}); }, Shapes{s},
        [k = k, n](In x) { return naive::along(x[0], k, n, [](const List& v) { return naive::sorted(v, true); }); }, moves);
  }
  for (const auto& [k, largest] :
       std::vector<std::pair<int, bool>>{{1, true}, {2, true}, {2, false}, {4, true}, {4, false}, {0, true}})
    add_row(
        "topk", "topk " + std::to_string(k),
        [k = k, largest = largest](const auto& x) { return topk(x[0], k, 1, {.largest = largest}).values; }, Shapes{{2, 4, 3}},
        [k = k, largest = largest](In x) {
          return naive::along(x[0], 1, static_cast<std::size_t>(k), [largest](const List& v) { return naive::sorted(v, largest); });
        },
        Details{.kept = {none}, .distinct = true, .allow_zero = k == 0});
  add_row(
      "topk", "topk of a long axis", [](const auto& x) { return topk(x[0], 3).values; }, Shapes{{40}},
      [](In x) { return naive::along(x[0], 0, 3, [](const List& v) { return naive::sorted(v, true); }); }, moves);
  add_row(
      "median", "median axis 0", [](const auto& x) { return median(x[0], 0); }, Shapes{{4, 3}},
      [](In x) { return naive::reduce(x[0], {0}, {3}, naive::median); }, moves);
  add_row(
      "median", "median axes 0, 2, keepdims",
      [](const auto& x) {
        return median(x[0], {0, 2}, {.keepdims = true});
      },
      Shapes{{3, 2, 3}},
      [](In x) {
        return naive::reduce(x[0], {0, 2}, {1, 2, 1}, naive::median);
      },
      moves);
  add_row(
      "median", "median of empty rows", [](const auto& x) { return median(x[0], 1); }, Shapes{{0, 3}},
      [](In) { return zeros<double>({0}); }, moves);
  return std::move(add_row.rows);
}

}  // namespace op_table
