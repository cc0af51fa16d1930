// Arrays and networks in NumPy's files.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <xgrad/nn/linear.hpp>
#include <xgrad/nn/norm.hpp>
#include <xgrad/state/npy.hpp>
#include <xgrad/state/state.hpp>

#include "archive.hpp"

namespace fs = std::filesystem;
namespace nn = xgrad::nn;
using namespace archive;
using xgrad::Array;
using xgrad::FileError;
using xgrad::Shape;

namespace {

const std::string golden = XGRAD_TEST_DATA "/files/";

/// An npy file of version 1 with this dict and these values.
std::string npy(const std::string& dict, const std::string& values) {
  return "\x93NUMPY" + std::string("\1\0", 2) + number(static_cast<std::uint16_t>(dict.size())) + dict + values;
}
std::string dict(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

template <class T>
Array<T> counted(const Shape& shape, T start = 0) {
  Array<T> result(shape);
  for (std::size_t k = 0; k < result.size(); ++k) result.data()[k] = static_cast<T>(start + static_cast<T>(k));
  return result;
}
template <class T>
bool same(const Array<T>& a, const Array<T>& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

struct Run {
  nn::Linear<float> layer{3, 2};
  nn::BatchNorm<float> norm{2};
  Array<std::int32_t> table{{1, 2, 3}, {4, 5, 6}};
  xgrad::Generator generator{7};
  std::vector<double> losses{0.5, 0.25};
  std::vector<bool> flags{true, false, true};
  std::string text = "größer";
  std::int64_t epoch = 3;
  bool done = true;
};
std::string state_of(const Run& run) {
  std::string result;
  for (const auto& entry : nn::state_entries(run)) {
    result += entry.name + "=" + xgrad::to_string(entry.shape);
    if (entry.bytes() > 0) result.append(static_cast<const char*>(entry.data()), entry.bytes());
  }
  return result;
}
Run other_run() {
  Run run;
  run.layer.weight.update([](Array<float>& w) { w.fill(2); });
  run.norm.running_mean.update([](Array<float>& mean) { mean.fill(4); });
  run.table.fill(9);
  run.generator = xgrad::Generator(1);
  run.losses = {1, 2, 3, 4, 5};
  run.flags = {false};
  run.text = "";
  run.epoch = 9;
  run.done = false;
  return run;
}

/// What runs Python with NumPy here, or "".
std::string python() {
  for (const std::string name : {"python3", "/usr/bin/python3"})
    if (std::system((name + " -c 'import numpy' 2>/dev/null").c_str()) == 0) return name;
  return {};
}

}  // namespace

TEST_CASE_TEMPLATE("npy: an Array goes to a file and comes back", T, float, double, std::int8_t, std::int16_t, std::int32_t,
                   std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t) {
  const Directory directory;
  const std::string path = directory.file("a.npy");
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{0, 3}, Shape{2, 3, 4}}) {
    const Array<T> array = counted<T>(shape, static_cast<T>(3));
    xgrad::save_npy(array, path);
    CHECK((fs::file_size(path) - array.size() * sizeof(T)) % 64 == 0);
    CHECK(same(xgrad::load_npy<T>(path), array));
  }
  const std::map<std::string, Array<T>> arrays{
      {"a", counted<T>({3}, 1)}, {"b.weight", counted<T>({2, 2}, 2)}, {"", counted<T>({0})}};
  for (const bool compress : {false, true}) {
    xgrad::save_npz(arrays, path, {.compress = compress});
    const auto loaded = xgrad::load_npz<T>(path);
    REQUIRE(loaded.size() == 3);
    for (const auto& [name, array] : arrays) CHECK(same(loaded.at(name), array));
  }
}

TEST_CASE("npy: bools, and what is none") {
  const Directory directory;
  const std::string path = directory.file("a.npy");
  const Array<bool> mask{true, false, true};
  xgrad::save_npy(mask, path);
  CHECK(contents(path).substr(10, 61) == "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }    ");
  CHECK(same(xgrad::load_npy<bool>(path), mask));
  const std::string header = dict("|b1", "(3,)");
  write(path, npy(header, std::string("\0\2\1", 3)));
  CHECK(message(directory, [&] { xgrad::load_npy<bool>(path); }) ==
        fmt::format("load_npy: a.npy: offset {}: element 1 is 2; a bool must be 0 or 1", 10 + header.size()));
}

