/// What a network looks at: the filters of its first layer, the maps of its first, middle and last layers for one image, and the
/// images that excite units of the last one most.
#include "seer.hpp"

using Var = xg::Variable<float>;

/// The channels of maps (1, h, w, c) side by side, black where ReLU gives 0.
draw::Pixels channels(const Var& maps, std::size_t columns) {
  const Var each = permute(relu(maps), {3, 1, 2, 0}), most = maximum(amax(each, {1, 2, 3}, {.keepdims = true}), 1e-6);
  return draw::grid(draw::to_pixels((each / most).value()), {.columns = columns, .gap = 1});
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Filters, activation maps and the most exciting images", [](const Lecture& l) {
    const xg::Split data = l.shapes(l.size<std::size_t>(6000, 1500), l.size<std::size_t>(2000, 400));
    const Seer net = trained(data, l.size<std::size_t>(10, 5));
    const xg::NoGrad no_grad;

    const Var filters = net.conv1.weight / amax(abs(net.conv1.weight), {1, 2, 3}, {.keepdims = true});
    draw::write_gallery(l.file("filters.svg"),
                        {{draw::grid(draw::to_pixels(filters.value(), -1, 1), {.columns = 8, .gap = 1}),
                          "24 filters of 5×5, each as strong as it can be shown; grey is 0"}},
                        {.title = "The first layer's filters", .width = 480});

    std::vector<draw::Picture> seen;
    for (const std::int64_t k : {0, 1, 2}) {
      const Var image = slice(images_of(data.test, 3), 0, {k, k + 1});
      const auto maps = net.maps(image);
      seen.push_back({draw::to_pixels(squeeze(image).value()), data.test.names[static_cast<std::size_t>(data.test.labels(k))]});
      seen.push_back({channels(maps[0], 6), "first: 24 maps of 32×32"});
      seen.push_back({channels(slice(maps[1], 3, {0, 24}), 6), "middle: 24 of 48, 16×16"});
      seen.push_back({channels(slice(maps[2], 3, {0, 24}), 6), "last: 24 of 96, 8×8"});
    }
    draw::write_gallery(l.file("filters_maps.svg"), seen, {.title = "Activation maps", .columns = 4, .width = 960});

    // how much each image excites each unit of the last layer, at its best place
    const Var images = images_of(data.test, data.test.size());
    std::vector<Var> parts;
    for (std::int64_t k = 0; k < static_cast<std::int64_t>(data.test.size()); k += 100)
      parts.push_back(amax(relu(net.maps(slice(images, 0, {k, k + 100}))[2]), {1, 2}));
    const xg::Labels best = topk(concat(parts), 8, 0).indices;  // (8, 96)
    xg::Array<double> votes(xg::Shape{96, 10}, 0.0);            // how many of a unit's eight images have each class
    for (std::size_t unit = 0; unit < 96; ++unit)
      for (std::size_t i = 0; i < 8; ++i)
        ++votes(unit, static_cast<std::size_t>(data.test.labels(static_cast<std::size_t>(best(i, unit)))));
    const xg::Variable<double> most_votes = amax(xg::Variable<double>(votes), 1);
    fmt::print("of the 8 images that excite a unit most {:.1f} have one class, on average over 96 units\n",
               mean(most_votes).item());
    must(mean(most_votes).item() > l.size(2.6, 2.3), "units see classes: of 8 images by chance 2.2 have one class");
    const xg::Labels finest = argmax(xg::Variable<double>(votes), 0);  // for each class the unit that sees most of it
    std::vector<draw::Picture> exciting;
    for (std::size_t k = 0; k < 10; ++k) {
      const auto unit = static_cast<std::size_t>(finest(k));
      xg::Labels rows(xg::Shape{8});
      for (std::size_t i = 0; i < 8; ++i) rows(i) = best(i, unit);
      exciting.push_back({draw::grid(draw::to_pixels(index_select(images, 0, rows).value()), {.columns = 8}),
                          fmt::format("unit {}: {} of 8 are called {}", unit, votes(unit, k), data.test.names[k])});
    }
    draw::write_gallery(l.file("filters_exciting.svg"), exciting,
                        {.title = "For each class the unit that is excited most by it", .columns = 2, .width = 860});
  });
}
