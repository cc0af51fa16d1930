#include "average.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <utility>

namespace xgrad::mpi {
namespace {

constexpr const char* who = "average_gradients";

template <class T>
std::vector<Ref<Node<T>>> leaves_of(const std::vector<NamedVariable<T>>& parameters) {
  std::vector<Ref<Node<T>>> leaves;
  for (const auto& parameter : parameters) leaves.push_back(parameter.variable.node());
  return leaves;
}

/// 0 times a number is 0, unless it is infinite or NaN. Eight sums at a time, or each would wait for the one before.
template <class T>
bool finite(const T* numbers, std::size_t count) {
  T zero[8] = {};
  std::size_t k = 0;
  for (; k + 8 <= count; k += 8)
    for (std::size_t i = 0; i < 8; ++i) zero[i] += numbers[k + i] * 0;
  for (; k < count; ++k) zero[0] += numbers[k] * 0;
  return std::accumulate(zero, zero + 8, T(0)) == 0;
}

}  // namespace

template <class T>
Averaging<T>::Averaging(std::shared_ptr<Group> group, std::vector<NamedVariable<T>> parameters, AverageOptions options, Where at)
    : engine::Watch<T>(leaves_of(parameters)),
      group_(std::move(group)),
      parameters_(std::move(parameters)),
      options_(options),
      where_(at),
      tag_(group_->new_tags()) {
  if (group_->size() == 1) return;
  std::string mine;
  for (const auto& p : parameters_) mine += fmt::format("{} {}\n", p.name, to_string(p.variable.shape()));
  std::string first = mine;
  group_->broadcast(first);
  std::string problem;
  if (mine != first) {
    std::size_t line = 0;  // the first that differs begins here
    for (std::size_t k = 0; k < std::min(mine.size(), first.size()) && mine[k] == first[k]; ++k)
      if (mine[k] == '\n') line = k + 1;
    const auto line_of = [&](const std::string& text) {
      return line < text.size() ? text.substr(line, text.find('\n', line) - line) : "no further parameter";
    };
    problem = fmt::format("the network has {} where that of rank 0 has {}; all must have the same parameters", line_of(mine),
                          line_of(first));
  }
  group_->agree(problem, who, where_);
  std::vector<std::size_t> order(parameters_.size());
  std::iota(order.rbegin(), order.rend(), std::size_t{0});  // the last layer's come first
  make_buckets(order);
  try {
    engine::follow<T>(this);
  } catch (Error& error) {
    error.place(where_, who);
    throw;
  }
}

template <class T>
Averaging<T>::~Averaging() {
  engine::unfollow<T>(this);
  if (!running_) return;
  group_->engine().abandon();
  static auto* const lasting = new std::vector<std::vector<Bucket>>;
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  lasting->push_back(std::move(buckets_));
}

template <class T>
void Averaging<T>::make_buckets(const std::vector<std::size_t>& order) {
  buckets_.clear();
  places_.resize(parameters_.size());
  std::size_t room = 0;
  for (const std::size_t k : order) {
    const std::size_t size = parameters_[k].variable.size();
    if (buckets_.empty() || room < size * sizeof(T)) {
      room = buckets_.empty() ? options_.first_bucket : options_.bucket;
      buckets_.emplace_back();
    }
    room -= std::min(room, size * sizeof(T));
    Bucket& bucket = buckets_.back();
    places_[k] = {buckets_.size() - 1, bucket.parameters.size()};
    bucket.parameters.push_back(k);
    bucket.offsets.push_back(bucket.numbers.size());
    bucket.numbers.resize(bucket.numbers.size() + size);
  }
  for (Bucket& bucket : buckets_) {
    bucket.offsets.push_back(bucket.numbers.size());
    bucket.numbers.resize(bucket.numbers.size() + bucket.parameters.size());
  }
}

template <class T>
std::vector<std::size_t> Averaging<T>::agreed_order() {
  std::vector<std::uint64_t> order(order_.begin(), order_.end());
  for (std::size_t k = parameters_.size(); k-- > 0;)  // what rank 0 has not reached comes last
    if (std::ranges::find(order_, k) == order_.end()) order.push_back(k);
  group_->broadcast(order.data(), order.size() * sizeof(std::uint64_t));
  return {order.begin(), order.end()};
}

template <class T>
void Averaging<T>::begin() {
  if (running_)
    throw RankError(where_, who,
                    "an exception has ended a backward when some of its gradients were on their way; the program must end then");
  order_.clear();
  if (paused > 0) return;
  running_ = true;
  sent_ = 0;
  for (Bucket& bucket : buckets_) {
    bucket.missing = bucket.parameters.size();
    bucket.sum.reset();
  }
}

template <class T>
void Averaging<T>::put(std::size_t k, const Variable<T>& gradient) {
  const auto [b, slot] = places_[k];
  Bucket& bucket = buckets_[b];
  T* const to = bucket.numbers.data() + bucket.offsets[slot];
  const std::size_t size = parameters_[k].variable.size();
  const Variable<T> before = behind_ ? this->leaves()[k]->gradient : Variable<T>();
  if (gradient.defined())
    std::copy_n(gradient.value().data(), size, to);
  else
    std::fill_n(to, size, T(0));
  if (before.defined())
    for (std::size_t i = 0; i < size; ++i) to[i] += before.value().data()[i];
  bucket.numbers[bucket.offsets.back() + slot] = gradient.defined() || before.defined() ? 1 : 0;
  --bucket.missing;
}

template <class T>
void Averaging<T>::send_what_is_complete() {
  for (; sent_ < buckets_.size() && buckets_[sent_].missing == 0; ++sent_) {
    Bucket& bucket = buckets_[sent_];
    bucket.sum = std::make_shared<Sum<T>>(bucket.numbers.data(), bucket.numbers.size(), tag_);
    group_->engine().submit(bucket.sum, sent_ + 1 == buckets_.size());
  }
}

template <class T>
void Averaging<T>::complete(std::size_t k, const Variable<T>& gradient) {
  order_.push_back(k);
  if (paused > 0 || !ordered_) return;
  put(k, gradient);
  send_what_is_complete();
}

template <class T>
bool Averaging<T>::finish(std::span<Variable<T>> gradients) {
  if (paused > 0) {
    behind_ = true;
    return false;
  }
  const auto begin = std::chrono::steady_clock::now();
  if (!std::exchange(ordered_, true)) {
    make_buckets(agreed_order());
    for (Bucket& bucket : buckets_) bucket.missing = bucket.parameters.size();
    for (const std::size_t k : order_) put(k, gradients[k]);
  }
  std::vector<bool> come(gradients.size());
  for (const std::size_t k : order_) come[k] = true;
  for (std::size_t k = 0; k < gradients.size(); ++k)
    if (!come[k]) put(k, {});
  send_what_is_complete();
  try {
    group_->engine().finish();
  } catch (Error& error) {
    error.place(where_, who);
    throw;
  }
  waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();

  const T ranks = static_cast<T>(group_->size());
  std::vector<Variable<T>> averages(gradients.size());
  for (const Bucket& bucket : buckets_) {
    if (options_.finite && !finite(bucket.numbers.data(), bucket.numbers.size())) not_finite(bucket, gradients);
    for (std::size_t slot = 0; slot < bucket.parameters.size(); ++slot) {
      if (bucket.numbers[bucket.offsets.back() + slot] == 0) continue;  // no rank has one
      const std::size_t k = bucket.parameters[slot];
      const T* const from = bucket.numbers.data() + bucket.offsets[slot];
      Ref<Storage<T>> average = Storage<T>::create(parameters_[k].variable.shape());
      std::transform(from, from + average->array.size(), average->array.data(), [&](T sum) { return sum / ranks; });
      averages[k] = Variable<T>(std::move(average));
    }
  }
  std::ranges::move(averages, gradients.begin());
  running_ = false;
  return std::exchange(behind_, false);
}

template <class T>
void Averaging<T>::not_finite(const Bucket& bucket, std::span<const Variable<T>> gradients) {
  std::string problem;
  for (const std::size_t k : bucket.parameters)
    for (const Variable<T>& part : {gradients[k], behind_ ? this->leaves()[k]->gradient : Variable<T>()})
      if (part.defined() && problem.empty() && !finite(part.value().data(), part.size())) {
        const T* const data = part.value().data();
        const T value = *std::find_if(data, data + part.size(), [](T x) { return !std::isfinite(x); });
        problem = fmt::format("the gradient of {} has {}; it must be finite", parameters_[k].name, value);
      }
  group_->agree(problem, who, where_);
  group_->fail(fmt::format("the sum of the ranks' gradients of {} overflows; it must be finite",
                           parameters_[bucket.parameters.front()].name),
               who, where_);
}

template <class T>
std::vector<std::vector<std::string>> Averaging<T>::buckets() const {
  std::vector<std::vector<std::string>> names;
  for (const Bucket& bucket : buckets_) {
    names.emplace_back();
    for (const std::size_t k : bucket.parameters) names.back().push_back(parameters_[k].name);
  }
  return names;
}

template <class T>
AveragedGradients<T>::AveragedGradients(std::shared_ptr<Group> group, std::vector<NamedVariable<T>> parameters,
                                        AverageOptions options, Where at)
    : averaging_(std::make_unique<Averaging<T>>(std::move(group), std::move(parameters), options, at)) {}
template <class T>
AveragedGradients<T>::AveragedGradients(AveragedGradients&&) noexcept = default;
template <class T>
AveragedGradients<T>::~AveragedGradients() = default;
template <class T>
typename AveragedGradients<T>::Pause AveragedGradients<T>::pause() {
  return Pause(averaging_.get());
}
template <class T>
std::vector<std::vector<std::string>> AveragedGradients<T>::buckets() const {
  return averaging_->buckets();
}
template <class T>
double AveragedGradients<T>::waited() const {
  return averaging_->waited();
}
template <class T>
AveragedGradients<T>::Pause::Pause(Averaging<T>* averaging) : averaging_(averaging) {
  ++averaging_->paused;
}
template <class T>
AveragedGradients<T>::Pause::~Pause() {
  --averaging_->paused;
}

template class Averaging<float>;
template class Averaging<double>;
template class AveragedGradients<float>;
template class AveragedGradients<double>;

}  // namespace xgrad::mpi