TEST_CASE("npy: NumPy's files, stored and deflated") {
  for (const std::string name : {"numpy.npz", "numpy-deflated.npz"}) {
    CAPTURE(name);
    struct Whole {
      Array<std::int8_t> i1 = counted<std::int8_t>({2, 3});
      Array<std::int16_t> i2 = counted<std::int16_t>({2, 3}), i2_big = i2, cube = counted<std::int16_t>({2, 3, 4});
      Array<std::int32_t> i4 = counted<std::int32_t>({2, 3});
      Array<std::int64_t> i8 = counted<std::int64_t>({2, 3}), i8_big = i8;
      Array<std::uint8_t> u1 = counted<std::uint8_t>({2, 3});
      Array<std::uint16_t> u2 = counted<std::uint16_t>({2, 3});
      Array<std::uint32_t> u4 = counted<std::uint32_t>({2, 3}), u4_big = u4;
      Array<std::uint64_t> u8 = counted<std::uint64_t>({2, 3});
      Array<float> f2 = counted<float>({2, 3}), f2_big = f2, f4 = f2, f4_big = f2, fortran = f2;
      Array<double> f8 = counted<double>({2, 3}), f8_big = f8, fortran_big = f8;
      Array<bool> b1{{false, true, false}, {true, false, true}};
      double scalar = 7;
      Array<float> nothing = counted<float>({0, 3});
      Array<float> special{0, 0, 0, 0, 0, 0, 0};
    } net;
    std::vector<std::string> before;
    for (const auto& entry : nn::state_entries(net)) {
      before.emplace_back(static_cast<const char*>(entry.data()), entry.bytes());
      if (entry.bytes() > 0) std::memset(const_cast<void*>(entry.data()), 0, entry.bytes());
    }
    const nn::LoadReport report = nn::load(net, golden + name, {.strict = false, .convert = true});
    CHECK(report.missing.empty());
    CHECK(report.misshapen.empty());
    REQUIRE(report.unexpected.size() == 1);
    CHECK(report.unexpected[0].name == "größe");
    std::size_t k = 0;
    for (const auto& entry : nn::state_entries(net)) {
      CAPTURE(entry.name);
      if (entry.name != "special") CHECK(before[k] == std::string(static_cast<const char*>(entry.data()), entry.bytes()));
      ++k;
    }
    const float infinity = std::numeric_limits<float>::infinity();
    CHECK(net.special(0) == infinity);
    CHECK(net.special(1) == -infinity);
    CHECK(std::isnan(net.special(2)));
    CHECK(std::signbit(net.special(3)));
    CHECK(net.special(4) == 65504);
    CHECK(net.special(5) == 0x1p-24F);         // the least: 6e-8, rounded
    CHECK(net.special(6) == 1023 * 0x1p-24F);  // below the normal numbers

    CHECK_THROWS_WITH_AS(xgrad::load_npz<double>(golden + name),
                         doctest::Contains("its elements are I8; they must be F64, or load with"), FileError);
    CHECK_THROWS_WITH_AS(xgrad::load_npz<double>(golden + name, {.convert = true}),
                         doctest::Contains("its elements are BOOL; they must be F64"), FileError);
  }
}

TEST_CASE("npy: other types only where that is asked for") {
  const Directory directory;
  const std::string path = directory.file("a.npy");
  xgrad::save_npy(Array<double>{1.5, -2}, path);
  CHECK(message(directory, [&] { xgrad::load_npy<float>(path); }) ==
        "load_npy: a.npy: offset 128: its elements are F64; they must be F32, or load with {.convert = true}");
  CHECK(same(xgrad::load_npy<float>(path, {.convert = true}), Array<float>{1.5, -2}));
  CHECK(message(directory, [&] { xgrad::load_npy<std::int32_t>(path, {.convert = true}); }) ==
        "load_npy: a.npy: offset 128: its elements are F64; they must be I32");
  xgrad::save_npy(Array<std::int64_t>{1, 255, -1}, path);
  CHECK(same(xgrad::load_npy<float>(path, {.convert = true}), Array<float>{1, 255, -1}));
  CHECK(same(xgrad::load_npy<std::int16_t>(path, {.convert = true}), Array<std::int16_t>{1, 255, -1}));
  CHECK(message(directory, [&] { xgrad::load_npy<std::int8_t>(path, {.convert = true}); }) ==
        "load_npy: a.npy: offset 128: element 1 is 255; it must be -128 to 127 for I8");
  CHECK(message(directory, [&] { xgrad::load_npy<std::uint64_t>(path, {.convert = true}); }) ==
        "load_npy: a.npy: offset 128: element 2 is -1; it must be 0 to 18446744073709551615 for U64");
  xgrad::save_npz(std::map<std::string, Array<double>>{{"x", Array<double>{1, 2}}}, path);
  CHECK(message(directory, [&] { xgrad::load_npz<float>(path); }) ==
        "load_npz: a.npy: offset 163: x.npy: its elements are F64; they must be F32, or load with {.convert = true}");
}

