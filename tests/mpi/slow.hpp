#pragma once
// A network that is slower than the one there is.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <xgrad/mpi/transport.hpp>

namespace xgrad_test {

/// Each rank's messages leave it one after the other, at so many bytes a second, and are on their way for so long. Without a
/// bandwidth (0) they take no time to leave.
class Slow final : public xgrad::mpi::Transport {
 public:
  Slow(std::unique_ptr<Transport> fast, double seconds, double bytes_per_second)
      : fast_(std::move(fast)), seconds_(seconds), speed_(bytes_per_second) {}

  /// How many messages have been sent.
  static inline std::atomic<std::size_t> sent{0};
  /// Seconds that each message takes to leave, beside its bytes.
  static inline std::atomic<double> each{0};
  /// Whether a rank keeps an error to itself for as long as MPI has it do.
  static inline std::atomic<bool> patient{true};

  int rank() const override { return fast_->rank(); }
  int size() const override { return fast_->size(); }
  std::string name() const override { return title.empty() ? fast_->name() : title; }
  std::string title;  ///< what it says it is
  std::string machine() const override { return fast_->machine(); }
  double grace() const override { return patient ? fast_->grace() : 0; }
  std::chrono::seconds end{0};  ///< how long it takes to end the others
  void close(bool failed) noexcept override {
    if (failed)
      std::this_thread::sleep_for(end);
    else
      while (!waiting_.empty()) move_on();  // what is still on its way
    fast_->close(failed);
  }

  Request send(const void* bytes, std::size_t count, int to, int tag) override {
    const auto now = Clock::now();
    const auto length = std::chrono::duration<double>(each + (speed_ > 0 ? static_cast<double>(count) / speed_ : 0));
    free_ = std::max(free_, now) + std::chrono::duration_cast<Clock::duration>(length);
    const auto* first = static_cast<const char*>(bytes);
    ++sent;
    const Request number = next_++;
    waiting_.push_back({free_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds_)),
                        std::vector<char>(first, first + count), to, tag, number});
    return number;
  }
  Request receive(void* bytes, std::size_t count, int from, int tag) override {
    const Request number = next_++;
    requests_[number] = fast_->receive(bytes, count, from, tag);
    return number;
  }
  bool done(Request request) override {
    move_on();
    const auto found = requests_.find(request);
    if (found == requests_.end() || !fast_->done(found->second)) return false;  // it has not left yet, or not come
    requests_.erase(found);
    sent_.erase(request);
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Message {
    Clock::time_point due;
    std::vector<char> bytes;
    int to, tag;
    Request number;
  };
  void move_on() {
    for (; !waiting_.empty() && waiting_.front().due <= Clock::now(); waiting_.pop_front()) {
      Message& message = waiting_.front();
      const auto& bytes = sent_[message.number] = std::move(message.bytes);
      requests_[message.number] = fast_->send(bytes.data(), bytes.size(), message.to, message.tag);
    }
  }

  std::unique_ptr<Transport> fast_;
  double seconds_, speed_;
  Clock::time_point free_ = Clock::now();
  Request next_ = 0;
  std::deque<Message> waiting_;
  std::map<Request, Request> requests_;
  std::map<Request, std::vector<char>> sent_;
};

}  // namespace xgrad_test
