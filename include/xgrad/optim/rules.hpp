#pragma once
/// The rules of the optimisers, for Optimizer. In the formulas w is a parameter, g its gradient, t the number of the step from 1
/// on; everything is per element, but for norms. Names and defaults are PyTorch's where it has the rule, and so are the numbers.
///
/// Weight decay is coupled unless the comment says otherwise: g ← g + weight_decay · w first, the gradient of (weight_decay /
/// 2)‖w‖². (Some texts write weight_decay ‖w‖² for the loss, whose gradient is twice as large.)
#include <string>

#include <xgrad/core/error.hpp>
#include <xgrad/formula/formula.hpp>
#include <xgrad/optim/optimizer.hpp>

namespace xgrad::optim {

/// Stochastic gradient descent. Momentum (Polyak 1964) with the rate outside, as PyTorch has it: m ← momentum · m + (1 - dampening)
/// g, w ← w - lr · m; at the first step m ← g. With `rate_inside`: m ← momentum · m + lr · g, w ← w - m, which is the same until
/// the rate changes. With `nesterov` (Sutskever et al. 2013) the step looks ahead: w ← w - lr · (g + momentum · m), or w ← w - (lr
/// · g + momentum · m). With `decoupled` weight decay is w ← w - lr · weight_decay · w instead (Loshchilov & Hutter 2019).
struct SGD {
  double lr = 0.01, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false, rate_inside = false, decoupled = false;

  template <class X>
  struct State {
    X m;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    if (weight_decay != 0 && !decoupled) g += weight_decay * w;
    if (weight_decay != 0 && decoupled) w -= now.lr * weight_decay * w;
    if (momentum == 0) return w - now.lr * g;
    const X step = rate_inside ? now.lr * g : g;
    s.m = momentum * s.m + (dampening == 0 ? step : where(now.t == 1, step, (1 - dampening) * step));
    const X m = nesterov ? step + momentum * s.m : s.m;
    return rate_inside ? w - m : w - now.lr * m;
  }
  void check() const {
    if (nesterov && momentum == 0) throw ValueError("nesterov is set and momentum is 0; it must be above 0 then");
    if (nesterov && dampening != 0) throw ValueError("nesterov is set and dampening is not 0; it must be 0 then");
  }
};

/// Adam (Kingma & Ba 2015): m ← β₁m + (1 - β₁)g, v ← β₂v + (1 - β₂)g², w ← w - lr · m̂ / (√v̂ + ε) with m̂ = m / (1 - β₁ᵗ) and
/// v̂ = v / (1 - β₂ᵗ). With `eps_inside` the root is √(v̂ + ε); without `bias_correction` m̂ = m and v̂ = v. With `amsgrad` (Reddi et
/// al. 2018) the root is of the largest v so far.
struct Adam {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool amsgrad = false, bias_correction = true, eps_inside = false;

  template <class X>
  struct State {
    X m, v, largest;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    if (weight_decay != 0) g += weight_decay * w;
    s.m = beta1 * s.m + (1 - beta1) * g;
    s.v = beta2 * s.v + (1 - beta2) * square(g);
    if (amsgrad) s.largest = maximum(s.largest, s.v);
    const X v = amsgrad ? s.largest : s.v;
    const X c1 = 1 - pow(bias_correction ? beta1 : 0, now.t), c2 = 1 - pow(bias_correction ? beta2 : 0, now.t);
    const X root = eps_inside ? sqrt(v * (1 / c2) + eps) : sqrt(v) * (1 / sqrt(c2)) + eps;
    return w - now.lr / c1 * s.m / root;
  }
};

/// Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019): w ← w - lr · weight_decay · w, and Adam's step.
struct AdamW {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-2;
  bool amsgrad = false, bias_correction = true, eps_inside = false;

  template <class X>
  using State = Adam::State<X>;
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    const Adam adam{lr, beta1, beta2, eps, 0, amsgrad, bias_correction, eps_inside};
    return adam.step((1 - now.lr * weight_decay) * w, g, s, now);
  }
};

/// Adam by the largest gradient (Kingma & Ba 2015, section 7.1): m ← β₁m + (1 - β₁)g, u ← max(β₂u, |g| + ε),
/// w ← w - lr / (1 - β₁ᵗ) · m / u.
struct Adamax {
  double lr = 2e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;

  template <class X>
  struct State {
    X m, u;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    if (weight_decay != 0) g += weight_decay * w;
    s.m = beta1 * s.m + (1 - beta1) * g;
    s.u = maximum(beta2 * s.u, abs(g) + eps);
    return w - now.lr / (1 - pow(beta1, now.t)) * s.m / s.u;
  }
};

