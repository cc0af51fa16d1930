#pragma once
/// The page that shows what a run found out.
#include <string>
#include <utility>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "../../models/lenet.hpp"

struct Report {
  std::string data;                                        ///< what the data set is called
  std::vector<std::pair<std::string, std::string>> facts;  ///< about the run: what, and its value
  const xgrad::draw::History& history;
  bool interrupted;
  const xgrad::models::LeNet<>& net;
  const xgrad::Dataset& test;
  const xgrad::Metrics& metrics;  ///< of the test set
  std::string graph;              ///< of one training step, in the language of Graphviz
};

/// MNIST's own mean and deviation, for every data set: so a weights file means the same wherever it is used.
xgrad::LoaderOptions<float> standardised(std::size_t size, bool shuffle, std::uint64_t seed = 0);

xgrad::draw::Page page_of(const Report& report);
