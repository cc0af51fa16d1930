#include <doctest/doctest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <xgrad/core/error.hpp>
#include <xgrad/core/parallel.hpp>
#include <xgrad/data/dataset.hpp>
#include <xgrad/data/digits.hpp>
#include <xgrad/data/idx.hpp>

#include "directory.hpp"

namespace fs = std::filesystem;
using namespace xgrad;
using xgrad_test::Directory;

namespace {

using Bytes = std::string;

Bytes gzip(const Bytes& bytes) {
  const Directory directory;
  const fs::path path = directory.path / "x.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return xgrad_test::contents(path);
}

Bytes idx(const std::vector<std::uint32_t>& lengths, const Bytes& content, int type = 8) {
  Bytes result{0, 0, static_cast<char>(type), static_cast<char>(lengths.size())};
  for (std::uint32_t length : lengths)
    for (unsigned shift : {24U, 16U, 8U, 0U}) result += static_cast<char>(length >> shift & 255U);
  return result + content;
}

/// 3 images of 2×4 pixels 0 … 23, 3 labels 7 0 9.
const Bytes good_images = [] {
  Bytes pixels;
  for (char p = 0; p < 24; ++p) pixels += p;
  return idx({3, 2, 4}, pixels);
}();
const Bytes good_labels = idx({3}, Bytes{7, 0, 9});

/// What `call` throws, with the directory's own path left out.
template <class E = FileError>
std::string error_of(auto call, const fs::path& directory = {}) {
  try {
    call();
  } catch (const E& error) {
    std::string text = error.what();
    const std::string prefix = directory.string() + "/";
    for (std::size_t at = 0; !directory.empty() && (at = text.find(prefix)) != text.npos;) text.erase(at, prefix.size());
    return text;
  }
  return "nothing was thrown";
}
std::string read_error(const Bytes& images, const Bytes& labels) {
  const Directory d;
  const fs::path i = d.write("images", images), l = d.write("labels", labels);
  return error_of([&] { read_idx(i, l, Where::current("a/train.cpp", 58)); }, d.path);
}

void check_good(const Dataset& data) {
  CHECK(data.images.shape() == Shape{3, 2, 4, 1});
  CHECK(data.labels.shape() == Shape{3});
  CHECK(data.size() == 3);
  CHECK(data.classes == 10);
  for (std::size_t i = 0; i < 24; ++i) CHECK(data.images.data()[i] == i);
  CHECK(data.labels == Labels{7, 0, 9});
}

bool equal(const Dataset& a, const Dataset& b) { return a.images == b.images && a.labels == b.labels; }

}  // namespace

