// All that a network is made of: Arrays, numbers and Generators beside Variables, listed, saved, loaded, copied and cloned.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <memory>

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif

#include <xgrad/xgrad.hpp>

#include "directory.hpp"
#include "support.hpp"

namespace nn = xgrad::nn;
using xgrad::Array;
using xgrad::Generator;
using xgrad::Shape;
using xgrad::Variable;
using namespace xgrad_test;

namespace {

using Strings = std::vector<std::string>;

enum class Mode : std::uint16_t { first = 7, second = 300 };

struct Inner {
  Variable<float> weight{xgrad::ones<float>({2}), true};
  std::int64_t batches = 5;
};
/// Something of everything.
struct Everything {
  nn::Linear<float> layer{2, 3};
  Array<float> mean = xgrad::full<float>({3}, 0.5F);
  Array<double> wide = xgrad::full<double>({2, 2}, 0.25);
  Array<std::int64_t> counts{1, -2, 3};
  Array<bool> seen{true, false, true};
  Array<std::uint8_t> none = xgrad::zeros<std::uint8_t>({0, 4});
  xt::xtensor<float, 2> fixed{{1, 2}, {3, 4}};
  int steps = 3;
  float scale = 1.5F;
  double precise = 1e-300;
  bool warm = true;
  std::size_t size = std::size_t(1) << 63;
  signed char tiny = -3;
  Mode mode = Mode::second;
  Generator generator{4};
  std::vector<double> history{1, 2, 3};
  std::array<std::int16_t, 2> pair{4, -5};
  std::vector<Inner> inner{2};
  std::map<std::string, double> named{{"a", 1}, {"b", 2}};
  std::shared_ptr<double> shared = std::make_shared<double>(8), same = shared;
  std::unique_ptr<int> unique;
  std::optional<float> maybe = 2.F;
  bool training = true;
  const int heads = 4;
  std::string text = "text";
  xgrad::Shape shape{1, 2};
  xgrad::Conv2dOptions options{.stride = 2};
  std::function<int()> function;
  std::vector<bool> bits{true, false};
  std::string_view view = "view";

  Everything() { generator.normal(); }
  Everything(const Everything& other) = delete;
  XGRAD_FIELDS(layer, mean, wide, counts, seen, none, fixed, steps, scale, precise, warm, size, tiny, mode, generator, history,
               pair, inner, named, shared, same, unique, maybe, training, heads, text, shape, options, function, bits, view)
};
const Strings names{"layer.weight",   "layer.bias",
                    "mean",           "wide",
                    "counts",         "seen",
                    "none",           "fixed",
                    "steps",          "scale",
                    "precise",        "warm",
                    "size",           "tiny",
                    "mode",           "generator",
                    "history",        "pair",
                    "inner.0.weight", "inner.0.batches",
                    "inner.1.weight", "inner.1.batches",
                    "named.a",        "named.b",
                    "shared",         "maybe",
                    "text",           "bits"};

/// Changes all of it, the constants too.
void change(Everything& net) {
  net.layer.weight.update([](Array<float>& w) { w.fill(9); });
  net.mean.fill(9);
  net.wide.fill(9);
  net.counts.fill(9);
  net.seen.fill(false);
  net.fixed.fill(9);
  net.steps = 9;
  net.scale = 9;
  net.precise = 9;
  net.warm = false;
  net.size = 9;
  net.tiny = 9;
  net.mode = Mode::first;
  net.generator = Generator(9);
  net.history = {9, 9};
  net.pair = {9, 9};
  net.inner[1].batches = 9;
  net.named["b"] = 9;
  *net.shared = 9;
  net.maybe = 9.F;
  net.training = false;
  net.text = "of another length";
  net.bits = {false, true, true};
}
void check_same(const Everything& a, const Everything& b) {
  CHECK(a.layer.weight.value() == b.layer.weight.value());
  CHECK(a.mean == b.mean);
  CHECK(a.wide == b.wide);
  CHECK(a.counts == b.counts);
  CHECK(a.seen == b.seen);
  CHECK(a.fixed == b.fixed);
  CHECK(a.steps == b.steps);
  CHECK(a.scale == b.scale);
  CHECK(a.precise == b.precise);
  CHECK(a.warm == b.warm);
  CHECK(a.size == b.size);
  CHECK(a.tiny == b.tiny);
  CHECK(a.mode == b.mode);
  CHECK(a.history == b.history);
  CHECK(a.pair == b.pair);
  CHECK(a.inner[1].batches == b.inner[1].batches);
  CHECK(a.named == b.named);
  CHECK(*a.shared == *b.shared);
  CHECK(a.maybe == b.maybe);
  CHECK(a.text == b.text);
  CHECK(a.bits == b.bits);
  Generator x = a.generator, y = b.generator;
  for (int k = 0; k < 3; ++k) CHECK(x.normal() == y.normal());  // the one that is left over too
  CHECK(x.next() == y.next());
}

}  // namespace

