#pragma once
/// Averages the gradients of some parameters in the course of each backward.
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <xgrad/mpi/world.hpp>

#include "../autodiff/watch.hpp"
#include "group.hpp"

namespace xgrad::mpi {

template <class T>
class Averaging final : public engine::Watch<T> {
 public:
  Averaging(std::shared_ptr<Group> group, std::vector<NamedVariable<T>> parameters, AverageOptions options, Where at);
  ~Averaging() override;

  void begin() override;
  void complete(std::size_t k, const Variable<T>& gradient) override;
  bool finish(std::span<Variable<T>> gradients) override;

  int paused = 0;
  double waited() const { return waited_; }
  std::vector<std::vector<std::string>> buckets() const;

 private:
  /// Gradients that are sent together. Behind them stands, for each parameter, whether this rank has one: 1 or 0.
  struct Bucket {
    std::vector<std::size_t> parameters, offsets;
    std::vector<T> numbers;
    std::size_t missing = 0;  // how many have not come yet
    std::shared_ptr<Sum<T>> sum;
  };
  struct Place {
    std::size_t bucket, slot;
  };

  void make_buckets(const std::vector<std::size_t>& order);
  std::vector<std::size_t> agreed_order();
  void put(std::size_t k, const Variable<T>& gradient);
  void send_what_is_complete();
  /// Throws on all ranks, and says whose gradient it was.
  [[noreturn]] void not_finite(const Bucket& bucket, std::span<const Variable<T>> gradients);

  std::shared_ptr<Group> group_;
  std::vector<NamedVariable<T>> parameters_;
  AverageOptions options_;
  Where where_;
  int tag_;
  std::vector<Bucket> buckets_;
  std::vector<Place> places_;                                // by parameter
  std::vector<std::size_t> order_;                           // in which this backward's became complete
  std::size_t sent_ = 0;                                     // how many of the buckets
  bool ordered_ = false, behind_ = false, running_ = false;  // behind: leaves have gradients of this rank alone
  double waited_ = 0;
};

}  // namespace xgrad::mpi
