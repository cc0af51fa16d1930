#pragma once
/// What all of a World's parts send their messages by.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/where.hpp>
#include <xgrad/mpi/transport.hpp>

#include "sum.hpp"

namespace xgrad::mpi {

/// Tags of messages.
namespace tag {
inline constexpr int gather = 0, broadcast = 1, leave = 2, sum = 3, buckets = 5;  // and those above: two for each averaging
}

/// The ranks and their transport. Any thread may call it; what is called `collective` all ranks must call, in one order.
class Group {
 public:
  Group(std::unique_ptr<Transport> transport, double timeout);
  /// Waits until all ranks are here.
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  std::string name() const { return transport_->name(); }
  std::string machine() const { return transport_->machine(); }
  Engine& engine() { return engine_; }
  /// The first of two tags for one averaging. Collective.
  int new_tags();

  using Request = Transport::Request;
  Request send(const void* bytes, std::size_t count, int to, int tag);
  Request receive(void* bytes, std::size_t count, int from, int tag);
  bool done(Request request);

  /// Calls `ready` until it is true. Throws RankError when the rank that is waited for (`missing()`, -1: none yet known) has left,
  /// or the timeout is over.
  void wait(const std::function<bool()>& ready, const std::function<int()>& missing);
  void wait(Request request, int peer);

  /// What each rank has, on rank 0 in their order; nothing on others. Collective.
  std::vector<std::string> gather(const std::string& mine);
  /// What rank 0 has. Collective.
  void broadcast(void* bytes, std::size_t count);
  void broadcast(std::string& text);
  /// Sums over all ranks, in their order. Collective.
  template <class T>
  void sum(T* numbers, std::size_t count);

  /// Throws RankError on all ranks when one has a problem, with the first one's. Collective.
  void agree(const std::string& problem, std::string_view who, Where at);
  /// Throws on all ranks, which must all be here; rank 0 first.
  [[noreturn]] void fail(const std::string& problem, std::string_view who, Where at);

 private:
  bool has_said(int rank, char word);
  bool has_left(int rank);
  /// For how many seconds this rank is to keep an error to itself, so that it is said once: none when it is the `first` to say it.
  double late(bool first);
  void leave(const char& word) noexcept;

  std::mutex mutex_;
  std::unique_ptr<Transport> transport_;
  int rank_, size_;
  double timeout_;
  int tags_ = tag::buckets, exceptions_;
  std::vector<char> words_;       // by rank, what it has said when it ended
  std::vector<Request> leaving_;  // … and the messages that bring it
  std::vector<bool> said_;
  Engine engine_;
};

}  // namespace xgrad::mpi
