// State of many ranks: given out, compared, averaged, saved and loaded.
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <sstream>
#include <type_traits>
#include <utility>
#include <variant>

#include <xgrad/mpi/world.hpp>

#include "group.hpp"

namespace xgrad::mpi {
namespace {

using nn::StateEntry;
constexpr const char *ranks_key = "xgrad.ranks", *generators_key = "xgrad.generators.";

std::string describe(const StateEntry& entry) {
  return fmt::format("{}, {} {}", entry.name, nn::name_of(entry.element),
                     entry.resizable() ? "of any length" : to_string(entry.shape));
}

/// Throws, on all ranks, unless they have entries of the same names and types.
void same_entries(Group& group, std::span<const StateEntry> entries, const char* who, Where at) {
  std::string mine;
  for (const StateEntry& entry : entries) mine += describe(entry) + '\n';
  std::string first = mine;
  group.broadcast(first);
  std::string problem;
  if (mine != first) {
    std::istringstream a(mine), b(first);
    std::string here, there;
    while (std::getline(a, here) && std::getline(b, there) && here == there) {
    }
    if (!a || !b || here == there) {  // one goes on where the other ends
      problem = fmt::format("there are {} entries, on rank 0 another number; they must be the same", entries.size());
    } else {
      problem = fmt::format("there is {}, on rank 0 {}; they must be the same", here, there);
    }
  }
  group.agree(problem, who, at);
}

/// A number for the bits of an entry.
std::uint64_t hash_of(const StateEntry& entry) {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15U;
  const auto* bytes = static_cast<const unsigned char*>(entry.data());
  const std::size_t count = entry.bytes();
  std::uint64_t hash = count;
  for (std::size_t at = 0; at < count; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + at, std::min<std::size_t>(8, count - at));
    hash = (hash ^ word) * odd;
    hash ^= hash >> 29;
  }
  return hash;
}

template <class T>
void average(Group& group, const Variable<T>& variable, Where at) {
  const std::size_t size = variable.size();
  std::vector<T> sum(variable.value().data(), variable.value().data() + size), first = sum;
  group.broadcast(first.data(), size * sizeof(T));
  T differs = std::memcmp(first.data(), sum.data(), size * sizeof(T)) == 0 ? T(0) : T(1);
  group.sum(&differs, 1);
  if (differs == 0) return;  // the mean of three equal numbers need not be the number
  group.sum(sum.data(), size);
  Variable<T> mine = variable;
  T* const to = mine.change("average_buffers", at).data();
  for (std::size_t k = 0; k < size; ++k) to[k] = sum[k] / static_cast<T>(group.size());
}

std::string words_of(std::span<const StateEntry> entries) {
  std::string words;
  for (const StateEntry& entry : entries)
    if (entry.generator) {
      const auto* from = static_cast<const std::uint64_t*>(entry.data());
      for (std::size_t k = 0; k < size_of(entry.shape); ++k) words += fmt::format("{:x} ", from[k]);
    }
  return words;
}

/// This rank's Generators from the texts of a file: those of the rank's number, else new ones.
void set_generators(Group& group, std::span<const StateEntry> entries, const std::map<std::string, std::string>& texts, Where at) {
  const auto mine = texts.find(generators_key + std::to_string(group.rank()));
  std::istringstream words(mine == texts.end() ? "" : mine->second);
  words >> std::hex;
  for (const StateEntry& entry : entries) {
    if (!entry.generator) continue;
    std::array<std::uint64_t, 6> six{};
    for (std::uint64_t& word : six) words >> word;
    if (!words || !Generator::valid(six)) {  // the file's, which rank 0 has written, gives the seed
      Generator fresh(static_cast<const std::uint64_t*>(entry.data())[0], static_cast<std::uint64_t>(group.rank()));
      std::ranges::copy(fresh.words(), six.begin());
    }
    entry.write(six.data(), six.size(), at);
  }
}

/// What f throws on rank 0 is thrown on all ranks.
template <class F>
void on_rank_0(Group& group, const char* who, Where at, F f) {
  std::string problem;
  if (group.rank() == 0) try {
      f();
    } catch (const Error& error) {
      problem = error.message();
    } catch (const std::exception& error) {
      problem = error.what();
    }
  group.broadcast(problem);
  if (!problem.empty()) group.fail(problem, who, at);
}

/// Errors of f get line and name.
template <class F>
void placed(const char* who, Where at, F f) {
  try {
    f();
  } catch (Error& error) {
    error.place(at, who);
    throw;
  }
}

void broadcast_all(Group& group, std::span<const StateEntry> entries, bool generators, Where at) {
  for (const StateEntry& entry : entries) {
    if (entry.generator && !generators) continue;
    std::uint64_t count = size_of(entry.shape);
    group.broadcast(&count, sizeof count);
    std::vector<unsigned char> bytes(count * nn::bytes_of(entry.element));
    if (group.rank() == 0 && !bytes.empty()) std::memcpy(bytes.data(), entry.data(), bytes.size());
    group.broadcast(bytes.data(), bytes.size());
    if (group.rank() > 0) entry.write(bytes.data(), count, at);
  }
}

}  // namespace

