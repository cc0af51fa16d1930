// Reflection: the members of structs, their names, and the walk to every Variable.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/state/visit.hpp>

namespace nn = xgrad::nn;
using xgrad::Array;
using xgrad::Variable;

struct FieldsClock {
  explicit FieldsClock(int s) : start(s) {}
  int start;
};
template <>
inline constexpr bool xgrad::nn::skip<FieldsClock> = true;

namespace {

using Strings = std::vector<std::string>;

template <class X>
Strings field_names(X& x) {
  Strings result;
  xgrad::for_each_field(x, [&](std::string_view name, auto&) { result.emplace_back(name); });
  return result;
}
template <class X>
Strings paths(X& x) {
  Strings result;
  nn::visit(x, [&](const std::string& path, auto&) { result.push_back(path); });
  return result;
}

// Layers as the library has them: with constructors.
struct ConvOptions {
  int stride = 1, padding = 0;
  bool bias = true;
};
template <class T>
struct Conv {
  Variable<T> weight, bias;
  ConvOptions options;
  Conv(std::size_t in, std::size_t out, std::size_t k, ConvOptions o = {}) : options(o) {
    weight = {xgrad::zeros<T>({out, k, k, in}), true};
    if (o.bias) bias = {xgrad::zeros<T>({out}), true};
  }
  Variable<T> operator()(Variable<T> x) const { return x; }
  XGRAD_FIELDS(weight, bias, options)
};
template <class T>
class Dense {
 public:
  Dense(std::size_t in, std::size_t out) : weight_(xgrad::zeros<T>({in, out}), true), bias_(xgrad::zeros<T>({out}), true) {}
  Variable<T> operator()(Variable<T> x) const { return x; }

 private:
  Variable<T> weight_, bias_;
  XGRAD_FIELDS(weight_, bias_)
};
template <class T = float>
struct LeNet {
  Conv<T> conv1{1, 6, 5, {.padding = 2}};
  Conv<T> conv2{6, 16, 5};
  Dense<T> fc1{400, 120}, fc2{120, 84}, fc3{84, 10};
  Variable<T> operator()(Variable<T> x) const { return fc3(fc2(fc1(conv2(conv1(x))))); }
};
template <class T>
struct Block {
  Conv<T> a{3, 3, 3};
  Conv<T> b{3, 3, 3};
};
template <class T>
struct WithOptional {
  Dense<T> a{1, 2};
  std::optional<Dense<T>> maybe;
  Dense<T> b{1, 2};
};
template <class T>
struct WithVariant {
  Dense<T> a{1, 2};
  std::variant<Dense<T>, Conv<T>> v{Dense<T>{1, 2}};
};
template <class T>
struct WithPointers {
  std::unique_ptr<Dense<T>> own, none;
  std::shared_ptr<Dense<T>> shared;
};
template <class T>
struct WithMaps {
  std::map<std::string, Dense<T>> named;
  std::unordered_map<std::string, Dense<T>> unordered;
  std::map<int, Variable<T>> numbered;
  std::pair<Dense<T>, int> pair{{1, 2}, 3};
  std::tuple<int, Dense<T>, Variable<T>> tuple{1, {1, 2}, {}};
};
template <class T>
struct Ranges {
  std::vector<Dense<T>> layers;
  std::array<Dense<T>, 2> pair{Dense<T>{1, 2}, Dense<T>{2, 3}};
  std::vector<std::optional<Block<T>>> blocks;
  std::deque<Variable<T>> deque;
  std::list<Variable<T>> list;
};
double twice(double x) { return 2 * x; }
enum class Mode { a, b };
/// What holds no Variables, of every kind.
template <class T>
struct Skipped {
  std::string title = "x";
  std::string_view view = "y";
  const char* text = "z";
  double rate = 0.5;
  bool flag = true;
  Mode mode = Mode::b;
  std::function<int(int)> function;
  double (*pointer)(double) = twice;
  int ConvOptions::*member = &ConvOptions::stride;
  xgrad::Shape shape{1, 2};
  Array<T> array;
  xgrad::Labels labels;
  xgrad::Generator generator;
  std::shared_ptr<xgrad::Generator> state;
  xgrad::Axes axes;
  std::vector<std::size_t> sizes{1, 2};
  std::vector<bool> bits{true};
  std::array<int, 4> dims{};
  std::map<double, int> counts;
  std::optional<int> maybe;
  std::pair<int, int> pair{};
  std::variant<std::monostate, int> variant;
  std::nullptr_t null = nullptr;
  FieldsClock clock{3};
  ConvOptions options;
  const int constant = 2;
};
template <class F>
struct Function {
  F f;
};
template <class F>
Function(F) -> Function<F>;
/// A type that holds itself.
template <class T>
struct Tree {
  Variable<T> weight;
  std::vector<Tree> children;
  std::shared_ptr<Tree> next;
};
struct Empty {};
struct Small {
  int x = 0, y = 0;
};
struct Elision {
  Small p;
  Dense<float> layer{1, 2};
  Small q;
  std::array<int, 4> dims{};
};
class Base {
 public:
  explicit Base(float x) : first(x) {}
  Variable<float> first;
  XGRAD_FIELDS(first)
};
class Derived : public Base {
 public:
  Derived() : Base(1), second(2) {}
  Variable<float> second;
  double sizes[2] = {1, 2};
  Variable<float> several[2] = {1, 2};
  XGRAD_FIELDS(first, second, sizes, several);
};
struct NoneListed {
  explicit NoneListed(int) {}
  XGRAD_FIELDS()
};
struct Unicode {
  int größe = 0, x_1 = 0;
};

#define EIGHT(n) Variable<float> n##0, n##1, n##2, n##3, n##4, n##5, n##6, n##7;
struct SixtyFour {
  EIGHT(a) EIGHT(b) EIGHT(c) EIGHT(d) EIGHT(e) EIGHT(f) EIGHT(g) EIGHT(h)
};
#undef EIGHT

}  // namespace