/// Adam with Nesterov's momentum (Dozat 2016): m and v as Adam's; μₜ = β₁(1 - 0.96^(t · momentum_decay) / 2), p ← μₜp (from 1 on),
/// w ← w - lr · ((1 - μₜ) g / (1 - p) + μₜ₊₁ m / (1 - μₜ₊₁p)) / (√v̂ + ε).
struct NAdam {
  double lr = 2e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0, momentum_decay = 4e-3;

  template <class X>
  struct State {
    X m, v, product;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    if (weight_decay != 0) g += weight_decay * w;
    s.m = beta1 * s.m + (1 - beta1) * g;
    s.v = beta2 * s.v + (1 - beta2) * square(g);
    const auto mu = [&](X t) { return beta1 * (1 - 0.5 * pow(0.96, t * momentum_decay)); };
    const X now_mu = mu(now.t), next_mu = mu(now.t + 1), c2 = 1 - pow(beta2, now.t);
    s.product = where(now.t == 1, 1, s.product) * now_mu;
    const X direction = (1 - now_mu) / (1 - s.product) * g + next_mu / (1 - s.product * next_mu) * s.m;
    return w - now.lr * direction / (sqrt(s.v * (1 / c2)) + eps);
  }
};

/// Rectified Adam (Liu et al. 2020): m and v as Adam's, ρ∞ = 2 / (1 - β₂) - 1, ρ = ρ∞ - 2tβ₂ᵗ / (1 - β₂ᵗ);
/// w ← w - lr · m̂ · √((ρ - 4)(ρ - 2)ρ∞ / ((ρ∞ - 4)(ρ∞ - 2)ρ)) · √(1 - β₂ᵗ) / (√v + ε) once ρ > 5, before w ← w - lr · m̂.
struct RAdam {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;

  template <class X>
  struct State {
    X m, v;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    if (weight_decay != 0) g += weight_decay * w;
    s.m = beta1 * s.m + (1 - beta1) * g;
    s.v = beta2 * s.v + (1 - beta2) * square(g);
    const double most = 2 / (1 - beta2) - 1;
    const X power = pow(beta2, now.t), c1 = 1 - pow(beta1, now.t), rho = most - 2 * now.t * power / (1 - power);
    const X r = sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho)) * sqrt(1 - power);
    return w - now.lr / c1 * s.m * where(rho > 5, r / (sqrt(s.v) + eps), 1);
  }
};

/// Tieleman & Hinton 2012: v ← αv + (1 - α)g², w ← w - lr · g / (√v + ε). With `centered` (Graves 2013) a ← αa + (1 - α)g and the
/// root is √(v - a²); with `eps_inside` ε is under the root. With momentum m ← momentum · m + g / …, w ← w - lr · m.
struct RMSprop {
  double lr = 0.01, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
  bool centered = false, eps_inside = false;

  template <class X>
  struct State {
    X v, mean, m;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    if (weight_decay != 0) g += weight_decay * w;
    s.v = alpha * s.v + (1 - alpha) * square(g);
    if (centered) s.mean = alpha * s.mean + (1 - alpha) * g;
    const X v = centered ? s.v - square(s.mean) : s.v;
    const X step = g / (eps_inside ? sqrt(v + eps) : sqrt(v) + eps);
    if (momentum == 0) return w - now.lr * step;
    s.m = momentum * s.m + step;
    return w - now.lr * s.m;
  }
};

/// Duchi et al. 2011: κ ← κ + g² (from initial_accumulator_value on), w ← w - lr / (1 + (t - 1) lr_decay) · g / (√κ + ε). With
/// `eps_inside` the root is √(κ + ε).
struct Adagrad {
  double lr = 0.01, lr_decay = 0, weight_decay = 0, initial_accumulator_value = 0, eps = 1e-10;
  bool eps_inside = false;

  template <class X>
  struct State {
    X sum;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    if (weight_decay != 0) g += weight_decay * w;
    const X sum = initial_accumulator_value == 0 ? s.sum : where(now.t == 1, initial_accumulator_value, s.sum);
    s.sum = sum + square(g);
    const X rate = lr_decay == 0 ? now.lr : now.lr / (1 + (now.t - 1) * lr_decay);
    return w - rate * g / (eps_inside ? sqrt(s.sum + eps) : sqrt(s.sum) + eps);
  }
};

/// Zeiler 2012: v ← ρv + (1 - ρ)g², d = √(u + ε) / √(v + ε) · g, u ← ρu + (1 - ρ)d², w ← w - lr · d.
struct Adadelta {
  double lr = 1, rho = 0.9, eps = 1e-6, weight_decay = 0;

  template <class X>
  struct State {
    X v, u;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    if (weight_decay != 0) g += weight_decay * w;
    s.v = rho * s.v + (1 - rho) * square(g);
    const X d = sqrt(s.u + eps) / sqrt(s.v + eps) * g;
    s.u = rho * s.u + (1 - rho) * square(d);
    return w - now.lr * d;
  }
};

