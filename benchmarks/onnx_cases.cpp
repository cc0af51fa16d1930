// Networks in evaluation, beside ONNX Runtime: the same numbers go into both.   usage: onnx_cases CASE   (see cases.hpp)
//                                                                                  onnx_cases write NAME FILE: as an ONNX file
#include <xgrad/onnx/onnx.hpp>
#include <xgrad/xgrad.hpp>

#include "../models/googlenet.hpp"
#include "../models/resnet.hpp"
#include "../models/vgg.hpp"
#include "cases.hpp"

namespace xg = xgrad;
using V = xg::Variable<float>;

namespace {

template <class N>
N numbered(N net) {
  std::size_t k = 0;
  for (V& p : xg::nn::parameters(net))
    if (p.shape().size() > 1) {
      const std::size_t outputs = p.shape()[0];
      const std::vector<float> numbers = cases::weights(k++, outputs, p.size() / outputs);
      p.update([&](xg::Array<float>& w) { std::copy(numbers.begin(), numbers.end(), w.data()); });
    }
  xg::nn::eval(net);
  return net;
}

/// f(network)
template <class F>
auto with_network(const std::string& name, F f) {
  if (name == "googlenet") return f(numbered(xg::models::GoogLeNet<>()));
  if (name == "resnet50") return f(numbered(xg::models::ResNet50<>()));
  if (name == "vggd") return f(numbered(xg::models::VGG<>(xg::models::vgg_d)));
  throw std::invalid_argument("no network is called " + name);
}

cases::Case inference(const cases::Name& name) {
  const xg::Shape shape{static_cast<std::size_t>(name.number), 224, 224, 3};
  return with_network(name.kind, [&](auto network) {
    struct State {
      decltype(network) net;
      V images, scores;
    };
    const auto s = std::make_shared<State>(State{std::move(network), {}, {}});
    xg::Array<float> images(shape);
    const std::vector<float> numbers = cases::numbers(images.size(), 1);
    std::copy(numbers.begin(), numbers.end(), images.data());
    s->images = V(std::move(images));
    return cases::Case{[s] {
                         const xg::NoGrad quiet;
                         s->scores = s->net(s->images);
                       },
                       [s] {
                         double sum = 0;
                         for (std::size_t k = 0; k < s->scores.size(); ++k) sum += std::abs(double{s->scores.value().data()[k]});
                         return sum / static_cast<double>(s->scores.size());
                       }};
  });
}

}  // namespace

int main(int argc, char** argv) {
  return cases::guarded([&] {
    if (argc == 4 && std::string(argv[1]) == "write")
      return with_network(argv[2], [&](const auto& net) {
        xg::onnx::save(net, {1, 224, 224, 3}, argv[3]);
        return 0;
      });
    return cases::serve(inference(cases::Name(argc > 1 ? argv[1] : "")));
  });
}
