#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/indices.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/data/loader.hpp>
#include <xgrad/graph/mode.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/ops/loss.hpp>
#include <xgrad/state/state.hpp>

namespace xgrad {

/// How well scores name classes. Counts are kept and shares made of them, so that batches of any size add up.
struct Metrics {
  std::size_t samples = 0, right = 0, among_five = 0;
  double total_loss = 0;  ///< sum of the samples' cross-entropies, in nats
  Labels confusion = {};  ///< (classes, classes): of the samples of class i, how many were taken for class j

  double loss() const { return share(total_loss); }                       ///< mean cross-entropy
  double accuracy() const { return share(static_cast<double>(right)); }   ///< share whose largest score is that of their class
  double top5() const { return share(static_cast<double>(among_five)); }  ///< ... whose class is among the five largest scores

  /// Takes scores (b, classes), before softmax, and labels (b,) into account. The first of equal scores is the largest. Throws
  /// ShapeError when they do not fit each other or what was there before, IndexError for a label that is not below classes.
  template <Real T>
  XGRAD_API void add(const Array<T>& scores, const Indices& labels, Where at = Where::current());

 private:
  double share(double x) const { return samples == 0 ? 0 : x / static_cast<double>(samples); }
};

namespace nn {
namespace detail {
/// While one lives, the members named `training` that it has met are false.
class Evaluating {
 public:
  XGRAD_API Evaluating();
  XGRAD_API ~Evaluating();
  Evaluating(const Evaluating&) = delete;
  Evaluating& operator=(const Evaluating&) = delete;
  void field(std::string_view name, bool& member) {
    if (name == "training") switch_off(member);
  }
  template <class V>
  void operator()(const std::string&, V&) const {}

 private:
  XGRAD_API void switch_off(bool& member);
  std::vector<std::pair<bool*, bool>> before_;
};
}  // namespace detail

/// Runs a network over all samples of a source, as `eval` has it and without recording, and leaves it as it was. Of a const network
/// a copy is switched, which shares its Variables. The options are those of a Loader (`mean`, `std`, `workers` …); order and
/// augmentation are left out. Of an empty source all counts are 0, and so is what is made of them. Errors of layers name the
/// caller's line.
///
///     const Metrics m = xg::nn::evaluate(net, test, {.batch_size = 500, .mean = {0.1307}, .std = {0.3081}});
///     fmt::print("{:.2f} %\n", 100 * m.accuracy());
template <class Net>
Metrics evaluate(Net& net, const Source<real_of<Net>>& source, LoaderOptions<real_of<Net>> options = {},
                 Where at = Where::current()) {
  using T = real_of<Net>;
  if constexpr (std::is_const_v<Net>) {
    static_assert(std::is_copy_constructible_v<std::remove_const_t<Net>>,
                  "xgrad: evaluate switches the network, which must not be const, unless it can be copied");
    std::remove_const_t<Net> copy(net);
    return evaluate(copy, source, std::move(options), at);
  }
  detail::Evaluating evaluating;
  detail::walk(net, evaluating, "evaluate", at);
  options.shuffle = options.drop_last = false;
  options.augment.clear();
  Loader<T> loader(source, std::move(options), at);
  const NoGrad no_grad;
  Metrics result;
  for (auto [images, labels] : loader) {
    Variable<T> x(std::move(images));
    if constexpr (std::is_invocable_v<Net&, Variable<T>, Where>)
      result.add(net(std::move(x), at).value(), labels, at);
    else
      result.add(net(std::move(x)).value(), labels, at);
  }
  return result;
}

}  // namespace nn
}  // namespace xgrad
