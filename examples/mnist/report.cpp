#include "report.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "chart.hpp"
#include "files.hpp"
#include "png.hpp"
#include "style.hpp"
#include "text.hpp"

namespace {

std::string shape(const xgrad::Shape& shape) { return fmt::format("{}", fmt::join(shape, "\u202f×\u202f")); }

std::string name_of(const xgrad::Dataset& data, std::size_t label) {
  return escaped(label < data.names.size() ? data.names[label] : std::to_string(label));
}

std::string image_of(const xgrad::Dataset& data, std::size_t i) {
  const xgrad::Shape& s = data.images.shape();
  return png_uri(s[2], s[1], std::span(data.images.data() + i * s[1] * s[2], s[1] * s[2]));
}

std::string head(const Report& r) {
  const std::size_t n = r.test.size();
  const auto wrong = static_cast<std::size_t>(std::lround((1 - r.evaluation.accuracy) * static_cast<double>(n)));
  std::string facts;
  for (const auto& [what, value] : r.facts)
    facts +=
        fmt::format("<div{}><dt>{}</dt><dd>{}</dd></div>", value.size() > 24 ? " class=wide" : "", escaped(what), escaped(value));
  return fmt::format(
      "<header><p class=kicker>xgrad</p><h1>LeNet-5 on {}</h1>"
      "<p class=score><b>{:.2f}<small>\u202f%</small></b><span>of {} test images recognised, {} "
      "not</span></p>{}<dl>{}</dl></header>\n",
      escaped(r.data), 100 * r.evaluation.accuracy, grouped(n), grouped(wrong),
      r.history.interrupted ? "<p class=note>The training was interrupted: this is what was learnt so far.</p>" : "", facts);
}

/// One value per step as one point per stretch of steps, long enough not to flicker.
std::vector<Point> averaged(const History& h, const std::vector<double>& values) {
  const std::size_t most = std::clamp<std::size_t>(values.size() * h.batch / 1500, 1, 160), n = values.size();
  std::vector<Point> points;
  for (std::size_t k = 0; k < most; ++k) {
    const std::size_t begin = n * k / most, end = n * (k + 1) / most;
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += values[i];
    if (begin < end)
      points.push_back(
          {static_cast<double>(begin + end) / 2 / static_cast<double>(h.steps_per_epoch), sum / static_cast<double>(end - begin)});
  }
  return points;
}

std::string curves(const Report& r) {
  const History& h = r.history;
  Series loss{"test", "test", {}, true}, accuracy{"test", "test", {}, true};
  for (std::size_t k = 0; k < h.tests.epochs.size(); ++k) {
    loss.points.push_back({h.tests.epochs[k], h.tests.losses[k]});
    accuracy.points.push_back({h.tests.epochs[k], h.tests.accuracies[k]});
  }
  const Series train_loss{"training", "train", averaged(h, h.losses), false};
  const Series train_accuracy{"training", "train", averaged(h, h.shares), false};
  return "<section><h2>Learning</h2><p>Training values are those of the batches as they went by, before their step; both scales "
         "are "
         "logarithmic.</p><div class=pair>" +
         chart("Loss", {train_loss, loss}, Scale::loss) + chart("Accuracy", {train_accuracy, accuracy}, Scale::accuracy) +
         "</div></section>\n";
}

std::string confusion(const Report& r) {
  const std::size_t classes = std::max<std::size_t>(r.test.classes, 10);
  std::vector<std::size_t> count(classes * classes), truths(classes), guesses(classes);
  for (std::size_t i = 0; i < r.test.size(); ++i) {
    const auto truth = static_cast<std::size_t>(r.test.labels.data()[i]);
    const std::size_t guess = r.evaluation.guesses[i];
    ++count[truth * classes + guess];
    ++truths[truth];
    ++guesses[guess];
  }
  std::size_t worst = 1;
  for (std::size_t t = 0; t < classes; ++t)
    for (std::size_t g = 0; g < classes; ++g)
      if (t != g) worst = std::max(worst, count[t * classes + g]);
  const auto percent = [](std::size_t part, std::size_t whole) {
    return whole == 0 ? std::string("–")
                      : fmt::format("{:.1f}\u202f%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  };

  std::string text =
      "<section><h2>What it takes for what</h2><p>A row for each true class, a column for each guess. On the right the share of a "
      "class "
      "that was recognised, below the share of a guess that was right.</p><div class=\"card scroll\"><table "
      "class=matrix><thead><tr>"
      "<th class=corner>truth ↓ guess →</th>";
  for (std::size_t g = 0; g < classes; ++g)
    text += fmt::format("<th{}><span>{}</span></th>", name_of(r.test, g).size() > 2 ? " class=long" : "", name_of(r.test, g));
  text += "<th></th></tr></thead><tbody>";
  for (std::size_t t = 0; t < classes; ++t) {
    text += fmt::format("<tr><th>{}</th>", name_of(r.test, t));
    for (std::size_t g = 0; g < classes; ++g) {
      const std::size_t n = count[t * classes + g];
      // Square roots, so that a single mistake can be seen beside the most frequent one.
      const double share = t == g ? static_cast<double>(n) / static_cast<double>(std::max<std::size_t>(truths[t], 1))
                                  : std::sqrt(static_cast<double>(n) / static_cast<double>(worst));
      const double alpha = t == g ? 0.1 + 0.45 * share * share : 0.08 + 0.62 * share;
      text += n == 0 ? "<td class=none>0</td>"
                     : fmt::format("<td class={} style=\"--a:{:.2f}\" title=\"{} taken for {}: {}\">{}</td>",
                                   t == g ? "hit" : "miss", alpha, name_of(r.test, t), name_of(r.test, g), n, n);
    }
    text += fmt::format("<td class=total>{}</td></tr>", percent(count[t * classes + t], truths[t]));
  }
  text += "<tr><th></th>";
  for (std::size_t g = 0; g < classes; ++g)
    text += fmt::format("<td class=total>{}</td>", percent(count[g * classes + g], guesses[g]));
  return text + "<td></td></tr></tbody></table></div></section>\n";
}

/// A number from -1 to 1 as blue, white or red.
void append_colour(std::vector<std::uint8_t>& pixels, double value) {
  const double full[2][3] = {{29, 78, 172}, {188, 44, 40}}, part = std::min(std::abs(value), 1.0);
  for (int c = 0; c < 3; ++c) pixels.push_back(static_cast<std::uint8_t>(250 + (full[value > 0][c] - 250) * part + 0.5));
}

std::string filters(const Report& r) {
  const xgrad::Shape &shape = r.filters.shape(), &map = r.responses.shape();
  const std::size_t h = shape[1], w = shape[2], kinds = shape[0], area = map[1] * map[2];
  const float most = *std::max_element(r.responses.data(), r.responses.data() + r.responses.size());
  std::string text = fmt::format(
      "<section><h2>What the first layer looks for</h2><p>Its {} filters, red where ink excites and blue where it inhibits, and "
      "what each "
      "finds in the first test image.</p><div class=filters><figure><img class=grey alt=\"the image\" src=\"{}\"><figcaption>{}, "
      "as it "
      "is</figcaption></figure>",
      kinds, image_of(r.test, r.sample), name_of(r.test, static_cast<std::size_t>(r.test.labels.data()[r.sample])));
  for (std::size_t k = 0; k < kinds; ++k) {
    const std::span weights(r.filters.data() + k * h * w, h * w);
    float scale = 1e-6F;
    for (const float weight : weights) scale = std::max(scale, std::abs(weight));
    std::vector<std::uint8_t> colours, greys;
    for (const float weight : weights) append_colour(colours, static_cast<double>(weight / scale));
    for (std::size_t i = 0; i < area; ++i)
      greys.push_back(static_cast<std::uint8_t>(255 * r.responses.data()[i * kinds + k] / std::max(most, 1e-6F)));
    text += fmt::format(
        "<figure><img class=signed alt=\"filter {0}\" src=\"{1}\"><img class=grey alt=\"its response\" src=\"{2}\">"
        "<figcaption>filter {0}, ±{3:.2f}</figcaption></figure>",
        k + 1, png_uri(w, h, colours), png_uri(map[2], map[1], greys), scale);
  }
  return text + "</div></section>\n";
}

std::string mistakes(const Report& r) {
  std::vector<std::size_t> wrong;
  for (std::size_t i = 0; i < r.test.size(); ++i)
    if (static_cast<std::int64_t>(r.evaluation.guesses[i]) != r.test.labels.data()[i]) wrong.push_back(i);
  std::stable_sort(wrong.begin(), wrong.end(),
                   [&](std::size_t a, std::size_t b) { return r.evaluation.confidence[a] > r.evaluation.confidence[b]; });
  wrong.resize(std::min<std::size_t>(wrong.size(), 36));
  if (wrong.empty()) return "<section><h2>Mistakes</h2><p>There are none.</p></section>\n";
  std::string text = fmt::format(
      "<section><h2>Most confidently wrong</h2><p>The {} mistakes that it was surest of: its <b>guess</b> with its confidence, and "
      "the "
      "truth.</p><div class=mistakes>",
      wrong.size());
  for (const std::size_t i : wrong)
    text += fmt::format(
        "<figure title=\"test image {}\"><img class=grey alt=\"\" src=\"{}\"><figcaption><b>{}</b> {:.{}f}\u202f%<br>is <span "
        "class=truth>{}</span></figcaption></figure>",
        i, image_of(r.test, i), name_of(r.test, r.evaluation.guesses[i]), 100 * r.evaluation.confidence[i],
        r.evaluation.confidence[i] > 0.995F ? 1 : 0, name_of(r.test, static_cast<std::size_t>(r.test.labels.data()[i])));
  return text + "</div></section>\n";
}

std::string network(const Report& r) {
  std::string text =
      "<section><h2>The network</h2><p>What it computes for one image, and the graph that one training step records: backward runs "
      "through it from the loss to the weights. Each operation knows the line that recorded it.</p><div class=network>"
      "<div class=\"card scroll\"><table "
      "class=layers><thead><tr><th>layer</th><th>operation</th><th>output</th><th>parameters</th></tr></thead><tbody>";
  text += fmt::format("<tr class=plain><td>input</td><td></td><td>{}</td><td></td></tr>", shape(r.summary.input));
  for (const xgrad::nn::SummaryRow& row : r.summary.rows)
    text += fmt::format("<tr{}><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", row.parameters ? "" : " class=plain",
                        escaped(row.name), escaped(row.op), shape(row.output), row.parameters ? grouped(row.parameters) : "");
  text += fmt::format("</tbody><tfoot><tr><td>total</td><td></td><td>{:.0f} kB</td><td>{}</td></tr></tfoot></table></div>",
                      static_cast<double>(r.summary.bytes) / 1000, grouped(r.summary.parameters));
  if (const auto svg = draw_svg(r.graph))
    text += fmt::format("<div class=\"card graph\">{}</div>", *svg);
  else
    text += fmt::format(
        "<div class=card>Graphviz was not found here, so the graph is not drawn. <details><summary>Its source, for "
        "<code>dot -Tsvg</code></summary><pre>{}</pre></details></div>",
        escaped(r.graph));
  return text + "</div></section>\n";
}

}  // namespace

std::string html(const Report& r) {
  return fmt::format(
             "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<meta name=viewport content=\"width=device-width, "
             "initial-scale=1\">\n<title>LeNet, {:.2f} %: {}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
             100 * r.evaluation.accuracy, escaped(r.data), style) +
         head(r) + curves(r) + confusion(r) + filters(r) + mistakes(r) + network(r) +
         fmt::format(
             "<footer>Written by examples/mnist of xgrad {}.{}.{}. This page needs nothing but "
             "itself.</footer>\n</main>\n</body>\n</html>\n",
             XGRAD_VERSION_MAJOR, XGRAD_VERSION_MINOR, XGRAD_VERSION_PATCH);
}