TEST_CASE("idx files, plain and gzip, come back as written") {
  const Directory d;
  const fs::path images = d.write("i", good_images), labels = d.write("l", good_labels);
  check_good(read_idx(images, labels));
  CHECK(read_idx(images, labels).names == std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
  // What a file is called does not say whether it is compressed.
  check_good(read_idx(d.write("i.gz", gzip(good_images)), d.write("l.gz", gzip(good_labels))));
  check_good(read_idx(d.write("compressed", gzip(good_images)), d.write("plain.gz", good_labels)));
  // Longer than the reader's blocks.
  Bytes pixels(3 * 1000 * 1000, '\0');
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>(i * i % 251);
  for (const Bytes& file : {idx({3, 1000, 1000}, pixels), gzip(idx({3, 1000, 1000}, pixels))}) {
    const Dataset big = read_idx(d.write("big", file), labels);
    CHECK(big.images.shape() == Shape{3, 1000, 1000, 1});
    CHECK(std::equal(pixels.begin(), pixels.end(), big.images.data(),
                     [](char a, std::uint8_t b) { return a == static_cast<char>(b); }));
  }
}

TEST_CASE("load_mnist finds either spelling, plain or gzip") {
  const Directory d("data"), fashion("Fashion-MNIST");
  d.write("train-images-idx3-ubyte.gz", gzip(good_images));
  d.write("train-labels.idx1-ubyte", good_labels);
  d.write("t10k-images.idx3-ubyte.gz", gzip(idx({1, 2, 4}, Bytes(8, 'x'))));
  fs::create_directory(d.path / "t10k-images-idx3-ubyte");  // as one popular archive unpacks
  d.write("t10k-labels-idx1-ubyte", idx({1}, Bytes{3}));
  const Split split = load_mnist(d.path);
  check_good(split.train);
  CHECK(split.test.size() == 1);
  CHECK(split.test.labels(0) == 3);
  CHECK(split.test.names[3] == "3");

  for (const auto& entry : fs::directory_iterator(d.path)) fs::copy(entry, fashion.path / entry.path().filename());
  CHECK(load_mnist(fashion.path).train.names == std::vector<std::string>{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                                         "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"});
}

TEST_CASE("idx files that are not there") {
  const Directory d("data");
  const fs::path images = d.write("images", good_images), labels = d.write("labels", good_labels);
  const Where where = Where::current("a/train.cpp", 58);
  CHECK(error_of([&] { read_idx(d.path / "nowhere", labels, where); }, d.path) ==
        "train.cpp:58: read_idx: nowhere: there is no such file");
  CHECK(error_of([&] { read_idx(images, d.path / "nowhere", where); }, d.path) ==
        "train.cpp:58: read_idx: nowhere: there is no such file");
  CHECK(error_of([&] { read_idx(d.path, labels, where); }, d.path.parent_path()) ==
        "train.cpp:58: read_idx: data: it is a directory; it must be a regular file");
  CHECK(error_of([&] { load_mnist(d.path / "nowhere", where); }, d.path) ==
        "train.cpp:58: load_mnist: nowhere: no such directory; it must be a directory with the four MNIST files; read_idx takes "
        "single files");
  CHECK(error_of([&] { load_mnist(images, where); }, d.path) ==
        "train.cpp:58: load_mnist: images: is no directory; it must be a directory with the four MNIST files; read_idx takes "
        "single files");
  CHECK(error_of([&] { load_mnist(d.path, where); }, d.path.parent_path()) ==
        "train.cpp:58: load_mnist: data: neither train-images-idx3-ubyte nor train-images.idx3-ubyte is there, plain or with .gz; "
        "the four MNIST files must be there");
  d.write("train-images-idx3-ubyte", good_images);
  CHECK(error_of([&] { load_mnist(d.path, where); }, d.path.parent_path()) ==
        "train.cpp:58: load_mnist: data: neither train-labels-idx1-ubyte nor train-labels.idx1-ubyte is there, plain or with .gz; "
        "the four MNIST files must be there");
  // The line is the caller's when none is given.
  const auto line = std::to_string(__LINE__ + 1);
  CHECK(error_of([&] { load_mnist(d.path / "nowhere"); }).starts_with("data.cpp:" + line + ": load_mnist: "));
}

TEST_CASE("idx files that are not what they should be") {
  const std::string images = "train.cpp:58: read_idx: images: ", labels = "train.cpp:58: read_idx: labels: ";
  const auto image_error = [](const Bytes& bytes) { return read_error(bytes, good_labels); };
  const auto label_error = [](const Bytes& bytes) { return read_error(good_images, bytes); };
  SUBCASE("header") {
    CHECK(image_error("") == images + "is empty; it must be an idx file of images");
    CHECK(label_error("") == labels + "is empty; it must be an idx file of labels");
    CHECK(image_error(gzip("")) == images + "is empty; it must be an idx file of images");
    CHECK(image_error("<!DOCTYPE html>") == images + "begins with bytes 3c 21 at offset 0; an idx file must begin with 00 00");
    CHECK(image_error(idx({3, 2, 4}, Bytes(96, 0), 0x0d)) ==
          images + "has element type 0x0d at offset 2; it must be 0x08 (unsigned bytes)");
    CHECK(image_error(good_labels) ==
          images + "has 1 axes at offset 3; a file of images must have 3; are images and labels swapped?");
    CHECK(label_error(good_images) ==
          labels + "has 3 axes at offset 3; a file of labels must have 1; are images and labels swapped?");
    for (std::size_t n = 1; n < 16; ++n)
      CHECK(image_error(good_images.substr(0, n)) ==
            images + "ends at offset " + std::to_string(n) + "; its header must have 16 bytes; fetch the file again");
    CHECK(label_error(good_labels.substr(0, 6)) == labels + "ends at offset 6; its header must have 8 bytes; fetch the file again");
  }
  SUBCASE("lengths") {
    CHECK(image_error(idx({0, 2, 4}, "")) == images + "has count = 0 at offset 4; it must be at least 1");
    CHECK(label_error(idx({0}, "")) == labels + "has count = 0 at offset 4; it must be at least 1");
    CHECK(image_error(idx({3, 0, 4}, "")) == images + "has height = 0 at offset 8; it must be at least 1");
    CHECK(image_error(idx({3, 2, 0}, "")) == images + "has width = 0 at offset 12; it must be at least 1");
    CHECK(image_error(idx({4, 2, 4}, Bytes(32, 1))) ==
          labels + "holds 3 labels (offset 4), images holds 4 images; there must be one label for each image");
    // Neither of these takes the memory that it claims.
    CHECK(image_error(idx({3, 200000, 200000}, "abc")) ==
          images + "ends at offset 19; by its header (3, 200000, 200000) it must have 120000000016 bytes; fetch the file again");
    CHECK(image_error(idx({3, 4294967295U, 4294967295U}, "abc")) ==
          images + "claims (3, 4294967295, 4294967295) elements at offset 4; they must fit in memory; fetch the file again");
  }
  SUBCASE("content") {
    for (const bool zipped : {false, true}) {
      const auto pack = [zipped](const Bytes& bytes) { return zipped ? gzip(bytes) : bytes; };
      CHECK(image_error(pack(good_images.substr(0, 39))) ==
            images + "ends at offset 39; by its header (3, 2, 4) it must have 40 bytes; fetch the file again");
      CHECK(image_error(pack(good_images.substr(0, 16))) ==
            images + "ends at offset 16; by its header (3, 2, 4) it must have 40 bytes; fetch the file again");
      CHECK(label_error(pack(good_labels.substr(0, 10))) ==
            labels + "ends at offset 10; by its header (3) it must have 11 bytes; fetch the file again");
      CHECK(image_error(pack(good_images + "x")) ==
            images + "goes on at offset 40; by its header (3, 2, 4) it must end there; fetch the file again");
      CHECK(label_error(pack(good_labels + "xyz")) ==
            labels + "goes on at offset 11; by its header (3) it must end there; fetch the file again");
      CHECK(label_error(pack(idx({3}, Bytes{7, 10, 11}))) == labels + "label 10 of item 1 at offset 9; it must be 0 to 9");
      CHECK(label_error(pack(idx({3}, Bytes{7, 9, '\xff'}))) == labels + "label 255 of item 2 at offset 10; it must be 0 to 9");
    }
  }
  SUBCASE("gzip") {
    const Bytes packed = gzip(good_images);
    for (std::size_t n = 3; n < packed.size(); ++n) {  // wherever it is cut, the trailing checksum included
      const std::string error = image_error(packed.substr(0, n));
      CHECK(error.starts_with(images + "the gzip data is cut short at unpacked offset "));
      CHECK(error.ends_with("; it must go on there; fetch the file again"));
    }
    Bytes damaged = packed;
    damaged[damaged.size() - 8] = static_cast<char>(damaged[damaged.size() - 8] ^ 1);
    CHECK(image_error(damaged).starts_with(images + "the gzip data is damaged at unpacked offset "));
    CHECK(image_error(damaged).ends_with(" (incorrect data check); fetch the file again"));
    damaged = packed;
    damaged[10] = '\x07';
    CHECK(image_error(damaged) ==
          images + "the gzip data is damaged at unpacked offset 0 (invalid block type); fetch the file again");
  }
}

TEST_CASE("gzip members one behind the other are one text, and nothing else may follow") {
  const Directory d;
  const fs::path labels = d.write("l", good_labels);
  const auto image_error = [](const Bytes& bytes) { return read_error(bytes, good_labels); };
  const std::string images = "train.cpp:58: read_idx: images: ";
  for (std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{16}, std::size_t{20}, good_images.size()})
    check_good(read_idx(d.write("i", gzip(good_images.substr(0, cut)) + gzip(good_images.substr(cut))), labels));
  const Bytes packed = gzip(good_images);
  const std::string goes_on = images + "goes on behind the gzip data, at offset " + std::to_string(packed.size()) +
                              " of the packed file; it must end there; fetch the file again";
  for (const Bytes& tail :
       {Bytes("x"), Bytes("garbage"), Bytes(1, '\0'), Bytes(512, '\0'), Bytes("\x1f"), Bytes("\x1f\x8c__"), good_images})
    CHECK(image_error(packed + tail) == goes_on);
  CHECK(image_error(packed + packed) ==
        images + "goes on at offset 40; by its header (3, 2, 4) it must end there; fetch the file again");
  CHECK(image_error(packed + "\x1f\x8b") ==
        images + "the gzip data is cut short at unpacked offset 40; it must go on there; fetch the file again");
  // Where the blocks of the reader end, too: members that end at every place around 128 KiB of packed bytes.
  Bytes noise(3 * 250 * 250, '\0');
  std::uint32_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
  const Bytes big = idx({3, 250, 250}, noise);
  const std::size_t around = (std::size_t{1} << 17U) - gzip(big.substr(0, 131000)).size() + 131000;
  for (std::size_t cut = around - 12; cut < around + 12; ++cut) {
    const Dataset data = read_idx(d.write("big", gzip(big.substr(0, cut)) + gzip(big.substr(cut))), labels);
    CHECK(std::equal(noise.begin(), noise.end(), data.images.data(),
                     [](char a, std::uint8_t b) { return a == static_cast<char>(b); }));
  }
}

