#include <xgrad/nn/conv.hpp>

#include <string>

#include "weighted.hpp"

namespace xgrad::nn {
using namespace xgrad::detail;

namespace {

/// The channels of one group. Throws ValueError when the groups do not divide both ends.
std::size_t per_group(std::size_t in, std::size_t out, std::ptrdiff_t groups, std::size_t divided, Where at, const char* layer) {
  if (groups < 1 || in % static_cast<std::size_t>(groups) != 0 || out % static_cast<std::size_t>(groups) != 0)
    throw ValueError(at, layer,
                     "groups is " + std::to_string(groups) + "; it must divide the inputs, " + std::to_string(in) +
                         ", and the outputs, " + std::to_string(out));
  return divided / static_cast<std::size_t>(groups);
}
std::size_t kernel_length(std::ptrdiff_t n, Where at, const char* layer) {
  if (n < 1) throw ValueError(at, layer, "the kernel's length is " + std::to_string(n) + "; it must be at least 1");
  return static_cast<std::size_t>(n);
}

}  // namespace

template <class T>
Conv2d<T>::Conv2d(std::size_t in, std::size_t out, Extent2d size, Conv2dLayerOptions o, Where at)
    : options{o.stride, o.padding, o.dilation, o.groups}, init(o.init) {
  const std::size_t h = kernel_length(size.h, at, "Conv2d"), w = kernel_length(size.w, at, "Conv2d");
  make(weight, bias, {out, h, w, per_group(in, out, o.groups, in, at, "Conv2d")}, out, o.bias, init, at, "Conv2d");
}
template <class T>
void Conv2d<T>::reset_parameters(Generator& generator) {
  draw(weight, bias, init, generator);
}

template <class T>
Conv1d<T>::Conv1d(std::size_t in, std::size_t out, std::ptrdiff_t size, Conv1dLayerOptions o, Where at)
    : options{o.stride, o.padding, o.dilation, o.groups}, init(o.init) {
  const std::size_t k = kernel_length(size, at, "Conv1d");
  make(weight, bias, {out, k, per_group(in, out, o.groups, in, at, "Conv1d")}, out, o.bias, init, at, "Conv1d");
}
template <class T>
void Conv1d<T>::reset_parameters(Generator& generator) {
  draw(weight, bias, init, generator);
}

template <class T>
ConvTranspose2d<T>::ConvTranspose2d(std::size_t in, std::size_t out, Extent2d size, ConvTranspose2dLayerOptions o, Where at)
    : options{o.stride, o.padding, o.output_padding, o.dilation, o.groups}, init(o.init) {
  const char* name = "ConvTranspose2d";
  const std::size_t h = kernel_length(size.h, at, name), w = kernel_length(size.w, at, name);
  make(weight, bias, {in, h, w, per_group(in, out, o.groups, out, at, name)}, out, o.bias, init, at, name);
}
template <class T>
void ConvTranspose2d<T>::reset_parameters(Generator& generator) {
  draw(weight, bias, init, generator);
}

#define XGRAD_INSTANTIATE(T) \
  template class Conv2d<T>;  \
  template class Conv1d<T>;  \
  template class ConvTranspose2d<T>;
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::nn
