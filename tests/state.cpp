// What a network has learnt: listed, cloned, copied, saved and loaded.
#include <doctest/doctest.h>

#include <sys/resource.h>
#include <unistd.h>
#include <csignal>
#include <cstdint>
#include <filesystem>

#include <xgrad/autodiff/backward.hpp>
#include <xgrad/nn/linear.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/state/state.hpp>

#include "archive.hpp"

namespace fs = std::filesystem;
namespace nn = xgrad::nn;
using archive::contents;
using archive::Directory;
using archive::safetensors;
using archive::write;
using xgrad::Array;
using xgrad::FileError;
using xgrad::Variable;

namespace {

using Strings = std::vector<std::string>;

template <class T>
Variable<T> counted(const xgrad::Shape& shape, T start, bool requires_grad) {
  Array<T> array(shape);
  for (std::size_t i = 0; i < array.size(); ++i) array.data()[i] = start + static_cast<T>(i);
  return {std::move(array), requires_grad};
}
template <class T>
struct Dense {
  Variable<T> weight, bias;
  Dense(std::size_t in, std::size_t out, bool with_bias = true) : weight(counted<T>({in, out}, 1, true)) {
    if (with_bias) bias = counted<T>({out}, -1, true);
  }
  XGRAD_FIELDS(weight, bias)
};
template <class T>
struct Norm {
  Variable<T> scale = counted<T>({2}, 5, true), mean = counted<T>({2}, 7, false);
  bool training = true;
};
template <class T = float>
struct Net {
  Dense<T> first{3, 2};
  std::vector<Norm<T>> norms{1};
  Dense<T> last{2, 2, false};
};
template <class T>
struct Tied {
  Variable<T> a = counted<T>({2}, 1, true), b = a, constant = a.detach();
  std::shared_ptr<Dense<T>> left = std::make_shared<Dense<T>>(1, 2), right = left;
  std::shared_ptr<xgrad::Generator> generator = std::make_shared<xgrad::Generator>(3);
};

template <class N>
Strings names(const N& list) {
  Strings result;
  for (const auto& named : list) result.push_back(named.name);
  return result;
}
const Strings net_parameters{"first.weight", "first.bias", "norms.0.scale", "last.weight"};
const Strings net_state{"first.weight", "first.bias", "norms.0.scale", "norms.0.mean", "last.weight"};

/// Message of the error that f throws, without the line.
template <class E, class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const E& error) {
    CHECK(std::string(error.where().file_name()).ends_with("state.cpp"));
    return error.op() + ": " + error.message();
  }
  return "nothing thrown";
}

}  // namespace

TEST_CASE("state: parameters, by name and without") {
  const Net<float> net;
  CHECK(names(nn::named_parameters(net)) == net_parameters);
  CHECK(names(nn::named_state(net)) == net_state);
  const auto parameters = nn::parameters(net);
  static_assert(std::is_same_v<decltype(parameters), const std::vector<Variable<float>>>);
  static_assert(std::is_same_v<nn::real_of<Net<double>>, double>);
  static_assert(std::is_same_v<nn::real_of<const std::vector<std::shared_ptr<Tied<double>>>>, double>);
  REQUIRE(parameters.size() == 4);
  CHECK(parameters[0].same_storage(net.first.weight));
  CHECK(parameters[3].same_storage(net.last.weight));
  CHECK(nn::parameter_count(net) == 6 + 2 + 2 + 4);
}

TEST_CASE("state: tied weights count once") {
  const Tied<float> net;
  CHECK(names(nn::named_parameters(net)) == Strings{"a", "left.weight", "left.bias"});
  CHECK(nn::parameter_count(net) == 2 + 2 + 2);
}

TEST_CASE("state: a constant that shares a parameter's value does not hide it") {
  struct Order {
    Variable<float> constant, parameter;
  };
  Order net;
  net.parameter = counted<float>({2}, 1, true);
  net.constant = net.parameter.detach();
  CHECK(names(nn::named_parameters(net)) == Strings{"parameter"});
  const Order copy = nn::clone(net);
  CHECK(copy.constant.same_storage(copy.parameter));
  CHECK(!copy.constant.requires_grad());
  CHECK(copy.parameter.requires_grad());
}