TEST_CASE("npy: elements that we have not are refused by name") {
  const Directory directory;
  const std::string path = directory.file("a.npy"), npz = directory.file("a.npz");
  for (const std::string descr : {"<c8", "|O", "<U5", "|S3", "<M8[ns]", "<f16", "<i3", "", ">", "f"}) {
    write(path, npy(dict(descr, "(2,)"), std::string(16, '\0')));
    const std::string why = "its elements are '" + descr + "'; they must be bool, integers, or floating numbers of 2, 4 or 8 bytes";
    CHECK(message(directory, [&] { xgrad::load_npy<float>(path); }) == "load_npy: a.npy: offset 0: " + why);
    write(npz, zip({{"x.npy", contents(path)}}));
    CHECK(message(directory, [&] { xgrad::load_npz<float>(npz); }).ends_with("x.npy: " + why));
    struct Rest {
      Array<float> x{1, 2};
    } net;
    CHECK(message(directory, [&] { nn::load(net, npz); }) ==
          "load: a.npz: x is '" + descr +
              "' (2,) in the file and F32 (2,) in memory; both must have the same, or load with {.strict = false}");
  }
  write(path, npy("{'descr': [('a', '<f4'), ('b', '<i4', (2,))], 'fortran_order': False, 'shape': (1,)}", std::string(12, '\0')));
  CHECK(message(directory, [&] { xgrad::load_npy<float>(path); }).find("its elements are '[('a', '<f4'), ('b', '<i4', (2,))]'") !=
        std::string::npos);
}

