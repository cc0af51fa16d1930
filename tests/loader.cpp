// Sources, loaders, splits, augmentation, CIFAR and metrics.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <xgrad/xgrad.hpp>

namespace fs = std::filesystem;
using namespace xgrad;

namespace {

/// Image i is filled with byte i, its label is i modulo the number of classes.
Dataset numbered(std::size_t n, std::size_t classes = 0) {
  classes = classes == 0 ? std::max<std::size_t>(n, 1) : classes;
  Dataset data{Array<std::uint8_t>(Shape{n, 2, 3, 1}), Labels(Shape{n}), {}, classes};
  for (std::size_t i = 0; i < n; ++i) {
    std::fill_n(data.images.data() + 6 * i, 6, static_cast<std::uint8_t>(i));
    data.labels.data()[i] = static_cast<std::int64_t>(i % classes);
  }
  return data;
}

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

Array<float> ramp(std::size_t h, std::size_t w, std::size_t c) {
  Array<float> image(Shape{h, w, c});
  std::iota(image.data(), image.data() + image.size(), 1.0F);
  return image;
}

std::vector<Augmentation<float>> everything() {
  return {
      augment::Flip{},    augment::Shift{.fill = augment::Fill::edge},          augment::Crop{.padding = 1}, augment::Rotate{20},
      augment::Elastic{}, augment::Affine{.translate = 1, .scale = {0.8, 1.2}}, augment::Jitter{},           augment::Cutout{2}};
}

struct Directory {
  fs::path path =
      fs::temp_directory_path() / ("xgrad-loader-" + std::to_string(fs::file_time_type::clock::now().time_since_epoch().count()));
  Directory() { fs::create_directories(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    std::error_code error;
    fs::remove_all(path, error);
  }
  fs::path write(const std::string& name, const std::string& bytes) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << bytes;
    return path / name;
  }
};

struct Net {
  nn::BatchNorm<float> norm{1};
  nn::Dropout drop{0.5};
  nn::Linear<float> fc{6, 3};
  auto operator()(Variable<float> x) const { return fc(flatten(drop(norm(std::move(x))))); }
};

template <class E>
std::string error_of(auto call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
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

TEST_CASE("augmentation: whole pixels") {
  const Array<float> image = ramp(3, 4, 2);
  Generator generator(1);
  Array<float> flipped = image;
  augment::Flip{1}(flipped, generator);
  for (std::size_t y = 0; y < 3; ++y)
    for (std::size_t x = 0; x < 4; ++x)
      for (std::size_t c = 0; c < 2; ++c) CHECK(flipped(y, x, c) == image(y, 3 - x, c));
  augment::Flip{0}(flipped, generator);
  augment::Flip{1}(flipped, generator);
  CHECK(flipped == image);
  // what a shift by (dy, dx) may give, of which all come up
  for (const bool edge : {false, true}) {
    std::set<std::pair<int, int>> seen;
    for (int trial = 0; trial < 400; ++trial) {
      Array<float> moved = image;
      augment::Shift{.pixels = 1, .fill = edge ? augment::Fill::edge : augment::Fill::zeros}(moved, generator);
      int fits = 0;
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
          bool same = true;
          for (int y = 0; y < 3; ++y)
            for (int x = 0; x < 4; ++x) {
              const int py = std::clamp(y + dy, 0, 2), px = std::clamp(x + dx, 0, 3);
              const bool out = py != y + dy || px != x + dx;
              for (int c = 0; c < 2; ++c) same &= moved(y, x, c) == (out && !edge ? 0 : image(py, px, c));
            }
          if (same) seen.emplace(dy, dx), ++fits;
        }
      CHECK(fits == 1);
    }
    CHECK(seen.size() == 9);
  }
  std::set<float> corners;
  for (int trial = 0; trial < 300; ++trial) {
    Array<float> cut = image;
    augment::Crop{.padding = 0, .height = 2, .width = 2}(cut, generator);
    CHECK(cut.shape() == Shape{2, 2, 2});
    CHECK(cut(1, 1, 1) - cut(0, 0, 0) == 11);
    corners.insert(cut(0, 0, 0));
  }
  CHECK(corners.size() == 6);
  std::set<std::ptrdiff_t> holes;
  for (int trial = 0; trial < 300; ++trial) {
    Array<float> cut = image;
    augment::Cutout{.size = 2}(cut, generator);
    holes.insert(std::count(cut.begin(), cut.end(), 0.0F));
  }
  CHECK(holes == std::set<std::ptrdiff_t>{2, 4, 8});  // a corner, an edge, inside
}

TEST_CASE("augmentation: turns, stretches and bends") {
  Generator generator(1);
  // without any change nothing changes; a ramp that is moved or scaled remains one
  const Array<float> image = ramp(9, 9, 1);
  Array<float> same = image;
  augment::Affine{}(same, generator);
  augment::Elastic{.alpha = 0}(same, generator);
  augment::Jitter{0, 0}(same, generator);
  for (std::size_t i = 0; i < 81; ++i) CHECK(same.data()[i] == doctest::Approx(std::min(image.data()[i], 1.0F)));
  for (int trial = 0; trial < 20; ++trial) {
    Array<float> moved = image;
    augment::Affine{.degrees = 30, .translate = 1, .scale = {0.9, 1.1}, .shear = 10}(moved, generator);
    const auto at = [&](std::size_t y, std::size_t x) { return static_cast<double>(moved(y, x, 0)); };
    CHECK(at(3, 3) + at(5, 5) == doctest::Approx(2 * at(4, 4)));  // linear
    CHECK(at(3, 4) - at(4, 4) == doctest::Approx(at(4, 4) - at(5, 4)));
    Array<float> turned = image;
    augment::Rotate{40}(turned, generator);
    CHECK(static_cast<double>(turned(4, 4, 0)) == doctest::Approx(41));  // the centre stays
    // lengths stay: of the ramp's gradient (1, 9)
    const double dx = static_cast<double>(turned(4, 5, 0) - turned(4, 4, 0)),
                 dy = static_cast<double>(turned(5, 4, 0) - turned(4, 4, 0));
    CHECK(std::hypot(dx, dy) == doctest::Approx(std::hypot(1, 9)));
  }
  Array<float> bent = ramp(20, 20, 1);
  augment::Elastic{.alpha = 30, .sigma = 4, .fill = augment::Fill::edge}(bent, generator);
  CHECK(bent != ramp(20, 20, 1));
  double rough = 0;
  for (std::size_t y = 6; y < 14; ++y)
    for (std::size_t x = 6; x < 13; ++x)
      rough = std::max(rough, std::abs(static_cast<double>(bent(y, x + 1, 0) - bent(y, x, 0)) - 1));
  CHECK(rough < 20);  // neighbours stay neighbours: rows are 20 apart
}

TEST_CASE("augmentation: mixup") {
  const Array<double> images = [] {
    Array<double> x(Shape{6, 2});
    std::iota(x.data(), x.data() + 12, 0.0);
    return x;
  }();
  const Labels labels{0, 1, 2, 0, 1, 2};
  Generator generator(4);
  std::vector<double> shares;
  for (int trial = 0; trial < 200; ++trial) {
    const auto [mixed, p] = augment::mixup(images, labels, 3, 2.0, generator);
    std::set<long> partners;
    double share = -1;
    for (std::size_t i = 0; i < 6; ++i)
      if (const double own = p(i, static_cast<std::size_t>(labels(i))); own < 1) share = own;  // its partner is of another class
    if (share < 0) continue;
    shares.push_back(share);
    for (std::size_t i = 0; i < 6; ++i) {
      CHECK(p(i, 0) + p(i, 1) + p(i, 2) == doctest::Approx(1));
      // the first feature is twice the index: that of the partner follows from what is mixed in
      const double partner = (mixed(i, 0) / 2 - share * static_cast<double>(i)) / (1 - share);
      CHECK(mixed(i, 1) == doctest::Approx(mixed(i, 0) + 1));
      const long j = std::lround(partner);
      CHECK(partner == doctest::Approx(static_cast<double>(j)).epsilon(1e-6));
      partners.insert(j);
      const auto other = static_cast<std::size_t>(labels(static_cast<std::size_t>(j))), own = static_cast<std::size_t>(labels(i));
      CHECK(p(i, own) == doctest::Approx(own == other ? 1 : share));
    }
    CHECK(partners.size() == 6);
  }
  // Beta(2, 2) has mean 1/2 and deviation 0.224
  double mean = 0, square = 0;
  for (double share : shares) mean += share / static_cast<double>(shares.size());
  for (double share : shares) square += (share - mean) * (share - mean) / static_cast<double>(shares.size());
  CHECK(mean == doctest::Approx(0.5).epsilon(0.15));
  CHECK(std::sqrt(square) == doctest::Approx(0.224).epsilon(0.25));
}

TEST_CASE("augmentation: options that make no sense") {
  Generator generator(1);
  const auto complains = [&](const Augmentation<float>& change, const std::string& text) {
    Array<float> image = ramp(3, 3, 1);
    const std::string what = error_of<ValueError>([&] { change(image, generator); });
    CHECK_MESSAGE(what.find(text) != std::string::npos, what);
    CHECK(image == ramp(3, 3, 1));
    Array<float> flat = ramp(1, 1, 3);
    flat = full<float>(Shape{3}, 1);
    CHECK(error_of<ShapeError>([&] { change(flat, generator); }).find("must be an image (height, width, channels)") !=
          std::string::npos);
  };
  complains(augment::Flip{1.5}, "augment::Flip: p is 1.5; it must be from 0 to 1");
  complains(augment::Crop{.padding = 1, .height = 6}, "augment::Crop: height is 6; it must be at most 5, that of the padded image");
  complains(augment::Crop{.padding = ~std::size_t{0}}, "padding is");
  complains(augment::Shift{.pixels = ~std::size_t{0}}, "pixels is");
  complains(augment::Cutout{.size = ~std::size_t{0}}, "size is");
  complains(augment::Affine{.scale = {0, 1}}, "scale[0] is 0");
  complains(augment::Affine{.shear = 90}, "shear is 90");
  complains(augment::Rotate{std::nan("")}, "degrees is nan");
  complains(augment::Elastic{.sigma = 0}, "sigma is 0");
  complains(augment::Jitter{.brightness = -1}, "brightness is -1");
}

TEST_CASE("CIFAR files") {
  const auto record = [](std::string labels, int value) {
    std::string planes;
    for (int c = 0; c < 3; ++c) planes += std::string(1024, static_cast<char>(value + c));
    planes[1023] = 9;  // red, the last pixel
    return labels + planes;
  };
  const Directory d;
  for (int k = 1; k <= 5; ++k)
    d.write("cifar-10-batches-bin/data_batch_" + std::to_string(k) + ".bin",
            record(std::string(1, static_cast<char>(k)), k) + record({'\0'}, 50));
  CHECK(error_of<FileError>([&] { load_cifar10(d.path); }).find("only 5 of the files") != std::string::npos);
  d.write("cifar-10-batches-bin/test_batch.bin", record("\x09", 100));
  const Split data = load_cifar10(d.path);
  CHECK(data.train.labels == Labels{1, 0, 2, 0, 3, 0, 4, 0, 5, 0});
  CHECK(data.test.labels == Labels{9});
  CHECK(data.test.names.at(9) == "truck");
  CHECK(data.train.images.shape() == Shape{10, 32, 32, 3});
  for (std::size_t c = 0; c < 3; ++c) CHECK(data.train.images(2, 31, 30, c) == 2 + c);
  CHECK(data.train.images(2, 31, 31, 0) == 9);
  CHECK(data.train.images(2, 31, 31, 1) == 3);
  d.write("hundred/train.bin", record("\x01\x63", 7));
  d.write("hundred/test.bin", record("\x02\x05", 7));
  const Split hundred = load_cifar100(d.path / "hundred");
  CHECK(hundred.train.labels == Labels{99});
  CHECK(hundred.train.names.at(99) == "99");
  // what is wrong with a file: every length that is no whole number of images, and labels
  const std::string good = record("\x01", 1) + record("\x02", 2);
  for (const std::size_t n : {0U, 1U, 100U, 3072U, 3074U, 6145U}) {
    const std::string text = error_of<FileError>([&] { read_cifar({d.write("part.bin", good.substr(0, n))}); });
    CHECK_MESSAGE(text.find(n == 0 ? "part.bin: is empty" : "ends at offset " + std::to_string(n)) != std::string::npos, text);
  }
  CHECK(error_of<FileError>([&] {
          read_cifar({d.write("label.bin", record("\x01", 1) + record("\x0a", 2))});
        }).find("label 10 of image 1 at offset 3073; it must be from 0 to 9") != std::string::npos);
  CHECK(error_of<FileError>([&] { load_cifar10(d.path / "nothing"); }).find("no such directory") != std::string::npos);
  CHECK(error_of<FileError>([&] { load_cifar100(d.path); }).find("train.bin is not there") != std::string::npos);
}

TEST_CASE("tables of numbers") {
  const Directory d;
  const auto table = [&](const std::string& text, CsvOptions options = {}) { return read_csv(d.write("t.csv", text), options); };
  const Table t = table("\xEF\xBB\xBFheight, \"weight \"\"kg\"\"\" ,label\r\n1.5, 70 ,0\r\n\r\n  \n+1e-3,,\"1\"\n-inf,nan,2");
  CHECK(t.names == std::vector<std::string>{"height", "weight \"kg\"", "label"});
  CHECK(t.values.shape() == Shape{3, 3});
  CHECK(t.values(1, 0) == 1e-3);
  CHECK(std::isnan(t.values(1, 1)));
  CHECK(t.values(2, 0) == -std::numeric_limits<double>::infinity());
  CHECK(std::isnan(t.values(2, 1)));
  CHECK(t.column("label") == Array<double>{0, 1, 2});
  CHECK(t.index("height") == 0);
  CHECK(error_of<IndexError>([&] { t.column("age"); }).find("no column is called \"age\"; it must be one of: height, weight") !=
        std::string::npos);
  CHECK(table("1;2\n3;4", {.separator = ';', .header = false}).values == Array<double>{{1, 2}, {3, 4}});
  CHECK(table("a,b\n").values.shape() == Shape{0, 2});
  CHECK(table("1,\n2,", {.header = false}).values.shape() == Shape{2, 2});
  const auto complains = [&](const std::string& text, const std::string& part) {
    const std::string what = error_of<FileError>([&] { table(text); });
    CHECK_MESSAGE(what.find("t.csv: " + part) != std::string::npos, what);
  };
  complains("", "is empty");
  complains(" \n\n", "is empty");
  complains("a,b\n\n1,x", "line 3, column 2: \"x\" is no number");
  complains("a,b\n1,2\n3", "line 3, column 1: 1 fields; there must be 2 as in the first line");
  complains("a\n1,2", "line 2, column 1: 2 fields; there must be 1");
  complains("a,b\n1,\"2", "line 2, column 2: a quote that is not closed");
  complains("a,b\n\"1\"2,3", "line 2, column 1: \"2,3\" behind a quoted field");
  complains("a\n1e999", "line 2, column 1: 1e999 is beyond what a double can hold");
  complains("a\n1.5.2", "line 2, column 1: \"1.5.2\" is no number");
  complains(std::string("a\n1\0", 4), "line 2, column 1: \"1\\x00\" is no number");
  for (const char separator : {'"', ' ', '\n', '.', '1', 'e', '\0'})
    CHECK(error_of<ValueError>([&] { table("a", {.separator = separator}); }).find("separator is") != std::string::npos);
  // any beginning of a good file is read or is an error
  const std::string good = "a,\"b\"\n1,2\n3,\"4\"\n";
  std::size_t read = 0;
  for (std::size_t n = 0; n <= good.size(); ++n) {
    const std::string what = error_of<FileError>([&] {
      table(good.substr(0, n));
      ++read;
    });
    CHECK((what == "nothing was thrown" || what.find("t.csv: ") != std::string::npos));
  }
  CHECK(read > 4);
}

TEST_CASE("the real CIFAR-10, when XGRAD_DATA names a directory that has it") {
  const char* data = std::getenv("XGRAD_DATA");
  const fs::path file = data ? fs::path(data) / "cifar10" / "test_first1000.bin" : fs::path();
  if (!data || !fs::exists(file)) {
    MESSAGE("skipped: XGRAD_DATA names no directory with cifar10/test_first1000.bin");
    return;
  }
  const Dataset test = read_cifar({file});
  CHECK(test.size() == 1000);
  CHECK(test.labels(0) == 3);  // a cat
  CHECK(test.images(0, 0, 0, 0) == 158);
  CHECK(test.images(0, 0, 0, 2) == 49);
}

TEST_CASE_TEMPLATE("metrics against plain loops", T, float, double) {
  Generator generator(6);
  Array<T> scores(Shape{50, 8});
  generator.fill_normal(scores, 0, 2);
  scores(0, 0) = scores(0, 1) = 9;  // a tie
  Labels labels(Shape{50});
  for (std::int64_t& label : labels) label = static_cast<std::int64_t>(generator.below(8));
  labels(0) = 1;
  Metrics m, half;
  m.add(scores, labels);
  double loss = 0, right = 0, five = 0;
  Labels confusion = zeros<std::int64_t>(Shape{8, 8});
  for (std::size_t i = 0; i < 50; ++i) {
    const auto label = static_cast<std::size_t>(labels(i));
    double sum = 0;
    std::size_t guess = 0, larger = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      sum += std::exp(static_cast<double>(scores(i, k)));
      if (scores(i, k) > scores(i, guess)) guess = k;
      larger += scores(i, k) > scores(i, label);
    }
    loss += std::log(sum) - static_cast<double>(scores(i, label));
    right += guess == label;
    five += larger < 5;
    ++confusion(label, guess);
  }
  CHECK(m.loss() == doctest::Approx(loss / 50));
  CHECK(m.accuracy() == right / 50);
  CHECK(m.top5() == five / 50);
  CHECK(m.confusion == confusion);
  CHECK(half.accuracy() == 0);
}

