#include "lecture.hpp"

#include <algorithm>
#include <chrono>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>
#include <stdexcept>

#include "../program.hpp"

namespace fs = std::filesystem;

namespace {

/// The folder itself or one in it, whichever has one of these files; none where neither has.
fs::path folder_with(const fs::path& data, const char* inside, std::initializer_list<const char*> names) {
  if (data.empty()) return {};
  for (const fs::path& folder : {data, data / inside})
    for (const char* name : names)
      for (const char* end : {"", ".gz"})
        if (fs::exists(folder / (std::string(name) + end))) return folder;
  return {};
}
fs::path mnist(const fs::path& data) { return folder_with(data, "mnist", {"train-images-idx3-ubyte", "train-images.idx3-ubyte"}); }
fs::path cifar10(const fs::path& data) {
  return folder_with(data, "cifar10", {"data_batch_1.bin", "cifar-10-batches-bin/data_batch_1.bin"});
}

xg::Split at_most(xg::Split data, std::size_t train, std::size_t test) {
  data.train = slice(data.train, 0, std::min(train, data.train.size()));
  data.test = slice(data.test, 0, std::min(test, data.test.size()));
  return data;
}

}  // namespace

xg::Split Lecture::digits(std::size_t train, std::size_t test) const {
  const fs::path folder = mnist(data);
  return folder.empty() ? xg::Split{xg::digits(train, 1), xg::digits(test, 2)} : at_most(xg::load_mnist(folder), train, test);
}

xg::Split Lecture::shapes(std::size_t train, std::size_t test) const {
  const fs::path folder = cifar10(data);
  return folder.empty() ? xg::Split{xg::shapes(train, 1), xg::shapes(test, 2)} : at_most(xg::load_cifar10(folder), train, test);
}

void must(bool holds, std::string_view what) {
  if (!holds) throw std::runtime_error(fmt::format("this should hold and does not: {}", what));
}

double least_milliseconds(int runs, const std::function<void()>& run) {
  double least = std::numeric_limits<double>::infinity();
  for (int k = 0; k < runs; ++k) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    least = std::min(least, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  return least;
}

int lecture(int argc, char** argv, const std::string& about, const std::function<void(const Lecture&)>& body) {
  Lecture options;
  CLI::App app(about);
  std::string data, out = ".";
  app.add_flag("--quick", options.quick, "a small setting, of seconds");
  app.add_option("--data", data, "folder with MNIST, CIFAR-10 or both; generated data without it")->type_name("DIR");
  app.add_option("--out", out, "folder for pictures")->type_name("DIR")->capture_default_str();
  const std::string name = fs::path(argv[0]).filename().string();
  try {
    hold_standard_streams();
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() != 0) throw std::invalid_argument(fmt::format("{}; --help tells the options", error.what()));
      std::fputs(app.help().c_str(), stdout);
      check_output();
      return 0;
    }
    options.data = data;
    options.out = out;
    if (!data.empty() && !fs::is_directory(data)) throw std::runtime_error(data + " is not there; --data must be a folder");
    if (!data.empty() && mnist(data).empty() && cifar10(data).empty())
      throw std::runtime_error(data + " has neither MNIST nor CIFAR-10; --data must have the files of one of them");
    fs::create_directories(options.out);
    xg::seed(1);
    body(options);
    check_output();
  } catch (const std::exception& error) {
    return complain(name, error.what());
  }
  return 0;
}
