/// LeNet learns to read digits: MNIST, Fashion-MNIST, or the library's own digits where there is no data. See --help.
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "../models/lenet.hpp"
#include "mnist/files.hpp"
#include "mnist/options.hpp"
#include "mnist/report.hpp"
#include "program.hpp"

namespace fs = std::filesystem;
namespace xg = xgrad;

namespace {

/// What is being done, and what to do when memory does not suffice for it.
struct Task {
  const char *what = "starting", *remedy = "free some memory";
};

constexpr double momentum = 0.9, weight_decay = 5e-4;
constexpr const char *weights_file = "lenet.safetensors", *report_file = "report.html", *checkpoint_file = "checkpoint.safetensors",
                     *csv_file = "history.csv", *json_file = "run.json";

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C asks the training to end well, the second one ends the program.
void watch_for_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
}

bool has_images(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.path().filename().string().starts_with("train-images")) return true;
  return false;
}

/// --data as given, or within $XGRAD_DATA; without --data, what is in $XGRAD_DATA. Empty: there is none.
fs::path find_data(const std::string& wanted) {
  const char* variable = std::getenv("XGRAD_DATA");
  const fs::path shelf = variable ? variable : "";
  std::error_code error;
  if (!wanted.empty())
    return !fs::exists(wanted, error) && !shelf.empty() && fs::exists(shelf / wanted, error) ? shelf / wanted : fs::path(wanted);
  for (const fs::path& place : {shelf, shelf / "mnist"})
    if (!shelf.empty() && has_images(place)) return place;
  return {};
}

/// What people call the data set.
std::string title_of(const std::string& source, const xg::Dataset& data) {
  if (data.names.front() != "0") return "Fashion-MNIST";
  const fs::path name = fs::path(source + "/").parent_path().filename();
  return name == "mnist" || name == "MNIST" ? "MNIST" : name.string();
}

xg::Metrics evaluate(const xg::models::LeNet<>& net, const xg::Source<float>& data) {
  return xg::nn::evaluate(net, data, standardised(500, false));
}

/// All that a run of training is: a checkpoint is this, whole.
struct Run {
  xg::models::LeNet<> net;
  xg::optim::Optimizer<float, xg::optim::SGD> opt;
  xg::Loader<float> batches;
  struct Asked {  // a run can only go on as it began
    std::uint64_t epochs = 0, batch = 0, seed = 0, images = 0;
    double lr = 0;
    bool operator==(const Asked&) const = default;
  } asked;
  std::uint64_t step = 0;
  xg::draw::History history = {};
};

Run new_run(const xg::Source<float>& data, const Options& o) {
  const xg::models::LeNet<> net;
  const xg::optim::SGD sgd{.momentum = momentum, .weight_decay = weight_decay, .nesterov = true};
  return {net, xg::optim::Optimizer(xg::nn::parameters(net), sgd), xg::Loader<float>(data, standardised(o.batch, true, o.seed)),
          Run::Asked{o.epochs, o.batch, o.seed, data.size(), o.lr}};
}

/// Goes on with a checkpoint where there is one.
void resume(Run& run, const fs::path& checkpoint) {
  std::error_code error;
  if (!fs::exists(checkpoint, error)) return;
  const Run::Asked asked = run.asked;
  xg::nn::load(run, checkpoint.string());
  if (const Run::Asked& a = run.asked; !(a == asked))
    throw std::runtime_error(
        fmt::format("{} is of a run of {} images with --epochs {} --batch {} --seed {} --lr {}; --resume needs the same",
                    checkpoint.string(), a.images, a.epochs, a.batch, a.seed, a.lr));
}

double epochs_of(const Run& run) { return static_cast<double>(run.step) / static_cast<double>(run.batches.count()); }

