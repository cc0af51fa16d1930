// Files of torch.save. tests/golden/make_torch_files.py wrote those that are here.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <xgrad/state/state.hpp>

#include "archive.hpp"

namespace nn = xgrad::nn;
using namespace archive;
using xgrad::Array;
using xgrad::FileError;
using xgrad::Shape;

namespace {

const std::string golden = XGRAD_TEST_DATA "/files/";

template <class T>
Array<T> counted(const Shape& shape) {
  Array<T> result(shape);
  for (std::size_t k = 0; k < result.size(); ++k) result.data()[k] = static_cast<T>(k);
  return result;
}
template <class T>
std::vector<T> list(const Array<T>& array) {
  return std::vector<T>(array.data(), array.data() + array.size());
}

std::string binary(const char* text, std::size_t size) { return {text, size}; }
#define BYTES(text) binary(text, sizeof(text) - 1)
/// Instructions that push a text.
std::string text(const std::string& value) { return "X" + number(static_cast<std::uint32_t>(value.size())) + value; }
/// A storage of 6 floats.
std::string storage(const std::string& type = "FloatStorage", const std::string& count = BYTES("K\6"),
                    const std::string& key = "0") {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + count + "tQ";
}
/// A tensor (2, 3) of it.
std::string tensor(const std::string& of, const std::string& rest = BYTES("K\0K\2K\3\x86K\3K\1\x86")) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + of + rest + "\x89" + "ccollections\nOrderedDict\n)RtR";
}
/// A dict with that as "w".
std::string pickle(const std::string& value) { return BYTES("\x80\2}") + text("w") + value + "s."; }

struct Two {
  Array<float> w = counted<float>({2, 3});
};

}  // namespace

TEST_CASE("torch: all types, strides, shared storages, and what else a checkpoint has") {
  struct Whole {
    Array<float> f32{Shape{2, 3}}, f16 = f32, bf16 = f32;
    Array<double> f64{Shape{2, 3}};
    Array<std::int64_t> i64{Shape{2, 3}};
    Array<std::int32_t> i32{Shape{2, 3}};
    Array<std::int16_t> i16{Shape{2, 3}};
    Array<std::int8_t> i8{Shape{2, 3}};
    Array<std::uint8_t> u8{Shape{2, 3}};
    Array<bool> b{Shape{2, 3}};
    Array<float> turned{Shape{4, 2, 3}}, column{Shape{2, 3}}, part{Shape{2, 4}}, repeated{Shape{3, 2}}, parameter{Shape{2}};
    float scalar = 0;
    Array<float> nothing{Shape{0, 3}};
  } net;
  const nn::LoadReport report = nn::load(net, golden + "tensors.pt", {.convert = true});
  CHECK(report.complete());
  CHECK(report.prefix == "state");
  CHECK(list(net.f32) == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(list(net.f16) == list(net.f32));
  CHECK(list(net.bf16) == list(net.f32));
  CHECK(list(net.f64) == std::vector<double>{0, 1, 2, 3, 4, 5});
  CHECK(list(net.i64) == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  CHECK(list(net.i32) == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5});
  CHECK(list(net.i16) == std::vector<std::int16_t>{0, 1, 2, 3, 4, 5});
  CHECK(list(net.i8) == std::vector<std::int8_t>{0, 1, 2, 3, 4, 5});
  CHECK(list(net.u8) == std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5});
  CHECK(list(net.b) == std::vector<bool>{false, true, true, true, true, true});
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 2; ++j)
      for (std::size_t k = 0; k < 3; ++k) CHECK(net.turned(i, j, k) == static_cast<float>(12 * j + 4 * k + i));
  CHECK(list(net.column) == std::vector<float>{1, 5, 9, 13, 17, 21});
  CHECK(list(net.part) == std::vector<float>{16, 17, 18, 19, 20, 21, 22, 23});
  CHECK(list(net.repeated) == std::vector<float>{0, 1, 0, 1, 0, 1});
  CHECK(list(net.parameter) == std::vector<float>{1.5, -2.5});
  CHECK(net.scalar == 7);

  struct Rest {
    std::int64_t epoch = 0;
    double best = 0;
    bool done = false;
    std::string note;
    struct Single {
      double lr = 0;
      std::array<double, 2> others{};
    } nothing_here;
  } rest;
  const nn::LoadReport some = nn::load(rest, golden + "tensors.pt", {.prefix = "", .strict = false});
  CHECK(some.loaded.size() == 4);
  CHECK(rest.epoch == 3);
  CHECK(rest.best == 0.5);
  CHECK(rest.done);
  CHECK(rest.note == "hm");
}

