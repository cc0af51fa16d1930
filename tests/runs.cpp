// Parts of what was saved, what does not fit, and whole runs of training.
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "directory.hpp"
#include "support.hpp"

namespace nn = xgrad::nn;
using xgrad::Array;
using xgrad::Generator;
using xgrad::Shape;
using xgrad::Variable;
using namespace xgrad_test;
using Strings = std::vector<std::string>;

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
  CHECK(has(several,
            file.path +
                ": the file has 2 of the 2 names under each of backbone.conv, backbone.deep, head; one must be meant: say which"));
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
  for (std::size_t n = 0; n < saved.size(); ++n) CHECK_FALSE(loads(saved.substr(0, n)));
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
