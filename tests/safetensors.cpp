// safetensors files of other precisions, and their metadata. The form of a header is tested in safetensors_header.cpp.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <xgrad/nn/linear.hpp>
#include <xgrad/state/state.hpp>

#include "archive.hpp"
#include "sanitized.hpp"

namespace nn = xgrad::nn;
using namespace archive;
using xgrad::Array;
using xgrad::Variable;

namespace {

/// A file of one array "w".
std::string file_of(const std::string& dtype, std::size_t count, const std::string& values) {
  const std::string header =
      fmt::format(R"({{"w":{{"dtype":"{}","shape":[{}],"data_offsets":[0,{}]}}}})", dtype, count, values.size());
  return number(std::uint64_t{header.size()}) + header + values;
}
template <class T>
std::vector<T> list(const Array<T>& array) {
  return std::vector<T>(array.data(), array.data() + array.size());
}
template <class T>
struct One {
  Variable<T> w{Array<T>(xgrad::Shape{4}, static_cast<T>(9)), true};
};

template <class T>
struct Large {
  Variable<T> small{Array<T>{0, 0, 0}};
  Variable<T> large{Array<T>(xgrad::Shape{std::size_t{1} << 22U}, T(0)), true};
};

/// Bytes of memory that are this process's own, no pages of files, or 0 where that is not known.
std::size_t own_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) return std::stoul(line.substr(8)) << 10U;
  return 0;
}

}  // namespace

TEST_CASE_TEMPLATE("safetensors: floating numbers of every precision, converted where that is asked for", T, float, double) {
  const Directory directory;
  const std::string path = directory.file("a.safetensors");
  const std::map<std::string, std::string> files{{"F64", bytes_of<double>({1, -2, 0.5, 65504})},
                                                 {"F32", bytes_of<float>({1, -2, 0.5, 65504})},
                                                 {"F16", bytes_of<std::uint16_t>({0x3c00, 0xc000, 0x3800, 0x7bff})},
                                                 {"I32", bytes_of<std::int32_t>({1, -2, 0, 65504})}};
  for (const auto& file : files) {
    const std::string &dtype = file.first, &values = file.second;
    CAPTURE(dtype);
    write(path, file_of(dtype, 4, values));
    One<T> net;
    const std::string own = std::is_same_v<T, float> ? "F32" : "F64";
    if (dtype != own) {
      CHECK(
          message(directory, [&] { nn::load(net, path); }) ==
          fmt::format("load: a.safetensors: w is {} (4,) in the file and {} (4,) in memory; both must have the same, or load with "
                      "{{.convert = true}} or {{.strict = false}}",
                      dtype, own));
      CHECK(list(net.w.value()) == std::vector<T>{9, 9, 9, 9});
    }
    nn::load(net, path, {.convert = true});
    CHECK(list(net.w.value()) == (dtype == "I32" ? std::vector<T>{1, -2, 0, 65504} : std::vector<T>{1, -2, 0.5, 65504}));
  }
  write(path, file_of("BF16", 4, bytes_of<std::uint16_t>({0x3f80, 0xc000, 0x7f80, 0x0001})));
  One<T> net;
  nn::load(net, path, {.convert = true});
  CHECK(list(net.w.value()) == std::vector<T>{1, -2, std::numeric_limits<T>::infinity(), static_cast<T>(0x1p-133)});
  write(path, file_of("BF16", 4, std::string(6, '\0')));
  CHECK(message(directory, [&] { nn::load(net, path, {.convert = true}); }).find("there must be 8 bytes between them") !=
        std::string::npos);
}

TEST_CASE("safetensors: integers go where they fit, and nothing into bools and Generators") {
  const Directory directory;
  const std::string path = directory.file("a.safetensors");
  struct Whole {
    Array<std::int16_t> w{1, 2};
  } shorts;
  write(path, file_of("I64", 2, bytes_of<std::int64_t>({-5, 32767})));
  nn::load(shorts, path, {.convert = true});
  CHECK(list(shorts.w) == std::vector<std::int16_t>{-5, 32767});
  write(path, file_of("I64", 2, bytes_of<std::int64_t>({-5, 32768})));
  CHECK(message(directory, [&] {
          nn::load(shorts, path, {.convert = true});
        }).ends_with(": w: element 1 is 32768; it must be -32768 to 32767 for I16"));
  CHECK(list(shorts.w) == std::vector<std::int16_t>{-5, 32767});
  write(path, file_of("F32", 2, bytes_of<float>({1, 2})));
  CHECK(message(directory, [&] { nn::load(shorts, path, {.convert = true}); }) ==
        "load: a.safetensors: w is F32 (2,) in the file and I16 (2,) in memory; both must have the same, or load with {.strict = "
        "false}");
  struct Rest {
    std::vector<bool> w{true, false};
  } bools;
  struct Single {
    xgrad::Generator w{1};
  } generator;
  struct Short {
    std::string w = "ab";
  } text;
  write(path, file_of("U16", 2, bytes_of<std::uint16_t>({0, 1})));
  CHECK(message(directory, [&] { nn::load(bools, path, {.convert = true}); }).find("w is U16 (2,) in the file and BOOL") !=
        std::string::npos);
  CHECK(message(directory, [&] { nn::load(text, path, {.convert = true}); }).find("w is U16 (2,) in the file and U8") !=
        std::string::npos);
  write(path, file_of("I64", 6, std::string(48, '\1')));
  CHECK(message(directory, [&] { nn::load(generator, path, {.convert = true}); }).find("w is I64 (6,) in the file and U64") !=
        std::string::npos);
}