TEST_CASE("torch: other types only where that is asked for") {
  struct Short {
    Array<float> f16{Shape{2, 3}};
  } net;
  CHECK_THROWS_WITH_AS(nn::load(net, golden + "tensors.pt", {.prefix = "state", .strict = true}),
                       doctest::Contains("f16 is F16 (2, 3) in the file and F32 (2, 3) in memory"), FileError);
}

TEST_CASE("torch: only what a state dict needs is understood, the rest is refused by name") {
  const Directory directory;
  const std::string path = directory.file("a.pt"), six = bytes_of<float>({5, 4, 3, 2, 1, 0});
  const auto attempt = [&](const std::string& code, const std::vector<Member>& more = {}) {
    std::vector<Member> members{{"net/data.pkl", code}, {"net/data/0", six}};
    members.insert(members.end(), more.begin(), more.end());
    write(path, zip(members));
    Two net;
    const std::string text = message(directory, [&] { nn::load(net, path); });
    if (text != "nothing thrown") CHECK(list(net.w) == std::vector<float>{0, 1, 2, 3, 4, 5});
    return std::pair(text, net.w);
  };
  const auto error = [&](const std::string& code) { return attempt(code).first; };
  constexpr std::size_t begin = 30 + 12;  // of the pickle, in the file
  const auto at = [](std::size_t offset, const std::string& text) {
    return fmt::format("load: a.pt: offset {}: net/data.pkl: {}", begin + offset, text);
  };
  SUBCASE("good ones") {
    const auto [text, w] = attempt(pickle(tensor(storage())));
    CHECK(text == "nothing thrown");
    CHECK(list(w) == std::vector<float>{5, 4, 3, 2, 1, 0});
    CHECK(list(attempt(pickle(tensor(storage(), BYTES("K\0K\2K\3\x86K\1K\2\x86")))).second) ==
          std::vector<float>{5, 3, 1, 4, 2, 0});
    CHECK(list(attempt(pickle(tensor(storage(), BYTES("K\3K\2K\3\x86K\0K\1\x86")))).second) ==
          std::vector<float>{2, 1, 0, 2, 1, 0});
    // protocol 4, as newer programs may write it: frames, short texts, names from the stack
    const std::string newer = BYTES("\x80\4\x95\1\0\0\0\0\0\0\0}\x94\x8c\1w") + tensor(storage()) + "s.";
    CHECK(list(attempt(newer).second) == std::vector<float>{5, 4, 3, 2, 1, 0});
    CHECK(list(attempt(pickle(tensor(storage())), {{"net/byteorder", "little"}, {"net/version", "3\n"}}).second) ==
          std::vector<float>{5, 4, 3, 2, 1, 0});
    std::string big = six;
    for (std::size_t k = 0; k < big.size(); k += 4)
      std::reverse(big.begin() + static_cast<std::ptrdiff_t>(k), big.begin() + static_cast<std::ptrdiff_t>(k) + 4);
    write(path, zip({{"net/data.pkl", pickle(tensor(storage()))}, {"net/data/0", big}, {"net/byteorder", "big"}}));
    Two net;
    nn::load(net, path);
    CHECK(list(net.w) == std::vector<float>{5, 4, 3, 2, 1, 0});
  }
  SUBCASE("names") {
    for (const std::string name :
         {"os\nsystem", "posix\nsystem", "builtins\neval", "torch\nload", "torch.nn.modules.linear\nLinear",
          "torch\nComplexFloatStorage", "__torch__\nNet", "collections\nOrderedDictX"}) {
      std::string dotted = name;
      dotted[dotted.find('\n')] = '.';
      CHECK(error(pickle("c" + name + "\n" + text("true") + "\x85R"))
                .starts_with(at(9, "the pickle names " + dotted + "; it must be of tensors")));
    }
    CHECK(error(BYTES("\x80\4") + text("os") + text("system") + "\x93.")
              .starts_with(at(20, "the pickle names os.system; it must be")));
    CHECK(error(pickle("ctorch\nFloatStorage\n)R")).find("torch.FloatStorage is called; it must be collections.OrderedDict") !=
          std::string::npos);
    CHECK(error(pickle("ctorch\nFloatStorage\n")) ==
          at(0, "w is a type or a storage by itself; it must be a tensor, a number or a text"));
  }
  SUBCASE("instructions") {
    for (const char code : {'i', 'o', '\x81', '\x92', '\x82', 'P', 'F', 'S', 'V', 'l', 'd', '\x8f', '2', '0', '1'})
      CHECK(error(pickle(std::string(1, code)))
                .starts_with(at(9, fmt::format("the instruction 0x{:02x} is here; it must be one of those that",
                                               static_cast<unsigned char>(code)))));
    CHECK(error("") == at(0, "the pickle ends in 0 bytes; 1 must be here"));
    CHECK(error(BYTES("\x80\1.")) == at(0, "the pickle has protocol 1; it must be 2 to 5"));
    CHECK(error(BYTES("\x80\2.")) == at(2, "the pickle leaves more or less than one value; it must leave one"));
    CHECK(error(BYTES("\x80\2}.x")) == at(3, "1 bytes are here; the pickle must end here"));
    CHECK(error(BYTES("\x80\2}u.")) == at(3, "no mark is on the stack; one must be"));
    CHECK(error(BYTES("\x80\2}(Ku.")) == at(6, "the pickle leaves more or less than one value; it must leave one"));
    CHECK(error(BYTES("\x80\2h\5.")) == at(2, "value 5 is recalled; it must have been kept before"));
    CHECK(error(BYTES("\x80\2K\1K\2K\3s.")) == at(8, "another value is here; a dict must be"));
    CHECK(error(BYTES("\x80\2(K\1\x86.")) == at(5, "the stack has 1 values; it must have 2 here"));
    const std::string endless = error(BYTES("\x80\2]q\0h\0a."));
    CHECK(endless.starts_with(at(0, "0.0.0.0.0")));
    CHECK(endless.ends_with(" is nested without end; it must end"));
    std::string doubled = BYTES("\x80\2)q\0");  // a tuple of nothing, one that has it twice, one that has that twice …
    for (int k = 0; k < 58; ++k) doubled += BYTES("h\0\x86q\0");
    CHECK(error(doubled + ".").ends_with(" is nested without end; it must end"));
    CHECK(error(BYTES("\x80\2}") + text(std::string(5000, 'x')) + "K\1s.") ==
          at(0, "a name of 5000 bytes is here; it must have at most 4096"));
  }
  SUBCASE("tensors") {
    const auto wrong = [&](const std::string& value) {
      const std::string text = error(pickle(value));
      return text.substr(std::min(text.size(), text.find("net/data")));
    };
    CHECK(wrong(tensor(storage(), BYTES("K\1K\2K\3\x86K\3K\1\x86"))) ==
          "net/data.pkl: a tensor (2, 3) with strides (3, 1) begins at element 1; it must end in its storage of 6");
    CHECK(wrong(tensor(storage(), BYTES("K\0K\2K\3\x86K\4K\1\x86"))) ==
          "net/data.pkl: a tensor (2, 3) with strides (4, 1) begins at element 0; it must end in its storage of 6");
    CHECK(wrong(tensor(storage(), BYTES("J\xff\xff\xff\xffK\2K\3\x86K\3K\1\x86"))) ==
          "net/data.pkl: the length or place -1 is here; it must not be negative");
    CHECK(wrong(tensor(storage(), BYTES("K\0K\2K\3\x86K\3\x85"))) ==
          "net/data.pkl: a tensor of 2 lengths and 1 strides is here; there must be as many");
    CHECK(wrong(tensor(storage(), BYTES("K\0\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\3\x86K\3K\1\x86")))
              .starts_with("net/data.pkl: a tensor (9223372036854775807, 3) with strides (3, 1) begins at element 0; it must end"));
    CHECK(wrong(tensor(storage(), BYTES("K\0\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\3\x86K\0K\1\x86"))) ==
          "net/data.pkl: w is (9223372036854775807, 3); that must be a number of bytes");
    CHECK(wrong(tensor(storage("FloatStorage", BYTES("K\7")))) ==
          "net/data/0: 24 bytes are here; there must be 7 of F32, by net/data.pkl");
    CHECK(wrong(tensor(storage("DoubleStorage"))) == "net/data/0: 24 bytes are here; there must be 6 of F64, by net/data.pkl");
    CHECK(wrong(tensor(storage("FloatStorage", BYTES("K\6"), "1"))) ==
          "net/data.pkl: w is in the storage data/1; the archive must have it");
    CHECK(wrong(tensor(storage(), BYTES("K\0J\0\0\0\2\x85K\0\x85"))) ==
          "net/data.pkl: w shows 33554432 elements of a storage of 6; it must show at most 16777216");
    std::string ones;
    for (int k = 0; k < 65; ++k) ones += "K\1";
    CHECK(wrong(tensor(storage(), BYTES("K\0(") + ones + "t(" + ones + "t")) ==
          "net/data.pkl: a tensor of 65 axes is here; it must have at most 64");
    CHECK(wrong(tensor(storage("FloatStorage", BYTES("K\6"), std::string(300, '0')))) ==
          "net/data.pkl: a storage's key of 300 bytes is here; it must have at most 256");
    const std::string plain = tensor(storage()), turned = plain.substr(0, plain.size() - 2) + "}" + text("neg") + "\x88stR";
    CHECK(wrong(turned) ==
          "net/data.pkl: a tensor with metadata, conjugated or negated, say, is here; it must have none; save tensor.clone()");
    CHECK(wrong("ctorch._utils\n_rebuild_tensor_v2\n)R") == "net/data.pkl: a tensor of 0 arguments is here; it must have 6");
    write(path, zip({{"net/data.pkl", pickle(tensor(storage()))}, {.name = "net/data/0", .bytes = six, .damage = 1}}));
    Two net;
    CHECK(message(directory, [&] { nn::load(net, path); }).find("net/data/0: the checksum of its bytes is") != std::string::npos);
  }
  SUBCASE("files of PyTorch before 1.6") {
    write(path, BYTES("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."));
    Two net;
    CHECK(message(directory, [&] { nn::load(net, path); }) ==
          "load: a.pt: is a pickle, as PyTorch wrote files before 1.6; it must be a zip archive: load it there and torch.save it "
          "again");
  }
}

