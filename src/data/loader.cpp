#include <xgrad/data/loader.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <string_view>
#include <thread>
#include <utility>

#include <xgrad/core/error.hpp>
#include <xgrad/core/shape.hpp>

namespace xgrad {

template <Real T>
Loader<T>::Loader(Source<T> source, LoaderOptions<T> options, Where at)
    : source_(std::move(source)), options_(std::move(options)), where_(at) {
  const LoaderOptions<T>& o = options_;
  const auto refuse = [&](const std::string& text) { throw ValueError(at, "Loader", text); };
  if (o.batch_size == 0) refuse("batch_size is 0; it must be at least 1");
  if (o.ahead == 0) refuse("ahead is 0; it must be at least 1");
  if (o.part >= o.parts) refuse(fmt::format("part is {} of {} parts; it must be less", o.part, o.parts));
  for (double x : o.mean)
    if (!std::isfinite(x)) refuse(fmt::format("mean is {}; it must be finite", x));
  for (double x : o.std)
    if (!std::isfinite(x) || x <= 0) refuse(fmt::format("std is {}; it must be finite and positive", x));
  if (o.drop_last && samples() == 0 && source_.size() > 0)
    refuse(fmt::format("drop_last is set and batch_size is {}; it must be at most the number of samples, {}, or there is no batch",
                       o.batch_size, source_.size() / o.parts));
}

template <Real T>
std::size_t Loader<T>::count() const {
  const std::size_t n = source_.size() / options_.parts, size = options_.batch_size;
  return n / size + (!options_.drop_last && n % size != 0 ? 1 : 0);
}

template <Real T>
std::size_t Loader<T>::samples() const {
  const std::size_t n = source_.size() / options_.parts;
  return options_.drop_last ? n - n % options_.batch_size : n;
}

template <Real T>
std::vector<std::size_t> Loader<T>::order(std::uint64_t epoch) const {
  const std::size_t n = source_.size(), parts = options_.parts;
  std::vector<std::size_t> rows(n);
  if (options_.shuffle)
    rows = Generator(options_.seed, epoch).permutation(n, where_);
  else
    std::iota(rows.begin(), rows.end(), std::size_t{0});
  if (parts > 1)
    for (std::size_t k = 0; k < n / parts; ++k) rows[k] = rows[k * parts + options_.part];
  rows.resize(samples());
  return rows;
}

template <Real T>
Batch<T> Loader<T>::batch(std::uint64_t epoch, std::size_t k) const {
  if (k >= count()) throw IndexError(where_, "Loader", fmt::format("batch {} of an epoch of {}; it must be less", k, count()));
  return make(order(epoch), epoch, k);
}

template <Real T>
Batch<T> Loader<T>::make(const std::vector<std::size_t>& order, std::uint64_t epoch, std::size_t k) const try {
  const LoaderOptions<T>& o = options_;
  const std::size_t first = k * o.batch_size, n = std::min(o.batch_size, order.size() - first);
  // another seed in each epoch, and of each a stream for every sample
  const std::uint64_t seed = o.augment.empty() ? 0 : Generator(~o.seed, epoch).next();
  Batch<T> result{{}, make_array<std::int64_t>(Shape{n})};
  Shape shape;
  T* out = nullptr;
  std::vector<T> mean, scale;  // for each channel
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t index = order[first + i];
    Sample<T> sample = source_[index];
    if (!o.augment.empty()) {
      Generator generator(seed, index);
      for (const Augmentation<T>& change : o.augment) change(sample.value, generator);
    }
    if (i == 0) {
      shape = sample.value.shape();
      Shape all{n};
      for (std::size_t length : shape) all.push_back(length);
      result.images = make_array<T>(all);
      out = result.images.data();
      const std::size_t channels = shape.empty() ? 1 : shape.back();
      for (const auto& [values, what] : {std::pair(&o.mean, "mean"), std::pair(&o.std, "std")})
        if (values->size() > 1 && values->size() != channels)
          throw ShapeError(fmt::format("{} has {} numbers and samples have {} channels; it must have one for each, or one for all",
                                       what, values->size(), channels));
      for (std::size_t c = 0; c < channels && !(o.mean.empty() && o.std.empty()); ++c) {
        const auto of = [c](const std::vector<double>& v, double otherwise) {
          return static_cast<T>(v.empty() ? otherwise : v[v.size() == 1 ? 0 : c]);
        };
        mean.push_back(of(o.mean, 0));
        scale.push_back(of(o.std, 1));
      }
    } else if (sample.value.shape() != shape) {
      throw ShapeError(fmt::format("sample {} is {}, the one before it {}; all samples of a batch must have one shape", index,
                                   to_string(sample.value.shape()), to_string(shape)));
    }
    const T* in = sample.value.data();
    const std::size_t size = sample.value.size();
    if (mean.empty())
      std::copy_n(in, size, out);
    else
      for (std::size_t j = 0, c = 0; j < size; ++j, c = c + 1 == mean.size() ? 0 : c + 1) out[j] = (in[j] - mean[c]) / scale[c];
    out += size;
    result.labels.data()[i] = sample.label;
  }
  return result;
} catch (...) {
  detail::rethrow(where_, "Loader");
}

