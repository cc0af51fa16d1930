#include <xgrad/nn/summary.hpp>

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <xgrad/core/text.hpp>

#include "steps.hpp"

namespace xgrad::nn {
namespace {

using Pair = std::array<std::size_t, 2>;  // along height and width

std::vector<std::int64_t> numbers(const std::vector<Attribute>& attributes, std::string_view name) {
  const AttributeValue* value = find(attributes, name);
  const auto* list = value ? std::get_if<std::vector<std::int64_t>>(value) : nullptr;
  return list ? *list : std::vector<std::int64_t>{};
}
bool flag(const std::vector<Attribute>& attributes, std::string_view name) {
  const AttributeValue* value = find(attributes, name);
  const bool* set = value ? std::get_if<bool>(value) : nullptr;
  return set && *set;
}

/// How many products are added up for the result: of matrices and convolutions, which are what takes time.
std::size_t multiply_adds(std::string_view op, const std::vector<Attribute>& attributes, const std::vector<Shape>& inputs,
                          const Shape& result) {
  const auto filter = [](const Shape& weights) { return size_of(weights, 1, weights.size()); };
  if (op == "conv2d") return size_of(result) * filter(inputs[1]);
  if (op == "conv2d_input_grad" || op == "conv_transpose2d") return size_of(inputs[0]) * filter(inputs[1]);
  if (op == "conv2d_weight_grad") return size_of(inputs[1]) * filter(result);
  if (op == "linear") return size_of(result) * inputs[0].back();
  if (op == "matmul") return size_of(result) * inputs[0][inputs[0].size() - (flag(attributes, "transpose_a") ? 2 : 1)];
  return 0;
}

/// The windows of a convolution or pooling.
struct Window {
  Pair size, stride, dilation{1, 1};
  std::array<std::size_t, 4> padding{};
  bool ceil_mode = false;
};

std::optional<Window> window_of(std::string_view op, const std::vector<Attribute>& attributes, const std::vector<Shape>& inputs) {
  const auto stride = numbers(attributes, "stride"), dilation = numbers(attributes, "dilation"), size = numbers(attributes, "size");
  const auto padding = numbers(attributes, "padding");
  const auto pair = [](const std::vector<std::int64_t>& x) {
    return Pair{static_cast<std::size_t>(x[0]), static_cast<std::size_t>(x[1])};
  };
  if (stride.size() != 2 || padding.size() != 4 || inputs[0].size() != 4) return {};
  Window window{.size = {}, .stride = pair(stride)};
  if (op == "conv2d")
    window.size = {inputs[1][1], inputs[1][2]};
  else if (size.size() == 2)
    window.size = pair(size);
  else
    return {};
  if (dilation.size() == 2) window.dilation = pair(dilation);
  for (std::size_t k = 0; k < 4; ++k) window.padding[k] = static_cast<std::size_t>(padding[k]);
  window.ceil_mode = flag(attributes, "ceil_mode");
  return window;
}

/// The pixels from the first to the last that a window reaches, along one axis.
std::size_t extent(const Window& window, std::size_t axis) { return window.dilation[axis] * (window.size[axis] - 1) + 1; }

/// "3×3", "3×3 / 2", "3×3 / 1×2"
std::string in_words(const Window& window) {
  std::string text = fmt::format("{}×{}", window.size[0], window.size[1]);
  if (window.stride[0] == window.stride[1] && window.stride[0] > 1) text += fmt::format(" / {}", window.stride[0]);
  if (window.stride[0] != window.stride[1]) text += fmt::format(" / {}×{}", window.stride[0], window.stride[1]);
  return text;
}

/// How many pixels at the end of an axis no window reaches; padding is none of them.
std::size_t left_over(const Window& window, const Shape& x, std::size_t axis) {
  const std::size_t before = window.padding[2 * axis], after = window.padding[2 * axis + 1];
  const std::size_t rest = (x[1 + axis] + before + after - extent(window, axis)) % window.stride[axis];
  return window.ceil_mode || rest <= after ? 0 : rest - after;
}
std::string remark_on(const Window& window, const Shape& x) {
  const auto count = [](std::size_t n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); };
  const std::size_t rows = left_over(window, x, 0), columns = left_over(window, x, 1);
  if (rows == 0 && columns == 0) return {};
  return fmt::format("the stride leaves the last {}{}{} out", rows > 0 ? count(rows, "row") : "",
                     rows > 0 && columns > 0 ? " and " : "", columns > 0 ? count(columns, "column") : "");
}

/// The part of the image that a pixel depends on, and how far apart those of neighbouring pixels are.
struct Field {
  Pair size{1, 1}, step{1, 1};
};

template <class T>
class Table {
 public:
  explicit Table(const detail::Performance<T>& run) : run_(run) {
    if (run.input.shape().size() == 4) fields_[run.input.node().get()] = {};
    for (const NamedVariable<T>& named : run.state) counted_.insert(named.variable.storage().get());
  }

