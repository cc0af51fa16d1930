#pragma once
// What tests of layers share.
#include <string>
#include <vector>

#include "directory.hpp"
#include "support.hpp"

namespace xgrad_test {

using Strings = std::vector<std::string>;

inline xgrad::Variable<double> noise(const xgrad::Shape& shape, std::uint64_t seed = 3) {
  xgrad::Generator generator(seed);
  return xgrad::Variable<double>(xgrad::normal<double>(shape, 0, 1, generator), true);
}

/// Gradients to second order.
template <class F>
void check_gradients(F loss, const std::vector<xgrad::NamedVariable<double>>& inputs) {
  const auto report = xgrad::gradcheck(loss, inputs, {.order = 2, .directions = 2, .joint = true});
  CHECK_MESSAGE(report.ok(), to_string(report));
}

/// What every layer must stand: the same result(net) after save and load into another, and of a clone; no state besides Variables
/// but what is named.
template <class Net, class Other, class F>
void check_state(const Net& net, Other&& other, F result) {
  const auto y = result(net);
  CHECK(result(xgrad::nn::clone(net)).value() == y.value());
  const Directory directory;
  xgrad::nn::save(net, directory.file("net"));
  xgrad::nn::load(other, directory.file("net"));
  CHECK(result(other).value() == y.value());
  CHECK(xgrad::nn::state_entries(net).size() == xgrad::nn::named_state(net).size());
}

}  // namespace xgrad_test
