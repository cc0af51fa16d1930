/// A restricted Boltzmann machine learns digits by contrastive divergence (Hinton 2002), and what its hidden units learn are
/// strokes.
#include "../../models/rbm.hpp"

#include <cmath>

#include "lecture.hpp"

using Var = xg::Variable<float>;

/// Black or white, each pixel's grey being the probability of ink.
Var drawn(const xg::Array<float>& images) { return Var(xg::bernoulli(flatten(Var(images)).value())); }

int main(int argc, char** argv) {
  return lecture(argc, argv, "A restricted Boltzmann machine and its strokes", [](const Lecture& l) {
    const xg::Dataset data = l.digits(l.size<std::size_t>(20000, 2000), 10).train;
    const std::size_t units = l.size<std::size_t>(100, 36), epochs = l.size<std::size_t>(20, 5);
    xg::Loader<float> loader(data, {.batch_size = 20});
    xg::models::RBM<float> rbm(784, units);
    draw::Series errors{"", {}, {}, true};
    while (loader.state.epoch < epochs) {
      const xg::NoGrad no_grad;
      double error = 0;
      const double rate = 0.1 / (1 + 0.2 * static_cast<double>(loader.state.epoch));
      for (auto [images, labels] : loader) {
        const Var v = drawn(images), seen = rbm.reconstruct(v);
        // ⟨v h⟩ of the data less ⟨v h⟩ of what is reconstructed, and likewise for the biases
        const auto step = rbm.divergence(v, seen);
        rbm.weight.assign((rbm.weight + rate * (step[0] - 2e-4 * rbm.weight)).value());
        rbm.visible_bias.assign((rbm.visible_bias + rate * step[1]).value());
        rbm.hidden_bias.assign((rbm.hidden_bias + rate * step[2]).value());
        error += mean(square(v - seen)).item() / static_cast<double>(loader.count());
      }
      errors.x.push_back(static_cast<double>(loader.state.epoch)), errors.y.push_back(error);
    }
    fmt::print("{} digits, {} hidden units, {} epochs\n", data.size(), units, epochs);
    fmt::print("the mean square of what reconstructions miss falls from {:.4f} to {:.4f}\n", errors.y.front(), errors.y.back());
    must(errors.y.back() < l.size(0.75, 0.9) * errors.y.front(), "reconstructions become better");

    // the gradient of the free energy for the weight is minus vᵀ times the probabilities of the hidden units
    const Var v = drawn(loader.batch(0, 0).images), formula = -matmul(transpose(v), rbm.hidden(v).detach());
    const Var by_graph = grad(sum(rbm.free_energy(v)), {rbm.weight})[0];
    const double apart = amax(abs(by_graph - formula)).item() / amax(abs(formula)).item();
    fmt::print("the free energy's gradient by the graph and by its formula: {:.1g} apart\n", apart);
    must(apart < 1e-6, "the formula of the gradient");

    const xg::NoGrad no_grad;
    const Var some = slice(v, 0, {0, 10});
    Var later = some;  // what becomes of them, up and down a hundred times
    for (int k = 0; k < 100; ++k) later = Var(xg::bernoulli(rbm.reconstruct(later).value()));
    const auto digits = [](const Var& rows) {
      return draw::grid(draw::to_pixels(reshape(rows, {-1, 28, 28}).value()), {.columns = 10});
    };
    draw::Pixels strokes =
        draw::to_colours(reshape(transpose(rbm.weight), {-1, 28}).value(), 4 * std::sqrt(mean(square(rbm.weight)).item()));
    strokes.reshape({units, 28, 28, 3});
    draw::write_gallery(l.file("rbm.svg"),
                        {{draw::grid(strokes), "weights of the hidden units", "red ink, blue none", {}, draw::Look::around_white}},
                        {.title = "Strokes", .width = 640});
    draw::write_gallery(l.file("rbm_digits.svg"),
                        {{digits(some), "digits", {}, {}, draw::Look::ink},
                         {digits(rbm.visible(rbm.hidden(some))), "reconstructed", {}, {}, draw::Look::ink},
                         {digits(rbm.reconstruct(later)), "a hundred rounds later", {}, {}, draw::Look::ink}},
                        {.title = "What it has learned", .columns = 1, .width = 640});
    draw::write_chart(l.file("rbm_error.svg"), {errors},
                      {.title = "Contrastive divergence", .x = {"epoch"}, .y = {"mean square error of reconstructions"}});
  });
}