/// Riedmiller & Braun 1993, by the gradient's sign alone, for whole batches: a step size d per element, lr at first, grows by
/// eta_plus while the sign stays and shrinks by eta_minus where it changes, between step_min and step_max; w ← w - d · sign(g), but
/// where the sign has changed w stays, and the next step counts as the first.
struct Rprop {
  double lr = 0.01, eta_minus = 0.5, eta_plus = 1.2, step_min = 1e-6, step_max = 50;

  template <class X>
  struct State {
    X g, size;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    // of signs: the product of two small gradients would be 0
    const X same = sign(g) * sign(s.g), size = where(now.t == 1, now.lr, s.size);
    s.size = clamp(where(same > 0, eta_plus, where(same < 0, eta_minus, 1)) * size, step_min, step_max);
    const X kept = where(same < 0, 0, g);
    s.g = kept;
    return w - s.size * sign(kept);
  }
  void check() const {
    if (!(eta_minus > 0 && eta_minus < 1 && eta_plus > 1))
      throw ValueError("eta_minus and eta_plus are " + std::to_string(eta_minus) + " and " + std::to_string(eta_plus) +
                       "; they must be between 0 and 1, and above 1");
    if (!(step_min >= 0 && step_min <= step_max))
      throw ValueError("step_min and step_max are " + std::to_string(step_min) + " and " + std::to_string(step_max) +
                       "; they must be from 0 up and in this order");
  }
};

/// Chen et al. 2023, by the sign of a momentum: w ← w - lr · (sign(β₁m + (1 - β₁)g) + weight_decay · w), then m ← β₂m + (1 - β₂)g.
struct Lion {
  double lr = 1e-4, beta1 = 0.9, beta2 = 0.99, weight_decay = 0;

  template <class X>
  struct State {
    X m;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    const X direction = sign(beta1 * s.m + (1 - beta1) * g);
    s.m = beta2 * s.m + (1 - beta2) * g;
    return (1 - now.lr * weight_decay) * w - now.lr * direction;
  }
};

/// Layer-wise rates for large batches (You et al. 2017): λ = trust · ‖w‖ / (‖g‖ + weight_decay · ‖w‖ + ε), 1 where ‖w‖ or ‖g‖ is 0;
/// m ← momentum · m + lr · λ · (g + weight_decay · w), w ← w - m. The norms are those of the whole parameter.
struct LARS {
  double lr = 0.1, momentum = 0.9, weight_decay = 0, trust = 1e-3, eps = 1e-8;

  template <class X>
  struct State {
    X m;
  };
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    const X length = now.weight_norm, rate = trust * length / (now.grad_norm + weight_decay * length + eps);
    s.m = momentum * s.m + now.lr * where(length > 0 && now.grad_norm > 0, rate, 1) * (g + weight_decay * w);
    return w - s.m;
  }
};

/// Adam with layer-wise rates for large batches (You et al. 2020, algorithm 2): m and v as Adam's, r = m̂ / (√v̂ + ε) +
/// weight_decay · w, w ← w - lr · ‖w‖ / ‖r‖ · r; the ratio of the norms, which are those of the whole parameter, is 1 where one is
/// 0.
struct LAMB {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-6, weight_decay = 0;

  template <class X>
  struct State {
    X m, v;
  };
  template <class X>
  X direction(X w, X g, State<X>& s, const Now<X>& now) const {
    s.m = beta1 * s.m + (1 - beta1) * g;
    s.v = beta2 * s.v + (1 - beta2) * square(g);
    const X c1 = 1 - pow(beta1, now.t), c2 = 1 - pow(beta2, now.t);
    const X r = s.m / c1 / (sqrt(s.v) * (1 / sqrt(c2)) + eps);
    return weight_decay == 0 ? r : r + weight_decay * w;
  }
  template <class X>
  X step(X w, X g, State<X>& s, const Now<X>& now) const {
    const X r = direction(w, g, s, now);
    return w - now.lr * where(now.weight_norm > 0 && now.step_norm > 0, now.weight_norm / now.step_norm, 1) * r;
  }
};

// All of them, for src/optim/rules.cpp, which compiles them, so that users' files need not. A rule that is not here works as well.
#define XGRAD_RULES(f) \
  f(SGD) f(Adam) f(AdamW) f(Adamax) f(NAdam) f(RAdam) f(RMSprop) f(Adagrad) f(Adadelta) f(Rprop) f(Lion) f(LARS) f(LAMB)
namespace detail {
#define XGRAD_EXTERN(Rule) extern template XGRAD_API AnyRule any_rule(const Rule&);
XGRAD_RULES(XGRAD_EXTERN)
#undef XGRAD_EXTERN
}  // namespace detail

}  // namespace xgrad::optim