/// Trains until the last epoch, or an interrupt, but one batch at least. Returns what the test set says at the end.
xg::Metrics train(Run& run, const xg::Source<float>& test, const Options& o, xg::Progress& progress, const fs::path& checkpoint) {
  auto& [net, opt, batches, asked, step, history] = run;
  std::optional<xg::draw::EventFile> events;
  if (o.log) {  // steps that an earlier run made since the checkpoint are made again
    xg::draw::EventFileOptions options;
    if (o.resume) options.purge_step = static_cast<std::int64_t>(step) + 1;
    events.emplace(o.out, options);
  }
  const auto note = [&](xg::draw::History::Values values) {
    run.history.add(epochs_of(run), values);
    if (events) events->add(static_cast<std::int64_t>(run.step), values);
  };
  const auto rate = xg::optim::one_cycle(batches.count() * o.epochs, o.lr);
  xg::Metrics final;
  for (; batches.state.epoch < o.epochs && (final.samples == 0 || !interrupted);) {
    for (auto [images, labels] : batches) {
      opt.options.lr = rate(step);
      const auto scores = net(images);
      const auto loss = cross_entropy(scores, labels);
      opt.zero_grad();
      backward(loss);
      opt.step();

      ++step;
      xg::Metrics batch;
      batch.add(scores.value(), labels);
      const auto value = static_cast<double>(loss.item());
      if (!std::isfinite(value))
        throw std::runtime_error(
            fmt::format("the loss is {} at step {}; it must be finite: try a smaller --lr than {}", value, step, o.lr));
      note({{"training loss", value}, {"training accuracy", batch.accuracy()}});
      progress.step(labels.size(), {{"loss", value}, {"accuracy", 100 * batch.accuracy()}});
      if (interrupted) break;
    }
    if (interrupted) xg::nn::save(run, checkpoint.string());
    final = evaluate(net, test);
    if (!std::isfinite(final.loss()))
      throw std::runtime_error(fmt::format("the test loss is {} after the last step; it must be finite: try a smaller --lr than {}",
                                           final.loss(), o.lr));
    note({{"test loss", final.loss()}, {"test accuracy", final.accuracy()}});
    if (interrupted) continue;
    progress.epoch({{"test accuracy", 100 * final.accuracy()}});
    xg::nn::save(run, checkpoint.string());
  }
  return final.samples == 0 ? evaluate(net, test) : final;  // it was over before it was resumed
}

/// The graph of one step: what backward runs through, from the loss to the weights.
std::string graph_of_step(const xg::models::LeNet<>& net, const xg::Dataset& data, std::size_t batch) {
  const xg::Dataset some = slice(data, 0, std::min(batch, data.size()));
  const auto [images, labels] = xg::Loader<float>(some, standardised(batch, false)).batch(0, 0);
  const xg::Variable<float> x(images);
  auto names = xg::nn::named_parameters(net);
  names.push_back({"images", x});
  const auto loss = cross_entropy(net(x), labels);
  names.push_back({"loss", loss});
  return xg::to_dot(loss, names);
}

std::vector<std::pair<std::string, std::string>> facts_of(const Run& run, const xg::Split& data, const Options& o,
                                                          const std::string& source, const xg::Progress& progress) {
  const auto seconds = static_cast<unsigned>(progress.seconds());
  using xg::draw::grouped;
  return {{"data", source},
          {"training images", grouped(data.train.size())},
          {"test images", grouped(data.test.size())},
          {"epochs", fmt::format("{:.4g} of {}", epochs_of(run), o.epochs)},
          {"batch", grouped(o.batch)},
          {"seed", std::to_string(o.seed)},
          {"threads", std::to_string(xg::num_threads())},
          {"time", fmt::format("{}:{:02}", seconds / 60, seconds % 60)},
          {"images/s", grouped(static_cast<std::uint64_t>(progress.speed()))},
          {"learning rate", fmt::format("one cycle, to {}", o.lr)},
          {"optimiser", fmt::format("SGD, Nesterov momentum {}, weight decay {}", momentum, weight_decay)}};
}

