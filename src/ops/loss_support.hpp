#pragma once
/// What losses share.
#include <utility>

#include <xgrad/ops/loss.hpp>
#include <xgrad/ops/reduce.hpp>

namespace xgrad::detail {

template <class T>
Variable<T> reduced(Variable<T> loss, Reduction reduction, Where where) {
  if (reduction == Reduction::none) return loss;
  return reduction == Reduction::sum ? sum(std::move(loss), {}, {}, where) : mean(std::move(loss), {}, {}, where);
}

}  // namespace xgrad::detail
