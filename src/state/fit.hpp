#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/state/entries.hpp>
#include <xgrad/state/loading.hpp>

#include "convert.hpp"

namespace xgrad::nn {

/// What is to be written into a struct: a name, the elements ("F32") and a shape.
struct Source {
  std::string_view name, element;
  Shape shape;
};

/// Which entry of a struct takes each source (null: none), and what has no counterpart.
struct Fit {
  std::vector<const StateEntry*> targets;
  LoadReport report;
};

struct FitOptions {
  Conversion conversion = Conversion::none;
  bool old = false;              ///< whether a source without numbers, or without text, leaves those of the struct as they are
  std::string_view prefix = {};  ///< of the sources; others are passed over
};

/// Throws ValueError when an entry that would be written is in a const struct, or two have one name.
Fit fit(std::span<const Source> sources, std::span<const StateEntry> state, const FitOptions& options, const char* op, Where at);

/// The prefix under which there are most of the names, the root where that is as good as any. Throws ValueError when several are.
std::string best_prefix(std::span<const Source> sources, std::span<const StateEntry> state, const char* op, Where at);

/// "a is F64 (2,) in the file and F32 (2,) in memory, b F32 (3,) in memory alone"
std::string in_words(const LoadReport& report, std::string_view here, std::string_view there);

/// How the values of an array in a file of PyTorch lie for us: elements of this shape, so far apart. Without lengths as they are.
struct Turned {
  std::vector<std::size_t> shape, strides;
};

/// Writes the values of sources into their targets, all or none.
struct Value {
  const StateEntry* target;
  const void* elements;
  std::size_t count;
  std::string_view element = {};   ///< "BF16", where they are to become those of a Variable while they are written
  const Turned* turned = nullptr;  ///< where they lie otherwise in a Variable
};
void write_all(std::span<const Value> values, Where at);

}  // namespace xgrad::nn
