#pragma once
/// Sums over ranks, the same bits whoever comes first.
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace xgrad::mpi {

class Group;

/// Something that goes on in the background.
class Job {
 public:
  virtual ~Job();
  /// Sends and receives what there is. Returns whether anything came of it.
  virtual bool advance(Group& group) = 0;
  /// How far it is: a job goes no further than those begun before it, so that messages of one tag keep their order.
  virtual int stage() const = 0;
  virtual bool finished() const = 0;
  /// A rank that it waits for, or -1.
  virtual int missing() const = 0;
};

/// numbers[k] becomes the sum over all ranks of theirs, ((n₀ + n₁) + n₂) + …, everywhere. Each rank sums a part of the numbers and
/// sends the sums to all, so that 2 (ranks - 1) / ranks of the bytes go out of each; where that is little, or for two ranks, which
/// have to send no more so, each sends all it has and sums everything.
template <class T>
class Sum final : public Job {
 public:
  /// Uses the tags `tag` and `tag` + 1. The numbers must stay until it is finished.
  Sum(T* numbers, std::size_t count, int tag) : numbers_(numbers), count_(count), tag_(tag) {}
  bool advance(Group& group) override;
  int stage() const override { return stage_; }
  bool finished() const override { return stage_ == 3; }
  int missing() const override;

 private:
  struct Message {
    std::size_t request;
    int peer;
  };
  void begin(Group& group);
  void add_up(Group& group);
  void spread(Group& group);
  static bool drop_done(Group& group, std::vector<Message>& messages);
  std::size_t first_of(Group& group, int rank) const;

  T* numbers_;
  std::size_t count_;
  int tag_, stage_ = 0;  // 0: to begin, 1: what others have comes, 2: sums come, 3: finished
  bool whole_ = false;   // whether each rank sums everything
  std::vector<Message> sends_, receives_;
  std::vector<T> incoming_;  // of the other ranks, in their order
};

/// Jobs, which a thread of its own moves on. It sleeps while there are none.
class Engine {
 public:
  explicit Engine(Group& group) : group_(group) {}
  ~Engine();
  /// `last`: the caller is about to call finish, so that nobody need wake up for it.
  void submit(std::shared_ptr<Job> job, bool last);
  /// The calling thread moves the jobs on until all are finished. Throws what went wrong in any of them.
  void finish();
  /// Forgets all jobs, whose messages may still be on their way: their memory must live as long as the program.
  void abandon();

 private:
  void run();
  bool advance();

  Group& group_;
  std::mutex mutex_, working_;  // for the members; for who moves jobs on
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> jobs_;
  bool stop_ = false, taken_ = false;
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace xgrad::mpi