/// Who makes the batches of one loop. Workers take the next number each, as far as they may be ahead; the loop waits for its own.
template <Real T>
class Loader<T>::Crew {
 public:
  explicit Crew(const Loader& loader)
      : loader_(loader),
        epoch_(loader.state.epoch),
        order_(loader.order(epoch_)),
        count_(loader.count()),
        next_(loader.state.position),
        given_(next_) {
    const std::size_t left = count_ - std::min<std::size_t>(count_, next_);
    for (std::size_t w = 0; w < std::min(loader.options_.workers, left); ++w) threads_.emplace_back([this] { work(); });
  }
  ~Crew() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  std::optional<Batch<T>> give(LoaderState& to) {
    if (to.epoch != epoch_ || to.position != given_)
      throw ValueError(loader_.where_, "Loader",
                       fmt::format("state was set to epoch {}, position {} inside of a loop, which is at {}, {}; it must be set "
                                   "before the loop",
                                   to.epoch, to.position, epoch_, given_));
    if (given_ >= count_) {
      to = {epoch_ + 1, 0};
      return {};
    }
    std::optional<Batch<T>> batch = threads_.empty() ? loader_.make(order_, epoch_, given_) : wait();
    to.position = ++given_;
    return batch;
  }

 private:
  struct Made {
    std::optional<Batch<T>> batch;
    std::exception_ptr error;
  };

  Batch<T> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return made_.contains(given_); });
    if (const std::exception_ptr error = made_.at(given_).error) std::rethrow_exception(error);  // and again, if asked again
    Batch<T> batch = std::move(*made_.extract(given_).mapped().batch);
    taken_ = given_ + 1;
    lock.unlock();
    changed_.notify_all();
    return batch;
  }

  void work() {
    for (std::unique_lock lock(mutex_);;) {
      changed_.wait(lock, [this] { return stop_ || next_ >= count_ || next_ - taken_ < loader_.options_.ahead; });
      if (stop_ || next_ >= count_) return;
      const std::size_t k = next_++;
      lock.unlock();
      Made made;
      try {
        made.batch = loader_.make(order_, epoch_, k);
      } catch (...) {
        made.error = std::current_exception();
      }
      lock.lock();
      if (made.error) next_ = count_;  // nobody asks for what comes behind it
      made_.emplace(k, std::move(made));
      changed_.notify_all();
    }
  }

  const Loader loader_;  // its own: the loop may outlive the other
  const std::uint64_t epoch_;
  const std::vector<std::size_t> order_;
  const std::size_t count_;
  std::size_t next_;   // that a worker takes
  std::size_t given_;  // to the loop
  std::size_t taken_ = given_;
  bool stop_ = false;
  std::map<std::size_t, Made> made_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};

template <Real T>
Loader<T>::Iterator::Iterator(Loader& loader) : state_(&loader.state), crew_(std::make_shared<Crew>(loader)) {
  ++*this;
}
template <Real T>
Loader<T>::Iterator::Iterator(Iterator&&) noexcept = default;
template <Real T>
auto Loader<T>::Iterator::operator=(Iterator&&) noexcept -> Iterator& = default;
template <Real T>
Loader<T>::Iterator::~Iterator() = default;
template <Real T>
Batch<T> Loader<T>::Iterator::operator*() const {
  return std::move(*batch_);
}
template <Real T>
auto Loader<T>::Iterator::operator++() -> Iterator& {
  batch_ = crew_->give(*state_);
  return *this;
}
template <Real T>
auto Loader<T>::begin() -> Iterator {
  return Iterator(*this);
}

template class Loader<float>;
template class Loader<double>;

}  // namespace xgrad
