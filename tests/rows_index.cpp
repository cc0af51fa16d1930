// Rows of the operations that take elements by index.
#include "naive_index.hpp"
#include "op_table.hpp"

namespace op_table {

std::vector<Row> index_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  const Details moves{{none}}, moves_two{{none, none}}, may_vanish{{none}, {{}}, false, true};
  struct Cut {
    Slice s;
    int start, stop, step;
  };  // of 5 elements, and as range(start, stop, step)
  for (const auto& [s, start, stop, step] : std::vector<Cut>{{{}, 0, 5, 1},
                                                             {{1, 3}, 1, 3, 1},
                                                             {{.start = -2}, 3, 5, 1},
                                                             {{.stop = -1}, 0, 4, 1},
                                                             {{.step = 2}, 0, 5, 2},
                                                             {{.step = -1}, 4, -1, -1},
                                                             {{3, 0, -2}, 3, 0, -2},
                                                             {{3, {}, -3}, 3, -1, -3},
                                                             {{-2, -5, -1}, 3, 0, -1},
                                                             {{-9, 9}, 0, 5, 1},
                                                             {{9, -9, -1}, 4, -1, -1},
                                                             {{1, 5, 3}, 1, 5, 3},
                                                             {{3, 1}, 0, 0, 1},
                                                             {{1, 3, -1}, 0, 0, 1},
                                                             {{2, 3}, 2, 3, 1}}) {
    add_row(
        "slice", "slice of axis 0", [s = s](const auto& x) { return slice(x[0], {s}); }, Shapes{{5, 2}},
        [=, start = start, stop = stop, step = step](In x) { return naive::range(x[0], 0, start, stop, step); }, may_vanish);
    add_row(
        "slice", "slice along axis -2", [s = s](const auto& x) { return slice(x[0], -2, s); }, Shapes{{2, 5, 2}},
        [=, start = start, stop = stop, step = step](In x) { return naive::range(x[0], 1, start, stop, step); }, may_vanish);
    add_row(
        "slice_update", "slice_update axis 1",
        [s = s](const auto& x) {
          return slice_update(x[0], {{}, s}, x[1]);
        },
        Shapes{{2, 5}, {2, 1}},
        [=, start = start, stop = stop, step = step](In x) {
          A out = x[0];
          for (int k = start; step > 0 ? k < stop : k > stop; k += step)
            for (std::size_t i = 0; i < 2; ++i) out.data()[i * 5 + static_cast<std::size_t>(k)] = x[1].data()[i];
          return out;
        },
        Details{.kept = {none, none}, .allow_zero = true});
  }
  add_row(
      "slice", "slice of three axes",
      [](const auto& x) {
        return slice(x[0], {{.step = -1}, {1, 3}, {.step = 2}});
      },
      Shapes{{2, 4, 3}},
      [](In x) {
        return naive::fill({2, 2, 2}, [&](const Shape& i) { return naive::at(x[0], {1 - i[0], 1 + i[1], 2 * i[2]}); });
      },
      moves);
  add_row(
      "slice", "slice of a number", [](const auto& x) { return slice(x[0], {}); }, Shapes{{}}, [](In x) { return x[0]; }, moves);
  add_row(
      "slice", "slice of nothing",
      [](const auto& x) {
        return slice(x[0], {{1, 3}, {.step = -1}});
      },
      Shapes{{0, 2}}, [](In x) { return x[0]; }, moves);
  add_row(
      "slice_update", "slice_update with a number",
      [](const auto& x) {
        return slice_update(x[0], {{1, 3}, {.step = 2}}, 7);
      },
      Shapes{{4, 3}},
      [](In x) {
        return naive::fill({4, 3},
                           [&](const Shape& i) { return (i[0] == 1 || i[0] == 2) && i[1] % 2 == 0 ? 7 : naive::at(x[0], i); });
      },
      moves);
  add_row(
      "slice_update", "slice_update with a full value", [](const auto& x) { return slice_update(x[0], {{.step = -2}}, x[1]); },
      Shapes{{4, 3}, {2, 3}},
      [](In x) {
        return naive::fill({4, 3}, [&](const Shape& i) {
          return i[0] % 2 == 1 ? naive::at(x[1], {(3 - i[0]) / 2, i[1]}) : naive::at(x[0], i);
        });
      },
      moves_two);
  add_row(
      "slice_update", "slice_update of a last reference",
      [](const auto& x) {
        return slice_update(x[0] * 2, {{0, 1}}, x[1]);
      },
      Shapes{{2, 3}, {3}},
      [](In x) {
        return naive::fill({2, 3}, [&](const Shape& i) { return i[0] == 0 ? x[1].data()[i[1]] : 2 * naive::at(x[0], i); });
      },
      moves_two);
  add_row(
      "select", "select", [](const auto& x) { return select(x[0], 0, 2); }, Shapes{{3, 4}},
      [](In x) { return naive::fill({4}, [&](const Shape& i) {
                   return naive::at(x[0], {2, i[0]});
                 }); }, moves);
  add_row(
      "select", "select -1 of axis -2", [](const auto& x) { return select(x[0], -2, -1); }, Shapes{{2, 3, 2}},
      [](In x) {
        return naive::fill({2, 2}, [&](const Shape& i) { return naive::at(x[0], {i[0], 2, i[1]}); });
      },
      moves);
  add_row(
      "select", "select a number", [](const auto& x) { return select(x[0], 0, 1); }, Shapes{{3}},
      [](In x) { return full<double>({}, x[0].data()[1]); }, moves);

