// The mean over ranks as an operation.
#include "mean.hpp"

#include <fmt/format.h>
#include <string>
#include <utility>

#include <xgrad/graph/apply.hpp>
#include <xgrad/mpi/world.hpp>

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
Variable<T> mean_over_ranks(const std::shared_ptr<Group>& group, Variable<T> x, Where at) {
  return apply(Mean<T>{group}, {std::move(x)}, at);
}
template Variable<float> mean_over_ranks(const std::shared_ptr<Group>&, Variable<float>, Where);
template Variable<double> mean_over_ranks(const std::shared_ptr<Group>&, Variable<double>, Where);

template <class T>
Variable<T> World::mean(Variable<T> x, Where at) try {
  if (size() == 1) return x;
  const std::string mine = x.defined() ? to_string(x.shape(at)) : "undefined";
  const std::string problem = x.defined() ? "" : "x is an undefined Variable; it must have a value before it is used";
  std::string first = mine;
  group_->broadcast(first);
  const bool good = mine == first || !x.defined();
  group_->agree(good ? problem : fmt::format("x is {}, on rank 0 {}; it must have one shape on all ranks", mine, first), "mean",
                at);
  return mean_over_ranks(group_, std::move(x), at);
} catch (Error& error) {
  error.place(at, "mean");
  throw;
}
template Variable<float> World::mean(Variable<float>, Where);
template Variable<double> World::mean(Variable<double>, Where);

}  // namespace xgrad::mpi