TEST_CASE("npy: a header that is not of the format's form is refused, at its byte") {
  const Directory directory;
  const std::string path = directory.file("a.npy"), values = bytes_of<float>({1, 2});
  const auto error = [&](const std::string& bytes) {
    write(path, bytes);
    return message(directory, [&] { xgrad::load_npy<float>(path); });
  };
  const auto at = [](std::size_t offset, const std::string& text) {
    return fmt::format("load_npy: a.npy: offset {}: {}", offset, text);
  };
  for (const std::string good :
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "{'descr':'<f4','fortran_order':False,'shape':(2,)}",
        "{\"shape\": (2L,), \"descr\": \"<f4\", \"fortran_order\": True}   \n",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (2,1)}"}) {
    CAPTURE(good);
    CHECK(error(npy(good, values)) == "nothing thrown");
  }
  CHECK(error("") == at(0, "it ends here; a beginning of 10 bytes must be there"));
  CHECK(error("\x93NUMPX" + npy("", "").substr(6)) == at(0, "no npy file begins here; it must begin with \\x93NUMPY"));
  std::string future = npy(dict("<f4", "(2,)"), values);
  future[6] = 4;
  CHECK(error(future) == at(6, "the format has version 4; it must be 1, 2 or 3"));
  CHECK(error(npy(dict("<f4", "(2,)"), "").substr(0, 40)) == at(40, "it ends here; a header of 57 bytes must be there"));
  CHECK(error(npy(dict("<f4", "(3,)"), values)) == at(67, "8 bytes are behind the header; there must be 12 for (3,) of '<f4'"));
  CHECK(error(npy(dict("<f4", "(1,)"), values)) == at(67, "8 bytes are behind the header; there must be 4 for (1,) of '<f4'"));
  CHECK(error(npy(dict("<f4", "(4294967296, 4294967296)"), values)) ==
        at(10, "the shape is (4294967296, 4294967296); that must be a number of bytes"));
  CHECK(error(npy(dict("<f4", "(4611686018427387904,)"), values)) ==
        at(10, "the shape is (4611686018427387904,); that must be a number of bytes"));
  CHECK(error(npy(dict("<f4", "(99999999999999999999,)"), values)) ==
        at(61, "\"9\" is here; a whole number below 2^64 must be here"));
  CHECK(error(npy(dict("<f4", "(2)"), values)) == at(63, "\",\" is here; a comma in a shape of one axis must be here"));
  CHECK(error(npy(dict("<f4", "(-2,)"), values)) == at(61, "\"-\" is here; a whole number below 2^64 must be here"));
  CHECK(error(npy(dict("<f4", "(2 1)"), values)) == at(63, "\"1\" is here; \",\" or \")\" must be here"));
  CHECK(error(npy(dict("<f4", "(2,)", "1"), values)) == at(44, "\"1\" is here; True or False must be here"));
  CHECK(error(npy("{'descr': '<f4', 'descr': '<f4'}", values)) == at(27, "descr is there twice; it must be there once"));
  CHECK(error(npy("{'descr': '<f4', 'shape': (2,)}", values)) == at(10, "the header has no fortran_order; it must have one"));
  std::string ones = "(";
  for (int k = 0; k < 65; ++k) ones += "1,";
  CHECK(error(npy(dict("<f4", ones + ")"), values)).find("at most 64 axes must be here") != std::string::npos);
  CHECK(error(npy("{'more': '<f4'}", values)) == at(11, "more is a key of the header; it must be descr, fortran_order or shape"));
  CHECK(error(npy("{'descr': '<f4", values)) == at(21, "\"<\" is here; a text without \\ must be here"));
  CHECK(error(npy("{'descr': [", values)) == at(21, "the header's end is here; ] must be here"));
  CHECK(error(npy(dict("<f4", "(2,)") + " x", values)) == at(68, "\"x\" is here; its end must be here"));
  CHECK(error("\x93NUMPY" + std::string("\2\0", 2) + number(0x7fffffffU)) ==
        at(8, "the header is 2147483647 bytes long; it must be at most 1048576"));
}

TEST_CASE("npz: a run of training is saved whole and loaded, stored and deflated") {
  const Directory directory;
  const std::string path = directory.file("run.NPZ");
  const Run run;
  for (const bool compress : {false, true}) {
    nn::save(run, path, {.compress = compress});
    CHECK(contents(path).starts_with("PK\3\4"));
    Run other = other_run();
    CHECK(nn::load(other, path).complete());
    CHECK(state_of(other) == state_of(run));
    nn::BatchNorm<float> norm{2};
    norm.running_var.update([](Array<float>& variance) { variance.fill(4); });
    CHECK(nn::load(norm, path).prefix == "norm");
    CHECK(same(norm.running_var.value(), run.norm.running_var.value()));
  }
  // The content says what it is, not the name.
  fs::rename(path, directory.file("run.safetensors"));
  Run other = other_run();
  nn::load(other, directory.file("run.safetensors"));
  CHECK(state_of(other) == state_of(run));
}

TEST_CASE("npz: what is refused before anything is written") {
  const Directory directory;
  const Run run;
  for (const std::string name : {"a.npy", "a.pt", "a.PTH"}) {
    CHECK(message(directory, [&] {
            nn::save(run, directory.file(name));
          }).find("; it must end in .npz, or as you like for a safetensors") != std::string::npos);
    CHECK(!fs::exists(directory.file(name)));
  }
  CHECK_THROWS_WITH_AS(nn::save(run, directory.file("a.npz"), {.bfloat16 = true}),
                       doctest::Contains("bfloat16 is true; it must be false in an npz file"), xgrad::ValueError);
  CHECK_THROWS_WITH_AS(nn::save(run, directory.file("a.npz"), {.metadata = {{"a", "b"}}}),
                       doctest::Contains("it must be empty for an npz file"), xgrad::ValueError);
  CHECK_THROWS_WITH_AS(nn::save(run, directory.file("a.safetensors"), {.compress = true}),
                       doctest::Contains("compress is true; it must be false in a safetensors file"), xgrad::ValueError);
  for (const auto& pair : std::map<std::string, std::string>{{"../a", "it must not lead out by .."},
                                                             {"/a", "it must not begin with /"},
                                                             {"a\\b", "it must have no NUL and no \\"},
                                                             {"a/../b", "it must not lead out by .."},
                                                             {"a\xff", "it must be UTF-8"}}) {
    const std::string &name = pair.first, &why = pair.second;
    CHECK(message(directory, [&] {
            xgrad::save_npz(std::map<std::string, Array<float>>{{name, {}}}, directory.file("a.npz"));
          }).ends_with(".npy is the name of a member; " + why));
  }
  CHECK(fs::is_empty(directory.path));
  xgrad::save_npy(Array<float>{1}, directory.file("a.npy"));
  Run other = other_run();
  CHECK(message(directory, [&] { nn::load(other, directory.file("a.npy")); }) ==
        "load: a.npy: is one array, as numpy.save writes it; it must be an npz or safetensors file, or read it with load_npy");
}