TEST_CASE("state: clone has values of its own") {
  Net<float> net;
  net.norms[0].training = false;
  Net<float> copy = nn::clone(net);
  const auto before = nn::named_state(net), after = nn::named_state(copy);
  REQUIRE(names(after) == net_state);
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(!after[i].variable.same_storage(before[i].variable));
    CHECK(after[i].variable.value() == before[i].variable.value());
    CHECK(after[i].variable.requires_grad() == before[i].variable.requires_grad());
    CHECK((!after[i].variable.node() || after[i].variable.node() != before[i].variable.node()));
  }
  CHECK(!copy.norms[0].training);
  copy.first.weight.assign(xgrad::zeros<float>({3, 2}));
  CHECK(net.first.weight.value() == counted<float>({3, 2}, 1, true).value());

  const Net<float> plain = net;
  CHECK(plain.first.weight.same_storage(net.first.weight));
}

TEST_CASE("state: what is tied stays tied in the clone, and shared objects are not shared with it") {
  const Tied<double> net;
  const Tied<double> copy = nn::clone(net);
  CHECK(copy.a.same_storage(copy.b));
  CHECK(copy.a.node() == copy.b.node());
  CHECK(copy.a.same_storage(copy.constant));
  CHECK(!copy.constant.requires_grad());
  CHECK(!copy.a.same_storage(net.a));
  CHECK(copy.left == copy.right);
  CHECK(copy.left != net.left);
  CHECK(!copy.left->weight.same_storage(net.left->weight));
  CHECK(net.left->weight.value() == copy.left->weight.value());
  CHECK(copy.generator != net.generator);
  CHECK(names(nn::named_parameters(copy)) == Strings{"a", "left.weight", "left.bias"});
}

TEST_CASE("state: train and eval reach every level") {
  struct Deep {
    Net<float> net;
    std::shared_ptr<Norm<float>> norm = std::make_shared<Norm<float>>();
    bool training = true, other = true;
  };
  Deep deep;
  nn::eval(deep);
  CHECK(!deep.training);
  CHECK(!deep.norm->training);
  CHECK(!deep.net.norms[0].training);
  CHECK(deep.other);
  nn::train(deep);
  CHECK(deep.training);
  CHECK(deep.norm->training);
  CHECK(deep.net.norms[0].training);
}

TEST_CASE("state: zero_grad") {
  Net<float> net;
  net.first.weight.node()->gradient = xgrad::ones<float>({3, 2});
  REQUIRE(net.first.weight.has_grad());
  nn::zero_grad(net);
  CHECK(!net.first.weight.has_grad());
}

TEST_CASE("state: copy_state converts the precision, and names what differs") {
  Net<float> from;
  Net<double> to;
  from.first.weight.assign(xgrad::full<float>({3, 2}, 0.25F));
  from.norms[0].mean.assign(xgrad::full<float>({2}, 3.F));
  nn::copy_state(from, to);
  CHECK(to.first.weight.value() == xgrad::full<double>({3, 2}, 0.25));
  CHECK(to.norms[0].mean.value() == xgrad::full<double>({2}, 3));
  CHECK(to.first.weight.requires_grad());

  Net<double> wide;
  wide.last = Dense<double>(2, 3, false);
  wide.first.weight.assign(xgrad::zeros<double>({3, 2}));
  const std::string remedy = "; both must have the same names and shapes, and the same elements or F32 and F64";
  CHECK(message<xgrad::ValueError>([&] { nn::copy_state(from, wide); }) ==
        "copy_state: last.weight is F32 (2, 2) in from and F64 (2, 3) in to" + remedy);
  CHECK(wide.first.weight.value() == xgrad::zeros<double>({3, 2}));
  Net<double> longer;
  longer.norms.emplace_back();
  longer.last = Dense<double>(2, 3, false);
  CHECK(message<xgrad::ValueError>([&] { nn::copy_state(from, longer); }) ==
        "copy_state: last.weight is F32 (2, 2) in from and F64 (2, 3) in to, norms.1.scale F64 (2,) in to alone, norms.1.mean F64 "
        "(2,) "
        "in to alone" +
            remedy);
  CHECK(
      message<xgrad::ValueError>([&] { nn::copy_state(longer, from); }) ==
      "copy_state: last.weight is F64 (2, 3) in from and F32 (2, 2) in to, norms.1.scale F64 (2,) in from alone, norms.1.mean F64 "
      "(2,) in from alone" +
          remedy);
}

