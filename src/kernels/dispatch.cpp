// Chooses the level. Not compiled for an instruction set.
#include "libraries.hpp"
#include "special.hpp"
#include "table.hpp"

#include <fmt/format.h>
#include <cstdlib>
#include <string>
#include <type_traits>

#include <xgrad/core/text.hpp>

#include "../core/tell.hpp"
#include "features.hpp"

namespace xgrad::kernels {
namespace {

struct Level {
  std::string_view name;
  bool (*supported)();
  void (*fill_float)(Table<float>&);
  void (*fill_double)(Table<double>&);
};

// Calls every fill function of a level.
#define XGRAD_LEVEL_FILLS(level)      \
  [](Table<float>& table) {           \
    level::fill_formula(table);       \
    level::fill_chain(table);         \
    level::fill_rows(table);          \
    level::fill_extremes(table);      \
    level::fill_norm_rows(table);     \
    level::fill_multiply(table);      \
    level::fill_tiles(table);         \
    level::fill_windows(table);       \
  },                                  \
      [](Table<double>& table) {      \
        level::fill_formula(table);   \
        level::fill_chain(table);     \
        level::fill_rows(table);      \
        level::fill_extremes(table);  \
        level::fill_norm_rows(table); \
        level::fill_multiply(table);  \
        level::fill_tiles(table);     \
        level::fill_windows(table);   \
      }

// From the least to the best. The features are those of the x86-64 psABI levels that both g++ and clang can ask for; clang 14 does
// not know the levels' names. Constant: it may be needed before constructors run.
constexpr Level levels[] = {
    {"base", [] { return true; }, XGRAD_LEVEL_FILLS(base)},
#ifdef XGRAD_V2
    {"v2", [] { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"); }, XGRAD_LEVEL_FILLS(v2)},
#endif
#ifdef XGRAD_V3
    {"v3",
     [] {
       return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
              __builtin_cpu_supports("bmi2");
     },
     XGRAD_LEVEL_FILLS(v3)},
#endif
#ifdef XGRAD_V4
    {"v4", [] { return has_avx512() && __builtin_cpu_supports("fma"); }, XGRAD_LEVEL_FILLS(v4)},
#endif
};

struct Choice {
  const Level* level;
  std::string note;
};

Choice choose_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();  // we may run before the constructor that does it
#endif
  const Level* best = &levels[0];
  for (const Level& level : levels)
    if (level.supported()) best = &level;
  const char* wanted = std::getenv("XGRAD_ISA");
  if (!wanted || !*wanted) return {best, ""};
  std::string names;
  for (const Level& level : levels) {
    if (!level.supported()) continue;
    if (level.name == wanted) return {&level, ""};
    names += (names.empty() ? "" : ", ") + std::string(level.name);
  }
  return {best, fmt::format("XGRAD_ISA is {}; it must be one of {} on this processor: using {}", printable(wanted, 60), names,
                            best->name)};
}

const Choice& choice() {
  static const Choice* const chosen = [] {  // not destroyed: static Variables may compute after it would be
    const auto* const made = new Choice(choose_level());
    if (!made->note.empty()) tell(made->note);
    return made;
  }();
  return *chosen;
}
const Level& level() { return *choice().level; }

}  // namespace

std::string_view level_name() { return level().name; }
bool above_base() { return &level() != &levels[0]; }
std::string level_note() { return choice().note; }

template <class T>
const Table<T>& choose_table() {
  static const Table<T> filled = [] {
    Table<T> table{};
    fill_special(table);
    if constexpr (std::is_same_v<T, float>)
      level().fill_float(table);
    else
      level().fill_double(table);
    return table;
  }();
  chosen_table<T>.store(&filled, std::memory_order_release);
  return filled;
}
template const Table<float>& choose_table();
template const Table<double>& choose_table();

}  // namespace xgrad::kernels
