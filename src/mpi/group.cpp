#include "group.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

namespace xgrad::mpi {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

/// A message is no longer than this: so the next one of a broadcast is on its way while this one is passed on.
constexpr std::size_t segment = std::size_t{1} << 20;
/// For how long messages of a rank that has left may still be on their way.
constexpr double last_messages = 1;
/// For how long a rank is silent that has heard of another's exception, which ends all ranks: MPI may take seconds to end them.
constexpr double end_of_all = 60;

/// What a rank says when its World ends.
enum Word : char { all_done, failed };
constexpr char words[] = {all_done, failed};

}  // namespace

Transport::~Transport() = default;

Group::Group(std::unique_ptr<Transport> transport, double timeout)
    : transport_(std::move(transport)),
      rank_(transport_->rank()),
      size_(transport_->size()),
      timeout_(timeout),
      exceptions_(std::uncaught_exceptions()),
      words_(static_cast<std::size_t>(size_)),
      leaving_(static_cast<std::size_t>(size_)),
      said_(static_cast<std::size_t>(size_)),
      engine_(*this) {
  for (int peer = 0; peer < size_; ++peer)
    if (const auto k = static_cast<std::size_t>(peer); peer != rank_) leaving_[k] = receive(&words_[k], 1, peer, tag::leave);
}

Group::~Group() {
  const bool by_exception = std::uncaught_exceptions() > exceptions_;
  leave(words[by_exception ? failed : all_done]);
  if (by_exception) {  // others' words may still come
    static std::mutex mutex;
    static auto& kept = *new std::vector<std::vector<char>>;
    const std::scoped_lock lock(mutex);
    kept.push_back(std::move(words_));
  }
  transport_->close(by_exception);
}

