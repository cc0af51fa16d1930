#include "sum.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "group.hpp"

namespace xgrad::mpi {
namespace {

/// Messages up to this size take as long as their way, so one round of them is better than two.
constexpr std::size_t small = 32768;
/// How long the thread sleeps when nothing has come.
constexpr auto nap = std::chrono::microseconds(50);

}  // namespace

Job::~Job() = default;

template <class T>
std::size_t Sum<T>::first_of(Group& group, int rank) const {
  return count_ * static_cast<std::size_t>(rank) / static_cast<std::size_t>(group.size());
}

template <class T>
bool Sum<T>::drop_done(Group& group, std::vector<Message>& messages) {
  return std::erase_if(messages, [&](const Message& message) { return group.done(message.request); }) > 0;
}

template <class T>
int Sum<T>::missing() const {
  return !receives_.empty() ? receives_.front().peer : sends_.empty() ? -1 : sends_.front().peer;
}

template <class T>
void Sum<T>::begin(Group& group) {
  const int size = group.size(), rank = group.rank();
  stage_ = 1;
  if (size == 1) return static_cast<void>(stage_ = 3);
  whole_ = size == 2 || count_ * sizeof(T) <= small;
  const std::size_t mine = first_of(group, rank), length = whole_ ? count_ : first_of(group, rank + 1) - mine;
  incoming_.resize(length * static_cast<std::size_t>(size - 1));
  std::size_t at = 0;
  for (int peer = 0; peer < size; ++peer)
    if (peer != rank) receives_.push_back({group.receive(incoming_.data() + length * at++, length * sizeof(T), peer, tag_), peer});
  for (int step = 1; step < size; ++step) {  // each begins with another one
    const int peer = (rank + step) % size;
    const std::size_t first = whole_ ? 0 : first_of(group, peer), last = whole_ ? count_ : first_of(group, peer + 1);
    sends_.push_back({group.send(numbers_ + first, (last - first) * sizeof(T), peer, tag_), peer});
  }
}

template <class T>
void Sum<T>::add_up(Group& group) {
  const auto rank = static_cast<std::size_t>(group.rank()), others = static_cast<std::size_t>(group.size() - 1);
  const std::size_t length = incoming_.size() / others;
  T* const mine = numbers_ + (whole_ ? 0 : first_of(group, group.rank()));
  const auto of = [&](std::size_t k) { return incoming_.data() + length * (k < rank ? k : k - 1); };
  if (rank > 0) {  // what comes before is added up first
    T* const sum = of(0);
    for (std::size_t k = 1; k < rank; ++k)
      for (std::size_t i = 0; i < length; ++i) sum[i] += of(k)[i];
    for (std::size_t i = 0; i < length; ++i) mine[i] = sum[i] + mine[i];
  }
  for (std::size_t k = rank + 1; k <= others; ++k) {
    const T* const theirs = of(k);
    for (std::size_t i = 0; i < length; ++i) mine[i] += theirs[i];
  }
  incoming_ = {};
}

template <class T>
void Sum<T>::spread(Group& group) {
  const int size = group.size(), rank = group.rank();
  const std::size_t mine = first_of(group, rank), length = first_of(group, rank + 1) - mine;
  for (int peer = 0; peer < size; ++peer)
    if (const std::size_t first = first_of(group, peer); peer != rank)
      receives_.push_back({group.receive(numbers_ + first, (first_of(group, peer + 1) - first) * sizeof(T), peer, tag_ + 1), peer});
  for (int step = 1; step < size; ++step)
    sends_.push_back({group.send(numbers_ + mine, length * sizeof(T), (rank + step) % size, tag_ + 1), (rank + step) % size});
}

template <class T>
bool Sum<T>::advance(Group& group) {
  if (stage_ == 0) {
    begin(group);
    return true;
  }
  const bool received = drop_done(group, receives_), sent = drop_done(group, sends_);
  if (!receives_.empty() || !sends_.empty()) return received || sent;  // what is being sent must not change yet
  if (stage_ == 1) {
    add_up(group);
    stage_ = whole_ ? 3 : 2;
    if (!whole_) spread(group);
  } else {
    stage_ = 3;
  }
  return true;
}

Engine::~Engine() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Engine::submit(std::shared_ptr<Job> job, bool last) {
  {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back(std::move(job));
    if (last) return;
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }
  changed_.notify_all();
}

void Engine::abandon() {
  static auto* const lasting = new std::vector<std::shared_ptr<Job>>;
  const std::scoped_lock working(working_);
  const std::scoped_lock lock(mutex_);
  lasting->insert(lasting->end(), jobs_.begin(), jobs_.end());
  jobs_.clear();
}

bool Engine::advance() {
  const std::scoped_lock working(working_);
  std::vector<std::shared_ptr<Job>> jobs;
  {
    const std::scoped_lock lock(mutex_);
    if (error_) return false;
    jobs.assign(jobs_.begin(), jobs_.end());
  }
  bool moved = false;
  int before = 3;
  for (const auto& job : jobs) {
    if (before == 3 || job->stage() < before) moved |= job->advance(group_);
    before = job->stage();
  }
  const std::scoped_lock lock(mutex_);
  std::erase_if(jobs_, [](const auto& job) { return job->finished(); });
  return moved;
}

void Engine::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || (!jobs_.empty() && !taken_ && !error_); });
      if (stop_) return;
    }
    try {
      if (!advance()) std::this_thread::sleep_for(nap);
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      error_ = std::current_exception();
    }
  }
}

void Engine::finish() {
  const auto take = [&](bool taken) {
    const std::scoped_lock lock(mutex_);
    taken_ = taken;
  };
  take(true);
  try {
    group_.wait(
        [&] {
          advance();
          const std::scoped_lock lock(mutex_);
          return jobs_.empty() || error_;
        },
        [&] {
          const std::scoped_lock lock(mutex_);
          return jobs_.empty() ? -1 : jobs_.front()->missing();
        });
  } catch (...) {
    const std::scoped_lock lock(mutex_);
    error_ = std::current_exception();
  }
  take(false);
  changed_.notify_all();
  if (error_) std::rethrow_exception(error_);
}

template class Sum<float>;
template class Sum<double>;

}  // namespace xgrad::mpi