TEST_CASE("torch: whatever is done to a file, it loads as it was or is an error with its name") {
  const Directory directory;
  const std::string path = directory.file("a.pt"), six = bytes_of<float>({5, 4, 3, 2, 1, 0});
  const std::string code = pickle(tensor(storage()));
  const auto attempt = [&](const std::string& bytes) {
    write(path, bytes);
    Two net;
    try {
      nn::load(net, path);
    } catch (const FileError& error) {
      CHECK(error.message().starts_with(path + ": "));
      CHECK(list(net.w) == std::vector<float>{0, 1, 2, 3, 4, 5});
      return false;
    }
    return true;
  };
  const std::string good = zip({{"net/data.pkl", code}, {"net/data/0", six}});
  CHECK(attempt(good));
  for (std::size_t k = 0; k < good.size(); ++k) CHECK(!attempt(good.substr(0, k)));
  for (std::size_t k = 0; k < code.size(); ++k)  // with a checksum that is right
    for (const int bit : {0, 3, 7}) {
      std::string bad = code;
      bad[k] = static_cast<char>(bad[k] ^ (1 << bit));
      attempt(zip({{"net/data.pkl", bad}, {"net/data/0", six}}));
      attempt(zip({{"net/data.pkl", code.substr(0, k)}, {"net/data/0", six}}));
    }
}
