#pragma once
#include <xgrad/graph/apply.hpp>

#include "class_labels.hpp"

namespace xgrad::detail {

/// -x at each row's label, and its gradient: linear, each the other's.
template <class T>
struct NllLoss;
template <class T>
struct NllLossGrad {
  static constexpr std::string_view name = "nll_loss_grad";
  static constexpr std::array uses{use::none};
  SharedLabels labels;
  std::size_t classes;

  Result<T> forward(Inputs<T> in) {
    Shape shape = in[0].shape();
    shape.push_back(classes);
    Array<T> out = zeros<T>(shape, Where{});
    for (std::size_t r = 0; r < in[0].size(); ++r)
      if (const std::int64_t label = labels->array.data()[r]; label >= 0)
        out.data()[r * classes + static_cast<std::size_t>(label)] = -in[0].data()[r];
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(NllLoss<T>{labels}, {g}, c.where());
  }
};
template <class T>
struct NllLoss {
  static constexpr std::string_view name = "nll_loss";
  static constexpr std::array uses{use::none};
  SharedLabels labels;

  Result<T> forward(Inputs<T> in) {
    const std::size_t classes = in[0].shape().back();
    Array<T> out = make_array<T>(labels->array.shape());
    for (std::size_t r = 0; r < out.size(); ++r) {
      const std::int64_t label = labels->array.data()[r];
      out.data()[r] = label < 0 ? T(0) : -in[0].data()[r * classes + static_cast<std::size_t>(label)];
    }
    return out;
  }
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const {
    return apply(NllLossGrad<T>{labels, c.input_shape(0).back()}, {g}, c.where());
  }
};

}  // namespace xgrad::detail
