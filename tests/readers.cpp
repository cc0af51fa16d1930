// What every reader refuses; CIFAR and tables of numbers.
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "directory.hpp"
#include "nobody.hpp"
#include "support.hpp"

namespace fs = std::filesystem;
using namespace xgrad;
using namespace xgrad_test;

namespace {

/// What the error says behind the path, with which it must begin.
template <class F>
std::string said_of(const std::string& path, F f) {
  try {
    f();
  } catch (const FileError& error) {
    CHECK(error.message().starts_with(path + ": "));
    return error.message().substr(std::min(error.message().size(), path.size() + 2));
  }
  return "nothing was thrown";
}

/// What reads a file, and a file that it reads.
struct Reader {
  std::string name, good;
  std::function<void(const std::string& path)> read;
  bool in_lines = false;  // the first lines of a file are one
};
std::vector<Reader> readers(const Directory& d) {
  struct Net {
    Variable<float> w{ones<float>({2, 3}), true};
  };
  const Array<float> array = ones<float>({2, 3});
  save_npy(array, d.file("f.npy"));
  save_npz<float>({{"w", array}}, d.file("f.npz"));
  nn::save(Net(), d.file("f.safetensors"));
  nn::save(Net(), d.file("f.pt"), {.to_torch = true});
  const std::string images = std::string("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\2", 16) + "abcd",
                    labels = std::string("\0\0\x08\1\0\0\0\2\0\1", 10), cifar(3073, '\1');
  const std::string i = d.write("images", images), l = d.write("labels", labels);
  const auto load = [](const std::string& path) { nn::load(Net(), path); };
  const auto image = [](const std::string& path) { read_image(path); };
  const auto jpeg = [](const char* name) { return contents(fs::path(XGRAD_TEST_DATA) / "../files/images" / name); };
  return {
      {"read_csv", "a,b\n1,2\n", [](const std::string& path) { read_csv(path); }, true},
      {"read_cifar", cifar, [](const std::string& path) { read_cifar({path}); }},
      {"cifar_source", cifar, [](const std::string& path) { cifar_source<float>({path}); }},
      {"read_idx, images", images, [l](const std::string& path) { read_idx(path, l); }},
      {"read_idx, labels", labels, [i](const std::string& path) { read_idx(i, path); }},
      {"idx_source, images", images, [l](const std::string& path) { idx_source<float>(path, l); }},
      {"idx_source, labels", labels, [i](const std::string& path) { idx_source<float>(i, path); }},
      {"read_image, PNG", draw::png(zeros<std::uint8_t>({3, 2, 3})), image},
      {"read_image, JPEG", jpeg("colour.jpg"), image},
      {"read_image, grey JPEG", jpeg("grey.jpg"), image},
      {"read_image, progressive JPEG", jpeg("progressive.jpg"), image},
      {"load_npy", contents(d.file("f.npy")), [](const std::string& path) { load_npy<float>(path); }},
      {"load_npz", contents(d.file("f.npz")), [](const std::string& path) { load_npz<float>(path); }},
      {"load, safetensors", contents(d.file("f.safetensors")), load},
      {"load, npz", contents(d.file("f.npz")), load},
      {"load, torch", contents(d.file("f.pt")), load},
  };
}

}  // namespace

TEST_CASE("without permission readers say so") {
  const Directory d;
  REQUIRE(chmod(d.path.c_str(), 0777) == 0);
  const std::string path = d.path / "closed";
  d.write("closed", "secret");
  const auto all = readers(d);
  for (const auto& file : fs::recursive_directory_iterator(d.path)) fs::permissions(file.path(), fs::perms(0755));
  REQUIRE(chmod(path.c_str(), 0) == 0);
  for (const Reader& reader : all) {
    CAPTURE(reader.name);
    CHECK(as_nobody([&] { return said_of(path, [&] { reader.read(path); }) == "cannot be opened: Permission denied"; }));
  }
}

TEST_CASE("readers refuse at once what is not there or no regular file") {
  const Directory d;
  fs::create_directory(d.path / "folder");
  REQUIRE(mkfifo((d.path / "fifo").c_str(), 0600) == 0);
  fs::create_symlink("fifo", d.path / "link");
  for (const Reader& reader : readers(d)) {
    CAPTURE(reader.name);
    const auto refusal = [&](const std::string& path) { return said_of(path, [&] { reader.read(path); }); };
    CHECK(refusal(d.file("none")) == "there is no such file");
    CHECK(refusal(d.file("none/f")) == "there is no such file");
    CHECK(refusal(d.file("folder")) == "it is a directory; it must be a regular file");
    CHECK(refusal(d.file("fifo")) == "it is a FIFO; it must be a regular file");
    CHECK(refusal(d.file("link")) == "it is a FIFO; it must be a regular file");
    CHECK(refusal("/dev/zero") == "it is a device; it must be a regular file");
  }
}

