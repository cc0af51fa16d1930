/// Pooling: the largest, the mean and the smallest of each region, and where the gradient goes.
#include "lecture.hpp"

using Var = xg::Variable<double>;
using Grid = xg::Array<double>;

void print(const char* name, const Var& maps) {
  fmt::print("\n{}\n", name);
  for (std::size_t i = 0; i < maps.shape()[1]; ++i) {
    for (std::size_t j = 0; j < maps.shape()[2]; ++j) fmt::print("{:7.4g}", maps.value()(0, i, j, 0));
    fmt::print("\n");
  }
}

draw::Pixels shown(const Var& maps) { return draw::to_colours(squeeze(maps, {0, 3}).value(), 10); }

draw::Pixels shown(const xg::Variable<float>& image) { return draw::to_pixels(squeeze(image, 0).value()); }

int main(int argc, char** argv) {
  return lecture(argc, argv, "Pooling: max, average, min", [](const Lecture& l) {
    const Var small(Grid{{1, 1, 2, 4}, {5, 6, 7, 8}, {3, 2, 1, 0}, {1, 2, 3, 4}});
    print("the largest of 2×2, stride 2, of 1 1 2 4 / 5 6 7 8 / 3 2 1 0 / 1 2 3 4", max_pool2d(reshape(small, {1, 4, 4, 1}), 2));

    const Grid rows{{-7, 6, -1, 3, 9, 9, 6, -9},   {3, -8, 0, 7, 10, 8, -3, 10},    {-4, 2, -6, 4, -7, 5, 5, 7},
                    {-3, -9, 1, 8, -8, 9, -1, -5}, {-7, 10, -9, -5, 9, -8, -7, 10}, {-5, 5, 9, 4, 10, -8, 7, 6},
                    {-3, 8, 0, 2, 2, -3, -2, 5},   {4, -6, 7, -3, 1, 4, 10, 0}};
    Var x(rows, true);
    x = reshape(x, {1, 8, 8, 1});
    const Var largest = max_pool2d(x, 2), means = avg_pool2d(x, 2), smallest = min_pool2d(x, 2);
    print("the largest of 2×2 of the 8×8 example", largest);
    print("the means", means);
    print("the smallest", smallest);
    const Var expected(Grid{{6, 7, 10, 10}, {2, 8, 9, 7}, {10, 9, 10, 10}, {8, 7, 4, 10}});
    must(amax(abs(squeeze(largest) - expected)).item() == 0, "the lecture's 4×4 result");
    must(amax(abs(smallest + max_pool2d(-x, 2))).item() == 0, "the smallest is minus the largest of minus x");

    fmt::print("\n(W - K) / S + 1:  55 with 3×3, stride 2 gives {}, 27 gives {}\n",
               max_pool2d(Var(xg::zeros<double>({1, 55, 55, 1})), 3, {.stride = 2}).shape()[1],
               max_pool2d(Var(xg::zeros<double>({1, 27, 27, 1})), 3, {.stride = 2}).shape()[1]);
    const double before = 27. * 27 * 128, after = 13. * 13 * 192;
    fmt::print("27×27×128 to 13×13×192 keeps {:.4f} of the numbers\n", after / before);

    const xg::Batch<float> photo = xg::Loader<float>(l.shapes(20, 20).train, {.batch_size = 20, .shuffle = false}).batch(0, 0);
    const xg::Variable<float> image = slice(xg::Variable<float>(photo.images), 0, {5, 6});
    draw::write_gallery(
        l.file("pooling.svg"),
        {{shown(x), "the 8×8 example", "blue -10, red 10"},
         {shown(largest), "the largest"},
         {shown(means), "the means"},
         {shown(smallest), "the smallest"},
         {shown(10 * grad(sum(largest), {x}, {.retain_graph = true})[0]), "gradient of the largest", "all goes to one place"},
         {shown(10 * grad(sum(means), {x})[0]), "gradient of the means", "a quarter to each"},
         {shown(image), "an image"},
         {shown(max_pool2d(image, 2)), "the largest of 2×2"},
         {shown(avg_pool2d(image, 2)), "means of 2×2"},
         {shown(min_pool2d(image, 2)), "the smallest of 2×2"},
         {shown(max_pool2d(image, 4)), "the largest of 4×4"},
         {shown(avg_pool2d(image, 4)), "means of 4×4"}},
        {.title = "Pooling", .columns = 6, .width = 840});
  });
}
