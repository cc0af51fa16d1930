#include <xgrad/nn/init.hpp>

#include <cmath>

namespace xgrad::nn {

namespace {
Fans fans_of(const Shape& shape, Where where, std::string_view op = __builtin_FUNCTION()) {
  if (shape.size() < 2)
    throw ShapeError(where, op, "the weight is " + to_string(shape) + "; it must have an output axis and at least one input axis");
  double area = 1;
  for (std::size_t k = 1; k + 1 < shape.size(); ++k) area *= static_cast<double>(shape[k]);
  return {area * static_cast<double>(shape.back()), area * static_cast<double>(shape[0])};
}
}  // namespace

Fans fans(const Shape& shape, Where where) { return fans_of(shape, where); }

template <class T>
void kaiming_uniform(Array<T>& weight, Generator& generator, Where where) {
  const double bound = std::sqrt(6 / fans_of(weight.shape(), where).in);
  generator.fill_uniform(weight, -bound, bound);
}
template <class T>
void kaiming_normal(Array<T>& weight, Generator& generator, Where where) {
  generator.fill_normal(weight, 0, std::sqrt(2 / fans_of(weight.shape(), where).in));
}
template <class T>
void xavier_uniform(Array<T>& weight, Generator& generator, Where where) {
  const Fans f = fans_of(weight.shape(), where);
  const double bound = std::sqrt(6 / (f.in + f.out));
  generator.fill_uniform(weight, -bound, bound);
}
template <class T>
void xavier_normal(Array<T>& weight, Generator& generator, Where where) {
  const Fans f = fans_of(weight.shape(), where);
  generator.fill_normal(weight, 0, std::sqrt(2 / (f.in + f.out)));
}

#define XGRAD_INSTANTIATE(T)                                      \
  template void kaiming_uniform<T>(Array<T>&, Generator&, Where); \
  template void kaiming_normal<T>(Array<T>&, Generator&, Where);  \
  template void xavier_uniform<T>(Array<T>&, Generator&, Where);  \
  template void xavier_normal<T>(Array<T>&, Generator&, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::nn
