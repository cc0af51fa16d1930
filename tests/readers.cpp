// Readers of data: CIFAR and tables of numbers.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "directory.hpp"
#include "support.hpp"

namespace fs = std::filesystem;
using namespace xgrad;
using namespace xgrad_test;

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
