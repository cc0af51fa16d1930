#include "options.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <CLI/CLI.hpp>
#include <limits>
#include <stdexcept>
#include <thread>

#include <xgrad/xgrad.hpp>

#include "files.hpp"

namespace {

[[noreturn]] void refuse(const char* name, const std::string& text, const std::string& wanted) {
  throw std::invalid_argument(
      fmt::format("{} is {}; it must be {}", name, text.empty() ? "empty" : xgrad::printable(text, 60), wanted));
}

/// A number and nothing else. CLI11's own reading takes "" for 0, an infinity for a rate and 2^64 for a seed.
template <class T>
void add_number(CLI::App& app, const char* name, T& value, const char* help, T least, T most) {
  app.add_option_function<std::string>(
         name,
         [=, &value](const std::string& text) {
           T number{};
           const char* end = text.data() + text.size();
           const auto [stop, error] = std::from_chars(text.data(), end, number);
           if (error != std::errc{} || stop != end || !(number >= least && number <= most))  // a NaN is neither
             refuse(name, text,
                    std::is_integral_v<T> ? fmt::format("a whole number from {} to {}", least, most)
                                          : fmt::format("a number above 0 and at most {:.4g}", static_cast<double>(most)));
           value = number;
         },
         help)
      ->type_name(std::is_integral_v<T> ? "N" : "X")
      ->default_str(fmt::format("{}", value));
}

CLI::Option* add_path(CLI::App& app, const char* name, std::string& value, const char* help, const char* wanted) {
  return app.add_option_function<std::string>(
      name,
      [=, &value](const std::string& text) {
        if (text.empty()) refuse(name, text, wanted);
        value = text;
      },
      help);
}

}  // namespace

bool parse(int argc, char** argv, Options& o) {
  CLI::App app("LeNet-5 learns to read digits. Writes its weights and a report.", "mnist");
  const int processors = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
  constexpr std::size_t one = 1;
  add_path(app, "--data", o.data,
           "folder with the four idx files of MNIST or Fashion-MNIST, plain or .gz;\nalso looked for in $XGRAD_DATA. Without "
           "it: $XGRAD_DATA, $XGRAD_DATA/mnist,\nor where these have none the built-in digits",
           "the name of a folder")
      ->type_name("DIR");
  add_number(app, "--epochs", o.epochs, "times to go through the training images", one, std::size_t{100'000});
  add_number(app, "--batch", o.batch, "images per step", one, std::size_t{1'000'000});
  add_number(app, "--lr", o.lr, "largest learning rate of the cycle", std::numeric_limits<double>::denorm_min(),
             static_cast<double>(std::numeric_limits<float>::max()));
  add_number(app, "--seed", o.seed, "of first weights and order; same seed and threads, same run bit for bit", std::uint64_t{0},
             std::numeric_limits<std::uint64_t>::max());
  add_number(app, "--threads", o.threads,
             "where not given as OMP_NUM_THREADS says, else as many as the affinity\nmask and the quota allow;\nat most four for "
             "each processor",
             1, 4 * processors);
  app.get_option("--threads")->default_str("");
  add_path(app, "--out", o.out, "folder for lenet.safetensors, report.html and the checkpoint of each epoch",
           "the name of a folder")
      ->type_name("DIR")
      ->default_str(o.out);
  app.add_flag(
      "--resume", o.resume,
      "go on with the checkpoint in --out, to the same weights bit for bit as\nwithout a break; begins where there is none");
  app.add_flag("--log", o.log, "also write history.csv, run.json and an event file for TensorBoard into --out");
  add_path(app, "--weights", o.weights, "do not train: test these weights, and write nothing", "the name of a file")
      ->type_name("FILE");
  add_number(app, "--train-size", o.train_size, "how many of the built-in digits to learn from", one, std::size_t{10'000'000});
  add_number(app, "--test-size", o.test_size, "how many of the built-in digits to test with", one, std::size_t{10'000'000});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) throw std::invalid_argument(fmt::format("{}; --help tells the options", error.what()));
    say(app.help());
    return false;
  }
  return true;
}
