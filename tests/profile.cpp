// Profile: what is counted, where it belongs, and the trace. Never how long something takes.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "directory.hpp"
#include "support.hpp"

namespace xg = xgrad;
using namespace xgrad_test;

namespace {

struct Net {
  xg::nn::Linear<float> first{4, 8}, second{8, 3};
  xg::Variable<float> operator()(xg::Variable<float> x) const { return second(relu(first(std::move(x)))); }
};

xg::ProfileRow row(const std::vector<xg::ProfileRow>& rows, const std::string& name) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.name == name; });
  REQUIRE_MESSAGE(found != rows.end(), name);
  return *found;
}
bool has_row(const std::vector<xg::ProfileRow>& rows, const std::string& name) {
  return std::any_of(rows.begin(), rows.end(), [&](const auto& r) { return r.name == name; });
}

}  // namespace

TEST_CASE("profile: operations, layers and lines of some steps") {
  const Net net;
  const xg::Array<float> x = xg::ones<float>({5, 4});
  xg::Profile profile(net);
  unsigned line = 0;
  for (int k = 0; k < 3; ++k) {
    const auto y = net(xg::Variable<float>(x));
    line = __LINE__ + 1;
    const auto loss = mean(exp(y));
    backward(loss);
  }
  const auto ops = profile.by_op(), layers = profile.by_layer(), lines = profile.by_line();
  const xg::ProfileRow exps = row(ops, "exp");
  CHECK(exps.calls == 3);
  CHECK(exps.gradients == 3);
  CHECK(exps.bytes == 3 * 2 * 5 * 3 * sizeof(float));
  CHECK(exps.forward > 0);
  CHECK(exps.backward > 0);
  CHECK(row(ops, "linear").calls == 6);
  CHECK(row(ops, "linear").gradients == 6);
  CHECK(row(ops, "relu").calls == 3);

  CHECK(row(layers, "first").calls == 3);
  CHECK(row(layers, "second").gradients == 3);
  // result (5, 8); in backward weight (8, 4) and bias (8), and no gradient of x
  CHECK(row(layers, "first").bytes == 3 * sizeof(float) * (40 + 32 + 8));
  CHECK_FALSE(has_row(layers, "linear"));
  CHECK(row(layers, "relu").calls == 3);  // no layer of its own

  const std::string here = "profile.cpp:" + std::to_string(line);
  CHECK(row(lines, here).calls >= 6);  // mean and exp
  CHECK(row(lines, here).gradients >= 6);

  // each operation and gradient is in one row of each table, and they take no more time than there was
  const auto total = [](const std::vector<xg::ProfileRow>& rows) {
    xg::ProfileRow sum;
    for (const auto& r : rows) {
      sum.calls += r.calls, sum.gradients += r.gradients, sum.bytes += r.bytes;
      sum.forward += r.forward, sum.backward += r.backward;
    }
    return sum;
  };
  CHECK(total(ops).calls == total(lines).calls);
  CHECK(total(ops).bytes == total(layers).bytes);
  CHECK(total(ops).gradients == total(layers).gradients);
  CHECK(total(ops).forward + total(ops).backward <= profile.seconds());
  for (std::size_t k = 1; k < ops.size(); ++k) CHECK(ops[k - 1].forward + ops[k - 1].backward >= ops[k].forward + ops[k].backward);

  const std::string text = fmt::format("{}", profile);
  for (const char* part : {"operation", "layer", "line", "elsewhere", "first", "exp"}) CHECK(has(text, part));
  CHECK(has(text, here));

  profile.clear();
  CHECK(profile.by_op().empty());
  tanh(xg::Variable<double>(1.0));
  REQUIRE(profile.by_op().size() == 1);
  CHECK(row(profile.by_op(), "tanh").bytes == sizeof(double));
  CHECK(row(profile.by_op(), "tanh").gradients == 0);
}

TEST_CASE("profile: what runs behind a backward is its own, also when there is another") {
  const xg::Variable<double> x(xg::Array<double>{1, 2}, true);
  const xg::Profile profile;
  backward(sum(exp(x)));
  tanh(x);
  CHECK(row(profile.by_op(), "tanh").calls == 1);
  backward(sum(exp(x)));
  CHECK(row(profile.by_op(), "exp").calls == 2);
  CHECK(row(profile.by_op(), "exp").gradients == 2);
  CHECK(row(profile.by_op(), "tanh").calls == 1);
}

TEST_CASE("profile: an error ends nothing, and other threads and times are not seen") {
  const xg::Variable<double> x(xg::Array<double>{1, 2}, true);
  sqrt(x);
  const xg::Profile profile;
  CHECK_THROWS_AS(matmul(x, xg::Variable<double>(1.0)), xg::Error);
  sqrt(x);
  CHECK(row(profile.by_op(), "sqrt").calls == 1);
  CHECK_FALSE(has_row(profile.by_op(), "matmul"));
}

TEST_CASE("profile: the trace") {
  const Net net;
  const xg::Profile profile(net);
  backward(mean(net(xg::Variable<float>(xg::ones<float>({5, 4})))));
  const auto json = nlohmann::json::parse(profile.trace());
  std::size_t forward = 0, back = 0;
  double last = 0;
  for (const auto& event : json["traceEvents"]) {
    CHECK(event["ph"] == "X");
    CHECK(event["ts"].get<double>() >= 0);
    CHECK(event["dur"].get<double>() >= 0);
    last = std::max(last, event["ts"].get<double>() + event["dur"].get<double>());
    forward += event["cat"] == "forward" && event["args"]["layer"] == "first";
    back += event["cat"] == "backward" && event["args"]["layer"] == "first";
  }
  CHECK(forward >= 1);
  CHECK(back == 1);
  CHECK(last <= 1e6 * profile.seconds());
  const Directory directory;
  const std::filesystem::path path = directory / "trace.json";
  profile.write_trace(path);
  std::ifstream file(path);
  CHECK(nlohmann::json::parse(file) == json);
  CHECK(has(error_of([&] { profile.write_trace("/nonexistent/t.json"); }),
            "Profile::write_trace: /nonexistent/t.json: cannot be written"));
}
