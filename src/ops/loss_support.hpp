#pragma once
/// What losses share.
#include <utility>

#include <xgrad/ops/loss.hpp>
#include <xgrad/ops/reduce.hpp>

namespace xgrad::detail {

template <class T>
Variable<T> reduced(Variable<T> loss, Reduction reduction, Where at) {
  if (reduction == Reduction::none) return loss;
  return reduction == Reduction::sum ? sum(std::move(loss), {}, {}, at) : mean(std::move(loss), {}, {}, at);
}

}  // namespace xgrad::detail
