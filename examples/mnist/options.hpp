#pragma once
/// What the program is asked to do.
#include <cstddef>
#include <cstdint>
#include <string>

struct Options {
  std::string data, out = "out", weights;
  std::size_t epochs = 8, batch = 64, train_size = 20000, test_size = 5000;
  double lr = 0.05;
  std::uint64_t seed = 0;
  bool resume = false, log = false;
  int threads = 0;  ///< 0: as OMP_NUM_THREADS says, else as many as the affinity mask and the quota allow
};

/// Reads the command line. False when it asked for help, which is then printed. Throws std::exception, one line that names the
/// option, what it is and what it must be.
bool parse(int argc, char** argv, Options& options);
