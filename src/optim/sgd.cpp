#include <xgrad/optim/sgd.hpp>

#include <fmt/format.h>
#include <algorithm>

#include <xgrad/core/parallel.hpp>

#include "../kernels/kernels.hpp"
#include "parameters.hpp"

namespace xgrad::optim {

void detail::wrong_option(Where where, std::string_view who, std::string_view option, double value, std::string_view must) {
  throw ValueError(where, who, fmt::format("{} is {}; it must {}", option, value, must));
}

template <class T>
SGD<T>::SGD(std::vector<Variable<T>> parameters, SGDOptions options, Where where)
    : parameters_(std::move(parameters)), options_(options) {
  check_parameters<T>(parameters_, "SGD", where);
  check_not_negative<T>("lr", options.lr, "SGD", where);
  check_not_negative<T>("weight_decay", options.weight_decay, "SGD", where);
  if (!(options.momentum >= 0 && options.momentum < 1))
    detail::wrong_option(where, "SGD", "momentum", options.momentum, "be from 0 to less than 1");
  if (options.nesterov && options.momentum == 0)
    throw ValueError(where, "SGD", "nesterov is set and momentum is 0; it must be above 0 then");
  if (options.momentum > 0)
    for (const Variable<T>& p : parameters_) momentum_.push_back(zeros<T>(p.shape(), Where{}));
}

template <class T>
void SGD<T>::step() {
  const auto update = kernels::table<T>().sgd;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    Variable<T>& p = parameters_[k];
    if (!p.has_grad()) continue;
    const T* g = p.grad().data();
    T* m = momentum_.empty() ? nullptr : momentum_[k].data();
    // In blocks that count as a quarter of their elements: gradients and parameters would have to move to the other threads' caches
    // and back, which takes longer than to update 50000 of them.
    constexpr std::size_t block = 64;
    Array<T>& w = p.change("step", {});
    parallel_for((w.size() + block - 1) / block, block / 4, [&](std::size_t begin, std::size_t end) {
      const std::size_t first = begin * block, last = std::min(end * block, w.size());
      update(w.data() + first, g + first, m ? m + first : nullptr, last - first, T(options_.lr), T(options_.momentum),
             T(options_.weight_decay), options_.nesterov);
    });
  }
}

template <class T>
void SGD<T>::zero_grad() {
  for (Variable<T>& p : parameters_) p.zero_grad();
}

template <class T>
void SGD<T>::set_lr(double lr, Where where) {
  check_not_negative<T>("lr", lr, "SGD", where);
  options_.lr = lr;
}

template class SGD<float>;
template class SGD<double>;

}  // namespace xgrad::optim