TEST_CASE("what is no regular file is refused at once") {
  const Directory d;
  const fs::path images = d.write("train-images-idx3-ubyte", good_images);
  d.write("train-labels-idx1-ubyte", good_labels);
  fs::create_symlink("train-images-idx3-ubyte", d.path / "t10k-images-idx3-ubyte");
  fs::create_symlink("train-labels-idx1-ubyte", d.path / "t10k-labels-idx1-ubyte");
  check_good(load_mnist(d.path).test);
  const Where where = Where::current("a/train.cpp", 58);
  fs::remove(d.path / "t10k-labels-idx1-ubyte");
  REQUIRE(mkfifo((d.path / "t10k-labels-idx1-ubyte").c_str(), 0600) == 0);
  CHECK(error_of([&] { load_mnist(d.path, where); }, d.path) ==
        "train.cpp:58: load_mnist: t10k-labels-idx1-ubyte: it is a FIFO; it must be a regular file");
  fs::create_symlink("t10k-labels-idx1-ubyte", d.path / "link");
  CHECK(error_of([&] { read_idx(d.path / "link", images, where); }, d.path) ==
        "train.cpp:58: read_idx: link: it is a FIFO; it must be a regular file");
  CHECK(error_of([&] { read_idx("/dev/zero", images, where); }) ==
        "train.cpp:58: read_idx: /dev/zero: it is a device; it must be a regular file");
  CHECK(error_of([&] { read_idx(std::string("f\0g", 3), images, where); }) ==
        "train.cpp:58: read_idx: f\\x00g: the path has a NUL at its byte 1; it must have none");
  CHECK(error_of([&] { load_mnist(d.path / std::string("\0g", 2), where); }, d.path).find("the path has a NUL") !=
        std::string::npos);
  CHECK(error_of([&] { load_mnist("", where); }).find("the path is empty; it must") != std::string::npos);
  CHECK(error_of([&] { read_idx(d.path / "\x1b[2J\n", images, where); }, d.path) ==
        "train.cpp:58: read_idx: \\x1b[2J\\n: there is no such file");
}