TEST_CASE("readers refuse a file that ends too early, wherever that is") {
  const Directory d;
  const std::string path = d.file("cut");
  for (const Reader& reader : readers(d)) {
    CAPTURE(reader.name);
    d.write("cut", reader.good);
    const std::string whole = said_of(path, [&] { reader.read(path); });
    if (whole.find("which needs lib") != whole.npos) {
      MESSAGE("skipped: built without the library for these images");
      continue;
    }
    CHECK(whole == "nothing was thrown");
    for (std::size_t n = 0; n < reader.good.size(); ++n) {
      d.write("cut", reader.good.substr(0, n));
      const bool refused = said_of(path, [&] { reader.read(path); }) != "nothing was thrown";
      if (!refused && !reader.in_lines) FAIL_CHECK("cut to ", n, " bytes it was read");
    }
  }
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
  std::string names;
  for (int k = 0; k < 100; ++k) names += "class " + std::to_string(k) + "\r\n";
  d.write("hundred/fine_label_names.txt", names + "\n");
  CHECK(load_cifar100(d.path / "hundred").test.names.at(5) == "class 5");
  const std::string list = (d.path / "hundred/fine_label_names.txt").string();
  const auto refused = [&] { return said_of(list, [&] { load_cifar100(d.path / "hundred"); }); };
  for (const auto& [text, count] : {std::pair<std::string, int>{"", 0}, {"one\n", 1}, {names + "more", 101}}) {
    d.write("hundred/fine_label_names.txt", text);
    CHECK(refused() == "has " + std::to_string(count) + " names; it must have 100, one in each line, or not be there");
  }
  d.write("hundred/fine_label_names.txt", std::string(65537, '\n'));
  CHECK(refused() == "has 65537 bytes; a list of 100 names must have at most 65536");
  fs::remove(list);
  REQUIRE(mkfifo(list.c_str(), 0600) == 0);
  CHECK(refused() == "it is a FIFO; it must be a regular file");
  fs::remove(list);
  fs::create_symlink(list, list);
  CHECK(refused() == "cannot be read: Too many levels of symbolic links");
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

TEST_CASE("sets in directories that cannot be searched") {
  const Directory d;
  constexpr fs::perms open = fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec,
                      only_read = fs::perms::owner_read | fs::perms::others_read,
                      only_search = fs::perms::owner_exec | fs::perms::others_exec;
  fs::create_directories(d.path / "closed/set");
  fs::permissions(d.path, open);
  for (const fs::perms rights : {fs::perms::none, only_read}) {
    fs::permissions(d.path / "closed", rights);
    const auto closed = [&](const std::string& file, auto load) {
      const std::string path = (d.path / "closed" / file).string();
      return as_nobody([&] { return said_of(path, load) == "cannot be read: Permission denied"; });
    };
    CHECK(closed("set", [&] { load_mnist(d.path / "closed/set"); }));
    CHECK(closed("train-images-idx3-ubyte", [&] { load_mnist(d.path / "closed"); }));
    CHECK(closed("set", [&] { load_cifar10(d.path / "closed/set"); }));
    CHECK(closed("data_batch_1.bin", [&] { load_cifar10(d.path / "closed"); }));
    CHECK(closed("train.bin", [&] { load_cifar100(d.path / "closed"); }));
    CHECK(closed("set", [&] { image_folder<float>(d.path / "closed/set"); }));
  }
  fs::permissions(d.path / "closed", open);
  // one that cannot be listed, at each depth
  d.write("images/cat/deep/a.png", "");
  const auto places = {"images", "images/cat", "images/cat/deep"};
  for (const char* place : places) fs::permissions(d.path / place, open);
  for (const char* place : places) {
    const fs::path path = d.path / place;
    fs::permissions(path, only_search);
    CHECK(as_nobody([&] {
      return said_of(path.string(), [&] { image_folder<float>(d.path / "images"); }) == "cannot be read: Permission denied";
    }));
    fs::permissions(path, open);
  }
  fs::create_directory_symlink(d.path / "images", d.path / "images/cat/deep/again");  // no way round and round
  CHECK(image_folder<float>(d.path / "images").size() == 1);
}

TEST_CASE("CIFAR files that are read image by image") {
  const auto record = [](std::string labels, int value) {
    std::string pixels;
    for (int k = 0; k < 3072; ++k) pixels += static_cast<char>(value * k % 251);
    return labels + pixels;
  };
  const Directory d;
  const fs::path a = d.write("a", record("\x01", 3) + record("\x07", 5) + record("\x02", 7)), b = d.write("b", record("\x09", 11));
  const Dataset whole = read_cifar({a, b});
  const Source<float> source = cifar_source<float>({a, b}), held(whole);
  REQUIRE(source.size() == 4);
  CHECK(source.classes() == 10);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(source[i].value == held[i].value);
    CHECK(source[i].label == held[i].label);
  }
  CHECK(cifar_source<double>({d.write("fine", record("\x03\x63", 3))}, {.classes = 100, .labels = 2})[0].label == 99);
  CHECK(cifar_source<float>({}).size() == 0);
  CHECK_THROWS_AS(source[4], IndexError);
  // what is wrong with a file, at once or with the image
  const auto refuses = [&](const fs::path& path) { return error_of<FileError>([&] { cifar_source<float>({a, path}); }); };
  for (const std::size_t n : {0U, 1U, 3072U, 3074U, 6145U}) {
    const std::string text = refuses(d.write("part.bin", contents(a).substr(0, n)));
    CHECK_MESSAGE(text.find(n == 0 ? "part.bin: is empty" : "ends at offset " + std::to_string(n)) != std::string::npos, text);
  }
  CHECK(refuses(d.write("packed", "\x1f\x8b" + contents(a))).find("packed: is packed by gzip; it must be unpacked") !=
        std::string::npos);
  const Source<float> wrong = cifar_source<float>({d.write("label.bin", record("\x01", 1) + record("\x0a", 2))});
  CHECK(wrong[0].label == 1);
  CHECK(error_of<FileError>([&] { wrong[1]; }).find("label.bin: label 10 of image 1 at offset 3073; it must be from 0 to 9") !=
        std::string::npos);
  fs::resize_file(a, 2 * 3073 + 5);
  CHECK(source[1].label == 7);
  CHECK(error_of<FileError>([&] { source[2]; }).find("a: has nothing at offset 6151; it must have the 9219 bytes that it had") !=
        std::string::npos);
  CHECK_THROWS_AS(cifar_source<float>({a}, {.classes = 0}), ValueError);
}

