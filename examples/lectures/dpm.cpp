/// A deformable part model as a network (Girshick et al. 2014): two filters look for parts, distance-transform pooling allows each
/// to be off its place at a price that is learned, and where their sum is largest the figure stands. All images have parts; only
/// some have them where a figure has them, a disc about twelve pixels above a bar.
#include <cmath>

#include "two_parts.hpp"

using Var = xg::Variable<float>;

struct PartModel {
  xg::nn::Conv2d<float> filters{1, 2, 7, {.padding = 3}};
  Var deformation{xg::Array<float>{{0.01F, 0, 0.01F, 0}, {0.01F, 0, 0.01F, 0}}, true}, bias{xg::zeros<float>({1}), true};

  /// How well a figure fits at each place of its disc, given what the filters say: (n, 20, 32, 1).
  Var fit(const Var& parts) const {
    const Var best = distance_transform_pool2d(parts, deformation, {.reach = 12});
    return slice(best, {{}, {0, -apart}, {}, {0, 1}}) + slice(best, {{}, {apart, {}}, {}, {1, 2}});
  }
  Var operator()(const Var& x) const { return amax(fit(filters(x)), {1, 2, 3}) + bias; }
};

double accuracy(const PartModel& model, const Scenes& s) {
  const xg::NoGrad no_grad;
  const Var scores = model(Var(s.images));
  return 100 * mean(where(equal(sign(scores), Var(s.figure) * 2 - 1), Var(1.0F), Var(0.0F))).item();
}

PartModel trained(const Scenes& s, int steps, bool costs) {
  xg::seed(1);
  PartModel model;
  if (!costs) model.deformation = Var(xg::zeros<float>({2, 4}));  // then it is max pooling over 25×25
  xg::optim::Optimizer opt(xg::nn::parameters(model), xg::optim::Adam{.lr = 2e-2});
  for (int step = 0; step < steps; ++step) {
    const xg::Labels some = xg::randint({16}, 0, static_cast<std::int64_t>(s.figure.size()));
    const Var loss =
        binary_cross_entropy_with_logits(model(index_select(Var(s.images), 0, some)), index_select(Var(s.figure), 0, some));
    opt.zero_grad();
    backward(loss);
    opt.step();
  }
  return model;
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "A deformable part model finds a figure of two parts", [](const Lecture& l) {
    const Scenes train = scenes(l.size<std::size_t>(2000, 1000), xg::Generator(1)),
                 test = scenes(l.size<std::size_t>(1000, 200), xg::Generator(2));
    const int steps = l.size(1000, 500);
    const PartModel model = trained(train, steps, true), without = trained(train, steps, false);
    const double with_costs = accuracy(model, test), max_pooling = accuracy(without, test);
    fmt::print("is there a figure? right for {:.1f} % of {} images; by max pooling, where being off costs nothing, {:.1f} %\n",
               with_costs, test.figure.size(), max_pooling);
    for (std::size_t k = 0; k < 2; ++k) {
      const auto& d = model.deformation.value();
      fmt::print("cost of the {}: {:.4f} dx² {:+.4f} dx {:+.4f} dy² {:+.4f} dy\n", k == 0 ? "disc" : "bar", d(k, 0), d(k, 1),
                 d(k, 2), d(k, 3));
    }
    // the gradient of the best fit for what the filters say is 1 at the two places that were chosen
    const Var parts(model.filters(Var(test.images)).value(), true);
    const Var chosen = grad(sum(amax(model.fit(parts), {1, 2, 3})), {parts})[0];
    const xg::Labels found = argmax(reshape(chosen, {-1, static_cast<std::int64_t>(side * side), 2}), 1);
    double off[2] = {0, 0};
    std::vector<draw::Picture> pictures;
    for (std::size_t i = 0; i < test.figure.size(); i += 2) {
      draw::Pixels image = shown(test, i);
      for (std::size_t part = 0; part < 2; ++part) {
        const auto [down, right] = looks_at(model.filters.weight, part);
        const std::int64_t y = found(i, part) / 32 + down, x = found(i, part) % 32 + right;
        off[part] += std::hypot(y - test.at(i, part, 0), x - test.at(i, part, 1)) / static_cast<double>(test.figure.size() / 2);
        frame(image, y, x, part);
      }
      if (pictures.size() < 8) pictures.push_back({image, fmt::format("image {}", i)});
    }
    fmt::print("in images of a figure the disc is found {:.1f} pixels off, the bar {:.1f}\n", off[0], off[1]);
    draw::write_gallery(l.file("dpm.svg"), pictures, {.title = "A disc above a bar, as found", .columns = 4});

    std::vector<draw::Picture> learned;
    for (std::int64_t k = 0; k < 2; ++k) {
      learned.push_back(
          {draw::to_colours(select(model.filters.weight, 0, k).value()), k == 0 ? "the disc's filter" : "the bar's filter"});
      learned.push_back({costs(select(model.deformation, 0, k)), "what being off costs", "up to 8 pixels"});
    }
    draw::write_gallery(l.file("dpm_model.svg"), learned, {.title = "The model", .columns = 4});
    must(with_costs > l.size(95, 60) && (l.quick || with_costs > max_pooling), "the model tells figures, and the costs help");
    must(std::max(off[0], off[1]) < l.size(3, 6), "the parts are found where they are");
  });
}
