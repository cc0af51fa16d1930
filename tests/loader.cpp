// Sources, data sets and loaders.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "numbered.hpp"
#include "support.hpp"

using namespace xgrad;
using namespace xgrad_test;

namespace {

template <class T>
std::vector<std::int64_t> epoch_of(Loader<T>& loader) {
  std::vector<std::int64_t> seen;
  for (auto [images, labels] : loader) seen.insert(seen.end(), labels.begin(), labels.end());
  return seen;
}

/// All numbers of some epochs.
template <class T>
std::vector<T> numbers_of(Loader<T>& loader, std::uint64_t epochs) {
  std::vector<T> result;
  while (loader.state.epoch < epochs)
    for (auto [images, labels] : loader) {
      result.insert(result.end(), images.data(), images.data() + images.size());
      for (std::int64_t label : labels) result.push_back(static_cast<T>(label));
    }
  return result;
}

std::vector<Augmentation<float>> everything() {
  return {
      augment::Flip{},    augment::Shift{.fill = augment::Fill::edge},          augment::Crop{.padding = 1}, augment::Rotate{20},
      augment::Elastic{}, augment::Affine{.translate = 1, .scale = {0.8, 1.2}}, augment::Jitter{},           augment::Cutout{2}};
}

}  // namespace

TEST_CASE("loader: an epoch shows every sample once") {
  for (const std::size_t workers : {0U, 1U, 3U}) {
    Loader<float> loader(numbered(23), {.batch_size = 5, .workers = workers});
    CHECK(loader.count() == 5);
    CHECK(loader.samples() == 23);
    std::vector<std::int64_t> seen, before;
    for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
      CHECK(loader.state.epoch == epoch);
      seen.clear();
      std::size_t count = 0;
      for (auto [images, labels] : loader) {
        const std::size_t size = count++ < 4 ? 5 : 3;
        CHECK(images.shape() == Shape{size, 2, 3, 1});
        CHECK(labels.shape() == Shape{size});
        for (std::size_t i = 0; i < size; ++i)  // the images have moved with their labels
          for (std::size_t k = 0; k < 6; ++k) CHECK(images.data()[6 * i + k] == static_cast<float>(labels(i)) / 255);
        seen.insert(seen.end(), labels.begin(), labels.end());
      }
      CHECK(count == 5);
      CHECK(seen != before);  // another order
      before = seen;
      std::sort(seen.begin(), seen.end());
      for (std::size_t i = 0; i < 23; ++i) CHECK(seen[i] == static_cast<std::int64_t>(i));
    }
  }
}

TEST_CASE("loader: the seed decides the order") {
  Loader<float> first(numbered(100), {.batch_size = 7, .seed = 1}), same(numbered(100), {.batch_size = 7, .seed = 1}),
      other(numbered(100), {.batch_size = 7, .seed = 2}), plain(numbered(100), {.batch_size = 8, .shuffle = false});
  for (int epoch = 0; epoch < 2; ++epoch) {
    const auto order = epoch_of(first);
    CHECK(order == epoch_of(same));
    CHECK(order != epoch_of(other));
  }
  const auto order = epoch_of(plain);
  for (std::size_t i = 0; i < 100; ++i) CHECK(order[i] == static_cast<std::int64_t>(i));
}

TEST_CASE("loader: the last batch") {
  const auto counts = [](std::size_t n, LoaderOptions<float> options) {
    Loader<float> loader(numbered(n), std::move(options));
    const std::size_t samples = epoch_of(loader).size();
    CHECK(samples == loader.samples());
    return std::pair(loader.count(), samples);
  };
  CHECK(counts(20, {.batch_size = 8}) == std::pair<std::size_t, std::size_t>{3, 20});
  CHECK(counts(20, {.batch_size = 8, .drop_last = true}) == std::pair<std::size_t, std::size_t>{2, 16});
  CHECK(counts(16, {.batch_size = 8}) == std::pair<std::size_t, std::size_t>{2, 16});
  CHECK(counts(5, {.batch_size = 8}) == std::pair<std::size_t, std::size_t>{1, 5});
  CHECK(counts(0, {.batch_size = 8}) == std::pair<std::size_t, std::size_t>{0, 0});
}

