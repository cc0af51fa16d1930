/// GoogLeNet against VGG-D: parameters, multiply-adds, and the time that an image takes.
#include "lecture.hpp"

#include "../../models/googlenet.hpp"
#include "../../models/vgg.hpp"

struct Cost {
  draw::Series parameters, multiply_adds;  // added up, layer by layer
  double all_parameters = 0, all_multiply_adds = 0, milliseconds = 0;
};

template <class Net>
Cost cost(const char* name, Net net, int times) {
  Cost result{{name, {}, {}}, {name, {}, {}}};
  for (const auto& row : xg::nn::summary(net, {1, 224, 224, 3}).rows) {
    if (row.multiply_adds == 0) continue;
    result.all_parameters += static_cast<double>(row.parameters);
    result.all_multiply_adds += static_cast<double>(row.multiply_adds);
    result.parameters.x.push_back(static_cast<double>(result.parameters.x.size() + 1));
    result.parameters.y.push_back(result.all_parameters / 1e6);
    result.multiply_adds.y.push_back(result.all_multiply_adds / 1e9);
  }
  result.multiply_adds.x = result.parameters.x;
  xg::nn::eval(net);
  const xg::NoGrad no_grad;
  const xg::Variable<float> x(xg::normal({1, 224, 224, 3}));
  result.milliseconds = least_milliseconds(times, [&] { net(x); });
  return result;
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "GoogLeNet against VGG-D", [](const Lecture& l) {
    const Cost vgg = cost("VGG-D", xg::models::VGG<>(xg::models::vgg_d), l.size(5, 1));
    const Cost google = cost("GoogLeNet", xg::models::GoogLeNet<>(), l.size(5, 1));
    fmt::print("                          VGG-D   GoogLeNet   ratio\n");
    const auto line = [](const char* what, double a, double b) {
      fmt::print("{:<18}{:13.0f}{:12.0f}{:8.1f}\n", what, a, b, a / b);
    };
    line("parameters", vgg.all_parameters, google.all_parameters);
    line("multiply-adds", vgg.all_multiply_adds, google.all_multiply_adds);
    line("milliseconds", vgg.milliseconds, google.milliseconds);
    must(vgg.all_parameters == 138357544 && vgg.all_multiply_adds == 15470264320, "VGG-D's numbers");
    must(google.all_parameters == 6998552 && google.all_multiply_adds == 1582671872, "GoogLeNet's numbers");
    const draw::Axis layers{"layers with weights"};
    const std::string parameters = draw::chart(
        {vgg.parameters, google.parameters},
        {.title = "Parameters, layer by layer", .x = layers, .y = {"parameters up to here", "millions"}, .height = 280});
    const std::string multiply_adds = draw::chart(
        {vgg.multiply_adds, google.multiply_adds},
        {.title = "Multiply-adds, layer by layer", .x = layers, .y = {"up to here", "thousand millions"}, .height = 280});
    draw::write_svg(l.file("googlenet_vgg.svg"), draw::panels({parameters, multiply_adds}, 1));
  });
}
