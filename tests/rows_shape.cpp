// Rows of the operations that join, cut, move and repeat arrays.
#include "naive_index.hpp"
#include "op_table.hpp"

namespace op_table {

std::vector<Row> shape_rows() {
  Rows add_row;
  using Shapes = std::vector<Shape>;
  const Details moves{{none}}, moves_two{{none, none}}, may_vanish{{none}, {{}}, false, true};
  struct Reshaped {
    Shape x, squeezed;
  };
  for (const auto& [s, squeezed] :
       std::vector<Reshaped>{{{3, 1, 4, 1}, {3, 4}}, {{1, 1}, {}}, {{}, {}}, {{2, 3}, {2, 3}}, {{0, 1}, {0}}})
    add_row(
        "squeeze", "squeeze", [](const auto& x) { return squeeze(x[0]); }, Shapes{s},
        [squeezed = squeezed](In x) { return naive::reshape(x[0], squeezed); }, moves);
  add_row(
      "squeeze", "squeeze axis -1", [](const auto& x) { return squeeze(x[0], -1); }, Shapes{{1, 3, 1}},
      [](In x) {
        return naive::reshape(x[0], {1, 3});
      },
      moves);
  add_row(
      "squeeze", "squeeze axes",
      [](const auto& x) {
        return squeeze(x[0], {2, 0});
      },
      Shapes{{1, 3, 1, 1}},
      [](In x) {
        return naive::reshape(x[0], {3, 1});
      },
      moves);
  struct Inserted {
    Shape x;
    int axis;
    Shape result;
  };
  for (const auto& [s, axis, result] : std::vector<Inserted>{
           {{3, 4}, 0, {1, 3, 4}}, {{3, 4}, 1, {3, 1, 4}}, {{3, 4}, -1, {3, 4, 1}}, {{}, 0, {1}}, {{0, 2}, 2, {0, 2, 1}}})
    add_row(
        "unsqueeze", "unsqueeze " + std::to_string(axis), [axis = axis](const auto& x) { return unsqueeze(x[0], axis); }, Shapes{s},
        [result = result](In x) { return naive::reshape(x[0], result); }, moves);

  const auto first_of_two = [](In x, std::size_t axis) {  // concat of two
    Shape shape = x[0].shape();
    shape[axis] += x[1].shape()[axis];
    const std::size_t n = x[0].shape()[axis];
    return naive::fill(shape, [&](Shape i) {
      if (i[axis] < n) return naive::at(x[0], i);
      i[axis] -= n;
      return x[1].shape()[axis] == 1 ? naive::at(x[1], i) : naive::at(x[1], i);
    });
  };
  struct Joined {
    Shape a, b;
    int axis;
    std::size_t k;
  };
  for (const auto& [sa, sb, axis, k] :
       std::vector<Joined>{{{2, 3}, {4, 3}, 0, 0}, {{2, 3}, {2, 1}, 1, 1}, {{2, 3, 2}, {2, 2, 2}, -2, 1}, {{3}, {2}, 0, 0}})
    add_row(
        "concat", "concat " + to_string(sa) + to_string(sb),
        [axis = axis](const auto& x) {
          return concat({x[0], x[1]}, axis);
        },
        Shapes{sa, sb}, [=, k = k](In x) { return first_of_two(x, k); }, moves_two);
  add_row(
      "concat", "concat with an empty one",
      [](const auto& x) {
        return concat({x[0], x[1]}, 0);
      },
      Shapes{{0, 3}, {2, 3}}, [=](In x) { return first_of_two(x, 0); }, Details{.kept = {none, none}, .allow_zero = true});
  add_row(
      "concat", "concat of one", [](const auto& x) { return concat({x[0]}, 1); }, Shapes{{2, 3}}, [](In x) { return x[0]; }, moves);
  add_row(
      "concat", "concat of the same",
      [](const auto& x) {
        return concat({x[0], x[0], x[0]});
      },
      Shapes{{2, 2}},
      [](In x) {
        return naive::fill({6, 2}, [&](const Shape& i) { return naive::at(x[0], {i[0] % 2, i[1]}); });
      },
      moves);
  for (const int axis : {0, 1, -1}) {
    const std::size_t k = axis < 0 ? 2 : static_cast<std::size_t>(axis);
    add_row(
        "stack", "stack " + std::to_string(axis),
        [axis](const auto& x) {
          return stack({x[0], x[1], x[0]}, axis);
        },
        Shapes{{2, 3}, {2, 3}},
        [k](In x) {
          Shape shape;
          for (std::size_t j = 0; j < 3; ++j) shape.push_back(j == k ? 3 : x[0].shape()[j < k ? j : j - 1]);
          return naive::fill(shape, [&](const Shape& i) {
            Shape rest;
            for (std::size_t j = 0; j < 3; ++j)
              if (j != k) rest.push_back(i[j]);
            return naive::at(x[i[k] % 2], rest);
          });
        },
        moves_two);
  }
  add_row(
      "stack", "stack numbers",
      [](const auto& x) {
        return stack({x[0], x[1]});
      },
      Shapes{{}, {}}, [](In x) { return naive::fill({2}, [&](const Shape& i) { return *x[i[0]].data(); }); }, moves_two);
  add_row(
      "split", "split in 3, the second", [](const auto& x) { return split(x[0], 3, 1)[1]; }, Shapes{{2, 6}},
      [](In x) { return naive::range(x[0], 1, 2, 4, 1); }, moves);
  add_row(
      "split", "split by lengths, all",
      [](const auto& x) {
        auto parts = split(x[0], {1, 0, 3});
        return concat({parts[2], parts[0], parts[1]});
      },
      Shapes{{4, 2}},
      [](In x) {
        return naive::fill({4, 2}, [&](const Shape& i) { return naive::at(x[0], {(i[0] + 1) % 4, i[1]}); });
      },
      moves);

  add_row(
      "pad", "pad with zeros",
      [](const auto& x) {
        return pad(x[0], {{1, 2}, {0, 1}});
      },
      Shapes{{2, 3}},
      [](In x) {
        return naive::padded(x[0], {{1, 2}, {0, 1}}, [](const auto&) { return 0.0; });
      },
      moves);
  add_row(
      "pad", "pad with a number", [](const auto& x) { return pad(x[0], 1, {.value = 7}); }, Shapes{{2, 3}},
      [](In x) {
        return naive::padded(x[0], {{1, 1}, {1, 1}}, [](const auto&) { return 7.0; });
      },
      moves);
  add_row(
      "pad", "pad nothing",
      [](const auto& x) {
        return pad(x[0], {{2, 1}, {0, 0}}, {.value = -1});
      },
      Shapes{{0, 2}},
      [](In) {
        return full<double>({3, 2}, -1);
      },
      moves);
  add_row(
      "pad", "pad a number", [](const auto& x) { return pad(x[0], 3); }, Shapes{{}}, [](In x) { return x[0]; }, moves);
  const auto inside = [](const A& x, const std::vector<int>& place, bool reflect) {
    Shape index;
    for (std::size_t k = 0; k < place.size(); ++k) {
      const int n = static_cast<int>(x.shape()[k]);
      int i = place[k];
      while (reflect && n > 1 && (i < 0 || i >= n)) i = i < 0 ? -i : 2 * (n - 1) - i;
      index.push_back(static_cast<std::size_t>(std::clamp(i, 0, n - 1)));
    }
    return naive::at(x, index);
  };
  for (const Shape& s : Shapes{{3, 4}, {2, 1}}) {
    add_row(
        "pad", "pad reflect",
        [](const auto& x) {
          return pad(x[0], {{2, 1}, {0, 3}}, {.mode = PadMode::reflect});
        },
        Shapes{s},
        [=](In x) {
          return naive::padded(x[0], {{2, 1}, {0, 3}}, [&](const auto& p) { return inside(x[0], p, true); });
        },
        moves);
    add_row(
        "pad", "pad edge",
        [](const auto& x) {
          return pad(x[0], {{2, 1}, {0, 3}}, {.mode = PadMode::edge});
        },
        Shapes{s},
        [=](In x) {
          return naive::padded(x[0], {{2, 1}, {0, 3}}, [&](const auto& p) { return inside(x[0], p, false); });
        },
        moves);
  }
  add_row(
      "pad", "pad reflect, longer than x",
      [](const auto& x) {
        return pad(x[0], {{5, 7}}, {.mode = PadMode::reflect});
      },
      Shapes{{3}},
      [=](In x) {
        return naive::padded(x[0], {{5, 7}}, [&](const auto& p) { return inside(x[0], p, true); });
      },
      moves);

  add_row(
      "flip", "flip", [](const auto& x) { return flip(x[0]); }, Shapes{{2, 3}},
      [](In x) {
        return naive::fill({2, 3}, [&](const Shape& i) { return naive::at(x[0], {1 - i[0], 2 - i[1]}); });
      },
      moves);
  add_row(
      "flip", "flip axis", [](const auto& x) { return flip(x[0], -2); }, Shapes{{2, 3, 2}},
      [](In x) {
        return naive::fill({2, 3, 2}, [&](const Shape& i) { return naive::at(x[0], {i[0], 2 - i[1], i[2]}); });
      },
      moves);
  add_row(
      "flip", "flip a number", [](const auto& x) { return flip(x[0]); }, Shapes{{}}, [](In x) { return x[0]; }, moves);
  add_row(
      "flip", "flip empty", [](const auto& x) { return flip(x[0]); }, Shapes{{0, 2}}, [](In x) { return x[0]; }, moves);
  for (const int shift : {1, -2, 7, 0}) {
    const auto from = [shift](std::size_t i, int n) {
      return static_cast<std::size_t>(((static_cast<int>(i) - shift) % n + n) % n);
    };
    add_row(
        "roll", "roll " + std::to_string(shift), [shift](const auto& x) { return roll(x[0], shift); }, Shapes{{2, 3}},
        [=](In x) {
          return naive::fill({2, 3}, [&](const Shape& i) { return x[0].data()[from(i[0] * 3 + i[1], 6)]; });
        },
        moves);
    add_row(
        "roll", "roll axis 1 by " + std::to_string(shift), [shift](const auto& x) { return roll(x[0], shift, 1); },
        Shapes{{2, 3, 2}},
        [=](In x) {
          return naive::fill({2, 3, 2}, [&](const Shape& i) { return naive::at(x[0], {i[0], from(i[1], 3), i[2]}); });
        },
        moves);
    add_row(
        "roll", "roll axis -1 by " + std::to_string(shift), [shift](const auto& x) { return roll(x[0], shift, -1); },
        Shapes{{0, 2}}, [](In x) { return x[0]; }, moves);
  }
  struct Tiled {
    Shape x;
    std::vector<std::ptrdiff_t> n;
    Shape y;
  };
  for (const auto& [s, n, result] : std::vector<Tiled>{{{2, 3}, {2, 2}, {4, 6}},
                                                       {{2, 3}, {3}, {2, 9}},
                                                       {{3}, {2, 2}, {2, 6}},
                                                       {{}, {2, 3}, {2, 3}},
                                                       {{2, 3}, {}, {2, 3}},
                                                       {{2, 3}, {0, 1}, {0, 3}},
                                                       {{0, 2}, {2, 1}, {0, 2}}})
    add_row(
        "tile", "tile " + to_string(s), [n = n](const auto& x) { return tile(x[0], n); }, Shapes{s},
        [result = result](In x) {
          return naive::fill(result, [&](const Shape& i) {
            Shape j;
            const std::size_t extra = i.size() - x[0].dimension();
            for (std::size_t k = extra; k < i.size(); ++k) j.push_back(i[k] % x[0].shape()[k - extra]);
            return naive::at(x[0], j);
          });
        },
        may_vanish);
  add_row(
      "repeat", "repeat", [](const auto& x) { return repeat(x[0], 3); }, Shapes{{2, 2}},
      [](In x) { return naive::fill({12}, [&](const Shape& i) { return x[0].data()[i[0] / 3]; }); }, moves);
  add_row(
      "repeat", "repeat axis 0", [](const auto& x) { return repeat(x[0], 2, 0); }, Shapes{{2, 3}},
      [](In x) {
        return naive::fill({4, 3}, [&](const Shape& i) { return naive::at(x[0], {i[0] / 2, i[1]}); });
      },
      moves);
  add_row(
      "repeat", "repeat axis -1", [](const auto& x) { return repeat(x[0], 2, -1); }, Shapes{{2, 3}},
      [](In x) {
        return naive::fill({2, 6}, [&](const Shape& i) { return naive::at(x[0], {i[0], i[1] / 2}); });
      },
      moves);
  add_row(
      "repeat", "repeat 0 times", [](const auto& x) { return repeat(x[0], 0, 0); }, Shapes{{2, 3}},
      [](In) {
        return zeros<double>({0, 3});
      },
      may_vanish);

  struct Diagonal {
    Shape x;
    int offset, axis1, axis2;
    std::size_t i1, i2;
    Shape y;
  };
  for (const auto& [s, offset, axis1, axis2, i1, i2, result] : std::vector<Diagonal>{{{3, 4}, 0, 0, 1, 0, 1, {3}},
                                                                                     {{3, 4}, 2, 0, 1, 0, 1, {2}},
                                                                                     {{3, 4}, -1, 0, 1, 0, 1, {2}},
                                                                                     {{4, 2}, 0, 1, 0, 1, 0, {2}},
                                                                                     {{3, 4}, 4, 0, 1, 0, 1, {0}},
                                                                                     {{3, 4}, -9, 0, 1, 0, 1, {0}},
                                                                                     {{2, 3, 4}, 1, -2, -1, 1, 2, {2, 3}},
                                                                                     {{2, 3, 4}, 0, 0, 2, 0, 2, {3, 2}},
                                                                                     {{0, 3}, 0, 0, 1, 0, 1, {0}}})
    add_row(
        "diagonal", "diagonal " + to_string(s) + " " + std::to_string(offset),
        [=, offset = offset, axis1 = axis1, axis2 = axis2](const auto& x) { return diagonal(x[0], offset, axis1, axis2); },
        Shapes{s},
        [=, offset = offset, i1 = i1, i2 = i2, result = result](In x) {
          return naive::fill(result, [&](const Shape& i) {
            Shape j;
            std::size_t next = 0;
            for (std::size_t k = 0; k < x[0].dimension(); ++k)
              j.push_back(k == i1   ? i.back() + static_cast<std::size_t>(std::max(0, -offset))
                          : k == i2 ? i.back() + static_cast<std::size_t>(std::max(0, offset))
                                    : i[next++]);
            return naive::at(x[0], j);
          });
        },
        may_vanish);
  for (const int k : {0, 1, -2}) {
    add_row(
        "diag", "diag of a vector " + std::to_string(k), [k](const auto& x) { return diag(x[0], k); }, Shapes{{3}},
        [k](In x) {
          const std::size_t n = 3 + static_cast<std::size_t>(std::abs(k));
          return naive::fill({n, n}, [&](const Shape& i) {
            return static_cast<int>(i[1]) - static_cast<int>(i[0]) == k ? x[0].data()[std::min(i[0], i[1])] : 0;
          });
        },
        moves);
    add_row(
        "diag", "diag of a matrix " + std::to_string(k), [k](const auto& x) { return diag(x[0], k); }, Shapes{{3, 3}},
        [k](In x) {
          return naive::fill({3 - static_cast<std::size_t>(std::abs(k))}, [&](const Shape& i) {
            return naive::at(x[0],
                             {i[0] + static_cast<std::size_t>(std::max(0, -k)), i[0] + static_cast<std::size_t>(std::max(0, k))});
          });
        },
        moves);
  }
  return std::move(add_row.rows);
}

}  // namespace op_table