TEST_CASE("npz: archives that are not sound are refused") {
  const Directory directory;
  const std::string path = directory.file("a.npz"), one = npy(dict("<f4", "(2,)"), bytes_of<float>({1, 2}));
  const auto error = [&](const std::string& bytes) {
    write(path, bytes);
    return message(directory, [&] { xgrad::load_npz<float>(path); });
  };
  const auto at = [](std::size_t offset, const std::string& text) {
    return fmt::format("load_npz: a.npz: offset {}: {}", offset, text);
  };
  const std::size_t size = one.size(), list = 35 + size;

  SUBCASE("good ones") {
    CHECK(error(zip({})) == "nothing thrown");
    CHECK(error(zip({{"x.npy", one}, {"y.npy", one}})) == "nothing thrown");
    CHECK(error(zip({{"x.npy", one}}, false, 0, "a comment PK\5\6 of any text")) == "nothing thrown");
    CHECK(error(zip({{.name = "x.npy", .bytes = one, .zip64 = true}})) == "nothing thrown");
    CHECK(error(zip({{.name = "x.npy", .bytes = one, .zip64 = true}}, true)) == "nothing thrown");
    CHECK(same(xgrad::load_npz<float>(path).at("x"), Array<float>{1, 2}));
  }
  SUBCASE("names") {
    for (const auto& pair : std::map<std::string, std::string>{{"../x.npy", "it must not lead out by .."},
                                                               {"/x.npy", "it must not begin with /"},
                                                               {"..", "it must not lead out by .."},
                                                               {"a\\x.npy", "it must have no NUL and no \\"}}) {
      const std::string &name = pair.first, &why = pair.second;
      CHECK(error(zip({{name, one}})) == at(30 + name.size() + size, name + " is the name of a member; " + why));
    }
    CHECK(error(zip({{"x.txt", one}})) == at(35, "x.txt: is a member of the archive; its name must end in .npy"));
    CHECK(error(zip({{"x.npy", one}, {"x.npy", one}})) == at(2 * list + 57, "x.npy is there twice; it must be there once"));
    CHECK(error(zip({{.name = "x.npy", .bytes = one, .own_name = "y.npy"}})) ==
          at(0, "another name is here; x.npy must begin here, as the archive's list says"));
  }
  SUBCASE("bytes") {
    CHECK(error(zip({{.name = "x.npy", .bytes = one, .damage = 1}})).starts_with(at(35, "x.npy: the checksum of its bytes is ")));
    CHECK(error(zip({{.name = "x.npy", .bytes = one, .more = 1}})) ==
          at(0, fmt::format("x.npy has {} bytes; they must end before the archive's list at {}", size + 1, list)));
    CHECK(error(zip({{"x.npy", one}, {.name = "y.npy", .bytes = one, .earlier = static_cast<std::uint32_t>(list)}})) ==
          at(0, "another name is here; y.npy must begin here, as the archive's list says"));
    CHECK(error(zip({{.name = "x.npy", .bytes = one, .flags = 1}})) == at(list, "x.npy is encrypted; it must not be"));
    CHECK(error(zip({{.name = "x.npy", .bytes = one, .method = 14}})) ==
          at(list, "x.npy is packed by method 14; it must be stored (0) or deflated (8)"));
    CHECK(error(zip({{.name = "x.npy", .bytes = one, .method = 8}})).starts_with("load_npz: a.npz: x.npy: unpacked offset "));
    CHECK(error(zip({{"x.npy", one.substr(0, 40)}})) == at(75, "x.npy: it ends here; a header of 57 bytes must be there"));
    CHECK(error(zip({{"x.npy", one + "x"}})) == at(102, "x.npy: 9 bytes are behind the header; there must be 8 for (2,) of '<f4'"));
    CHECK(error(zip({{"x.npy", one}}, false, 1)) == at(list, "the archive's list has 1 members; it must have 2, as its end says"));
    CHECK(error(zip({{"x.npy", one}}) + "x") ==
          at(list + 57 + 23, "the file ends here; the end of a zip archive must be before it: the file is cut short, or goes on"));
  }
}

