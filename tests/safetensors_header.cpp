// The form of safetensors files: a header of another form is refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>

#include <xgrad/state/state.hpp>

#include "archive.hpp"

namespace nn = xgrad::nn;
using namespace archive;
using xgrad::Variable;

namespace {

xgrad::Array<float> counted(std::size_t n) {
  xgrad::Array<float> array(xgrad::Shape{n});
  for (std::size_t i = 0; i < n; ++i) array.data()[i] = static_cast<float>(i + 1);
  return array;
}

}  // namespace

TEST_CASE("safetensors: a header that is not of the format's form is refused, at its byte") {
  const Directory directory;
  const std::string path = directory.file("f");
  const Variable<float> a(counted(2), true);
  const std::map<std::string, Variable<float>> net{{"a", a}};
  const std::string entry = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", good = R"({"a":)" + entry + "}";
  const auto error = [&](const std::string& header) {
    write(path, safetensors(header, 8));
    const std::string text = message(directory, [&] { nn::load(net, path); });
    CHECK(text.starts_with("load: f: offset "));
    CHECK(a.value() == counted(2));
    return text.substr(std::min<std::size_t>(text.size(), 16));
  };
  const auto at = [](std::size_t offset, const std::string& text) { return std::to_string(8 + offset) + ": " + text; };
  const auto with = [&](const std::string& what, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(what), what.size(), to);
  };
  const std::size_t end = good.size();

  SUBCASE("what is around it") {
    CHECK(error("") == at(0, R"(the header ends here; "{" must be here)"));
    CHECK(error("[1]") == at(0, R"("[" is here; "{" must be here)"));
    CHECK(error("\xef\xbb\xbf" + good) == at(0, R"("\ufeff" is here; "{" must be here)"));
    CHECK(error(" " + good) == at(0, R"(" " is here; "{" must be here)"));
    CHECK(error(good + std::string("\0garbage", 8)) == at(end, R"("\x00" is here; its end, or a space must be here)"));
    CHECK(error(good + std::string(1, '\0')) == at(end, R"("\x00" is here; its end, or a space must be here)"));
    CHECK(error(good + "  {}") == at(end + 2, R"("{" is here; its end, or a space must be here)"));
    CHECK(error("{\"a\": nonsense}") == at(6, R"("n" is here; "{" must be here)"));
    CHECK(error("{\"a\":") == at(5, R"(the header ends here; "{" must be here)"));
    CHECK(error("{a:3}") == at(1, R"("a" is here; a text must be here)"));
    CHECK(error(R"({"a":3})") == at(5, R"("3" is here; "{" must be here)"));
    CHECK(error(R"({"a":{)") == at(6, "the header ends here; a text must be here"));
    CHECK(error(with("8]}", "8],}")) == at(end - 1, R"("}" is here; a text must be here)"));
    CHECK(error(with("8]}", "8]")) == at(end - 1, R"(the header ends here; "," or "}" must be here)"));
  }
  SUBCASE("metadata") {
    const auto metadata = [&](const std::string& value) { return error(R"({"__metadata__":)" + value + "," + good.substr(1)); };
    CHECK(metadata("3") == at(16, R"("3" is here; "{" must be here)"));
    CHECK(metadata("null") == at(16, R"("n" is here; "{" must be here)"));
    CHECK(metadata("[]") == at(16, R"("[" is here; "{" must be here)"));
    CHECK(metadata("\"x\"") == at(16, R"(a text is here; "{" must be here)"));
    CHECK(metadata(R"({"x":3})") == at(21, R"("3" is here; a text must be here)"));
    CHECK(metadata(R"({"x":{"y":"z"}})") == at(21, R"("{" is here; a text must be here)"));
    CHECK(metadata(R"({"x":"1","x":"2"})") == at(25, "x is there twice; it must be there once"));
    CHECK(metadata(R"({},"__metadata__":{})") == at(19, "__metadata__ is there twice; it must be there once"));
  }
  SUBCASE("an entry") {
    CHECK(error(with("}}", R"(,"shape":[2]}})")) == at(end - 1, "shape is there twice; it must be there once"));
    CHECK(error(with("}}", R"(,"dtype":"F32"}})")) == at(end - 1, "dtype is there twice; it must be there once"));
    CHECK(error(with("}}", R"(,"sh\u0061pe":[2]}})")) == at(end - 1, "shape is there twice; it must be there once"));
    CHECK(error("{\"a\":" + entry + ",\"\\u0061\":" + entry + "}") == at(end, "a is there twice; it must be there once"));
    CHECK(error(with("}}", R"(,"more":3}})")).starts_with(at(end - 1, "the entry of a has more; it must be {")));
    CHECK(error(with("\"F32\"", "32")) == at(14, R"("3" is here; a text must be here)"));
    const auto offsets = good.find("[0,8]");
    for (const char* one : {"\"x\"", "null", "{}", "3"})
      CHECK(error(with("[0,8]", one)).ends_with(R"( is here; "[" must be here)"));
    for (const char* bad : {"[-1,8]", "[[],[]]", "[null,8]", "[\"0\",8]", "[+0,8]", "[.5,8]"})
      CHECK(error(with("[0,8]", bad)).ends_with(" is here; a whole number must be here"));
    for (const char* bad : {"[0.0,8]", "[0e0,8]", "[0 8]", "[0x0,8]"})
      CHECK(error(with("[0,8]", bad)).ends_with(R"( is here; "," or "]" must be here)"));
    for (const char* bad : {"[]", "[8]", "[0,8,9]"})
      CHECK(error(with("[0,8]", bad)).starts_with(at(offsets, "the entry of a has ")));
    CHECK(error(with("[0,8]", "[0,99999999999999999999]")) ==
          at(offsets + 3, "the number is 99999999999999999999; it must be a whole number below 2^64, without zeros before it"));
    CHECK(error(with("[0,8]", "[00,8]")) ==
          at(offsets + 1, "the number is 00; it must be a whole number below 2^64, without zeros before it"));
  }
  SUBCASE("texts") {
    const auto text = [&](const std::string& name) { return error("{\"" + name + "\":" + entry + "}"); };
    CHECK(text("b\n") == at(3, R"("\n" is here; UTF-8, with control characters as escapes must be here)"));
    CHECK(text("b\xff") == at(3, R"("\xff" is here; UTF-8, with control characters as escapes must be here)"));
    CHECK(text("b\xed\xa0\x80").starts_with(at(3, R"("\xed" is here; UTF-8)")));
    CHECK(error("{\"b").starts_with(at(3, "the header ends here; ")));
    for (const char* bad : {"\\x", "\\u12", "\\u123g", "\\u 123", "\\u-123", "\\U0001"})
      CHECK(text(bad).starts_with(at(2, "an escape that JSON does not have is here; it must be one of ")));
    for (const char* bad : {"\\ud800", "\\udc00", "\\ud800x", "\\ud800\\ud800"})
      CHECK(text(bad) == at(2, "half of a pair is here; the other must go with it"));
    // What the file calls its arrays does not reach the terminal as it is, and no more of it than one can read.
    const auto other = [&](const std::string& name) {
      write(path, safetensors("{\"" + name + "\":" + entry + "}", 8));
      return message(directory, [&] { nn::load(net, path); });
    };
    CHECK(other("\\u001b]0;\\u202eowned\\u0007\\n").find(R"(, \x1b]0;\u202eowned\x07\n F32 (2,) in the file alone; )") !=
          std::string::npos);
    CHECK(other(std::string(100'000, 'b')).size() < 401);
    CHECK(other(std::string(100'000, '.')).size() < 401);
  }
  SUBCASE("what is of its form") {
    for (const std::string& header : std::initializer_list<std::string>{
             good, good + " \n\t\r", R"({"__metadata__":{"format":"pt","x":"\ud83d\ude42\"\\\/\b\f\n\r\t"},)" + good.substr(1),
             R"({"\u0061":)" + entry + "}", R"({ "a" : { "shape" : [ 2 ] , "data_offsets" : [ 0 , 8 ] , "dtype" : "F32" } })",
             R"({"__metadata__":{},)" + good.substr(1)}) {
      write(path, safetensors(header, 8));
      nn::load(net, path);
      CHECK(a.value() == xgrad::zeros<float>({2}));
    }
  }
}

TEST_CASE("safetensors: whatever is done to a file, it loads or is an error with its name") {
  const Directory directory;
  const std::string path = directory.file("f");
  struct Two {
    Variable<float> a{counted(2), true}, b{counted(3)};
  };
  const Two net;
  nn::save(net, path);
  const std::string good = contents(path);
  const auto loads = [&](const std::string& bytes) {
    const Two other;
    write(path, bytes);
    const std::string text = message(directory, [&] { nn::load(other, path); });
    if (text == "nothing thrown") return true;
    CHECK(text.starts_with("load: f: "));
    CHECK(text.find_first_not_of(
              " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") == text.npos);
    CHECK(other.a.value() == net.a.value());
    CHECK(other.b.value() == net.b.value());
    return false;
  };
  CHECK(loads(good));
  for (std::size_t n = 0; n < good.size(); ++n) CHECK(!loads(good.substr(0, n)));
  std::size_t loaded = 0;
  const std::size_t values = good.size() - 20, metadata = 2;  // the text "xgrad" may be another, and its key
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const char value : {static_cast<char>(good[i] ^ 1), static_cast<char>(good[i] ^ 0x80), '\0', '"', '\\', '{', '9', ' '}) {
      std::string bytes = good;
      bytes[i] = value;
      loaded += loads(bytes);
      if (i >= values || value == good[i]) CHECK(loads(bytes));
      if (i < 8 && value != good[i]) CHECK(!loads(bytes));
    }
  CHECK(loaded >= 20 * 8 + metadata);
  CHECK(loaded < good.size() * 4);
}
