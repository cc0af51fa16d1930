// Observers see what a thread computes; NoGrad and EnableGrad say whether it is recorded.
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "support.hpp"

namespace xg = xgrad;
using xg::Array;
using xg::Seen;
using V = xg::Variable<double>;

using namespace xgrad_test;

namespace {

using Strings = std::vector<std::string>;

/// "mul" for an operation that ran, "mul'0" for the gradient of its input 0, "mul'" for the whole gradient of its result.
template <class T>
std::string short_name(const xg::Event<T>& event) {
  std::string name(event.op);
  if (event.what == Seen::input_gradient) return name + "'" + std::to_string(event.input);
  return event.what == Seen::whole_gradient ? name + "'" : name;
}

/// An op that can be asked about: options of every kind, and what is none.
struct Everything {
  static constexpr std::string_view name = "everything";
  static constexpr std::array uses{xg::use::none};
  enum class Way { there, back };
  struct Options {
    xg::Extent2d stride = {2, 3};
    bool flag = true;
  };
  Options options = {};
  double rate = 0.5;
  float small = 0.25F;
  Way way = Way::back;
  xg::Shape shape = {4, 5};
  std::vector<bool> reduced = {true, false};
  std::optional<std::ptrdiff_t> some = -3, none = {};
  std::vector<float> weights = {1, 2.5F};
  std::string_view mode = "nearest", called = name;
  Array<std::int32_t> index = xg::zeros<std::int32_t>({2, 1});
  xg::Ref<xg::Storage<bool>> mask = xg::Storage<bool>::create(xg::ones<bool>({3})), absent = {};
  std::shared_ptr<int> opaque = {};
  xg::Result<double> forward(xg::Inputs<double> in) { return Array<double>(in[0]); }
  V vjp(const xg::Context<double>&, const V& g, std::size_t) const { return g; }
};
/// A class that lists what is an option, and one that does not.
class Listed {
 public:
  static constexpr std::string_view name = "listed";
  static constexpr std::array uses{xg::use::none};
  explicit Listed(int s) : size_(s) {}
  xg::Result<double> forward(xg::Inputs<double> in) { return Array<double>(in[0]); }
  V vjp(const xg::Context<double>&, const V& g, std::size_t) const { return g; }

 private:
  int size_;
  XGRAD_FIELDS(size_)
};
class Closed {
 public:
  static constexpr std::string_view name = "closed";
  static constexpr std::array uses{xg::use::none};
  explicit Closed(int s) : size_(s) {}
  xg::Result<double> forward(xg::Inputs<double> in) { return size_ > 0 ? Array<double>(in[0]) : Array<double>(); }
  V vjp(const xg::Context<double>&, const V& g, std::size_t) const { return g; }

 private:
  int size_;
};

Strings in_words(const std::vector<xg::Attribute>& attributes) {
  Strings result;
  for (const auto& attribute : attributes) result.push_back(to_string(attribute));
  return result;
}

}  // namespace

TEST_CASE("observer: operations, and gradients on their way back") {
  const V x(Array<double>{1, 2}, true), w(Array<double>{3, 4}, true);
  Strings seen;
  V root;
  {
    const xg::Observe observe([&](const auto& event) { seen.push_back(short_name(event)); });
    root = sum(x * w);
    x + xg::Variable<double>(1.0);
    exp(xg::Variable<float>(1.F));
    CHECK(seen == Strings{"mul", "sum", "add", "exp"});
    seen.clear();
    backward(root);
  }
  // what the gradients are made of, each before the gradient itself
  CHECK(seen == Strings{"sum'", "reshape", "broadcast_to", "sum'0", "mul'", "mul'1", "mul'0", "leaf'", "leaf'"});
  CHECK(x.grad() == Array<double>{3, 4});
  seen.clear();
  sum(x * w);
  CHECK(seen.empty());
}

// This test names its own lines.
// clang-format off
TEST_CASE("observer: what an event says") {
  const V x(Array<double>{1, 2}, true), w(Array<double>{3, 4});
  int met = 0;
  unsigned line = 0;
  const xg::Observe observe([&](const auto& event) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(event)>, xg::Event<double>>) {
      if (event.op != "mul" || ++met > 3) return;
      CHECK(event.where.line() == line);
      if (event.what == Seen::result && met == 1) {
        REQUIRE(event.inputs.size() == 2);
        CHECK(event.inputs[0].same_storage(x));
        CHECK(event.inputs[1].value()(1) == 4);
        CHECK(event.value.value() == Array<double>{3, 8});
        CHECK(event.value.node().get() == event.node);
      } else if (event.what == Seen::whole_gradient) {
        CHECK(event.value.value() == Array<double>{1, 1});
        CHECK(event.node->name() == "mul");
      }
    }
  });
  line = __LINE__ + 1;
  const V y = x * w;
  backward(sum(y));
  CHECK(met >= 3);
}
// clang-format on

