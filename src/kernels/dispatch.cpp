// Chooses the level. Not compiled for an instruction set.
#include "kernels.hpp"
#include "special.hpp"

#include <cstdio>
#include <cstdlib>
#include <type_traits>

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
    level::fill_optim(table);         \
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
        level::fill_optim(table);     \
        level::fill_tiles(table);     \
        level::fill_windows(table);   \
      }

// From the least to the best. The features are those of the x86-64 psABI levels that both g++ and clang can ask for; clang 14 does
// not know the levels' names. Constant: it may be needed before constructors run.
constexpr Level levels[] = {
    {"base", [] { return true; }, XGRAD_LEVEL_FILLS(base)},
#if defined(__x86_64__)
    {"v2", [] { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"); }, XGRAD_LEVEL_FILLS(v2)},
    {"v3",
     [] {
       return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
              __builtin_cpu_supports("bmi2");
     },
     XGRAD_LEVEL_FILLS(v3)},
    {"v4",
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
     },
     XGRAD_LEVEL_FILLS(v4)},
#endif
};

const Level& choose_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();  // we may run before the constructor that does it
#endif
  const Level* best = &levels[0];
  for (const Level& level : levels)
    if (level.supported()) best = &level;
  const char* wanted = std::getenv("XGRAD_ISA");
  if (!wanted || !*wanted) return *best;
  for (const Level& level : levels)
    if (level.name == wanted && level.supported()) return level;
  std::fprintf(stderr, "xgrad: XGRAD_ISA=%s is not a level of this processor; the choices are", wanted);
  for (const Level& level : levels)
    if (level.supported()) std::fprintf(stderr, " %s", level.name.data());
  std::fprintf(stderr, "; using %s\n", best->name.data());
  return *best;
}

const Level& level() {
  static const Level& chosen = choose_level();
  return chosen;
}

}  // namespace

std::string_view level_name() { return level().name; }

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