TEST_CASE("fields: names in the order of the struct") {
  LeNet<float> net;
  CHECK(field_names(net) == Strings{"conv1", "conv2", "fc1", "fc2", "fc3"});
  const LeNet<double> fixed;
  CHECK(field_names(fixed) == Strings{"conv1", "conv2", "fc1", "fc2", "fc3"});
  Elision elision;
  CHECK(field_names(elision) == Strings{"p", "layer", "q", "dims"});
  Empty empty;
  CHECK(field_names(empty).empty());
  Unicode unicode;
  CHECK(field_names(unicode).size() == 2);
  CHECK(field_names(unicode)[1] == "x_1");
  WithOptional<float> optional;
  CHECK(field_names(optional) == Strings{"a", "maybe", "b"});
  WithPointers<float> pointers;
  CHECK(field_names(pointers) == Strings{"own", "none", "shared"});
  Skipped<float> skipped;
  CHECK(field_names(skipped).size() == 26);
}

TEST_CASE("fields: the members themselves, not copies") {
  Small small;
  xgrad::for_each_field(small, [](std::string_view name, int& member) { member = name == "x" ? 1 : 2; });
  CHECK(small.x == 1);
  CHECK(small.y == 2);
  const Small fixed;
  xgrad::for_each_field(fixed, [](std::string_view, auto& member) { static_assert(std::is_same_v<decltype(member), const int&>); });
}

TEST_CASE("fields: local structs, and structs in a lambda") {
  struct Local {
    Dense<float> first{1, 2};
    int n = 3;
  };
  Local local;
  CHECK(field_names(local) == Strings{"first", "n"});
  CHECK(paths(local) == Strings{"first.weight", "first.bias"});
  class Listed {
   public:
    explicit Listed(float x) : w(x) {}

   private:
    Variable<float> w;
    XGRAD_FIELDS(w)
  };
  Listed listed(1);
  CHECK(paths(listed) == Strings{"w"});
  [] {
    struct Inside {
      Variable<double> w;
    };
    Inside inside;
    CHECK(paths(inside) == Strings{"w"});
  }();
}

TEST_CASE("fields: 64 members") {
  SixtyFour many;
  const Strings names = field_names(many);
  REQUIRE(names.size() == 64);
  CHECK(names.front() == "a0");
  CHECK(names.back() == "h7");
  CHECK(paths(many) == names);
}

TEST_CASE("fields: XGRAD_FIELDS") {
  Dense<float> dense(1, 2);
  CHECK(field_names(dense) == Strings{"weight_", "bias_"});
  const Dense<double> fixed(1, 2);
  CHECK(field_names(fixed) == Strings{"weight_", "bias_"});
  Derived derived;
  CHECK(field_names(derived) == Strings{"first", "second", "sizes", "several"});
  CHECK(paths(derived) == Strings{"first", "second", "several.0", "several.1"});
  NoneListed none(1);
  CHECK(field_names(none).empty());
}

