// The mean over ranks as an operation.
#include <utility>

#include <xgrad/graph/apply.hpp>
#include <xgrad/mpi/world.hpp>

#include "group.hpp"

namespace xgrad::mpi {
namespace {

template <class T>
struct Mean {
  static constexpr std::string_view name = "mean_over_ranks";
  static constexpr std::array uses{use::none};
  std::shared_ptr<Group> group;

  Result<T> forward(Inputs<T> in) {
    Array<T> y = in[0];
    group->sum(y.data(), y.size());
    const T ranks = static_cast<T>(group->size());
    for (std::size_t k = 0; k < y.size(); ++k) y.data()[k] /= ranks;
    return y;
  }
  /// A rank's x is in the results of all, whose gradients come together.
  Variable<T> vjp(const Context<T>& c, const Variable<T>& g, std::size_t) const { return apply(Mean{group}, {g}, c.where()); }
};

}  // namespace

template <class T>
Variable<T> World::mean(Variable<T> x, Where at) {
  if (size() == 1) return x;
  return apply(Mean<T>{group_}, {std::move(x)}, at);
}
template Variable<float> World::mean(Variable<float>, Where);
template Variable<double> World::mean(Variable<double>, Where);

}  // namespace xgrad::mpi
