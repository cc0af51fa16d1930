#include <xgrad/nn/recurrent.hpp>

#include <cmath>

#include "../ops/support.hpp"

namespace xgrad::nn {
using namespace detail;

template <class T>
RecurrentCell<T>::RecurrentCell(std::size_t gates, std::size_t in, std::size_t hidden_size, bool bias, Where where) {
  placed(where, gates == 4 ? "LSTMCell" : "GRUCell", [&] {
    const std::size_t rows = length_of(Wide{gates} * hidden_size);
    w_ih = Variable<T>(zeros<T>(Shape{rows, in}, Where{}), true, where);
    w_hh = Variable<T>(zeros<T>(Shape{rows, hidden_size}, Where{}), true, where);
    if (!bias) return;
    b_ih = Variable<T>(zeros<T>(Shape{rows}, Where{}), true, where);
    b_hh = Variable<T>(zeros<T>(Shape{rows}, Where{}), true, where);
  });
  reset_parameters(default_generator());
}
template <class T>
void RecurrentCell<T>::reset_parameters(Generator& generator) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden()));
  for (Variable<T>* v : {&w_ih, &w_hh, &b_ih, &b_hh})
    if (v->defined()) v->update([&](Array<T>& a) { generator.fill_uniform(a, -bound, bound); });
}

#define XGRAD_INSTANTIATE(T) template class RecurrentCell<T>;
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::nn