int run(const Options& o, Task& task) {
  if (o.threads > 0) xg::set_num_threads(o.threads);
  if (o.weights.empty()) prepare_directory(o.out, {weights_file, report_file, checkpoint_file});
  if (o.weights.empty() && o.log) prepare_directory(o.out, {csv_file, json_file});

  const fs::path directory = find_data(o.data);
  if (directory.empty())
    task = {"making the built-in digits", "try a smaller --train-size or --test-size"};
  else
    task = {"reading the data", "free some memory, or try a smaller set"};
  const std::string source = directory.empty() ? "built-in digits" : xg::printable(directory.string());
  const xg::Split data =
      directory.empty() ? xg::Split{xg::digits(o.train_size, 1), xg::digits(o.test_size, 2)} : xg::load_mnist(directory);
  for (const xg::Dataset* set : {&data.train, &data.test})
    if (set->images.shape()[1] != 28 || set->images.shape()[2] != 28)
      throw std::runtime_error(fmt::format("{}: the images are {} by {} pixels; they must be 28 by 28", source,
                                           set->images.shape()[1], set->images.shape()[2]));
  say(fmt::format("{}\n", xg::config()));
  say(fmt::format("{}: {} images to learn from, {} to test with\n", source, data.train.size(), data.test.size()));
  check_said();  // better before an hour of training than after

  xg::seed(o.seed);
  xg::Metrics final;
  if (!o.weights.empty()) {
    task = {"testing the weights", "free some memory"};
    const xg::models::LeNet<> net;
    xg::nn::load(net, o.weights);
    final = evaluate(net, data.test);
  } else {
    task = {"training", "try a smaller --batch"};
    watch_for_interrupts();
    const fs::path out = o.out, checkpoint = out / checkpoint_file;
    const xg::Source<float> images(data.train), tests(data.test);
    Run training = new_run(images, o);
    if (o.resume) resume(training, checkpoint);
    const xg::LoaderState begin = training.batches.state;
    xg::Progress progress({.epochs = o.epochs,
                           .samples = data.train.size(),
                           .epoch = begin.epoch,
                           .done = std::min(begin.position * o.batch, data.train.size())});
    final = train(training, tests, o, progress, checkpoint);
    const bool stopped = training.step < training.batches.count() * o.epochs;
    if (stopped) say(fmt::format("\ninterrupted after {:.2f} of {} epochs\n", epochs_of(training), o.epochs));
    task = {"writing weights and report", "free some memory"};
    xg::nn::save(training.net, (out / weights_file).string());
    const auto facts = facts_of(training, data, o, source, progress);
    page_of({.data = title_of(source, data.test),
             .facts = facts,
             .history = training.history,
             .interrupted = stopped,
             .net = training.net,
             .test = data.test,
             .metrics = final,
             .graph = graph_of_step(training.net, data.train, o.batch)})
        .write(out / report_file);
    if (o.log) {
      xg::draw::write_csv(out / csv_file, training.history, "epoch");
      xg::draw::write_json(out / json_file, training.history, facts);
    }
    say(fmt::format("{} and {} are in {}\n", weights_file, report_file, xg::printable(o.out)));
  }
  say(fmt::format("test accuracy {:.2f} %\n", 100 * final.accuracy()));
  return interrupted ? 130 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_streams();
  Task task;
  try {
    Options options;
    int code = 0;
    if (parse(argc, argv, options)) code = run(options, task);
    check_said();
    return code;
  } catch (const xg::FileError& error) {
    return complain("mnist", error.message());  // the line of this program is no news to its user
  } catch (const xg::MemoryError&) {
    return complain("mnist", fmt::format("out of memory while {}; {}", task.what, task.remedy));
  } catch (const std::bad_alloc&) {
    return complain("mnist", fmt::format("out of memory while {}; {}", task.what, task.remedy));
  } catch (const std::exception& error) {
    return complain("mnist", error.what());
  }
}