TEST_CASE("digits are the same for the same seed, whatever the number of threads") {
  const int threads = num_threads();
  const Dataset a = digits(200, 1);
  CHECK(equal(a, digits(200, 1)));
  set_num_threads(1);
  CHECK(equal(a, digits(200, 1)));
  set_num_threads(threads);
  const Dataset other = digits(200, 2);
  CHECK(a.images != other.images);
  CHECK(a.labels != other.labels);
}

TEST_CASE("digits are balanced and have ink") {
  for (const std::size_t n : {0U, 1U, 9U, 10U, 1003U}) {
    const Dataset data = digits(n, 7);
    CHECK(data.images.shape() == Shape{n, 28, 28, 1});
    CHECK(data.size() == n);
    CHECK(data.classes == 10);
    CHECK(data.names.size() == 10);
    std::array<std::size_t, 10> counts{};
    for (std::int64_t label : data.labels) ++counts.at(static_cast<std::size_t>(label));
    const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
    CHECK(*most - *least <= 1);
    for (std::size_t i = 0; i < n; ++i) {
      const std::span image(data.images.data() + i * 784, 784);
      const auto ink = std::count_if(image.begin(), image.end(), [](std::uint8_t p) { return p > 100; });
      CHECK(ink >= 12);  // a short thin 1
      CHECK(ink <= 350);
    }
  }
  const auto [mean, deviation] = channel_moments(digits(1000, 3));  // those of MNIST: 0.13 and 0.31
  CHECK(mean.at(0) == doctest::Approx(0.12).epsilon(0.1));
  CHECK(deviation.at(0) == doctest::Approx(0.27).epsilon(0.1));
}