void World::broadcast_entries(std::span<const StateEntry> entries, Where at) {
  placed("broadcast", at, [&] {
    same_entries(*group_, entries, "broadcast", at);
    broadcast_all(*group_, entries, false, at);
  });
}

void World::compare_entries(std::span<const StateEntry> entries, const char* who, Where at) {
  placed(who, at, [&] {
    same_entries(*group_, entries, who, at);
    std::vector<std::uint64_t> mine, first;
    for (const StateEntry& entry : entries) mine.push_back(hash_of(entry));
    first = mine;
    group_->broadcast(first.data(), first.size() * sizeof(std::uint64_t));
    const auto k = static_cast<std::size_t>(std::ranges::mismatch(mine, first).in1 - mine.begin());
    group_->agree(k == mine.size()
                      ? ""
                      : fmt::format("{} has other bits than on rank 0 (hash {:016x}, not {:016x}); parameters must be the "
                                    "same on all ranks: broadcast first, and change them alike",
                                    entries[k].name, mine[k], first[k]),
                  who, at);
  });
}

void World::average_entries(std::span<const StateEntry> entries, Where at) {
  if (size() == 1) return;
  placed("average_buffers", at, [&] {
    same_entries(*group_, entries, "average_buffers", at);
    for (const StateEntry& entry : entries) {
      if (entry.trained()) continue;
      if (const auto* v = std::get_if<Variable<float>>(&entry.variable)) average(*group_, *v, at);
      if (const auto* v = std::get_if<Variable<double>>(&entry.variable)) average(*group_, *v, at);
    }
  });
}

void World::save_entries(std::span<const StateEntry> entries, const std::string& path, Where at) {
  placed("save", at, [&] {
    const std::vector<std::string> words = group_->gather(words_of(entries));
    on_rank_0(*group_, "save", at, [&] {
      nn::SaveOptions options;
      options.metadata[ranks_key] = std::to_string(size());
      for (std::size_t k = 0; k < words.size(); ++k)
        if (!words[k].empty()) options.metadata[generators_key + std::to_string(k)] = words[k];
      nn::detail::save_state(entries, path, options, at);
    });
  });
}

std::string World::read_entries(std::span<const StateEntry> entries, const std::string& path, Where at) {
  std::string texts;  // lines: key, value
  placed("load", at, [&] {
    same_entries(*group_, entries, "load", at);
    on_rank_0(*group_, "load", at, [&] {
      nn::detail::load_state(entries, path, {}, at);
      for (const auto& [key, value] : nn::load_metadata(path, at))
        if (key.starts_with(generators_key)) texts += key + '\n' + value + '\n';
    });
    group_->broadcast(texts);
  });
  return texts;
}

void World::spread_entries(std::span<const StateEntry> entries, const std::string& texts, Where at) {
  placed("load", at, [&] {
    broadcast_all(*group_, entries, true, at);
    std::map<std::string, std::string> words;
    std::istringstream lines(texts);
    for (std::string key, value; std::getline(lines, key) && std::getline(lines, value);) words[key] = value;
    set_generators(*group_, entries, words, at);
  });
}

}  // namespace xgrad::mpi