TEST_CASE_TEMPLATE("loader: numbers are standardised for each channel", T, float, double) {
  Array<T> values(Shape{5, 2});
  std::iota(values.data(), values.data() + 10, T(0));
  Loader<T> loader({values, Labels{0, 1, 2, 3, 4}}, {.batch_size = 2, .mean = {4.5, 1}, .std = {2, 4}});
  CHECK(loader.source().classes() == 5);
  // the largest label that there is, and labels that are none
  CHECK(Source<double>(Array<double>(Shape{2, 1}), Labels{3, INT64_MAX}).classes() == std::size_t{1} << 63);
  CHECK(Source<double>(Array<double>(Shape{2, 1}), Labels{-1, INT64_MIN}).classes() == 0);
  std::size_t seen = 0;
  for (auto [x, y] : loader)
    for (std::size_t i = 0; i < y.size(); ++i, ++seen) {
      CHECK(x(i, 0) == (2 * static_cast<T>(y(i)) - T(4.5)) / 2);
      CHECK(x(i, 1) == 2 * static_cast<T>(y(i)) / 4);
    }
  CHECK(seen == 5);
}

TEST_CASE("loader: the same bits with any number of workers, augmentation included") {
  Dataset data = numbered(41, 10);
  std::iota(data.images.data(), data.images.data() + data.images.size(), std::uint8_t{0});
  const auto made = [&](std::size_t workers, std::size_t ahead) {
    Loader<float> loader(data, {.batch_size = 4, .seed = 5, .workers = workers, .ahead = ahead, .augment = everything()});
    return numbers_of(loader, 3);
  };
  const std::vector<float> alone = made(0, 1);
  CHECK(alone.size() == 3 * 41 * 7);
  CHECK(alone == made(1, 1));
  CHECK(alone == made(2, 4));
  CHECK(alone == made(5, ~std::size_t{0}));
  Loader<float> loader(data, {.batch_size = 4, .seed = 5, .augment = everything()});
  std::vector<std::vector<float>> epochs;
  for (int e = 0; e < 2; ++e) {  // sample 0 is augmented anew in each epoch
    const std::vector<std::size_t> order = loader.order(static_cast<std::uint64_t>(e));
    const std::size_t place = static_cast<std::size_t>(std::find(order.begin(), order.end(), 7) - order.begin());
    const Batch<float> batch = loader.batch(static_cast<std::uint64_t>(e), place / 4);
    epochs.emplace_back(batch.images.data() + place % 4 * 6, batch.images.data() + place % 4 * 6 + 6);
  }
  CHECK(epochs[0] != epochs[1]);
}

TEST_CASE("loader: its state is where it goes on") {
  for (const std::size_t workers : {0U, 2U}) {
    const LoaderOptions<float> options{.batch_size = 3, .seed = 2, .workers = workers, .augment = {augment::Flip{}}};
    Loader<float> whole(numbered(20), options);
    const std::vector<float> all = numbers_of(whole, 3);
    for (int stop = 0; stop < 21; ++stop) {  // after every batch of three epochs
      Loader<float> first(numbered(20), options), second(numbered(20), options);
      std::vector<float> got;
      int done = 0;
      while (done < stop)
        for (auto [images, labels] : first) {
          got.insert(got.end(), images.data(), images.data() + images.size());
          for (std::int64_t label : labels) got.push_back(static_cast<float>(label));
          if (++done == stop) break;
        }
      second.state = first.state;
      const std::vector<float> rest = numbers_of(second, 3);
      got.insert(got.end(), rest.begin(), rest.end());
      CHECK(got == all);
    }
  }
  Loader<float> loader(numbered(20), {.batch_size = 3});
  CHECK(error_of<ValueError>([&] {
          for (auto batch : loader) loader.state.epoch = 7;
        }).find("inside of a loop") != std::string::npos);
}