TEST_CASE("visit: nested layers, on const and other networks") {
  const Strings expected{"conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight",
                         "fc1.bias",     "fc2.weight", "fc2.bias",     "fc3.weight", "fc3.bias"};
  LeNet<float> net;
  CHECK(paths(net) == expected);
  const LeNet<float> fixed;
  CHECK(paths(fixed) == expected);
  nn::visit(net, [](const std::string&, auto& v) { static_assert(std::is_same_v<decltype(v), Variable<float>&>); });
  nn::visit(fixed, [](const std::string&, auto& v) { static_assert(std::is_same_v<decltype(v), const Variable<float>&>); });
  const WithPointers<float> pointers{std::make_unique<Dense<float>>(1, 2), {}, std::make_shared<Dense<float>>(1, 2)};
  nn::visit(pointers, [](const std::string&, auto& v) { static_assert(std::is_same_v<decltype(v), const Variable<float>&>); });
  CHECK(paths(pointers) == Strings{"own.weight", "own.bias", "shared.weight", "shared.bias"});
}

TEST_CASE("visit: containers") {
  Ranges<double> ranges;
  ranges.layers = {{1, 2}, {2, 3}};
  ranges.blocks.resize(2);
  ranges.blocks[1].emplace();
  ranges.deque.resize(1);
  ranges.list.resize(1);
  CHECK(paths(ranges) == Strings{"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "pair.0.weight",
                                 "pair.0.bias", "pair.1.weight", "pair.1.bias", "blocks.1.a.weight", "blocks.1.a.bias",
                                 "blocks.1.b.weight", "blocks.1.b.bias", "deque.0", "list.0"});
  WithOptional<float> optional;
  CHECK(paths(optional) == Strings{"a.weight", "a.bias", "b.weight", "b.bias"});
  optional.maybe.emplace(1, 2);
  CHECK(paths(optional) == Strings{"a.weight", "a.bias", "maybe.weight", "maybe.bias", "b.weight", "b.bias"});
  WithVariant<float> variant;
  CHECK(paths(variant) == Strings{"a.weight", "a.bias", "v.weight", "v.bias"});
  variant.v = Conv<float>(1, 2, 3);
  CHECK(paths(variant) == Strings{"a.weight", "a.bias", "v.weight", "v.bias"});
  WithMaps<float> maps;
  for (const char* key : {"stem", "head", "body"}) {
    maps.named.emplace(key, Dense<float>(1, 2));
    maps.unordered.emplace(key, Dense<float>(1, 2));
  }
  maps.numbered[10];
  maps.numbered[-2];
  const Strings expected{"named.body.weight",
                         "named.body.bias",
                         "named.head.weight",
                         "named.head.bias",
                         "named.stem.weight",
                         "named.stem.bias",
                         "unordered.body.weight",
                         "unordered.body.bias",
                         "unordered.head.weight",
                         "unordered.head.bias",
                         "unordered.stem.weight",
                         "unordered.stem.bias",
                         "numbered.-2",
                         "numbered.10",
                         "pair.0.weight",
                         "pair.0.bias",
                         "tuple.1.weight",
                         "tuple.1.bias",
                         "tuple.2"};
  CHECK(paths(maps) == expected);
  CHECK(paths(std::as_const(maps)) == expected);
}

TEST_CASE("visit: a container or a Variable can be the network") {
  std::vector<Dense<float>> layers{{1, 2}};
  CHECK(paths(layers) == Strings{"0.weight", "0.bias"});
  Variable<float> variable;
  CHECK(paths(variable) == Strings{""});
}

TEST_CASE("visit: what holds no Variables is skipped") {
  Skipped<float> skipped;
  CHECK(paths(skipped).empty());
  auto relu = [](auto x) { return x; };
  struct Net {
    Dense<float> a{1, 2};
    Function<decltype(relu)> activation;
  };
  Net net{.activation = {relu}};
  CHECK(paths(net) == Strings{"a.weight", "a.bias"});
}

TEST_CASE("visit: a type that holds itself") {
  Tree<float> tree;
  tree.children.resize(2);
  tree.children[1].children.resize(1);
  tree.next = std::make_shared<Tree<float>>();
  CHECK(paths(tree) == Strings{"weight", "children.0.weight", "children.1.weight", "children.1.children.0.weight", "next.weight"});

  Tree<float> endless;
  endless.next = std::make_shared<Tree<float>>();
  endless.next->next = endless.next;
  CHECK_THROWS_AS(paths(endless), xgrad::GraphError);
  endless.next->next.reset();
}