TEST_CASE("state: the result of an operation is no parameter") {
  struct Result final : xgrad::Node<float> {
    Result() : Node(xgrad::Where::current("net.cpp", 12), false) {}
    std::string_view name() const override { return "mul"; }
  };
  Net<float> net;
  auto* node = new (xgrad::memory::allocate(sizeof(Result))) Result;
  static_assert(sizeof(Result) == sizeof(xgrad::Node<float>));
  net.last.weight = Variable<float>(net.last.weight.storage(), xgrad::Ref<xgrad::Node<float>>(node));
  const std::string text =
      ": last.weight is the result of mul recorded at net.cpp:12; it must be a leaf to be trained: make a Variable(value, true) of "
      "its value, or keep its detach()";
  CHECK(message<xgrad::GraphError>([&] { nn::parameters(net); }) == "parameters" + text);
  CHECK(message<xgrad::GraphError>([&] { nn::clone(net); }) == "clone" + text);
}

TEST_CASE("state: what is saved can be loaded") {
  const Directory directory;
  const std::string path = directory.file("net.safetensors");
  Net<float> net;
  net.first.weight.assign(xgrad::full<float>({3, 2}, 0.1F));
  nn::save(net, path);
  CHECK(directory.names().size() == 1);
  Net<float> other;
  const Variable<float> handle = other.first.weight;
  nn::load(other, path);
  CHECK(handle.value() == net.first.weight.value());
  for (const auto& named : nn::named_state(other)) CHECK(named.variable.requires_grad() == (named.name != "norms.0.mean"));
  CHECK(
      contents(path).substr(8, 150) ==
      R"({"__metadata__":{"format":"xgrad"},"first.weight":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]},"first.bias":{"dtype":"F32","shape":[2],"data_of)");
  CHECK(contents(path).size() % 8 == 0);

  Tied<double> tied;
  nn::save(tied, path);  // over the other one
  Tied<double> same;
  same.a.assign(xgrad::zeros<double>({2}));
  nn::load(same, path);
  CHECK(same.b.value() == tied.b.value());

  struct Odd {
    Variable<double> scalar = 3, empty = xgrad::zeros<double>({2, 0});
    std::map<std::string, Variable<double>> named{{"a \"quoted\" näme\n", 4}};
  };
  Odd odd;
  nn::save(odd, path);
  odd.scalar.assign(xgrad::zeros<double>({}));
  nn::load(odd, path);
  CHECK(odd.scalar.item() == 3);
}