TEST_CASE_TEMPLATE("safetensors: Variables are written as bfloat16, rounded to the nearest", T, float, double) {
  const Directory directory;
  const std::string path = directory.file("a.safetensors");
  const auto infinity = std::numeric_limits<T>::infinity();
  struct Flags {
    Variable<T> w;
    double rate = 0.1;  // is no weight
  } net{Variable<T>(
      Array<T>{1, static_cast<T>(1.00390625), static_cast<T>(1.01171875), static_cast<T>(1.005), static_cast<T>(-3.0e38),
               static_cast<T>(3.4e38), infinity, std::numeric_limits<T>::quiet_NaN(), static_cast<T>(1e-40)},
      true)};
  nn::save(net, path, {.bfloat16 = true});
  CHECK(contents(path).find(R"("w":{"dtype":"BF16","shape":[9])") != std::string::npos);
  auto loaded = nn::clone(net);
  loaded.w.update([](Array<T>& values) { values.fill(0); });
  loaded.rate = 0;
  nn::load(loaded, path, {.convert = true});
  const Array<T>& w = loaded.w.value();
  CHECK(w(0) == 1);
  CHECK(w(1) == 1);                         // a tie goes to the even one
  CHECK(w(2) == static_cast<T>(1.015625));  // also upwards
  CHECK(w(3) == static_cast<T>(1.0078125));
  CHECK(std::abs(w(4) / static_cast<T>(-3.0e38) - 1) < static_cast<T>(1) / 256);
  CHECK(w(5) == infinity);  // there is none so large
  CHECK(w(6) == infinity);
  CHECK(std::isnan(w(7)));
  CHECK(std::abs(w(8) / static_cast<T>(1e-40) - 1) < static_cast<T>(0.1));
  CHECK(loaded.rate == 0.1);
  if constexpr (std::is_same_v<T, double>) {  // what rounding to float first would take for a tie
    net.w.update([](Array<T>& values) {
      values(0) = 1.00390625 + 0x1p-40;
      values(1) = -1.01171875 + 0x1p-40;
    });
    nn::save(net, path, {.bfloat16 = true});
    nn::load(loaded, path, {.convert = true});
    CHECK(loaded.w.value()(0) == 1.0078125);
    CHECK(loaded.w.value()(1) == -1.0078125);
  }
}

TEST_CASE("safetensors: metadata") {
  const Directory directory;
  const std::string path = directory.file("a.safetensors");
  const One<float> net;
  nn::save(net, path);
  using Texts = std::map<std::string, std::string>;
  CHECK(nn::load_metadata(path) == Texts{{"format", "xgrad"}});
  const Texts texts{{"author", "\"Ü\\\n"}, {"format", "pt"}, {"", ""}};
  nn::save(net, path, {.metadata = texts});
  CHECK(nn::load_metadata(path) == texts);
  One<float> other;
  CHECK(nn::load(other, path).complete());
  const std::string before = contents(path);
  CHECK(message(directory, [&] {
          nn::save(net, path, {.metadata = {{"a", "\xff"}}});
        }) == "save: a.safetensors: a text of the metadata is no UTF-8; it must be, or no header can hold it");
  CHECK(contents(path) == before);
  write(path, file_of("F32", 1, std::string(4, '\0')));
  CHECK(nn::load_metadata(path).empty());
  write(path, "short");
  CHECK(message(directory, [&] { nn::load_metadata(path); }) ==
        "load_metadata: a.safetensors: offset 0: the file has 5 bytes; it must have 8 for the length of its header");
}

TEST_CASE("safetensors: a large file is not copied, and as it is in whatever precision") {
  const Directory directory;
  const std::string path = directory.file("a.safetensors");
  Large<double> net;
  net.small.update([](Array<double>& w) { w = Array<double>{1, 2, 3}; });
  net.large.update([](Array<double>& w) {
    for (std::size_t k = 0; k < w.size(); ++k) w.data()[k] = static_cast<double>(k % 251) - 125;
  });
  for (const bool brief : {false, true}) {  // 32 MB, then 8 that are read
    CAPTURE(brief);
    nn::save(net, path, {.bfloat16 = brief});
    Large<double> same;
    const std::size_t before = own_memory();
    nn::load(same, path, {.convert = brief});
    if (!brief && before > 0 && !xgrad_test::sanitized)
      CHECK(own_memory() < before + (std::size_t{8} << 20U));  // of the file's 32 MB
    CHECK(list(same.small.value()) == std::vector<double>{1, 2, 3});
    CHECK(list(same.large.value()) == list(net.large.value()));
    Large<float> others;
    nn::load(others, path, {.convert = true});
    CHECK(others.large.value().data()[1000] == static_cast<float>(1000 % 251 - 125));
    CHECK(others.small.value().data()[2] == 3);
  }
  nn::save(net, path);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 8);
  Large<double> same;
  CHECK(message(directory, [&] { nn::load(same, path); }).find("8 bytes more must be there") != std::string::npos);
}
