// expect: labels and indices are integers, and this array has floating-point numbers
#include <xgrad/data/augment.hpp>
#include <xgrad/data/evaluate.hpp>
#include <xgrad/data/source.hpp>
#include <xgrad/draw/chart.hpp>
#include <xgrad/draw/page.hpp>
#include <xgrad/nn/attention.hpp>
#include <xgrad/nn/embedding.hpp>
#include <xgrad/nn/recurrent.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/loss.hpp>
#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif
using namespace xgrad;

template <std::size_t N>
using Numbers = xt::xtensor<double, N>;  // a type for each line: a compiler says the same of the same type once only

void mistakes(const Variable<double>& x, const nn::LSTM<double>& lstm, const nn::GRU<double>& gru,
              const nn::Embedding<double>& words, Metrics& metrics) {
  static_cast<void>(nll_loss(x, Array<double>{1.7, 0}));                // error
  static_cast<void>(nll_loss(x, Array<float>{1, 0}));                   // error
  static_cast<void>(nll_loss(x, 2 * Numbers<1>()));                     // error
  static_cast<void>(multi_margin_loss(x, Numbers<1>()));                // error
  static_cast<void>(embedding(Numbers<2>(), x));                        // error
  static_cast<void>(one_hot(Numbers<3>(), 2));                          // error
  static_cast<void>(index_select(x, 0, Numbers<4>()));                  // error
  static_cast<void>(index_select(x, 0, x));                             // error
  static_cast<void>(gather(x, 0, Numbers<5>()));                        // error
  static_cast<void>(take_along_axis(x, Numbers<6>(), 0));               // error
  static_cast<void>(scatter_add(x, 0, Numbers<7>(), x));                // error
  static_cast<void>(Source(x.value(), Numbers<8>()));                   // error
  draw::Page("").confusion(Numbers<9>());                               // error
  static_cast<void>(lstm(x, {.lengths = Numbers<10>()}));               // error
  static_cast<void>(gru(x, {.lengths = Numbers<11>()}));                // error
  static_cast<void>(words(Numbers<13>()));                              // error
  static_cast<void>(nn::padding_mask(Numbers<14>(), 2));                // error
  static_cast<void>(augment::mixup(x.value(), Numbers<15>(), 2, 1.0));  // error
  metrics.add(x.value(), Numbers<16>());                                // error
  static_cast<void>(draw::Regions{Numbers<12>(), {}});                  // error
}