TEST_CASE("loader: parts share out an epoch") {
  std::multiset<std::int64_t> seen;
  for (std::size_t part = 0; part < 3; ++part) {
    Loader<float> loader(numbered(20), {.batch_size = 4, .seed = 9, .part = part, .parts = 3});
    CHECK(loader.samples() == 6);
    CHECK(loader.count() == 2);
    for (std::int64_t label : epoch_of(loader)) seen.insert(label);
  }
  CHECK(seen.size() == 18);
  CHECK(std::set<std::int64_t>(seen.begin(), seen.end()).size() == 18);
}

TEST_CASE("loader: an exception in a worker reaches the loop, behind the batches before it") {
  for (const std::size_t workers : {0U, 1U, 3U}) {
    const Source<float> source(20, [](std::size_t i) -> Sample<float> {
      if (i == 11) throw FileError("cat.png: is damaged");
      return {full<float>(Shape{1}, 1), 0};
    });
    Loader<float> loader(source, {.batch_size = 2, .shuffle = false, .workers = workers}, Where::current("train.cpp", 58));
    std::size_t batches = 0;
    const std::string text = error_of<FileError>([&] {
      for (auto batch : loader) ++batches;
    });
    CHECK(batches == 5);
    CHECK(text == "train.cpp:58: Loader: cat.png: is damaged");
    CHECK(loader.state.position == 5);
  }
  // and a loop that is left early leaves nothing behind
  std::atomic<int> reading{0};
  const Source<float> slow(1000, [&](std::size_t) -> Sample<float> {
    ++reading;
    std::this_thread::yield();
    return {full<float>(Shape{1}, 1), 0};
  });
  Loader<float> loader(slow, {.batch_size = 1, .workers = 2, .ahead = 3});
  for (auto batch : loader) break;
  CHECK(reading <= 6);
  const int before = reading;
  CHECK(reading == before);
}

TEST_CASE("loader: samples of different shapes are an error") {
  const Source<float> source(4, [](std::size_t i) -> Sample<float> { return {full<float>(Shape{i < 3 ? 2U : 3U}, 1), 0}; });
  Loader<float> loader(source, {.shuffle = false}, Where::current("train.cpp", 58));
  CHECK(error_of<ShapeError>([&] { epoch_of(loader); }) ==
        "train.cpp:58: Loader: sample 3 is (3,), the one before it (2,); all samples of a batch must have one shape");
  CHECK(error_of<ShapeError>([] {
          Loader<float>(numbered(3), {.mean = {1, 2, 3}}).batch(0, 0);
        }).find("mean has 3 numbers and samples have 1 channels; it must have one for each, or one for all") != std::string::npos);
}

TEST_CASE("data sets: slice, subset, concat") {
  const Dataset data = numbered(6), part = slice(data, 2, 5);
  CHECK(part.labels == Labels{2, 3, 4});
  CHECK(part.images.shape() == Shape{3, 2, 3, 1});
  CHECK(part.images(2, 1, 2, 0) == 4);
  CHECK(part.classes == 6);
  CHECK(slice(data, 6, 6).size() == 0);
  CHECK(slice(numbered(0), 0, 0).size() == 0);
  const std::vector<std::size_t> rows{5, 0, 5};
  const Dataset some = subset(data, rows), both = concat(part, some);
  CHECK(some.labels == Labels{5, 0, 5});
  CHECK(some.images(1, 1, 2, 0) == 0);
  CHECK(both.labels == Labels{2, 3, 4, 5, 0, 5});
  CHECK(both.images(3, 0, 0, 0) == 5);
  const Source<float> source(data), chosen = subset(source, rows), joined = concat(source, chosen);
  CHECK(joined.size() == 9);
  CHECK(joined[6].label == 5);
  CHECK(joined[6].value(1, 2, 0) == 5.0F / 255);
  CHECK(joined[2].label == 2);
  const Moments moments = channel_moments(data);  // of 0 … 5
  CHECK(moments.mean.at(0) == doctest::Approx(2.5 / 255));
  CHECK(moments.std.at(0) == doctest::Approx(std::sqrt(35.0 / 12) / 255));
  Dataset colours{Array<std::uint8_t>(Shape{1, 1, 2, 3}), Labels{0}, {}, 1};
  std::copy_n(std::array<std::uint8_t, 6>{0, 10, 255, 0, 20, 255}.data(), 6, colours.images.data());
  CHECK(channel_moments(colours).mean == std::vector<double>{0, 15.0 / 255, 1});
}