  Summary make(const char* who, Where at) {
    Summary summary{run_.input.shape(), {}, {}, 0, 0};
    Steps<T> steps = steps_of(run_, who, at);
    for (const Step<T>& step : steps.list) {
      SummaryRow row = row_of(step);
      if (!step.continues) {
        summary.rows.push_back(std::move(row));
        continue;
      }
      SummaryRow& last = summary.rows.back();
      last.op += " + " + row.op;
      last.output = row.output;
      if (last.kernel.empty()) last.kernel = row.kernel;
      last.field = row.field;
      last.parameters += row.parameters;
      last.multiply_adds += row.multiply_adds;
      last.multiply_adds_back += row.multiply_adds_back;
      last.kept += row.kept;
      last.remarks.insert(last.remarks.end(), row.remarks.begin(), row.remarks.end());
    }
    summary.unused = std::move(steps.unused);
    for (const NamedVariable<T>& named : run_.state)
      if (named.variable.requires_grad()) summary.parameters += named.variable.size();
    summary.bytes = summary.parameters * sizeof(T);
    return summary;
  }

 private:
  SummaryRow row_of(const Step<T>& step) {
    const Node<T>& node = *step.node;
    SummaryRow row{.name = step.name, .op = std::string(node.name()), .output = node.shape()};
    row.parameters = step.parameters;
    row.kept = kept_by(node);
    for (std::size_t k = 0; k < run_.results.size() && run_.results.size() > 1; ++k)
      if (run_.results[k].node().get() == &node) row.remarks.push_back(fmt::format("result {} of {}", k + 1, run_.results.size()));
    // What training needs no gradient of is what depends on the input alone.
    std::vector<bool> trained;
    for (const Edge<T>& edge : node.edges())
      trained.push_back(edge.node && edge.node != run_.input.node() &&
                        (edge.node->is_leaf() || trained_.contains(edge.node.get())));
    if (std::ranges::find(trained, true) != trained.end()) trained_.insert(&node);
    const auto seen = run_.seen.of.find(&node);
    if (seen == run_.seen.of.end()) return row;  // recorded before the network ran
    const std::vector<Shape>& inputs = seen->second.inputs;
    const std::vector<Attribute> attributes = node.attributes();
    row.multiply_adds = multiply_adds(row.op, attributes, inputs, node.shape());
    for (std::size_t k = 0; k < 2 && k < trained.size(); ++k) row.multiply_adds_back += trained[k] ? row.multiply_adds : 0;
    const std::optional<Window> window = window_of(row.op, attributes, inputs);
    if (window) {
      row.kernel = in_words(*window);
      if (std::string remark = remark_on(*window, inputs[0]); !remark.empty()) row.remarks.push_back(std::move(remark));
    }
    row.field = field_of(node, inputs, window);
    return row;
  }

  std::size_t kept_by(const Node<T>& node) {
    std::size_t bytes = node.own_bytes();
    const auto add = [&](const Ref<Storage<T>>& storage) {
      if (storage && counted_.insert(storage.get()).second) bytes += storage->array.size() * sizeof(T);
    };
    for (const Edge<T>& edge : node.edges()) add(edge.kept);
    add(node.kept_output());
    return bytes;
  }

