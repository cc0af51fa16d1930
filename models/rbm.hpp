#pragma once
#include <array>
#include <cstddef>

#include <xgrad/xgrad.hpp>

namespace xgrad::models {

/// A restricted Boltzmann machine of binary units (Hinton 2002, "Training products of experts by minimizing contrastive
/// divergence"; Nair & Hinton 2010): visible units v (n, visible), hidden units h (n, hidden), no connections within either.
template <class T = float>
struct RBM {
  Variable<T> weight;                     ///< (visible, hidden)
  Variable<T> visible_bias, hidden_bias;  ///< (visible), (hidden)

  RBM(std::size_t visible, std::size_t hidden)
      : weight(normal<T>({visible, hidden}, 0, 0.01), true),
        visible_bias(zeros<T>({visible}), true),
        hidden_bias(zeros<T>({hidden}), true) {}

  /// p(h = 1 | v) = σ(b + v w), (n, hidden)
  Variable<T> hidden(Variable<T> v) const { return sigmoid(matmul(std::move(v), weight) + hidden_bias); }
  /// p(v = 1 | h) = σ(b′ + h wᵀ), (n, visible)
  Variable<T> visible(Variable<T> h) const { return sigmoid(matmul(std::move(h), weight, {.transpose_b = true}) + visible_bias); }
  /// What the machine makes of v by way of hidden units that it draws; the visible units are probabilities. It has no history.
  Variable<T> reconstruct(const Variable<T>& v) const { return visible(bernoulli(hidden(v).value())).detach(); }
  /// F(v) = -b′·v - Σ softplus(b + v w), (n): p(v) is proportional to exp(-F(v)).
  Variable<T> free_energy(const Variable<T>& v) const {
    return -matmul(v, visible_bias) - sum(softplus(matmul(v, weight) + hidden_bias), -1);
  }
  /// Contrastive divergence ⟨v h⟩data - ⟨v h⟩recon, ⟨v⟩data - ⟨v⟩recon, ⟨h⟩data - ⟨h⟩recon: what is to be added, times the rate,
  /// to the weight, the visible and the hidden bias. It is minus the gradient of F(data) - F(reconstruction), means over n.
  std::array<Variable<T>, 3> divergence(const Variable<T>& data, const Variable<T>& recon) const {
    const NoGrad no_grad;
    const Variable<T> h = hidden(data), h1 = hidden(recon);
    const T n = static_cast<T>(data.shape()[0]);
    return {(matmul(data, h, {.transpose_a = true}) - matmul(recon, h1, {.transpose_a = true})) / n, mean(data - recon, 0),
            mean(h - h1, 0)};
  }
  /// One step of contrastive divergence on v.
  void learn(const Variable<T>& v, double rate) {
    const auto [w, b, c] = divergence(v, reconstruct(v));
    const NoGrad no_grad;
    weight.assign((weight + static_cast<T>(rate) * w).value());
    visible_bias.assign((visible_bias + static_cast<T>(rate) * b).value());
    hidden_bias.assign((hidden_bias + static_cast<T>(rate) * c).value());
  }
  XGRAD_FIELDS(weight, visible_bias, hidden_bias)
};

}  // namespace xgrad::models