TEST_CASE("data sets: split and folds keep the classes' proportions") {
  Dataset data = numbered(100, 4);
  for (std::size_t i = 0; i < 100; ++i) data.labels(i) = i < 60 ? 0 : i < 90 ? 1 : i < 98 ? 2 : 3;
  const auto count = [](const Dataset& d, std::int64_t label) { return std::count(d.labels.begin(), d.labels.end(), label); };
  const auto [train, rest] = split(data, 0.75, 3);
  CHECK(count(train, 0) == 45);
  CHECK(count(rest, 0) == 15);
  CHECK(count(train, 2) == 6);
  CHECK(count(train, 3) == 2);  // 1.5, rounded
  CHECK(split(data, 0.75, 3).first.labels == train.labels);
  CHECK(split(data, 0.75, 4).first.images != train.images);
  CHECK(!std::is_sorted(train.labels.begin(), train.labels.end()));
  std::multiset<int> tested;
  for (const Split& fold : folds(data, 7)) {
    CHECK(fold.train.size() + fold.test.size() == 100);
    CHECK((fold.test.size() == 14 || fold.test.size() == 15));
    CHECK((count(fold.test, 0) == 8 || count(fold.test, 0) == 9));
    for (std::size_t i = 0; i < fold.test.size(); ++i) tested.insert(fold.test.images(i, 0, 0, 0));
  }
  CHECK(tested.size() == 100);
  CHECK(std::set<int>(tested.begin(), tested.end()).size() == 100);
}