  static const Labels twice{2, 0, 2, 1}, grid = {{0, 2}, {1, 1}, {2, 0}};
  add_row(
      "index_select", "index_select axis 0", [](const auto& x) { return index_select(x[0], 0, twice); }, Shapes{{3, 2}},
      [](In x) {
        return naive::fill({4, 2}, [&](const Shape& i) { return naive::at(x[0], {static_cast<std::size_t>(twice(i[0])), i[1]}); });
      },
      moves);
  add_row(
      "index_select", "index_select axis -1",
      [](const auto& x) {
        return index_select(x[0], -1, {2, 0, 2, 1});
      },
      Shapes{{2, 3}},
      [](In x) {
        return naive::fill({2, 4}, [&](const Shape& i) { return naive::at(x[0], {i[0], static_cast<std::size_t>(twice(i[1]))}); });
      },
      moves);
  add_row(
      "index_select", "index_select by a grid", [](const auto& x) { return index_select(x[0], 1, grid); }, Shapes{{2, 3, 2}},
      [](In x) {
        return naive::fill({2, 3, 2, 2}, [&](const Shape& i) {
          return naive::at(x[0], {i[0], static_cast<std::size_t>(grid(i[1], i[2])), i[3]});
        });
      },
      moves);
  add_row(
      "index_select", "index_select by one", [](const auto& x) { return index_select(x[0], 0, full<int>(Shape{}, 1)); },
      Shapes{{3, 2}}, [](In x) { return naive::fill({2}, [&](const Shape& i) {
                                   return naive::at(x[0], {1, i[0]});
                                 }); }, moves);
  add_row(
      "index_select", "index_select nothing", [](const auto& x) { return index_select(x[0], 0, Labels(Shape{0})); }, Shapes{{3, 2}},
      [](In) {
        return zeros<double>({0, 2});
      },
      may_vanish);
  add_row(
      "index_select", "index_select of rows without elements", [](const auto& x) { return index_select(x[0], 0, {1}); },
      Shapes{{3, 0}},
      [](In) {
        return zeros<double>({1, 0});
      },
      may_vanish);
  add_row(
      "embedding", "embedding", [](const auto& x) { return embedding(grid, x[0]); }, Shapes{{3, 4}},
      [](In x) {
        return naive::fill({3, 2, 4}, [&](const Shape& i) {
          return naive::at(x[0], {static_cast<std::size_t>(grid(i[0], i[1])), i[2]});
        });
      },
      moves);
  add_row(
      "gather", "gather axis 0", [](const auto& x) { return gather(x[0], 0, grid); }, Shapes{{3, 2}},
      [](In x) {
        return naive::fill({3, 2}, [&](const Shape& i) {
          return naive::at(x[0], {static_cast<std::size_t>(grid(i[0], i[1])), i[1]});
        });
      },
      moves);
  add_row(
      "gather", "gather axis -1, smaller", [](const auto& x) { return gather(x[0], -1, grid); }, Shapes{{4, 3}},
      [](In x) {
        return naive::fill({3, 2}, [&](const Shape& i) {
          return naive::at(x[0], {i[0], static_cast<std::size_t>(grid(i[0], i[1]))});
        });
      },
      moves);
  add_row(
      "gather", "gather nothing",
      [](const auto& x) {
        return gather(x[0], 0, Labels(Shape{0, 2}));
      },
      Shapes{{3, 2}},
      [](In) {
        return zeros<double>({0, 2});
      },
      may_vanish);
  add_row(
      "take_along_axis", "take_along_axis 0", [](const auto& x) { return take_along_axis(x[0], grid, 0); }, Shapes{{3, 2}},
      [](In x) {
        return naive::fill({3, 2}, [&](const Shape& i) {
          return naive::at(x[0], {static_cast<std::size_t>(grid(i[0], i[1])), i[1]});
        });
      },
      moves);
  add_row(
      "take_along_axis", "take_along_axis broadcast",
      [](const auto& x) {
        return take_along_axis(x[0], Labels{{-1, 0}}, 1);
      },
      Shapes{{2, 3}},
      [](In x) {
        return naive::fill({2, 2}, [&](const Shape& i) { return naive::at(x[0], {i[0], i[1] == 0 ? 2u : 0u}); });
      },
      moves);
  add_row(
      "take_along_axis", "take_along_axis x broadcast", [](const auto& x) { return take_along_axis(x[0], grid, 1); },
      Shapes{{1, 3}},
      [](In x) {
        return naive::fill({3, 2}, [&](const Shape& i) { return x[0].data()[grid(i[0], i[1])]; });
      },
      moves);
  const auto scattered = [](In x, std::size_t axis) {
    A out = x[0];
    naive::each(grid.shape(), [&](const Shape& i) {
      Shape to = i;
      to[axis] = static_cast<std::size_t>(grid(i[0], i[1]));
      naive::at(out, to) += naive::at(x[1], i);
    });
    return out;
  };
  add_row(
      "scatter_add", "scatter_add axis 0", [](const auto& x) { return scatter_add(x[0], 0, grid, x[1]); }, Shapes{{4, 2}, {3, 2}},
      [=](In x) { return scattered(x, 0); }, moves_two);
  add_row(
      "scatter_add", "scatter_add axis 1", [](const auto& x) { return scatter_add(x[0], 1, grid, x[1]); }, Shapes{{4, 3}, {3, 2}},
      [=](In x) { return scattered(x, 1); }, moves_two);
  add_row(
      "scatter_add", "scatter_add onto a last reference", [](const auto& x) { return scatter_add(x[0] * 1, 0, grid, x[1]); },
      Shapes{{3, 2}, {3, 2}}, [=](In x) { return scattered(x, 0); }, moves_two);

