#include <xgrad/optim/clip.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>

#include <xgrad/core/parallel.hpp>
#include <xgrad/core/text.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/statistics.hpp>
#include <xgrad/optim/schedule.hpp>

namespace xgrad::optim {
namespace {

/// f(begin, end) for the elements of an array, in several threads when they are many.
template <class T, class F>
void in_parts(const Array<T>& x, const F& f) {
  parallel_for(x.size(), 1, f, 64 / sizeof(T));
}

}  // namespace

template <class T>
double clip_grad_norm(const std::vector<Variable<T>>& parameters, double max_norm, double p, Where at) {
  if (!(max_norm > 0)) detail::wrong_option(at, "clip_grad_norm", "max_norm", max_norm, "be positive");
  if (!(p > 0)) detail::wrong_option(at, "clip_grad_norm", "p", p, "be positive");
  const bool largest = std::isinf(p);
  double total = 0;
  for (const Variable<T>& x : parameters) {
    if (!x.has_grad()) continue;
    const double each = static_cast<double>(norm(x.node()->gradient.detach(), {}, {.p = p}, at).item());
    if (largest)
      total = each > total || std::isnan(each) ? each : total;
    else
      total = p == 2 ? std::hypot(total, each) : total + std::pow(each, p);
  }
  if (!largest && p != 2) total = std::pow(total, 1 / p);
  if (!std::isfinite(total)) detail::wrong_option(at, "clip_grad_norm", "the norm of the gradients", std::abs(total), "be finite");
  const double factor = max_norm / (total + 1e-6);
  if (factor >= 1) return total;
  for (Variable<T> x : parameters)
    if (x.has_grad())
      x.update_grad([&](Array<T>& g) {
        in_parts(g, [&](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) g.data()[i] *= static_cast<T>(factor);
        });
      });
  return total;
}

template <class T>
void clip_grad_value(const std::vector<Variable<T>>& parameters, double value, Where at) {
  if (!(value > 0)) detail::wrong_option(at, "clip_grad_value", "value", value, "be positive");
  const T most = static_cast<T>(value);
  for (Variable<T> x : parameters)
    if (x.has_grad())
      x.update_grad([&](Array<T>& g) {
        in_parts(g, [&](std::size_t begin, std::size_t end) {
          T* e = g.data();
          for (std::size_t i = begin; i < end; ++i) e[i] = e[i] > most ? most : e[i] < -most ? -most : e[i];
        });
      });
}

template <class T>
void detail::average(std::vector<NamedVariable<T>> averages, const std::vector<NamedVariable<T>>& present, double decay, Where at) {
  constexpr const char* who = "update_average";
  if (!(decay >= 0 && decay <= 1)) wrong_option(at, who, "decay", decay, "be from 0 to 1");
  const auto name = [](const NamedVariable<T>& x) { return printable(x.name); };
  for (std::size_t k = 0; k < std::min(averages.size(), present.size()); ++k) {
    if (averages[k].name != present[k].name)
      throw ValueError(at, who,
                       fmt::format("the networks have {} and {}; names must be the same", name(averages[k]), name(present[k])));
    if (averages[k].variable.shape() != present[k].variable.shape())
      throw ShapeError(at, who,
                       fmt::format("{} is {} in the average and {} in the network; they must be equal", name(averages[k]),
                                   to_string(averages[k].variable.shape()), to_string(present[k].variable.shape())));
  }
  if (averages.size() != present.size())
    throw ValueError(
        at, who,
        fmt::format("the average has {} Variables, the network {}; they must have the same", averages.size(), present.size()));
  const T share = static_cast<T>(1 - decay);
  for (std::size_t k = 0; k < present.size(); ++k) {
    const T* x = present[k].variable.value().data();
    Array<T>& a = averages[k].variable.change(who, at);
    const bool averaged = present[k].variable.requires_grad();
    in_parts(a, [&](std::size_t begin, std::size_t end) {
      T* e = a.data();
      if (averaged)
        for (std::size_t i = begin; i < end; ++i) e[i] += share * (x[i] - e[i]);
      else
        std::copy(x + begin, x + end, e + begin);
    });
  }
}

#define XGRAD_FOR(T)                                                                      \
  template double clip_grad_norm(const std::vector<Variable<T>>&, double, double, Where); \
  template void clip_grad_value(const std::vector<Variable<T>>&, double, Where);          \
  template void detail::average(std::vector<NamedVariable<T>>, const std::vector<NamedVariable<T>>&, double, Where);
XGRAD_FOR(float)
XGRAD_FOR(double)
#undef XGRAD_FOR

}  // namespace xgrad::optim