TEST_CASE("state: errors of load, which change nothing") {
  const Directory directory;
  const std::string path = directory.file("f");
  struct Two {
    Variable<float> a = counted<float>({2}, 1, true), b = counted<float>({3}, 1, false);
  };
  Two net;
  const auto error = [&](const std::string& bytes) {
    write(path, bytes);
    const std::string text = message<FileError>([&] { nn::load(net, path); });
    CHECK(text.starts_with("load: " + path + ": "));
    CHECK(net.a.value() == counted<float>({2}, 1, true).value());
    CHECK(net.b.value() == counted<float>({3}, 1, true).value());
    return text.substr(std::min(text.size(), 8 + path.size()));
  };
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})",
                    b = R"("b":{"dtype":"F32","shape":[3],"data_offsets":[8,20]})";
  const auto two = [](const std::string& x, const std::string& y) { return "{" + x + "," + y + "}"; };
  const auto changed = [](std::string text, const std::string& what, const std::string& to) {
    return text.replace(text.find(what), what.size(), to);
  };

  CHECK(message<FileError>([&] { nn::load(net, directory.file("none")); }) ==
        "load: " + directory.file("none") + ": there is no such file");
  CHECK(message<FileError>([&] { nn::load(net, directory.path.string()); }) ==
        "load: " + directory.path.string() + ": it is a directory; it must be a regular file");
  CHECK(error("12345") == "offset 0: the file has 5 bytes; it must have 8 for the length of its header");
  CHECK(error("") == "offset 0: the file has 0 bytes; it must have 8 for the length of its header");
  CHECK(error(safetensors("{}", 0).substr(0, 9)) == "offset 0: the header is 2 bytes long; it must be at most 1 in this file of 9");
  CHECK(error(std::string(16, '\xff')) ==
        "offset 0: the header is 18446744073709551615 bytes long; it must be at most 8 in this file of 16");
  CHECK(error(safetensors(two(a, a), 20)) ==
        "offset " + std::to_string(8 + 2 + a.size()) + ": a is there twice; it must be there once");
  const auto lacks = [](const char* what) {
    return "offset 9: the entry of a " + std::string(what) +
           R"(; it must be {"dtype": text, "shape": [lengths], "data_offsets": [begin, end]})";
  };
  CHECK(error(safetensors(two(changed(a, "\"shape\":[2],", ""), b), 20)) == lacks("has no shape"));
  CHECK(error(safetensors(two(changed(a, "\"dtype\":\"F32\",", ""), b), 20)) == lacks("has no dtype"));
  CHECK(error(safetensors(two(changed(a, ",\"data_offsets\":[0,8]", ""), b), 20)) == lacks("has no data_offsets"));
  CHECK(error(safetensors(R"({"a":{}})", 20)) == lacks("has no dtype"));
  const std::string remedy = "; both must have the same, or load with {.strict = false}";
  CHECK(error(safetensors(two(changed(a, "F32", "I32"), b), 20)) ==
        "a is I32 (2,) in the file and F32 (2,) in memory; both must have the same, or load with {.convert = true} or "
        "{.strict = false}");
  CHECK(error(safetensors(two(changed(a, "F32", "F16\\n"), b), 20)) ==
        "a is F16\\n (2,) in the file and F32 (2,) in memory" + remedy);
  CHECK(error(safetensors(two(changed(a, "[2]", "[1,2]"), b), 20)) ==
        "a is F32 (1, 2) in the file and F32 (2,) in memory" + remedy);
  CHECK(error(safetensors("{" + a + "}", 8)) == "b is F32 (3,) in memory alone" + remedy);
  CHECK(error(safetensors("{}", 0)) == "a is F32 (2,) in memory alone, b F32 (3,) in memory alone" + remedy);
  CHECK(error(safetensors("{" + changed(a, "[2]", "[2,1]") + R"(,"c":{"dtype":"I8","shape":[0],"data_offsets":[8,8]}})", 8)) ==
        "a is F32 (2, 1) in the file and F32 (2,) in memory, b F32 (3,) in memory alone, c I8 (0,) in the file alone" + remedy);
  CHECK(error(safetensors(two(changed(a, "F32", "F64"), b), 20)) ==
        "offset 9: a has the data_offsets [0, 8]; there must be 16 bytes between them");
  CHECK(error(safetensors(two(changed(a, "[2]", "[4294967296,4294967296,2]"), b), 20)) ==
        "offset 9: a is (4294967296, 4294967296, 2); that must be a number of bytes");
  CHECK(error(safetensors(two(changed(a, "[0,8]", "[0,4]"), b), 20)) ==
        "offset 9: a has the data_offsets [0, 4]; there must be 8 bytes between them");
  CHECK(error(safetensors(two(changed(a, "[0,8]", "[8,0]"), b), 20)) ==
        "offset 9: a has the data_offsets [8, 0]; they must not fall");
  const std::size_t data = 8 + two(a, b).size();
  CHECK(error(safetensors(two(a, changed(b, "[8,20]", "[4,16]")), 20)) ==
        "offset " + std::to_string(data + 8) + ": b begins at data offset 4; it must begin at 8, where the value before it ends");
  CHECK(error(safetensors(two(a, changed(b, "[8,20]", "[12,24]")), 24)) ==
        "offset " + std::to_string(data + 8 + 1) +
            ": b begins at data offset 12; it must begin at 8, where the value before it ends");
  CHECK(error(safetensors(two(a, b), 17)) ==
        "offset " + std::to_string(data + 17) + ": the file ends here; 3 bytes more must be there, to the end of b");
  CHECK(error(safetensors(two(a, b), 21)) == "offset " + std::to_string(data + 20) + ": 1 bytes are here; the file must end here");

  write(path, safetensors(two(b, a) + "   ", 20));
  nn::load(net, path);
  CHECK(net.b.value() == xgrad::zeros<float>({3}));
}

