#include <xgrad/optim/sgd.hpp>

#include <xgrad/core/parallel.hpp>

#include "../kernels/kernels.hpp"
#include "parameters.hpp"

namespace xgrad::optim {

template <class T>
SGD<T>::SGD(std::vector<Variable<T>> parameters, SGDOptions options, Where where)
    : parameters_(std::move(parameters)), options_(options) {
  check_parameters<T>(parameters_, "SGD", where);
  check_rate(options.lr, "SGD", where);
  if (!(options.weight_decay >= 0))
    throw ValueError(where, "SGD", "weight_decay is " + std::to_string(options.weight_decay) + "; it must not be negative");
  if (!(options.momentum >= 0 && options.momentum < 1))
    throw ValueError(where, "SGD", "momentum is " + std::to_string(options.momentum) + "; it must be in [0, 1)");
  if (options.nesterov && options.momentum == 0) throw ValueError(where, "SGD", "nesterov needs a momentum above 0");
  if (options.momentum > 0)
    for (const Variable<T>& p : parameters_) momentum_.push_back(zeros<T>(p.shape()));
}

template <class T>
void SGD<T>::step() {
  const auto update = kernels::table<T>().sgd;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    Variable<T>& p = parameters_[k];
    if (!p.has_grad()) continue;
    const T* g = p.grad().data();
    T* m = momentum_.empty() ? nullptr : momentum_[k].data();
    p.update([&](Array<T>& w) {
      parallel_for(
          w.size(), 1,
          [&](std::size_t begin, std::size_t end) {
            update(w.data() + begin, g + begin, m ? m + begin : nullptr, end - begin, T(options_.lr), T(options_.momentum),
                   T(options_.weight_decay), options_.nesterov);
          },
          64);
    });
  }
}

template <class T>
void SGD<T>::zero_grad() {
  for (Variable<T>& p : parameters_) p.zero_grad();
}

template <class T>
void SGD<T>::set_lr(double lr, Where where) {
  check_rate(lr, "SGD", where);
  options_.lr = lr;
}

template class SGD<float>;
template class SGD<double>;

}  // namespace xgrad::optim
