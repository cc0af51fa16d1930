#pragma once
/// All of xgrad, room by room: a room includes only from the rooms above it.
#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/error.hpp>
#include <xgrad/core/fields.hpp>
#include <xgrad/core/file.hpp>
#include <xgrad/core/indices.hpp>
#include <xgrad/core/memory.hpp>
#include <xgrad/core/parallel.hpp>
#include <xgrad/core/primitive.hpp>
#include <xgrad/core/print.hpp>
#include <xgrad/core/processors.hpp>
#include <xgrad/core/progress.hpp>
#include <xgrad/core/random.hpp>
#include <xgrad/core/ranges.hpp>
#include <xgrad/core/shape.hpp>
#include <xgrad/core/text.hpp>
#include <xgrad/core/where.hpp>

#include <xgrad/formula/formula.hpp>

#include <xgrad/graph/apply.hpp>
#include <xgrad/graph/attribute.hpp>
#include <xgrad/graph/describe.hpp>
#include <xgrad/graph/mode.hpp>
#include <xgrad/graph/node.hpp>
#include <xgrad/graph/observer.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/graph/print.hpp>
#include <xgrad/graph/variable.hpp>

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/arithmetic.hpp>
#include <xgrad/ops/constants.hpp>
#include <xgrad/ops/conv.hpp>
#include <xgrad/ops/dropout.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/extremes.hpp>
#include <xgrad/ops/formula.hpp>
#include <xgrad/ops/index.hpp>
#include <xgrad/ops/interpolate.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/loss.hpp>
#include <xgrad/ops/norm.hpp>
#include <xgrad/ops/pool.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/sequence.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sort.hpp>
#include <xgrad/ops/statistics.hpp>

#include <xgrad/autodiff/backward.hpp>
#include <xgrad/autodiff/checkpoint.hpp>
#include <xgrad/autodiff/function.hpp>
#include <xgrad/autodiff/functional.hpp>
#include <xgrad/autodiff/gradcheck.hpp>
#include <xgrad/autodiff/to_dot.hpp>

#include <xgrad/state/checkpoints.hpp>
#include <xgrad/state/entries.hpp>
#include <xgrad/state/loading.hpp>
#include <xgrad/state/npy.hpp>
#include <xgrad/state/state.hpp>
#include <xgrad/state/visit.hpp>

#include <xgrad/nn/activation.hpp>
#include <xgrad/nn/attention.hpp>
#include <xgrad/nn/containers.hpp>
#include <xgrad/nn/conv.hpp>
#include <xgrad/nn/dropout.hpp>
#include <xgrad/nn/embedding.hpp>
#include <xgrad/nn/init.hpp>
#include <xgrad/nn/linear.hpp>
#include <xgrad/nn/norm.hpp>
#include <xgrad/nn/penalty.hpp>
#include <xgrad/nn/pool.hpp>
#include <xgrad/nn/recurrent.hpp>
#include <xgrad/nn/summary.hpp>

#include <xgrad/optim/clip.hpp>
#include <xgrad/optim/minimise.hpp>
#include <xgrad/optim/optimizer.hpp>
#include <xgrad/optim/rules.hpp>
#include <xgrad/optim/schedule.hpp>

#include <xgrad/data/augment.hpp>
#include <xgrad/data/cifar.hpp>
#include <xgrad/data/csv.hpp>
#include <xgrad/data/dataset.hpp>
#include <xgrad/data/digits.hpp>
#include <xgrad/data/evaluate.hpp>
#include <xgrad/data/folder.hpp>
#include <xgrad/data/idx.hpp>
#include <xgrad/data/loader.hpp>
#include <xgrad/data/shapes.hpp>
#include <xgrad/data/source.hpp>

#include <xgrad/profile/profile.hpp>

#include <xgrad/draw/chart.hpp>
#include <xgrad/draw/event_file.hpp>
#include <xgrad/draw/gallery.hpp>
#include <xgrad/draw/graph.hpp>
#include <xgrad/draw/history.hpp>
#include <xgrad/draw/image.hpp>
#include <xgrad/draw/markup.hpp>
#include <xgrad/draw/page.hpp>
#include <xgrad/draw/report.hpp>

#include <xgrad/config/config.hpp>

#include <xgrad/testing/check_op.hpp>
