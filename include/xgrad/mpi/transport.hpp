#pragma once
/// How programs that train together send bytes to each other.
#include <cstddef>
#include <memory>
#include <string>

#include <xgrad/core/api.hpp>
#include <xgrad/core/error.hpp>

namespace xgrad::mpi {

/// Ranks that do not agree, or one that cannot be reached any more.
class XGRAD_API RankError : public Error {
  using Error::Error;
};

/// Messages between ranks, programs with the numbers 0 … size() - 1. That of a World is MPI; a test may have one that is slow, or
/// one whose ranks are threads. Messages from one rank to another with the same tag arrive in the order in which they were sent; a
/// receive that was begun earlier gets the earlier one. A World calls it from one thread at a time.
class XGRAD_API Transport {
 public:
  using Request = std::size_t;

  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport();

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// What stands behind it, with its version; all ranks must have the same.
  virtual std::string name() const = 0;
  /// Ranks with the same text share a machine, and its processors.
  virtual std::string machine() const = 0;

  /// Begins to send `count` bytes, fewer than 2³¹, which must stay as they are until the request is done. Tags are 0 … 32767.
  virtual Request send(const void* bytes, std::size_t count, int to, int tag) = 0;
  /// Begins to receive exactly so many.
  virtual Request receive(void* bytes, std::size_t count, int from, int tag) = 0;
  /// Whether a request is done; when it is, its number is free for another one. Each call moves all of them on.
  virtual bool done(Request request) = 0;

  /// For how many seconds a rank waits before it throws an error that all ranks throw, so that it is said once: rank 0, which
  /// throws at once, may end them all meanwhile.
  virtual double grace() const { return 0; }
  /// Whether this rank ends by an exception (`failed`) or as it should. Called once, by the World.
  virtual void close(bool failed) noexcept = 0;
};

/// All processes that one mpirun (srun …) has started; a program that was started without is rank 0 of 1. MPI is initialised,
/// unless the program has done so, and is finalised in `close` then. A rank that ends without, by an exception, std::exit or a
/// signal, ends all others, and says why if nobody else does. Throws RankError where the MPI cannot be called from several threads.
XGRAD_API std::unique_ptr<Transport> mpi_transport(int& argc, char**& argv, Where at = Where::current());

}  // namespace xgrad::mpi