  /// "14×14", or "" where a result is no image, or depends on the whole of one.
  std::string field_of(const Node<T>& node, const std::vector<Shape>& inputs, const std::optional<Window>& window) {
    std::optional<Field> field;
    for (const Edge<T>& edge : node.edges())
      if (const auto found = fields_.find(edge.node.get()); found != fields_.end()) {
        if (!field) field = Field{{0, 0}, {0, 0}};
        for (std::size_t axis = 0; axis < 2; ++axis) {
          field->size[axis] = std::max(field->size[axis], found->second.size[axis]);
          field->step[axis] = std::max(field->step[axis], found->second.step[axis]);
        }
      }
    const Shape &x = inputs[0], &y = node.shape();
    const bool pixel_by_pixel = x.size() == 4 && y.size() == 4 && x[1] == y[1] && x[2] == y[2];
    if (!field || (!window && !pixel_by_pixel)) return {};
    for (std::size_t axis = 0; axis < 2 && window; ++axis) {
      field->size[axis] += (extent(*window, axis) - 1) * field->step[axis];
      field->step[axis] *= window->stride[axis];
    }
    fields_[&node] = *field;
    return fmt::format("{}×{}", field->size[0], field->size[1]);
  }

  const detail::Performance<T>& run_;
  std::unordered_map<const void*, Field> fields_;
  std::unordered_set<const void*> trained_, counted_;
};

/// "61 706": digits in threes; "" for none.
std::string grouped(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t k = text.size(); k > 3; k -= 3) text.insert(k - 3, " ");
  return text;
}
std::string cell(std::size_t number) { return number == 0 ? "" : grouped(number); }
/// "246.8 kB"
std::string memory(std::size_t bytes) {
  const double b = static_cast<double>(bytes);
  return b < 1e6   ? fmt::format("{:.1f} kB", b / 1e3)
         : b < 1e9 ? fmt::format("{:.1f} MB", b / 1e6)
                   : fmt::format("{:.1f} GB", b / 1e9);
}

}  // namespace

Summary detail::summarise(const Performance<float>& run, const char* who, Where at) { return Table<float>(run).make(who, at); }
Summary detail::summarise(const Performance<double>& run, const char* who, Where at) { return Table<double>(run).make(who, at); }

std::string to_string(const Summary& summary) {
  std::vector<std::vector<std::string>> lines{
      {"layer", "operation", "output", "kernel", "field", "parameters", "multiply-adds", "back", "kept"},
      {"input", "", xgrad::to_string(summary.input)}};
  std::size_t forward = 0, back = 0, kept = 0;
  std::string remarks;
  for (const SummaryRow& row : summary.rows) {
    lines.push_back({row.name, row.op, xgrad::to_string(row.output), row.kernel, row.field, cell(row.parameters),
                     cell(row.multiply_adds), cell(row.multiply_adds_back), row.kept == 0 ? "" : memory(row.kept)});
    forward += row.multiply_adds;
    back += row.multiply_adds_back;
    kept += row.kept;
    if (!row.remarks.empty())
      remarks += fmt::format("\n{} {}: {}", printable(row.name.empty() ? row.op : row.name), xgrad::to_string(row.output),
                             printable(fmt::format("{}", fmt::join(row.remarks, "; "))));
  }
  std::string text = aligned(lines, "     rrrr");
  text.insert(text.find('\n'), '\n' + std::string(text.find('\n'), '-'));
  text += fmt::format("\n{} parameters, {}; {} multiply-adds forward, {} back; {} kept for backward", grouped(summary.parameters),
                      memory(summary.bytes), grouped(forward), grouped(back), memory(kept));
  text += remarks;
  if (!summary.unused.empty())
    text += fmt::format("\nunused, so they will not be trained: {}", printable(fmt::format("{}", fmt::join(summary.unused, ", "))));
  return text;
}

}  // namespace xgrad::nn
