#include "report.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <functional>

namespace draw = xgrad::draw;
namespace xg = xgrad;

namespace {

std::string name_of(const xg::Dataset& data, std::size_t label) {
  return label < data.names.size() ? data.names[label] : std::to_string(label);
}

/// The weights of the first layer, and what it makes of the first test image.
std::vector<draw::Picture> filters(const Report& r) {
  const xg::Dataset one = slice(r.test, 0, 1);
  const auto image = xg::Loader<float>(one, standardised(1, false)).batch(0, 0).images;
  const xg::Array<float>&weights = r.net.conv1.weight.value(), responses = relu(r.net.conv1(image)).value();
  const xg::Shape &kernel = weights.shape(), &map = responses.shape();
  const std::size_t kinds = kernel[0], area = map[1] * map[2];
  const double most = std::max(static_cast<double>(*std::max_element(responses.data(), responses.data() + responses.size())), 1e-6);

  std::vector<draw::Picture> result{{.image = draw::picture(one.images, 0),
                                     .caption = name_of(r.test, static_cast<std::size_t>(one.labels.data()[0])),
                                     .note = "as it is",
                                     .look = draw::Look::ink}};
  for (std::size_t k = 0; k < kinds; ++k) {
    xg::Array<float> filter(xg::Shape{kernel[1], kernel[2]}), response(xg::Shape{map[1], map[2]});
    std::copy_n(weights.data() + k * filter.size(), filter.size(), filter.data());
    for (std::size_t i = 0; i < area; ++i) response.data()[i] = responses.data()[i * kinds + k];
    float scale = 0;
    for (const float weight : filter) scale = std::max(scale, std::abs(weight));
    result.push_back({.image = draw::to_colours(filter),
                      .caption = fmt::format("filter {}", k + 1),
                      .note = fmt::format("±{:.2f}", scale),
                      .look = draw::Look::around_white});
    result.push_back(
        {.image = draw::to_pixels(response, 0, most), .caption = fmt::format("response {}", k + 1), .look = draw::Look::ink});
  }
  return result;
}

struct Mistake {
  std::size_t index, guess;
  float confidence;  ///< the guess's probability, as the network sees it
};

/// The mistakes that the network is surest of.
std::vector<Mistake> mistakes(const Report& r, std::size_t most) {
  std::vector<Mistake> result;
  std::size_t index = 0;
  xg::Loader<float> loader(xg::Source<float>(r.test), standardised(500, false));
  for (auto [images, labels] : loader) {
    const auto probabilities = softmax(r.net(images));
    for (const std::int64_t truth : labels) {
      const float *begin = probabilities.value().data() + index % 500 * 10, *best = std::max_element(begin, begin + 10);
      if (best - begin != truth) result.push_back({index, static_cast<std::size_t>(best - begin), *best});
      ++index;
    }
  }
  std::ranges::stable_sort(result, std::greater(), &Mistake::confidence);
  result.resize(std::min(result.size(), most));
  return result;
}

}  // namespace

xg::LoaderOptions<float> standardised(std::size_t size, bool shuffle, std::uint64_t seed) {
  return {.batch_size = size, .shuffle = shuffle, .seed = seed, .mean = {0.1307}, .std = {0.3081}};
}

draw::Page page_of(const Report& r) {
  const xg::NoGrad no_grad;
  const std::string accuracy = fmt::format("{:.2f}", 100 * r.metrics.accuracy());
  draw::Page page("LeNet-5 on " + r.data, "xgrad");
  page.headline(accuracy, "%",
                fmt::format("of {} test images recognised, {} not", draw::grouped(r.metrics.samples),
                            draw::grouped(r.metrics.samples - r.metrics.right)));
  if (r.interrupted) page.note("The training was interrupted: this is what was learnt so far.");
  page.facts(r.facts);

  page.section("Learning",
               "Training values are those of the batches as they went by, before their step; the scales are logarithmic.")
      .charts(draw::charts(r.history, "epochs"));
  page.section(
          "What it takes for what",
          "A row for each true class, a column for each guess. On the right the share of a class that was recognised, below the "
          "share of a guess that was right.")
      .confusion(r.metrics.confusion, r.test.names);
  page.section("What the first layer looks for",
               "Its filters, red where ink excites and blue where it inhibits, and what each finds in the first test image.")
      .pictures(filters(r));

  std::vector<draw::Picture> wrong;
  for (const Mistake& m : mistakes(r, 36))
    wrong.push_back(
        {.image = draw::picture(r.test.images, m.index),
         .caption = fmt::format("{}, {:.{}f}\u202f%", name_of(r.test, m.guess), 100 * m.confidence, m.confidence > 0.995F ? 1 : 0),
         .note = "is " + name_of(r.test, static_cast<std::size_t>(r.test.labels.data()[m.index])),
         .tip = fmt::format("test image {}", m.index),
         .look = draw::Look::ink});
  page.section("Most confidently wrong", wrong.empty() ? "There are no mistakes."
                                                       : fmt::format("The {} mistakes that it was surest of: its guess with its "
                                                                     "confidence, and the truth.",
                                                                     wrong.size()))
      .pictures(wrong);
  page.section(
      "The network",
      "What it computes for one image, and the graph that one training step records: backward runs through it from the loss "
      "to the weights. Each operation knows the line that recorded it.");
  add_network(page, xg::nn::summary(r.net, {1, 28, 28, 1}), r.graph);
  return page;
}
