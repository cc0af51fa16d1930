#pragma once
/// The mean over ranks of what is known to have one shape on all of them.
#include <memory>

#include <xgrad/graph/variable.hpp>

#include "group.hpp"

namespace xgrad::mpi {

/// Collective. What has another size elsewhere is an error of the messages, what has as many numbers is not noticed.
template <class T>
Variable<T> mean_over_ranks(const std::shared_ptr<Group>& group, Variable<T> x, Where at);

}  // namespace xgrad::mpi