  for (const Shape& s : Shapes{{3, 4}, {4}, {3, 1}, {}}) {
    const Mask mask = checker(s);
    add_row(
        "masked_select", "masked_select by " + to_string(s), [mask](const auto& x) { return masked_select(x[0], mask); },
        Shapes{{3, 4}},
        [mask](In x) {
          std::vector<double> kept;
          naive::each({3, 4}, [&](const Shape& i) {
            if (naive::at(mask, i)) kept.push_back(naive::at(x[0], i));
          });
          return naive::fill({kept.size()}, [&](const Shape& i) { return kept[i[0]]; });
        },
        moves);
    add_row(
        "masked_fill", "masked_fill by " + to_string(s), [mask](const auto& x) { return masked_fill(x[0], mask, 7); },
        Shapes{{3, 4}},
        [mask](In x) {
          return naive::fill({3, 4}, [&](const Shape& i) { return naive::at(mask, i) ? 7 : naive::at(x[0], i); });
        },
        Details{.kept = {none}, .allow_zero = true});
  }
  add_row(
      "masked_select", "masked_select nothing", [](const auto& x) { return masked_select(x[0], full<bool>({3}, false)); },
      Shapes{{2, 3}}, [](In) { return zeros<double>({0}); }, may_vanish);
  add_row(
      "masked_fill", "masked_fill with a Variable",
      [](const auto& x) {
        return masked_fill(x[0], checker({3, 4}), x[1]);
      },
      Shapes{{3, 4}, {4}},
      [](In x) {
        return naive::fill({3, 4}, [&](const Shape& i) {
          return naive::at(checker({3, 4}), i) ? naive::at(x[1], i) : naive::at(x[0], i);
        });
      },
      Details{.kept = {none, none}});
  for (const Shape& s : Shapes{{3, 4}, {2, 4, 3}, {0, 2}})
    for (const int k : {0, 1, -1, 9, -9}) {
      const auto band = [=](In x, int from, int to) {
        return naive::fill(s, [&](const Shape& i) {
          const int d = static_cast<int>(i.back()) - static_cast<int>(i[i.size() - 2]);
          return d >= from && d <= to ? naive::at(x[0], i) : 0;
        });
      };
      add_row(
          "tril", "tril " + std::to_string(k), [k](const auto& x) { return tril(x[0], k); }, Shapes{s},
          [=](In x) { return band(x, -99, k); }, may_vanish);
      add_row(
          "triu", "triu " + std::to_string(k), [k](const auto& x) { return triu(x[0], k); }, Shapes{s},
          [=](In x) { return band(x, k, 99); }, may_vanish);
    }
  return std::move(add_row.rows);
}

}  // namespace op_table
