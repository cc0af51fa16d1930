#pragma once
/// Training in many programs at once: each has a copy of the network and a part of the data, and the gradients are averaged.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <xgrad/data/loader.hpp>
#include <xgrad/mpi/transport.hpp>
#include <xgrad/state/state.hpp>

namespace xgrad::mpi {

class Group;

namespace detail {
/// How many threads a rank has that may use the processors `own`, each shared evenly with whoever of the machine's ranks may use it
/// too (`here`, this rank's among them), and its part of the control group's quota; 1 at least.
XGRAD_API int threads_for(const std::vector<int>& own, const std::vector<std::vector<int>>& here, double quota);
}  // namespace detail

template <class T>
class Averaging;

struct WorldOptions {
  int threads = 0;        ///< for each rank; 0: OMP_NUM_THREADS, else what the machine's processors are for each of its ranks
  double timeout = 1800;  ///< seconds after which a rank that hears nothing from another one gives up
};

struct AverageOptions {
  std::size_t first_bucket = std::size_t{1} << 20;  ///< bytes that go together, of what is complete first …
  std::size_t bucket = std::size_t{25} << 20;       ///< … and of the rest
  bool finite = true;                               ///< whether a gradient that is infinite or NaN is an error
};

/// Gradients that are averaged, until it dies. Does nothing where there is one rank.
template <class T>
class AveragedGradients {
 public:
  XGRAD_API AveragedGradients(std::shared_ptr<Group> group, std::vector<NamedVariable<T>> parameters, AverageOptions options,
                              Where at);
  XGRAD_API AveragedGradients(AveragedGradients&&) noexcept;
  AveragedGradients& operator=(AveragedGradients&&) = delete;
  XGRAD_API ~AveragedGradients();

  class Pause {
   public:
    XGRAD_API explicit Pause(Averaging<T>* averaging);
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    XGRAD_API ~Pause();

   private:
    Averaging<T>* averaging_;
  };
  /// While it lives, backward adds this rank's own gradients to the leaves. The next backward without it averages all that was
  /// added since. All ranks must pause alike.
  ///
  ///     { const auto pause = sync.pause(); backward(first_loss); }
  ///     backward(second_loss);
  [[nodiscard]] XGRAD_API Pause pause();

  /// The names of the parameters in each bucket, in the order in which they are sent. From the second backward on it is the order
  /// in which rank 0's became complete.
  XGRAD_API std::vector<std::vector<std::string>> buckets() const;
  /// For how many seconds backward has waited for other ranks when it had nothing else to do, since this was made.
  XGRAD_API double waited() const;

 private:
  std::unique_ptr<Averaging<T>> averaging_;
};

/// All programs that train together.
///
///     int main(int argc, char** argv) {
///       xg::mpi::World world(argc, argv);
///       Net<> net;
///       world.broadcast(net);
///       auto sync = world.average_gradients(net);
///       xg::Loader<float> batches(source, {.batch_size = 64, .part = world.rank(), .parts = world.size()});
///       world.check(batches);
///       …                                                  // the loop as ever: backward(loss) returns when gradients are averaged
///       world.save(run, "run.safetensors");
///     }
///
/// What the ranks do together, all of its functions but the trivial ones, must be called by all ranks in the same order, as must
/// backward. A rank that fails ends the others. It must outlive what was made by it.
class World {
 public:
  /// By MPI. Sets how many threads this thread's operations use. Throws ValueError for options that make no sense, before MPI is
  /// started, and RankError when ranks have another version of xgrad or of MPI.
  XGRAD_API World(int& argc, char**& argv, WorldOptions options = {}, Where at = Where::current());
  XGRAD_API explicit World(std::unique_ptr<Transport> transport, WorldOptions options = {}, Where at = Where::current());
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  /// Waits until all ranks are here.
  XGRAD_API ~World();

  /// From 0 to size() - 1: which part of the data this rank has.
  XGRAD_API std::size_t rank() const;
  XGRAD_API std::size_t size() const;
  /// How many ranks share this machine, this one among them.
  int ranks_here() const { return ranks_here_; }
  const std::shared_ptr<Group>& group() const { return group_; }

  /// Gives all ranks the state that rank 0 has: Variables, Arrays, numbers, text, whatever `state_entries` lists. Generators stay
  /// as they are, for each rank draws its own numbers. Throws RankError, on all ranks, when the names, shapes or types differ; then
  /// nothing has changed.
  template <class Net>
  void broadcast(Net&& net, Where at = Where::current()) {
    const auto entries = nn::state_entries(net, at);
    broadcast_entries(entries, at);
  }

