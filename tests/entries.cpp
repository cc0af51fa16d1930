// All that a network is made of: Arrays, numbers and Generators beside Variables, listed, saved, loaded, copied and cloned.
#include <doctest/doctest.h>

#include <unistd.h>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <sstream>

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace fs = std::filesystem;
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

struct File {
  fs::path directory = fs::temp_directory_path() / ("xgrad-entries-" + std::to_string(getpid()));
  std::string path = (directory / "f").string();
  File() { fs::create_directory(directory); }
  ~File() { fs::remove_all(directory); }
  std::string contents() const {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  void write(const std::string& bytes) const { std::ofstream(path, std::ios::binary) << bytes; }
};

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

namespace {

struct Backbone {
  nn::Linear<float> conv{2, 3}, deep{3, 3};
  int steps = 0;
};
struct Whole {
  Backbone backbone;
  nn::Linear<float> head{3, 2};
};

}  // namespace

TEST_CASE("entries: a part of what was saved is loaded") {
  const File file;
  Whole whole;
  whole.backbone.steps = 5;
  nn::save(whole, file.path);
  Backbone part;
  const auto report = nn::load(part, file.path);  // nobody says where
  CHECK(report.prefix == "backbone");
  CHECK(report.complete());
  CHECK(report.loaded == Strings{"conv.weight", "conv.bias", "deep.weight", "deep.bias", "steps"});
  CHECK(part.conv.weight.value() == whole.backbone.conv.weight.value());
  CHECK(part.steps == 5);
  Whole other;
  nn::load(other.backbone, file.path);
  CHECK(other.backbone.deep.weight.value() == whole.backbone.deep.weight.value());
  CHECK_FALSE(other.head.weight.value() == whole.head.weight.value());
  nn::load(other.head, file.path, {.prefix = "head"});
  CHECK(other.head.weight.value() == whole.head.weight.value());

  // a network that a run holds; a part of its own file; one file for two
  struct Run {
    Whole net;
    int epoch = 3;
  };
  nn::save(Run{whole}, file.path);
  CHECK(nn::load(other, file.path).prefix == "net");
  CHECK(nn::load(part, file.path).prefix == "net.backbone");
  nn::save(whole.backbone, file.path);
  CHECK(nn::load(other.backbone, file.path).prefix.empty());
  const auto before = other.head.weight.value();
  nn::Linear<float> layer(3, 3);
  nn::save(whole, file.path);
  const std::string several = error_of([&] { nn::load(layer, file.path); });
  CHECK(has(several, file.path + ": the file has 2 of the 2 names under each of backbone.conv, backbone.deep, head; say which"));
  nn::load(layer, file.path, {.prefix = "backbone.deep"});
  CHECK(layer.weight.value() == whole.backbone.deep.weight.value());
  CHECK(has(error_of([&] { nn::load(layer, file.path, {.prefix = "backbone.conv"}); }),
            ": under backbone.conv, weight is F32 (3, 2) in the file and F32 (3, 3) in memory; both must"));
  CHECK(has(error_of([&] { nn::load(layer, file.path, {.prefix = "back"}); }),
            "under back, weight is F32 (3, 3) in memory alone, bias"));
  CHECK(has(error_of([&] { nn::load(layer, file.path, {.prefix = ""}); }), "backbone.conv.bias F32 (3,) in the file alone"));
  CHECK(layer.weight.value() == whole.backbone.deep.weight.value());
  CHECK(other.head.weight.value() == before);
}

TEST_CASE("entries: what does not fit is listed at once, or left, as is asked for") {
  struct Old {
    nn::Linear<float> body{2, 3}, head{3, 10}, gone{1, 1};
    int steps = 8;
  };
  struct New {
    nn::Linear<float> body{2, 3}, head{3, 5}, added{2, 2, {.bias = false}};
    int steps = 0;
    double steps_in_total = 0;
  };
  const File file;
  const Old old;
  nn::save(old, file.path);
  New net;
  const New before = nn::clone(net);
  CHECK(has(
      error_of([&] { nn::load(net, file.path); }),
      ": head.weight is F32 (10, 3) in the file and F32 (5, 3) in memory, head.bias F32 (10,) in the file and F32 (5,) in memory, "
      "added.weight F32 (2, 2) in memory alone, steps_in_total F64 () in memory alone, "
      "gone.weight F32 (1, 1) in the file alone, gone.bias F32 (1,) in the file alone; both must have the same, or load with "
      "{.strict = false}"));
  CHECK(net.body.weight.value() == before.body.weight.value());
  CHECK(net.steps == 0);

  const nn::LoadReport report = nn::load(net, file.path, {.strict = false});
  CHECK(net.body.weight.value() == old.body.weight.value());
  CHECK(net.head.weight.value() == before.head.weight.value());
  CHECK(net.steps == 8);
  CHECK_FALSE(report.complete());
  CHECK(report.loaded == Strings{"body.weight", "body.bias", "steps"});
  REQUIRE(report.misshapen.size() == 2);
  CHECK(report.misshapen[0].name == "head.weight");
  CHECK(report.misshapen[0].file->shape == Shape{10, 3});
  CHECK(report.misshapen[0].memory->shape == Shape{5, 3});
  CHECK(report.misshapen[0].memory->element == "F32");
  REQUIRE(report.missing.size() == 2);
  CHECK(report.missing[1].name == "steps_in_total");
  CHECK_FALSE(report.missing[1].file.has_value());
  REQUIRE(report.unexpected.size() == 2);
  CHECK(report.unexpected[0].name == "gone.weight");
  CHECK_FALSE(report.unexpected[0].memory.has_value());
  CHECK(fmt::format("{}", report) ==
        "3 loaded, 6 not\n"
        "name            file         memory\n"
        "head.weight     F32 (10, 3)  F32 (5, 3)\n"
        "head.bias       F32 (10,)    F32 (5,)\n"
        "added.weight    -            F32 (2, 2)\n"
        "steps_in_total  -            F64 ()\n"
        "gone.weight     F32 (1, 1)   -\n"
        "gone.bias       F32 (1,)     -");

  // many are not all in the text
  std::map<std::string, Variable<float>> many;
  for (int k = 0; k < 1000; ++k) many["w" + std::to_string(k)] = 1;
  nn::save(std::map<std::string, Variable<float>>{{"x", 1}}, file.path);
  CHECK(has(error_of([&] { nn::load(many, file.path); }), ", and 901 more; both must"));
  CHECK(nn::load(many, file.path, {.strict = false}).missing.size() == 1000);
}

namespace {

enum class Phase : std::uint8_t { warm_up, main };

/// What a program needs to go on exactly where it stood.
struct Run {
  Whole net;
  std::vector<Array<float>> momenta{xgrad::zeros<float>({3, 2}), xgrad::zeros<float>({3})};
  Generator order{1}, augmentation{2, 7};
  std::int64_t epoch = 0;
  double best = -1;
  Phase phase = Phase::warm_up;
  bool improved = false;
  std::vector<double> losses;
  std::vector<std::int32_t> seen;
  std::vector<bool> kept;
  std::string note;
  struct {
    std::map<std::string, std::vector<float>> by_name{{"accuracy", {}}, {"top5", {}}};
    std::array<double, 2> range{};
  } metrics;
};

/// All bits of it, in the order of the names.
std::string bits_of(const Run& run) {
  std::string result;
  for (const auto& entry : nn::state_entries(run)) {
    result += entry.name + '\n';
    if (entry.bytes() > 0) result.append(static_cast<const char*>(entry.data()), entry.bytes());
  }
  return result;
}

}  // namespace

TEST_CASE("entries: a run of training is saved whole, exact to the bit") {
  const File file;
  Run run;
  run.net.backbone.conv.weight.update([](Array<float>& w) {
    w.data()[0] = -0.F;
    w.data()[1] = std::numeric_limits<float>::denorm_min();
    w.data()[2] = std::bit_cast<float>(0x7fc01234U);  // a NaN of its own
  });
  run.momenta[1](2) = 1e-38F;
  run.order.normal();
  run.epoch = std::int64_t(1) << 53 | 1;
  run.best = 0.1;
  run.phase = Phase::main;
  run.improved = true;
  run.losses = {0.1, 0.2, std::numeric_limits<double>::infinity()};
  run.seen = {1, -2, 3, 4};
  run.kept = {true, false, true};
  run.note = std::string("a\0b\n\xff", 5);
  run.metrics.by_name["accuracy"] = {0.5F, 0.75F};
  run.metrics.range = {1, 2};
  nn::save(run, file.path);
  const std::string saved = file.contents();
  Run other;
  other.losses = {7, 7, 7, 7, 7};
  nn::load(other, file.path);
  CHECK(bits_of(other) == bits_of(run));
  CHECK(other.losses == run.losses);
  CHECK(other.note.size() == 5);
  CHECK(other.kept == run.kept);
  CHECK(other.metrics.by_name.at("top5").empty());
  nn::save(other, file.path);
  CHECK(file.contents() == saved);  // the same bytes
  Run copy;
  nn::copy_state(run, copy);
  CHECK(bits_of(copy) == bits_of(run));
  CHECK(bits_of(nn::clone(run)) == bits_of(run));

  // the network alone, out of the run's file
  Whole net;
  nn::load(net, file.path);
  CHECK(net.head.weight.value() == run.net.head.weight.value());

  // whole or not at all: whatever byte is missing or no longer what it was, nothing is half loaded
  const auto loads = [&](const std::string& bytes) {
    Run target;
    target.losses = {1};
    target.note = "as it was";
    const std::string before = bits_of(target);
    file.write(bytes);
    const std::string text = error_of([&] { nn::load(target, file.path); });
    CHECK((text.empty() || has(text, "load: " + file.path + ": ")));
    if (!text.empty()) CHECK(bits_of(target) == before);
    return text.empty();
  };
  for (std::size_t n = 0; n < saved.size(); n += 7) CHECK_FALSE(loads(saved.substr(0, n)));
  std::size_t loaded = 0;
  for (std::size_t n = 0; n < saved.size(); n += 5) {
    std::string bytes = saved;
    bytes[n] = static_cast<char>(bytes[n] ^ 0x11);
    loaded += loads(bytes);
  }
  CHECK(loaded > 0);  // values may be others
  CHECK(loaded < saved.size() / 10);
  CHECK(loads(saved));
}

TEST_CASE("entries: a layer goes on where it stood") {
  struct Noisy {
    nn::Linear<float> layer{2, 2};
    mutable Generator generator{1};
    mutable std::int64_t batches = 0;
    Variable<float> operator()(Variable<float> x) const {
      ++batches;
      return dropout(layer(std::move(x)), 0.5, {}, generator);
    }
  };
  const File file;
  const Variable<float> x(xgrad::ones<float>({8, 2}));
  Noisy net;
  net(x);
  nn::save(net, file.path);
  const Array<float> next = net(x).value();
  Noisy other;
  nn::load(other, file.path);
  CHECK(other.batches == 1);
  CHECK(other(x).value() == next);
}