TEST_CASE("npz: whatever is done to a file, it loads as it was or is an error with its name") {
  const Directory directory;
  const std::string path = directory.file("a.npz");
  const Run run;
  const std::string whole = state_of(run), before = state_of(other_run());
  for (const bool compress : {false, true}) {
    nn::save(run, path, {.compress = compress});
    const std::string good = contents(path);
    const auto attempt = [&](const std::string& bytes) {
      write(path, bytes);
      Run other = other_run();
      try {
        nn::load(other, path);
      } catch (const FileError& error) {
        CHECK(error.message().starts_with(path + ": "));
        CHECK(state_of(other) == before);
        return false;
      }
      CHECK(state_of(other) == whole);
      return true;
    };
    for (std::size_t k = 0; k < good.size(); k += k < 300 ? 1 : 7) CHECK(!attempt(good.substr(0, k)));
    for (std::size_t k = 0; k < good.size(); k += 3) {
      std::string bad = good;
      bad[k] = static_cast<char>(bad[k] ^ (1 << (k / 3 % 8)));
      attempt(bad);
    }
  }
}

TEST_CASE("npz: more members than a zip archive without ZIP64 has") {
  const Directory directory;
  const std::string path = directory.file("a.npz");
  std::map<std::string, Array<std::uint8_t>> arrays;
  for (int k = 0; k < 65536; ++k) arrays.emplace(std::to_string(k), Array<std::uint8_t>(Shape{}, static_cast<std::uint8_t>(k)));
  xgrad::save_npz(arrays, path);
  const auto loaded = xgrad::load_npz<std::uint8_t>(path);
  CHECK(loaded.size() == 65536);
  CHECK(loaded.at("65535")() == 255);
}

TEST_CASE("npz: NumPy reads what we write") {
  const std::string program = python();
  if (program.empty()) {
    MESSAGE("skipped: no python3 with NumPy here (Debian: python3-numpy)");
    return;
  }
  const Directory directory;
  const Run run;
  xgrad::save_npy(counted<float>({2, 3}), directory.file("a.npy"));
  nn::save(run, directory.file("a.npz"));
  nn::save(run, directory.file("b.npz"), {.compress = true});
  write(directory.file("check.py"), R"(
import numpy as np, sys
d = sys.argv[1]
a = np.load(d + "/a.npy", allow_pickle=False)
assert a.dtype == np.float32 and (a == np.arange(6).reshape(2, 3)).all() and a.flags.c_contiguous
for name in "ab":
    z = np.load(d + "/" + name + ".npz", allow_pickle=False)
    assert z["layer.weight"].shape == (2, 3) and z["layer.weight"].dtype == np.float32
    assert (z["table"] == [[1, 2, 3], [4, 5, 6]]).all() and z["table"].dtype == np.int32
    assert z["epoch"] == 3 and z["epoch"].shape == () and z["epoch"].dtype == np.int64
    assert z["done"] == True and z["done"].dtype == bool
    assert (z["losses"] == [0.5, 0.25]).all() and z["losses"].dtype == np.float64
    assert (z["flags"] == [True, False, True]).all()
    assert bytes(z["text"]).decode() == "größer"
    assert z["generator"].shape == (6,) and z["generator"].dtype == np.uint64
    assert len(z.files) == 13, z.files
)");
  CHECK(std::system((program + " " + directory.file("check.py") + " " + directory.path.string()).c_str()) == 0);
}