TEST_CASE("evaluate leaves the network as it was") {
  seed(1);
  Net net;
  net.drop.training = false;
  const Variable<float> before(net.norm.running_mean.value());
  const Metrics a = nn::evaluate(net, numbered(20, 3), {.batch_size = 6}),
                b = nn::evaluate(net, numbered(20, 3), {.batch_size = 20, .workers = 1});
  CHECK(a.samples == 20);
  CHECK(a.loss() == doctest::Approx(b.loss()));
  CHECK(net.norm.training);
  CHECK(!net.drop.training);
  CHECK(net.norm.running_mean.value() == before.value());
}

namespace {
struct Dropping {
  nn::Linear<double> layer{1, 3};
  nn::Dropout drop{0.5};
  nn::BatchNorm<double> norm{3};
  Variable<double> operator()(Variable<double> x) const { return norm(drop(layer(std::move(x)))); }
};
}  // namespace

TEST_CASE("evaluate of a const network is not in training mode either") {
  Dropping net;
  const Source<double> source(normal<double>({4, 1}), Labels{0, 1, 2, 0});
  const auto before = net.norm.running_mean.value();
  const double loss = nn::evaluate(net, source).loss();
  CHECK(nn::evaluate(std::as_const(net), source).loss() == loss);
  CHECK(nn::evaluate(std::as_const(net), source).loss() == loss);
  CHECK(net.norm.running_mean.value() == before);
  CHECK(net.norm.training);
}

TEST_CASE("a Source has no sample beyond its end") {
  const Source<double> source(zeros<double>({2, 1}), Labels{0, 1});
  CHECK_THROWS_WITH_AS(static_cast<void>(source[2]), doctest::Contains("sample 2 of a Source is asked for; it must be below 2"),
                       IndexError);
}