TEST_CASE("digits can be told apart, though not too easily") {
  const Dataset train = digits(3000, 1), test = digits(1000, 2);
  std::vector<double> means(10 * 784);
  for (std::size_t i = 0; i < train.size(); ++i)
    for (std::size_t k = 0; k < 784; ++k)
      means[static_cast<std::size_t>(train.labels(i)) * 784 + k] += train.images.data()[i * 784 + k] / 300.0;
  std::array<int, 10> right{};
  for (std::size_t i = 0; i < test.size(); ++i) {
    std::array<double, 10> distance{};
    for (std::size_t c = 0; c < 10; ++c)
      for (std::size_t k = 0; k < 784; ++k) {
        const double d = test.images.data()[i * 784 + k] - means[c * 784 + k];
        distance[c] += d * d;
      }
    const auto nearest = std::min_element(distance.begin(), distance.end()) - distance.begin();
    if (nearest == test.labels(i)) ++right[static_cast<std::size_t>(nearest)];
  }
  int sum = 0;
  for (std::size_t c = 0; c < 10; ++c) {
    CAPTURE(c);
    CHECK(right[c] > 35);  // of 100; chance is 10
    sum += right[c];
  }
  CHECK(sum > 600);
  CHECK(sum < 950);
}

TEST_CASE("the real MNIST, when XGRAD_DATA names a directory that has it") {
  const char* data = std::getenv("XGRAD_DATA");
  if (!data) {
    MESSAGE("skipped: XGRAD_DATA is not set; set it to a directory that holds mnist/ or the four MNIST files");
    return;
  }
  const fs::path path = fs::is_directory(fs::path(data) / "mnist") ? fs::path(data) / "mnist" : fs::path(data);
  const Split mnist = load_mnist(path);
  CHECK(mnist.train.images.shape() == Shape{60000, 28, 28, 1});
  CHECK(mnist.test.images.shape() == Shape{10000, 28, 28, 1});
  std::array<int, 10> counts{};
  for (std::int64_t label : mnist.train.labels) ++counts.at(static_cast<std::size_t>(label));
  CHECK(counts == std::array{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  const auto [mean, deviation] = channel_moments(mnist.train);
  CHECK(mean.at(0) == doctest::Approx(0.1307).epsilon(0.0005));
  CHECK(deviation.at(0) == doctest::Approx(0.3081).epsilon(0.0005));
}
