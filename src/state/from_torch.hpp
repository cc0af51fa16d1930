#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <xgrad/state/loading.hpp>

#include "fit.hpp"

namespace xgrad::nn {

/// What each of the sources under the prefix is here; a source's shape becomes that which it has here. Adds to `assumed` the linear
/// layers that were taken for ones of flattened images without being named. Throws ValueError when it cannot be known whether a
/// linear layer's features were images.
std::vector<Turned> turn_from_torch(std::span<Source> sources, std::span<const StateEntry> state, const LoadOptions& options,
                                    const std::string& prefix, Flattened& assumed, const char* op, Where at);

/// The Variables among the entries as PyTorch has them: the inverse. Throws ValueError as turn_from_torch.
std::vector<StateEntry> turned_to_torch(std::span<const StateEntry> state, const SaveOptions& options, const char* op, Where at);

/// What a file of PyTorch has and no network here: how many batches a norm has seen.
inline bool is_torch_counter(std::string_view name) {
  return name == "num_batches_tracked" || name.ends_with(".num_batches_tracked");
}

}  // namespace xgrad::nn
