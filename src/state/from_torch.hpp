#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <xgrad/state/loading.hpp>

#include "fit.hpp"

namespace xgrad::nn {

/// How the values of an array in a file of PyTorch lie for us: elements of this shape, so far apart. Without lengths as they are.
struct Turned {
  std::vector<std::size_t> shape, strides;
};

/// What each of the sources under the prefix is here; a source's shape becomes that which it has here. Throws ValueError when it
/// cannot be known whether a linear layer's features were images.
std::vector<Turned> turn_from_torch(std::span<Source> sources, std::span<const StateEntry> state, const LoadOptions& options,
                                    const std::string& prefix, const char* op, Where at);

/// The Variables among the entries as PyTorch has them: the inverse. Throws ValueError as turn_from_torch.
std::vector<StateEntry> turned_to_torch(std::span<const StateEntry> state, const SaveOptions& options, const char* op, Where at);

/// What a file of PyTorch has and no network here: how many batches a norm has seen.
inline bool is_torch_counter(std::string_view name) {
  return name == "num_batches_tracked" || name.ends_with(".num_batches_tracked");
}

}  // namespace xgrad::nn