TEST_CASE("state: a save that fails leaves the old file and no other") {
  const Directory directory;
  const std::string path = directory.file("net.safetensors");
  struct Large {
    Variable<float> a = xgrad::zeros<float>({100000});
  };
  Net<float> net;
  nn::save(net, path);
  const std::string before = contents(path);

  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{10000, limit.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string text = message<FileError>([&] { nn::save(Large{}, path); });
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);

  CHECK(text == "save: " + path + ": cannot be written: File too large");
  CHECK(contents(path) == before);
  CHECK(directory.names().size() == 1);
  nn::load(net, path);
}

TEST_CASE("state: other errors of save") {
  const Directory directory;
  Net<float> net;
  const std::string nowhere = directory.file("no/such/directory/f");
  CHECK(message<FileError>([&] { nn::save(net, nowhere); }) ==
        "save: " + nowhere + ": cannot be written: No such file or directory");
  CHECK(message<FileError>([&] { nn::save(net, directory.path.string()); }) ==
        "save: " + directory.path.string() + ": it is a directory; it must be a regular file or none");
  CHECK(message<FileError>([&] { nn::save(net, "/dev/null"); }) ==
        "save: /dev/null: it is a device; it must be a regular file or none");
  CHECK(message<FileError>([&] { nn::save(net, std::string("f\0g", 3)); }) ==
        "save: f\\x00g: the path has a NUL at its byte 1; it must have none");
  CHECK(message<FileError>([&] { nn::load(net, std::string("f\0g", 3)); }) ==
        "load: f\\x00g: the path has a NUL at its byte 1; it must have none");

  struct Named {
    std::map<std::string, Variable<float>> map, other;
  };
  const std::string path = directory.file("f");
  Named bad{{{"\xff", 1}}, {}};
  CHECK(message<FileError>([&] { nn::save(bad, path); }) ==
        "save: " + path + ": a name in the network is no UTF-8; it must be, or no header can hold it");
  std::map<std::string, std::map<std::string, Variable<float>>> twice;
  twice["a"]["b.c"] = 1;
  twice["a.b"]["c"] = 2;
  CHECK(message<xgrad::ValueError>([&] { nn::save(twice, path); }) ==
        "save: the network has the name a.b.c twice, or reserved; each must be its own: rename a member or a key of a map");
  CHECK(directory.names().size() == 0);
}

TEST_CASE("state: save writes through links, under long names, and keeps permissions") {
  const Directory directory;
  const Net<float> net;
  fs::create_directory(directory.path / "runs");
  fs::create_symlink("runs/" + std::string(250, 'n'), directory.path / "latest");
  nn::save(net, directory.file("latest"));  // dangling: makes what it leads to
  fs::permissions(directory.path / "latest", fs::perms::owner_read | fs::perms::owner_write);
  nn::save(net, directory.file("latest"));
  CHECK(fs::is_symlink(directory.path / "latest"));
  CHECK(fs::status(directory.path / "latest").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(std::distance(fs::directory_iterator(directory.path / "runs"), {}) == 1);
  CHECK(directory.names().size() == 2);
  nn::load(net, directory.file("latest"));
}

TEST_CASE("state: many names") {
  const Directory directory;
  std::map<std::string, Variable<float>> net, other;
  for (int i = 0; i < 20000; ++i) {
    net["block" + std::to_string(i) + ".weight"] = static_cast<float>(i);
    other["block" + std::to_string(i) + ".weight"] = 0;
  }
  nn::save(net, directory.file("f"));
  nn::load(other, directory.file("f"));
  for (const auto& [name, value] : net) CHECK(other.at(name).item() == value.item());
}

TEST_CASE("a clone of what is partly frozen has one leaf for a weight, as the original") {
  struct Shared {
    nn::Linear<double> layer{1, 1, {.bias = false}};
    std::vector<Variable<double>> mine;
  } run;
  run.mine = nn::parameters(run.layer);
  nn::freeze(run.layer);
  Shared copy = nn::clone(run);
  nn::unfreeze(copy.layer);
  CHECK(copy.mine[0].node() == copy.layer.weight.node());
  backward(sum(copy.layer(Variable<double>(xgrad::full<double>({1, 1}, 3)))));
  CHECK(copy.mine[0].grad().data()[0] == 3);
}
