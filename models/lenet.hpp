#pragma once
#include <utility>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

/// LeNet-5 (LeCun et al. 1998, "Gradient-based learning applied to document recognition") as it is written today: ReLU for tanh,
/// max pooling for subsampling, a plain linear layer at the end. Images (n, 28, 28, 1) to scores (n, 10); 61 706 parameters.
template <class T = float>
struct LeNet {
  nn::Conv2d<T> conv1{1, 6, 5, {.padding = 2}};
  nn::Conv2d<T> conv2{6, 16, 5};
  nn::Linear<T> fc1{400, 120}, fc2{120, 84}, fc3{84, 10};

  Variable<T> operator()(Variable<T> x) const {
    x = max_pool2d(relu(conv1(std::move(x))), 2);
    x = max_pool2d(relu(conv2(std::move(x))), 2);
    x = relu(fc1(flatten(std::move(x))));
    return fc3(relu(fc2(std::move(x))));
  }
};

/// LeNet-5 with logistic units: convolution, max pooling, then the logistic function. Weights are drawn for it (Glorot & Bengio
/// 2010; four times as large, for the slope of the logistic function at 0 is a quarter).
template <class T = float>
struct LogisticLeNet : LeNet<T> {
  using LeNet<T>::conv1, LeNet<T>::conv2, LeNet<T>::fc1, LeNet<T>::fc2, LeNet<T>::fc3;

  LogisticLeNet() {
    for (Variable<T>* weight : {&conv1.weight, &conv2.weight, &fc1.weight, &fc2.weight})
      weight->update([](Array<T>& w) { nn::init::xavier_uniform(4)(w, default_generator()); });
  }
  Variable<T> operator()(Variable<T> x) const {
    x = sigmoid(max_pool2d(conv1(std::move(x)), 2));
    x = sigmoid(max_pool2d(conv2(std::move(x)), 2));
    x = sigmoid(fc1(flatten(std::move(x))));
    return fc3(sigmoid(fc2(std::move(x))));
  }
  XGRAD_FIELDS(conv1, conv2, fc1, fc2, fc3)
};

}  // namespace xgrad::models
