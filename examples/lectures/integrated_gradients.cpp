/// Integrated gradients (Sundararajan, Taly & Yan 2017): how much each pixel has added to a score. On the straight way from a grey
/// picture x′ to x, (x - x′) times the mean gradient; all of it adds up to F(x) - F(x′) (completeness).
#include "seer.hpp"

#include <cmath>

using Var = xg::Variable<float>;

/// F: the scores of a class.
Var score(const Seer& net, const Var& images, std::int64_t label) { return select(net(images), 1, label); }

/// The attributions of an image (1, h, w, 3), the way being cut into so many steps, the gradient taken in the middle of each.
Var attributions(const Seer& net, const Var& x, const Var& base, std::int64_t label, std::size_t steps) {
  Var total(xg::zeros<float>(x.shape()));
  for (std::size_t first = 0; first < steps; first += 64) {
    const std::size_t count = std::min<std::size_t>(64, steps - first);
    xg::Array<float> at(xg::Shape{count, 1, 1, 1});
    for (std::size_t k = 0; k < count; ++k) at(k, 0, 0, 0) = (static_cast<float>(first + k) + 0.5F) / static_cast<float>(steps);
    const Var way((base + Var(at) * (x - base)).value(), true);
    total += sum(grad(sum(score(net, way, label)), {way})[0], 0, {.keepdims = true});
  }
  return (x - base) * total / static_cast<float>(steps);
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Integrated gradients and their completeness", [](const Lecture& l) {
    const xg::Split data = l.shapes(l.size<std::size_t>(6000, 1500), l.size<std::size_t>(2000, 400));
    const Seer net = trained(data, l.size<std::size_t>(10, 5));
    const Var images = images_of(data.test, 20), base(xg::Array<float>(xg::Shape{1, 32, 32, 3}, 0.5F));
    const std::int64_t n = l.size(20, 4);

    fmt::print("\nsteps   mean gap |Σ attributions - (F(x) - F(x′))|   of mean |F(x) - F(x′)|\n");
    draw::Series gaps{"", {}, {}, true};
    double share = 1;
    for (std::size_t steps = 1; steps <= 256; steps *= 2) {
      double gap = 0, size = 0;
      for (std::int64_t k = 0; k < n; ++k) {
        const std::int64_t label = data.test.labels(static_cast<std::size_t>(k));
        const Var x = slice(images, 0, {k, k + 1});
        const double rise = (score(net, x, label) - score(net, base, label)).item();
        gap += std::abs(sum(attributions(net, x, base, label, steps)).item() - rise) / static_cast<double>(n);
        size += std::abs(rise) / static_cast<double>(n);
      }
      share = gap / size;
      fmt::print("{:5}   {:38.6f}   {:20.3f} %\n", steps, gap, 100 * share);
      gaps.x.push_back(static_cast<double>(steps)), gaps.y.push_back(100 * share);
    }
    must(share < 0.01, "with 256 steps less than a percent is missing");
    draw::write_chart(l.file("integrated_gradients_gap.svg"), {gaps},
                      {.title = "What the attributions lack or have too much",
                       .x = {.label = "steps", .scale = draw::Scale::log},
                       .y = {.label = "gap", .unit = "% of the rise of the score", .scale = draw::Scale::log}});

    std::vector<draw::Picture> pictures, plain, integrated;
    for (std::int64_t k = 0; k < 6; ++k) {
      const std::int64_t label = data.test.labels(static_cast<std::size_t>(k));
      const Var x(slice(images, 0, {k, k + 1}).value(), true), g = grad(sum(score(net, x, label)), {x})[0];
      const auto shown = [](const Var& each) { return draw::to_colours(squeeze(sum(each, 3), 0).value()); };
      pictures.push_back({draw::to_pixels(squeeze(x, 0).value()), data.test.names[static_cast<std::size_t>(label)]});
      plain.push_back({shown(g), "gradient"});
      integrated.push_back({shown(attributions(net, x.detach(), base, label, 64)), "integrated"});
    }
    pictures.insert(pictures.end(), plain.begin(), plain.end());
    pictures.insert(pictures.end(), integrated.begin(), integrated.end());
    draw::write_gallery(l.file("integrated_gradients.svg"), pictures,
                        {.title = "Which pixels speak for the class (red) and against it (blue)", .columns = 6});
  });
}