/// Tells the others, and waits for their word; one that has failed does not wait.
void Group::leave(const char& word) noexcept try {
  const Clock::time_point begin = Clock::now();
  std::vector<Request> sends;
  for (int peer = 0; peer < size_; ++peer)
    if (peer != rank_) sends.push_back(send(&word, 1, peer, tag::leave));
  for (std::size_t turn = 0;; ++turn) {
    std::erase_if(sends, [&](Request request) { return done(request); });
    bool all = sends.empty();
    if (word == all_done)
      for (int peer = 0; peer < size_; ++peer) all = (peer == rank_ || has_left(peer)) && all;
    else if (seconds_since(begin) > 0.1)
      return;
    if (all) return;
    turn < 1000 ? std::this_thread::yield() : std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
} catch (...) {  // those who are still there will hear of it
}

bool Group::has_said(int rank, char word) {
  const auto k = static_cast<std::size_t>(rank);
  if (!said_[k]) said_[k] = done(leaving_[k]);
  return said_[k] && words_[k] == word;
}
bool Group::has_left(int rank) { return has_said(rank, all_done); }

double Group::late(bool first) {
  const double grace = transport_->grace();
  for (int peer = 0; peer < size_ && grace > 0; ++peer)
    if (peer != rank_ && has_said(peer, failed)) return end_of_all;
  return first ? 0 : grace;
}

int Group::new_tags() {
  const int first = tags_;
  tags_ = tags_ + 2 > 32766 ? tag::buckets : tags_ + 2;
  return first;
}

Group::Request Group::send(const void* bytes, std::size_t count, int to, int tag) {
  const std::scoped_lock lock(mutex_);
  return transport_->send(bytes, count, to, tag);
}
Group::Request Group::receive(void* bytes, std::size_t count, int from, int tag) {
  const std::scoped_lock lock(mutex_);
  return transport_->receive(bytes, count, from, tag);
}
bool Group::done(Request request) {
  const std::scoped_lock lock(mutex_);
  return transport_->done(request);
}

void Group::wait(const std::function<bool()>& ready, const std::function<int()>& missing) {
  const Clock::time_point begin = Clock::now();
  Clock::time_point gone{};
  for (std::size_t turn = 1; !ready(); ++turn) {
    if (turn < 2000)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    if (turn % 256 != 0) continue;
    const int peer = missing();
    const double late = this->late(rank_ == (peer == 0 ? 1 : 0));
    if (peer >= 0 && peer != rank_ && has_left(peer)) {
      if (gone == Clock::time_point{}) gone = Clock::now();
      if (seconds_since(gone) > last_messages + late)
        throw RankError(fmt::format("rank {} has left, and rank {} waits for it; all ranks must do the same steps", peer, rank_));
    }
    if (seconds_since(begin) > timeout_ + late)
      throw RankError(fmt::format("rank {} has waited for {} {} s; all ranks must do the same steps", rank_,
                                  peer < 0 ? "others" : fmt::format("rank {}", peer), timeout_));
  }
}

void Group::wait(Request request, int peer) {
  wait([&] { return done(request); }, [&] { return peer; });
}

std::vector<std::string> Group::gather(const std::string& mine) {
  std::uint64_t length = mine.size();
  if (rank_ > 0) {
    wait(send(&length, sizeof length, 0, tag::gather), 0);
    for (std::size_t at = 0; at < mine.size(); at += segment)
      wait(send(mine.data() + at, std::min(segment, mine.size() - at), 0, tag::gather), 0);
    return {};
  }
  std::vector<std::string> all{mine};
  std::vector<std::uint64_t> lengths(static_cast<std::size_t>(size_));
  std::vector<Request> requests(lengths.size());
  for (int peer = 1; peer < size_; ++peer) {
    const auto k = static_cast<std::size_t>(peer);
    requests[k] = receive(&lengths[k], sizeof length, peer, tag::gather);
  }
  for (int peer = 1; peer < size_; ++peer) {
    const auto k = static_cast<std::size_t>(peer);
    wait(requests[k], peer);
    std::string& text = all.emplace_back(lengths[k], '\0');
    for (std::size_t at = 0; at < text.size(); at += segment)
      wait(receive(text.data() + at, std::min(segment, text.size() - at), peer, tag::gather), peer);
  }
  return all;
}

/// Each rank passes a segment on to two others when it has come.
void Group::broadcast(void* bytes, std::size_t count) {
  std::vector<std::pair<Request, int>> sends;
  char* const first = static_cast<char*>(bytes);
  const int parent = (rank_ - 1) / 2;
  for (std::size_t at = 0; at < count; at += segment) {
    const std::size_t length = std::min(segment, count - at);
    if (rank_ > 0) wait(receive(first + at, length, parent, tag::broadcast), parent);
    for (const int child : {2 * rank_ + 1, 2 * rank_ + 2})
      if (child < size_) sends.emplace_back(send(first + at, length, child, tag::broadcast), child);
  }
  for (const auto& [request, peer] : sends) wait(request, peer);
}

void Group::broadcast(std::string& text) {
  std::uint64_t length = text.size();
  broadcast(&length, sizeof length);
  text.resize(length);
  broadcast(text.data(), length);
}

template <class T>
void Group::sum(T* numbers, std::size_t count) {
  Sum<T> sum(numbers, count, tag::sum);
  wait(
      [&] {
        sum.advance(*this);
        return sum.finished();
      },
      [&] { return sum.missing(); });
}
template void Group::sum<float>(float*, std::size_t);
template void Group::sum<double>(double*, std::size_t);

void Group::agree(const std::string& problem, std::string_view who, Where at) {
  if (size_ == 1) {
    if (!problem.empty()) throw RankError(at, who, problem);
    return;
  }
  std::string said;
  const std::vector<std::string> all = gather(problem);
  for (std::size_t k = 0; k < all.size() && said.empty(); ++k)
    if (!all[k].empty()) said = fmt::format("rank {}: {}", k, all[k]);
  broadcast(said);
  if (!said.empty()) fail(said, who, at);
}

void Group::fail(const std::string& problem, std::string_view who, Where at) {
  for (const Clock::time_point begin = Clock::now(); seconds_since(begin) < late(rank_ == 0);)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  throw RankError(at, who, problem);
}

}  // namespace xgrad::mpi