TEST_CASE("idx files larger than the memory") {
  const Directory d;
  constexpr std::size_t n = std::size_t{1} << 17U, side = 1024;  // 128 GB, if the file had no holes
  const auto number = [](std::size_t x) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(x >> shift & 255U);
    return bytes;
  };
  const std::string header = std::string("\0\0\x08\x03", 4) + number(n) + number(side) + number(side);
  const fs::path images = d.write("images", header),
                 labels = d.write("labels", std::string("\0\0\x08\x01", 4) + number(n) + std::string(n - 1, '\0') + "\x06");
  std::error_code error;
  fs::resize_file(images, 16 + n * side * side, error);
  if (error) {
    MESSAGE("skipped: the file system has no files of 128 GB, not even empty ones");
    return;
  }
  {
    std::fstream file(images, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(-2, std::ios::end).write("\x33\xff", 2);
  }
  const Source<float> source = idx_source<float>(images, labels);
  CHECK(source.size() == n);
  const Sample<float> last = source[n - 1];
  CHECK(last.label == 6);
  CHECK(last.value.shape() == Shape{side, side, 1});
  CHECK(last.value(side - 1, side - 2, 0) == 0.2F);
  CHECK(last.value(side - 1, side - 1, 0) == 1);
  CHECK(source[n / 2].label == 0);
  Loader<float> loader(subset(source, {0, n - 1, 7}), {.batch_size = 3, .shuffle = false, .workers = 2});
  for (auto [batch, of] : loader) {
    CHECK(of == Labels{0, 6, 0});
    CHECK(batch(1, side - 1, side - 1, 0) == 1);
  }
  const auto refuses = [&](std::uintmax_t size) {
    fs::resize_file(images, size);
    return error_of<FileError>([&] { idx_source<float>(images, labels); });
  };
  CHECK(refuses(16 + n).find("images: ends at offset 131088; by its header (131072, 1024, 1024) it must have") !=
        std::string::npos);
  CHECK(error_of<FileError>([&] { source[1]; }).find("images: has nothing at offset 1048592; it must have") != std::string::npos);
  CHECK(refuses(17 + n * side * side).find("images: goes on at offset 137438953488; by its header") != std::string::npos);
  CHECK(error_of<FileError>([&] { idx_source<float>(d.write("packed", "\x1f\x8b"), labels); }).find("idx_source: ") !=
        std::string::npos);
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
    CHECK((what.empty() || what.find("t.csv: ") != std::string::npos));
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