TEST_CASE("entries: everything that a class lists, with its type and shape") {
  Everything net;
  const auto entries = nn::state_entries(net);
  Strings found;
  for (const auto& entry : entries) found.push_back(entry.name);
  CHECK(found == names);
  const auto of = [&](const std::string& name) -> const nn::StateEntry& {
    return *std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
  };
  CHECK(of("layer.weight").trained());
  CHECK(of("layer.weight").is_variable());
  CHECK(of("layer.weight").shape == Shape{3, 2});
  CHECK_FALSE(of("mean").trained());
  CHECK(of("mean").element == nn::Element::f32);
  CHECK(of("mean").data() == net.mean.data());
  CHECK(of("counts").element == nn::Element::i64);
  CHECK(of("seen").element == nn::Element::boolean);
  CHECK(of("none").shape == Shape{0, 4});
  CHECK(of("fixed").shape == Shape{2, 2});
  CHECK(of("steps").element == nn::Element::i32);
  CHECK(of("steps").shape == Shape{});
  CHECK(of("size").element == nn::Element::u64);
  CHECK(of("mode").element == nn::Element::u16);
  CHECK(of("generator").shape == Shape{6});
  CHECK(of("history").shape == Shape{3});
  CHECK(of("pair").element == nn::Element::i16);
  CHECK(of("history").resizable());
  CHECK(of("text").element == nn::Element::u8);
  CHECK(of("text").shape == Shape{4});
  CHECK(std::memcmp(of("text").data(), "text", 4) == 0);
  CHECK(of("bits").element == nn::Element::boolean);
  CHECK(std::memcmp(of("bits").data(), "\1\0", 2) == 0);
  CHECK_FALSE(of("mean").resizable());
  CHECK(name_of(of("tiny").element) == "I8");
  CHECK(of("wide").bytes() == 32);

  const nn::BatchNorm<float> norm(3);  // options and the training flag are no state
  Strings of_norm;
  for (const auto& entry : nn::state_entries(norm)) of_norm.push_back(entry.name);
  CHECK(of_norm == Strings{"weight", "bias", "running_mean", "running_var"});
  CHECK(nn::state_entries(nn::Dropout()).empty());
}

TEST_CASE("entries: what is saved is loaded") {
  const File file;
  const Everything net;
  nn::save(net, file.path);
  Everything other;
  change(other);
  nn::load(other, file.path);
  check_same(other, net);
  CHECK(*other.same == 8);
  CHECK_FALSE(other.training);

  const std::string bytes = file.contents();
  CHECK(has(bytes, R"("steps":{"dtype":"I32","shape":[],)"));
  CHECK(has(bytes, R"("generator":{"dtype":"U64","shape":[6],)"));
  CHECK(has(bytes, R"("seen":{"dtype":"BOOL","shape":[3],)"));
  CHECK_FALSE(has(bytes, "training"));
  CHECK_FALSE(has(bytes, "heads"));
  CHECK_FALSE(has(bytes, "options"));
  // every value lies at a multiple of its size
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK((8 + length) % 8 == 0);
  const std::string header = bytes.substr(8, length);
  const auto begin_of = [&](const std::string& name) {
    const std::size_t at = header.find("data_offsets\":[", header.find("\"" + name + "\":"));
    return std::stoul(header.substr(at + 15));
  };
  for (const char* eight : {"precise", "wide", "size", "generator", "history"}) CHECK(begin_of(eight) % 8 == 0);
  for (const char* four : {"steps", "mean", "scale", "layer.weight"}) CHECK(begin_of(four) % 4 == 0);
}