  /// From now on every backward that reaches a parameter of the network averages the gradients over all ranks before it returns,
  /// while it still computes others. The sums are taken in the order of the ranks, so they are the same bits in every run with as
  /// many. A parameter that is reached on some ranks only counts as 0 on the others. Throws RankError, on all ranks, when the
  /// networks differ in their parameters, or in a bit of one: broadcast or load before; backward throws it for a gradient that is
  /// not finite, with rank and parameter.
  template <class Net>
  [[nodiscard]] AveragedGradients<nn::real_of<Net>> average_gradients(const Net& net, AverageOptions options = {},
                                                                      Where at = Where::current()) {
    AveragedGradients<nn::real_of<Net>> result(group_, nn::named_parameters(net, at), options, at);
    compare_parameters(net, "average_gradients", at);
    return result;
  }

  /// Throws RankError, on all ranks, unless a parameter has the same bits everywhere; names the first one that has not, and the
  /// rank.
  template <class Net>
  void compare(const Net& net, Where at = Where::current()) {
    compare_parameters(net, "compare", at);
  }

  /// Averages what is no parameter among a network's Variables: the running statistics of batch normalisation. What is equal on all
  /// ranks stays as it is.
  template <class Net>
  void average_buffers(const Net& net, Where at = Where::current()) {
    average_entries(nn::detail::entries_for(net, nn::detail::Wanted::variables, "average_buffers", at), at);
  }

  /// Throws RankError, on all ranks, unless each rank has its own part of the same: `part` and `parts` are rank and size, and
  /// samples, batches, batch size and seed are equal.
  template <class T>
  void check(const Loader<T>& loader, Where at = Where::current()) {
    const LoaderOptions<T>& o = loader.options();
    check_part(o.part, o.parts, at);
    same(loader.source().size(), "the number of samples", at);
    same(o.batch_size, "batch_size", at);
    same(loader.count(), "the number of batches", at);
    same(o.seed, "seed", at);
    same(std::uint64_t{o.shuffle}, "shuffle", at);
  }
  /// Throws RankError, on all ranks, unless all have the same number; `what` is its name.
  XGRAD_API void same(std::uint64_t number, const std::string& what, Where at = Where::current());

  /// A checkpoint: averages the buffers, compares the parameters, and has rank 0 write the file (nn::save, safetensors) with the
  /// Generators of all ranks. Returns when the file is there. Throws, on all ranks, RankError or FileError.
  template <class Run>
  void save(const Run& run, const std::string& path, Where at = Where::current()) {
    average_buffers(run, at);
    compare(run, at);
    save_entries(nn::detail::entries_for(run, nn::detail::Wanted::everything, "save", at), path, at);
  }
  /// Rank 0 reads such a file, and all get what is in it, each rank its own Generators. With as many ranks as wrote it a run goes
  /// on to the same bits. With another number, rank r gets the Generators of the r-th that there was, further ones new ones. A
  /// Loader's position counts a part's batches, and parts are others then: go on from the beginning of an epoch.
  template <class Run>
  void load(Run& run, const std::string& path, Where at = Where::current()) {
    const std::string generators = read_entries(nn::state_entries(run, at), path, at);
    spread_entries(nn::state_entries(run, at), generators, at);  // lists may have another length now
  }

  /// The sum over all ranks, in their order: the same everywhere.
  XGRAD_API double sum(double number, Where at = Where::current());
  double mean(double number, Where at = Where::current()) { return sum(number, at) / static_cast<double>(size()); }
  /// The mean over all ranks, of Variables of one shape, as an operation: its gradient is the mean of the gradients. Throws
  /// RankError, on all ranks, when shapes differ.
  template <class T>
  XGRAD_API Variable<T> mean(Variable<T> x, Where at = Where::current());
  /// Returns when all ranks have called it.
  XGRAD_API void barrier(Where at = Where::current());

 private:
  template <class Net>
  void compare_parameters(const Net& net, const char* who, Where at) {
    compare_entries(nn::detail::entries_for(net, nn::detail::Wanted::parameters, who, at), who, at);
  }
  XGRAD_API void broadcast_entries(std::span<const nn::StateEntry> entries, Where at);
  XGRAD_API void compare_entries(std::span<const nn::StateEntry> entries, const char* who, Where at);
  XGRAD_API void average_entries(std::span<const nn::StateEntry> entries, Where at);
  XGRAD_API void save_entries(std::span<const nn::StateEntry> entries, const std::string& path, Where at);
  XGRAD_API std::string read_entries(std::span<const nn::StateEntry> entries, const std::string& path, Where at);
  XGRAD_API void spread_entries(std::span<const nn::StateEntry> entries, const std::string& generators, Where at);
  XGRAD_API void check_part(std::size_t part, std::size_t parts, Where at);

  std::shared_ptr<Group> group_;
  int ranks_here_ = 1;
};

}  // namespace xgrad::mpi