TEST_CASE("sources are split, folded and measured as the data set of the same samples") {
  Dataset data = numbered(100, 4);
  for (std::size_t i = 0; i < 100; ++i) data.labels(i) = i < 60 ? 0 : i < 90 ? 1 : i < 98 ? 2 : 3;
  data.names = {"a", "b", "c", "d"};
  std::size_t reads = 0;
  const Source<double> held(data);
  const auto counted = [&](std::size_t i) {
    ++reads;
    return held[i];
  };
  const Source<double> source(100, counted, 4, data.names);
  const auto same = [](const Source<double>& a, const Dataset& d) {
    const Source<double> b(d);
    REQUIRE(a.size() == b.size());
    CHECK(a.classes() == 4);
    CHECK(a.names() == d.names);
    for (std::size_t i = 0; i < a.size(); ++i) {
      CHECK(a[i].value == b[i].value);
      CHECK(a[i].label == b[i].label);
    }
  };
  const auto [first, second] = split(source, 0.75, 3);
  CHECK(reads == 100);
  const auto [train, rest] = split(data, 0.75, 3);
  same(first, train);
  same(second, rest);
  const auto ways = folds(source, 7, 2);
  const auto expected = folds(data, 7, 2);
  REQUIRE(ways.size() == 7);
  for (std::size_t k = 0; k < 7; ++k) {
    same(ways[k].train, expected[k].train);
    same(ways[k].test, expected[k].test);
  }
  reads = 0;
  const Moments moments = channel_moments(source), wanted = channel_moments(data);
  CHECK(reads == 100);
  CHECK(moments.mean.at(0) == doctest::Approx(wanted.mean.at(0)).epsilon(1e-13));
  CHECK(moments.std.at(0) == doctest::Approx(wanted.std.at(0)).epsilon(1e-13));
  // images of different sizes, whose pixels count alike, far from zero
  const Source<double> sizes(2, [](std::size_t i) {
    return Sample<double>{i == 0 ? Array<double>{{{1e9, 4}, {1e9 + 2, 4}, {1e9 + 4, 4}}} : Array<double>{{{1e9 + 6, 4}}}};
  });
  CHECK(channel_moments(sizes).mean == std::vector<double>{1e9 + 3, 4});
  CHECK(channel_moments(sizes).std == std::vector<double>{std::sqrt(5.0), 0});
  // what is wrong
  const auto at = [](std::uint32_t line) { return "loader.cpp:" + std::to_string(line) + ": "; };
  const auto as_held = [&](std::size_t i) { return held[i]; };
  const Source<double> unsaid(3, as_held), none(0, as_held, 4), few(100, as_held, 3), numbers(zeros<double>({2}), Labels{0, 1});
  const Source<double> mixed(2, [](std::size_t i) { return Sample<double>{zeros<double>({1, 2, i + 1})}; });
  CHECK(error_of([&] { split(unsaid, 0.5); }) == at(__LINE__) + "split: there are no classes; the set must say how many there are");
  CHECK(error_of([&] { split(few, 0.5); }).find("; it must be from 0 to 2") != std::string::npos);
  CHECK(error_of([&] { split(held, 2); }) == at(__LINE__) + "split: fraction is 2; it must be from 0 to 1");
  CHECK(error_of([&] { folds(none, 2); }) == at(__LINE__) + "folds: k is 2; it must be from 2 to the number of samples, 0");
  const std::string nothing = error_of([&] { channel_moments(none); });
  CHECK(nothing == at(__LINE__ - 1) + "channel_moments: the data set has no pixels; it must have one at least");
  CHECK(error_of([&] {
          channel_moments(mixed);
        }).find("channel_moments: sample 1 is (1, 2, 2); its last axis must be its channels") != std::string::npos);
  CHECK(error_of([&] { channel_moments(numbers); }).find("channel_moments: sample 0 is (); its last axis must") !=
        std::string::npos);
  const Source<double> broken(
      2, [](std::size_t) -> Sample<double> { throw FileError({}, "read_image", "b.png: is empty"); }, 2);
  CHECK(error_of([&] { split(broken, 0.5); }).find("b.png: is empty") != std::string::npos);
}

TEST_CASE("data sets: empty ones, and classes without samples") {
  Dataset data = numbered(10, 4);
  for (std::size_t i = 0; i < 10; ++i) data.labels(i) = i < 9 ? 0 : 3;  // of classes 1 and 2 there is nothing
  const auto [train, rest] = split(data, 0.5, 1);
  CHECK(train.size() + rest.size() == 10);
  CHECK(train.classes == 4);
  CHECK(rest.classes == 4);
  std::size_t rare = 0;
  for (const Split& fold : folds(data, 5)) {
    CHECK(fold.test.size() == 2);
    rare += static_cast<std::size_t>(std::count(fold.test.labels.begin(), fold.test.labels.end(), 3));
  }
  CHECK(rare == 1);
  const Dataset none = slice(data, 0, 0);
  CHECK(split(none, 0.5).first.size() == 0);
  CHECK_THROWS_WITH_AS(static_cast<void>(folds(none, 2)), doctest::Contains("k is 2"), ValueError);
  Loader<float> loader(none, {.batch_size = 4, .workers = 2});
  for (const auto& batch : loader) FAIL_CHECK(batch.labels.size());
  CHECK(loader.state.epoch == 1);
}

TEST_CASE("a Source has no sample beyond its end") {
  const Source<double> source(zeros<double>({2, 1}), Labels{0, 1});
  CHECK_THROWS_WITH_AS(static_cast<void>(source[2]), doctest::Contains("sample 2 of a Source is asked for; it must be below 2"),
                       IndexError);
}