TEST_CASE("entries: a file of weights alone leaves the rest as it is, one with some must have all") {
  struct Weights {
    Variable<float> weight{xgrad::ones<float>({2}), true};
  };
  struct Counted {
    Variable<float> weight{xgrad::zeros<float>({2}), true};
    int steps = 7;
    Array<float> mean = xgrad::ones<float>({2});
  };
  struct Half {
    Variable<float> weight{xgrad::zeros<float>({2}), true};
    int steps = 1;
  };
  const File file;
  nn::save(Weights{}, file.path);
  Counted net;
  nn::load(net, file.path);
  CHECK(net.weight.value()(1) == 1);
  CHECK(net.steps == 7);
  CHECK(net.mean(0) == 1);
  const Counted constant;
  nn::load(constant, file.path);  // Variables are handles
  CHECK(constant.weight.value()(1) == 1);
  nn::save(Half{}, file.path);
  CHECK(has(error(__LINE__, [&] { nn::load(net, file.path); }), ": mean is F32 (2,) in memory alone; "));
  CHECK(net.weight.value()(1) == 1);
  CHECK(net.steps == 7);
  nn::save(net, file.path);
  // clang-format off
  CHECK(error(__LINE__, [&] { nn::load(constant, file.path); }) == "load: steps is no Variable, and the network is const; it must not be");
  // clang-format on
  Weights weights;
  CHECK(has(error(__LINE__, [&] { nn::load(weights, file.path); }), "steps"));
}

TEST_CASE("entries: errors of load, which change nothing") {
  const File file;
  struct Net {
    Variable<double> weight{xgrad::zeros<double>({2}), true};
    bool flag = false;
    Generator generator{1};
    std::vector<float> history{1, 2};
    long count = 3;
  };
  Net net;
  nn::save(net, file.path);
  const std::string good = file.contents();
  std::uint64_t length = 0;
  std::memcpy(&length, good.data(), 8);
  const std::size_t data = 8 + length;
  net.weight.assign(xgrad::ones<double>({2}));
  net.count = 4;
  const auto message = [&](std::string bytes, const std::string& what = "", const std::string& to = "") {
    if (!what.empty()) bytes.replace(bytes.find(what), what.size(), to);
    file.write(bytes);
    const std::string text = error_of([&] { nn::load(net, file.path); });
    CHECK(has(text, "load: "));
    CHECK(net.weight.value()(0) == 1);
    CHECK(net.count == 4);
    CHECK(net.history == std::vector<float>{1, 2});
    return text;
  };
  std::string bytes = good;
  bytes.back() = 2;  // the bool is last, being the smallest
  CHECK(has(message(bytes), "flag: element 0 is 2; a bool must be 0 or 1"));
  bytes = good;
  std::memset(bytes.data() + data + 16, 0, 32);  // behind the weight
  CHECK(has(message(bytes), "generator: the words are no state of a Generator; they must be what one saved"));
  bytes = good;
  bytes[data + 16 + 40] = 2;
  CHECK(has(message(bytes), "generator: the words are no state of a Generator; they must be what one saved"));
  CHECK(has(message(good, "\"I64\"", "\"U64\""), "count is U64 () in the file and I64 () in memory"));
  CHECK(has(message(good, "\"shape\":[6]", "\"shape\":[3]"), "generator has the data_offsets [16, 64]; there must be 24 bytes"));
  struct Other {
    Variable<double> weight{xgrad::zeros<double>({2}), true};
    bool flag = false;
    Array<std::uint64_t> generator = xgrad::zeros<std::uint64_t>({2, 3});
    Array<float> history = xgrad::zeros<float>({1, 2});
    long count = 3;
  };
  nn::save(Other(), file.path);
  const std::string other = message(file.contents());
  CHECK(has(other,
            "generator is U64 (2, 3) in the file and U64 (6,) in memory, history F32 (1, 2) in the file and F32 (2,) in memory;"));
  file.write(good);
  nn::load(net, file.path);
  CHECK(net.count == 3);
}

