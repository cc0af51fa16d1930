// The one file that knows MPI.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <fmt/format.h>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include <xgrad/core/text.hpp>
#include <xgrad/mpi/transport.hpp>

namespace xgrad::mpi {
namespace {

/// What an end that nobody planned must know.
struct Process {
  std::atomic<bool> open{false};    // a World is there, so that others may wait for this rank
  std::atomic<bool> failed{false};  // … and was left by an exception
  std::atomic<bool> ending{false};  // all are being ended
  int rank = 0, size = 1;
  std::terminate_handler terminate = nullptr;
};
Process& process() {
  static auto* const one = new Process;
  return *one;
}

void say(const char* text) {
  std::fprintf(stderr, "xgrad: rank %d of %d %s\n", process().rank, process().size, text);
  std::fflush(stderr);
}

[[noreturn]] void end_all() {
  process().open = false;
  process().ending = true;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // until mpirun has passed on what was said; MPICH's loses it else
  std::thread soon([] {  // Open MPI 4's mpirun may miss that, and wait; it does not miss a process that ends
    std::this_thread::sleep_for(std::chrono::seconds(2));
    std::_Exit(1);
  });
  soon.detach();
  MPI_Abort(MPI_COMM_WORLD, 1);
  std::_Exit(1);
}

/// An exception that nobody has caught.
[[noreturn]] void terminated() {
  if (process().size == 1 && process().terminate) process().terminate();
  std::string what = "has ended";
  try {
    if (const auto error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::exception& error) {
    what = "has failed: " + printable(error.what());
  } catch (...) {
    what = "has failed: by an exception that is no std::exception";
  }
  say(what.c_str());
  end_all();
}

/// The program ends while a World is there, or was left by an exception, about which the program has said what it wanted.
void ended() {
  if (!process().open || process().size == 1) return;
  if (!process().failed) say("has ended before its World; all end");
  end_all();
}

class Mpi final : public Transport {
 public:
  Mpi(bool own, Where at) : own_(own) {
    check(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), at);
    MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string name() const override {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
    int length = 0;
    MPI_Get_library_version(text, &length);
    std::string name = text;
    for (char& c : name)
      if (c == '\n' || c == '\t') c = ' ';
    return name.substr(0, 100);
  }
  std::string machine() const override {
    char text[MPI_MAX_PROCESSOR_NAME] = {};
    int length = 0;
    MPI_Get_processor_name(text, &length);
    return text;
  }

  Request send(const void* bytes, std::size_t count, int to, int tag) override {
    const Request number = free_number();
    check(MPI_Isend(bytes, static_cast<int>(count), MPI_BYTE, to, tag, comm_, &requests_[number].handle), {});
    requests_[number].length = -1;
    return number;
  }
  Request receive(void* bytes, std::size_t count, int from, int tag) override {
    const Request number = free_number();
    check(MPI_Irecv(bytes, static_cast<int>(count), MPI_BYTE, from, tag, comm_, &requests_[number].handle), {});
    requests_[number].length = static_cast<int>(count);
    return number;
  }
  bool done(Request request) override {
    int flag = 0;
    MPI_Status status;
    check(MPI_Test(&requests_[request].handle, &flag, &status), {});
    if (!flag) return false;
    free_.push_back(request);
    if (const int wanted = requests_[request].length; wanted >= 0) {
      int length = 0;
      MPI_Get_count(&status, MPI_BYTE, &length);
      if (length != wanted)
        throw RankError(fmt::format("a message of rank {} has {} bytes; it must have {}: all ranks must do the same",
                                    status.MPI_SOURCE, length, wanted));
    }
    return true;
  }

  double grace() const override { return size_ > 1 ? 5 : 0; }

  void close(bool failed) noexcept override {
    if (failed && size_ > 1) {
      // Whoever catches the exception shall say what it was, and end the program; that ends the others. But not for long.
      process().failed = true;
      std::thread([] {
        std::this_thread::sleep_for(std::chrono::seconds(5));
        if (process().ending) return;
        say("was left by an exception; all end");
        end_all();
      }).detach();
      return;
    }
    process().open = false;
    MPI_Comm_free(&comm_);
    if (own_) MPI_Finalize();
  }

 private:
  static void check(int code, Where at) {
    if (code == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING] = {};
    int length = 0;
    MPI_Error_string(code, text, &length);
    throw RankError(at, "", fmt::format("MPI: {}", printable(text)));
  }
  Request free_number() {
    if (free_.empty()) {
      free_.push_back(requests_.size());
      requests_.push_back({MPI_REQUEST_NULL, -1});
    }
    const Request number = free_.back();
    free_.pop_back();
    return number;
  }

  bool own_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  struct Pending {
    MPI_Request handle;
    int length;  // of what is received, else -1
  };
  std::vector<Pending> requests_;
  std::vector<Request> free_;
};

}  // namespace

std::unique_ptr<Transport> mpi_transport(int& argc, char**& argv, Where at) {
  int initialised = 0, finalised = 0, level = MPI_THREAD_SINGLE;
  MPI_Initialized(&initialised);
  MPI_Finalized(&finalised);
  if (finalised) throw RankError(at, "World", "MPI has ended in this program; there must be one World in all, or MPI begun by you");
  if (process().open) throw RankError(at, "World", "there is a World already; there must be one at a time");
  if (initialised)
    MPI_Query_thread(&level);
  else
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
  if (level < MPI_THREAD_SERIALIZED) {
    if (!initialised) MPI_Finalize();
    throw RankError(at, "World",
                    fmt::format("MPI has thread level {}; it must be MPI_THREAD_SERIALIZED, {}, at least", level,
                                static_cast<int>(MPI_THREAD_SERIALIZED)));
  }
  auto transport = std::make_unique<Mpi>(!initialised, at);
  process().rank = transport->rank();
  process().size = transport->size();
  process().failed = false;
  process().open = true;
  if (static bool watching = false; !std::exchange(watching, true)) {
    process().terminate = std::set_terminate(terminated);
    std::atexit(ended);
  }
  return transport;
}

}  // namespace xgrad::mpi
