/// The nearest neighbours: an image has the class that most of the k training images nearest to it have, and k is chosen by
/// cross-validation.
#include <algorithm>

#include "lecture.hpp"

xg::Variable<float> rows(const xg::Dataset& data) {
  const xg::Loader<float> loader(data, {.batch_size = data.size(), .shuffle = false});
  return flatten(xg::Variable<float>(loader.batch(0, 0).images));
}

/// For each test image the classes of the `most` nearest training images, the nearest first: ‖a - b‖² = ‖a‖² - 2 a b + ‖b‖², of
/// which the first is the same for all b.
xg::Labels nearest(const xg::Dataset& train, const xg::Dataset& test, std::ptrdiff_t most) {
  const auto a = rows(test), b = rows(train);
  const auto distances = sum(square(b), 1) - 2 * matmul(a, transpose(b));
  xg::Labels classes = topk(distances, most, 1, {.largest = false}).indices;
  for (std::int64_t& index : classes) index = train.labels(static_cast<std::size_t>(index));
  return classes;
}

/// The share of right answers when the first k of the neighbours vote; of classes with as many votes the smaller number wins.
double accuracy(const xg::Labels& neighbours, const xg::Dataset& test, std::size_t k) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < test.size(); ++i) {
    std::vector<int> votes(test.classes);
    for (std::size_t j = 0; j < k; ++j) ++votes[static_cast<std::size_t>(neighbours(i, j))];
    right += std::max_element(votes.begin(), votes.end()) - votes.begin() == test.labels(i);
  }
  return 100 * static_cast<double>(right) / static_cast<double>(test.size());
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "k nearest neighbours, and k by cross-validation", [](const Lecture& l) {
    const xg::Split data = l.shapes(l.size<std::size_t>(5000, 500), l.size<std::size_t>(2000, 200));
    const std::vector<std::size_t> choices{1, 3, 5, 8, 10, 12, 15, 20, 50, 100};
    draw::Series each{"each of five folds", {}, {}, false, draw::Style::points}, mean{"their mean", {}, {}};
    std::vector<double> sums(choices.size());
    for (const xg::Split& fold : folds(data.train, 5, 1)) {
      const xg::Labels neighbours = nearest(fold.train, fold.test, 100);
      for (std::size_t c = 0; c < choices.size(); ++c) {
        each.x.push_back(static_cast<double>(choices[c])), each.y.push_back(accuracy(neighbours, fold.test, choices[c]));
        sums[c] += each.y.back() / 5;
      }
    }
    for (std::size_t c = 0; c < choices.size(); ++c) {
      mean.x.push_back(static_cast<double>(choices[c])), mean.y.push_back(sums[c]);
      fmt::print("k = {:>3}: {:.1f} % in cross-validation\n", choices[c], sums[c]);
    }
    const auto best = choices[static_cast<std::size_t>(std::max_element(sums.begin(), sums.end()) - sums.begin())];
    const double tested = accuracy(nearest(data.train, data.test, 100), data.test, best);
    fmt::print("best is k = {}: {:.1f} % of {} test images, {} to compare with\n", best, tested, data.test.size(),
               data.train.size());
    must(tested > 12, "neighbours do better than chance, 10 %");
    draw::write_chart(l.file("neighbours.svg"), {mean, each},
                      {.title = "k nearest neighbours, five-fold cross-validation",
                       .x = {.label = "k", .scale = draw::Scale::log},
                       .y = {"accuracy", "%"}});
  });
}