TEST_CASE("entries: copies, between precisions too") {
  Everything from, to;
  change(from);
  nn::copy_state(from, to);
  check_same(from, to);
  CHECK(to.training);
  struct Single {
    Variable<float> weight{xgrad::full<float>({2}, 0.25F), true};
    float scale = 0.5F;
    Array<float> mean = xgrad::full<float>({2}, 0.125F);
    int steps = 4;
  };
  struct Double {
    Variable<double> weight{xgrad::zeros<double>({2}), true};
    double scale = 0;
    Array<double> mean = xgrad::zeros<double>({2});
    int steps = 0;
  };
  struct Long {
    Variable<double> weight{xgrad::zeros<double>({2}), true};
    double scale = 0;
    Array<double> mean = xgrad::zeros<double>({2});
    long steps = 0;
  };
  Double wide;
  nn::copy_state(Single{}, wide);
  CHECK(wide.weight.value()(1) == 0.25);
  CHECK(wide.scale == 0.5);
  CHECK(wide.mean(1) == 0.125);
  CHECK(wide.steps == 4);
  Long other;
  const Double constant;
  // clang-format off
  CHECK(error(__LINE__, [&] { nn::copy_state(wide, other); }) == "copy_state: steps is I32 () in from and I64 () in to; both must have the same names and shapes, and the same elements or F32 and F64");
  CHECK(other.weight.value()(0) == 0);
  CHECK(error(__LINE__, [&] { nn::copy_state(wide, constant); }) == "copy_state: scale is no Variable, and the network is const; it must not be");
  // clang-format on
  CHECK(constant.weight.value()(0) == 0);
}

TEST_CASE("entries: a clone has all of it for itself") {
  struct Net {
    Inner inner;
    Array<float> mean = xgrad::full<float>({3}, 0.5F);
    int steps = 3;
    Generator generator{4};
    std::vector<double> history{1, 2};
    std::shared_ptr<Generator> shared = std::make_shared<Generator>(5), same = shared;
    std::shared_ptr<Array<double>> array = std::make_shared<Array<double>>(xgrad::ones<double>({2}));
    std::vector<std::shared_ptr<double>> numbers{std::make_shared<double>(6)};
    bool training = false;
    const int heads = 4;
    std::string text = "text";
    xgrad::Conv2dOptions options{.stride = 2};
  };
  Net net;
  net.generator.normal();
  Net copy = nn::clone(net);
  CHECK(copy.mean == net.mean);
  CHECK(copy.steps == 3);
  CHECK(copy.inner.batches == 5);
  CHECK(copy.generator.normal() == Generator(net.generator).normal());
  CHECK(copy.history == net.history);
  CHECK_FALSE(copy.training);
  CHECK(copy.text == "text");
  CHECK(copy.options.stride == xgrad::Extent2d(2));
  CHECK(copy.shared == copy.same);
  const std::uint64_t expected = Generator(*net.shared).next();
  CHECK(copy.shared->next() == expected);
  CHECK(net.shared->next() == expected);
  (*copy.array)(0) = 9;
  copy.mean(0) = 9;
  *copy.numbers[0] = 9;
  CHECK((*net.array)(0) == 1);
  CHECK(net.mean(0) == 0.5F);
  CHECK(*net.numbers[0] == 6);
}

TEST_CASE("entries: a file that an earlier version wrote is loaded") {
  Everything net, other;
  change(net);  // what was saved, but that text and bits were no state
  net.layer.weight.update([](Array<float>& w) {
    for (std::size_t k = 0; k < 6; ++k) w.data()[k] = 0.1F * static_cast<float>(k) - 0.25F;
  });
  net.layer.bias.update([](Array<float>& b) { b.fill(-1.5F); });
  net.history = {9, 9, 9};
  net.generator.normal();
  net.text = other.text;
  net.bits = other.bits;
  const auto report = nn::load(other, XGRAD_TEST_DATA "/../files/everything-0.1.safetensors");
  CHECK(report.complete());
  CHECK(report.loaded.size() == names.size() - 2);
  check_same(other, net);
  CHECK(other.layer.bias.value()(2) == -1.5F);
}

TEST_CASE("entries: names have no trailing underscore, and files in which they had one are loaded") {
  class Scale {
   public:
    const Variable<float>& factor() const { return factor_; }

   private:
    Variable<float> factor_ = xgrad::ones<float>({2});
    XGRAD_FIELDS(factor_)
  };
  struct Net {
    Scale a_, b;
  };
  const File file;
  const Net net;
  nn::save(net, file.path);
  CHECK(has(file.contents(), "\"a.factor\""));
  std::map<std::string, Variable<float>> old{{"a_.factor_", xgrad::zeros<float>({2})}, {"b.factor_", xgrad::full<float>({2}, 3)}};
  nn::save(old, file.path);
  CHECK(has(file.contents(), "\"a_.factor_\""));
  nn::load(net, file.path);
  CHECK(net.a_.factor().value()(0) == 0);
  CHECK(net.b.factor().value()(1) == 3);
}