TEST_CASE("observer: the options of an op are its members") {
  const Strings expected{"stride=(2, 3)",    "flag=true",      "rate=0.5", "small=0.25",       "way=1",
                         "shape=(4, 5)",     "reduced=(1, 0)", "some=-3",  "weights=(1, 2.5)", "mode=nearest",
                         "index=I32 (2, 1)", "mask=BOOL (3,)"};
  Strings seen, listed, closed;
  const V x(Array<double>{1}, true);
  const auto run = [&](auto op) { return xg::apply(std::move(op), {V(x)}, xg::Where::current()); };
  {
    const xg::Observe observe([&](const auto& event) {
      (event.op == "everything" ? seen : event.op == "listed" ? listed : closed) = in_words(event.attributes());
    });
    run(Listed(7));
    run(Closed(7));
    const xg::NoGrad no_grad;
    run(Everything{});  // also where nothing is recorded
  }
  CHECK(seen == expected);
  CHECK(listed == Strings{"size=7"});
  CHECK(closed.empty());
  const auto attributes = run(Everything{}).node()->attributes();
  CHECK(in_words(attributes) == expected);
  REQUIRE(find(attributes, "stride"));
  CHECK(std::get<std::vector<std::int64_t>>(*find(attributes, "stride")) == std::vector<std::int64_t>{2, 3});
  CHECK(find(attributes, "none") == nullptr);
  CHECK(x.node()->attributes().empty());
  CHECK(run(Everything{}).node()->own_bytes() == 2 * 4 + 3);
}

TEST_CASE("observer: several hear of each, the inner one first, and not of what they compute") {
  Strings seen;
  const V x(Array<double>{1, 2});
  const auto note = [&](const char* who) {
    return [&seen, who, x](const auto& event) {
      seen.push_back(who + std::string(event.op));
      exp(x);
    };
  };
  {
    const xg::Observe outer(note("outer "));
    {
      const xg::Observe inner(note("inner "));
      neg(x);
    }
    tanh(x);
    std::thread([] { abs(V(1.0)); }).join();  // another thread's business
  }
  CHECK(seen == Strings{"inner neg", "outer neg", "outer tanh"});
}

TEST_CASE("observer: what it throws comes out of the operation, and of backward, which then changes nothing") {
  const V x(Array<double>{1, 2}, true);
  const V root = sum(x * 2);
  int count = 0;
  const xg::Observe observe([&](const auto& event) {
    ++count;
    if (event.op == "exp" || event.what == Seen::input_gradient) throw xg::ValueError("enough is enough; there must be less");
  });
  const std::string text = error_of([&] { exp(x); });
  CHECK(has(text, "observer.cpp:"));
  CHECK(has(text, ": exp: enough is enough"));
  CHECK(has(error_of([&] { backward(root); }), "enough is enough"));
  CHECK_FALSE(x.has_grad());
  neg(x);
  CHECK(count >= 3);  // it goes on
}

TEST_CASE("observer: anomalies are found beside it, and the innermost DetectAnomaly counts") {
  int count = 0;
  const xg::DetectAnomaly detect;
  const xg::Observe observe([&](const auto&) { ++count; });
  CHECK(has(error_of([&] { log(V(-1.0)); }), "log: 1 of 1 values is not finite"));
  {
    const xg::DetectAnomaly nan(xg::Anomaly::nan);
    log(V(0.0));  // -inf
    CHECK(error_of([&] { log(V(-1.0)); }) != "");
    const xg::DetectAnomaly pause(xg::Anomaly::none);
    log(V(-1.0));
  }
  CHECK(error_of([&] { log(V(0.0)); }) != "");
  CHECK(count == 4);  // not of the one at which the innermost threw
}

TEST_CASE("EnableGrad records inside of NoGrad, and both end where they end") {
  const V x(2.0, true);
  {
    const xg::NoGrad no_grad;
    CHECK_FALSE((x * x).requires_grad());
    {
      const xg::EnableGrad enable_grad;
      CHECK(xg::recording());
      CHECK(grad(x * x, {x})[0].item() == 4);
      const xg::NoGrad again;
      CHECK_FALSE(xg::recording());
    }
    CHECK_FALSE(xg::recording());
  }
  CHECK(xg::recording());
}
