/// The linear classifier, as softmax and as support vector machine: what it reaches, and its weights as ten images.
#include <algorithm>

#include "lecture.hpp"

struct Linear {
  xg::nn::Linear<float> layer{3072, 10, {.init = xg::nn::init::normal(0, 1e-3)}};  // small, or they hide what is learned
  xg::Variable<float> operator()(xg::Variable<float> x) const { return layer(flatten(std::move(x))); }
};

/// Trains, and gives the accuracy on the test set after each epoch.
template <class Loss>
draw::Series train(const char* name, const Linear& net, const xg::Split& data, std::size_t epochs, double fastest,
                   const Loss& loss_of) {
  const auto [mean, std] = channel_moments(data.train);
  xg::Loader<float> loader(data.train, {.batch_size = 100, .mean = mean, .std = std});
  xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::SGD{.momentum = 0.9});
  const auto rate = xg::optim::cosine(fastest, epochs * loader.count());
  draw::Series result{name, {}, {}, true};
  for (std::size_t step = 0; loader.state.epoch < epochs;) {
    for (auto [images, labels] : loader) {
      opt.options.lr = rate(step++);
      const auto loss = loss_of(net(images), labels) + xg::nn::penalty(net, {.l2 = 1e-2});
      opt.zero_grad();
      backward(loss);
      opt.step();
    }
    result.x.push_back(static_cast<double>(loader.state.epoch));
    result.y.push_back(100 * xg::nn::evaluate(net, data.test, {.mean = mean, .std = std}).accuracy());
  }
  fmt::print("{:<8} {:.1f} % of {} test images\n", name, result.y.back(), data.test.size());
  return result;
}

/// Each class's weights as an image from dark (least) to light (most).
std::vector<draw::Picture> templates(const Linear& net, const std::vector<std::string>& names) {
  std::vector<draw::Picture> result;
  for (std::size_t k = 0; k < 10; ++k) {
    const xg::Array<float> w = reshape(select(net.layer.weight, 0, static_cast<std::int64_t>(k)), {32, 32, 3}).value();
    const auto [least, most] = std::minmax_element(w.begin(), w.end());
    result.push_back({draw::to_pixels(w, *least, *most), names[k]});
  }
  return result;
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "A linear classifier of images: softmax and support vector machine", [](const Lecture& l) {
    const xg::Split data = l.shapes(l.size<std::size_t>(20000, 2000), l.size<std::size_t>(5000, 500));
    const auto epochs = l.size<std::size_t>(20, 5);
    const Linear softmax, svm;
    const auto curve =
        train("softmax", softmax, data, epochs, 3e-3, [](auto scores, const xg::Labels& y) { return cross_entropy(scores, y); });
    const auto other = train("SVM", svm, data, epochs, 3e-4,
                             [](auto scores, const xg::Labels& y) { return multi_margin_loss(scores, y, {.per_class = false}); });
    must(curve.y.back() > 15 && other.y.back() > 15, "both do better than chance, 10 %");
    draw::write_chart(l.file("linear.svg"), {curve, other},
                      {.title = "A linear classifier", .x = {"epoch"}, .y = {"test accuracy", "%"}});
    draw::write_gallery(l.file("linear_softmax.svg"), templates(softmax, data.train.names),
                        {.title = "Weights, softmax", .columns = 5});
    draw::write_gallery(l.file("linear_svm.svg"), templates(svm, data.train.names), {.title = "Weights, SVM", .columns = 5});
  });
}
