#pragma once
/// What a run found out, and the page that shows it.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

/// How the network did on a test set.
struct Evaluation {
  double loss = 0, accuracy = 0;
  std::vector<std::size_t> guesses;  ///< one per sample …
  std::vector<float> confidence;     ///< … and its probability, as the network sees it
};

/// What happened during training.
struct History {
  std::size_t steps_per_epoch = 1, batch = 1;
  std::vector<double> losses;  ///< one per step
  std::vector<double> shares;  ///< of the step's batch that were right
  struct Tests {
    std::vector<double> epochs, losses, accuracies;
  } tests;  ///< at the end of each epoch, and at the end
  bool interrupted = false;

  double epochs() const { return static_cast<double>(losses.size()) / static_cast<double>(steps_per_epoch); }
};

struct Report {
  std::string data;                                        ///< what the data set is called
  std::vector<std::pair<std::string, std::string>> facts;  ///< about the run: what, and its value
  const History& history;
  const Evaluation& evaluation;
  const xgrad::Dataset& test;
  xgrad::Array<float> filters;    ///< of the first layer: (o, h, w, 1)
  std::size_t sample;             ///< of the test set: shown with …
  xgrad::Array<float> responses;  ///< … what the first layer makes of it: (1, h, w, o)
  xgrad::nn::Summary summary;
  std::string graph;  ///< of one training step, in the language of Graphviz
};

/// A page that needs nothing but itself: no network, no scripts, no fonts.
std::string html(const Report& report);
