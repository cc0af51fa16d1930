#pragma once
/// Makes an ONNX graph of what a network has done.
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <xgrad/core/shape.hpp>

#include "model.hpp"
#include "trace.hpp"
#include "write.hpp"

namespace xgrad::onnx {

/// Images are (n, h, w, c) here and (n, c, h, w) in ONNX. A value of four axes is written in either order, or in both.
enum class Order : std::uint8_t { ours, theirs };

/// Where axis k of ours is in theirs, and the other way round.
inline constexpr std::array<std::size_t, 4> place_in_theirs{0, 2, 3, 1};
inline constexpr std::array<std::size_t, 4> place_in_ours{0, 3, 1, 2};

/// Why an operation cannot be written.
struct Refused {
  std::string why;
};

using Ints = std::vector<std::int64_t>;

/// The graph while it grows. It is made of three runs: with as many samples, with one more, and, for the shapes alone, with many. A
/// length that is not the same in all grows evenly with the number of samples, which the file leaves open.
class Exporter {
 public:
  /// `theirs`: whether the input's images are in ONNX's order.
  Exporter(const Trace& one, const Trace& other, const Outline& many, bool theirs, Where at);
  WrittenModel run();

  // For the functions of the operators.

  const Shape& shape(std::size_t value) const { return one_.values[value].shape; }
  /// … of the other run.
  const Shape& other_shape(std::size_t value) const { return other_.values[value].shape; }
  static constexpr std::size_t runs = 3;
  const Shape& shape(std::size_t value, std::size_t run) const {
    return run == 0 ? shape(value) : run == 1 ? other_shape(value) : many_shapes_[value];
  }
  const TracedOp& op() const { return one_.ops[at_]; }
  const TracedOp& op(std::size_t run) const { return (run == 0 ? one_.ops : run == 1 ? other_.ops : many_.ops)[at_]; }
  bool dynamic(std::size_t value) const { return one_.values[value].dynamic; }
  /// The number of a value of the network's own state, by its path, if it has it.
  std::optional<std::size_t> state(const std::string& path) const;
  const std::string& path_of(std::size_t value) const { return one_.values[value].name; }
  /// Which operation has made a value; null for those that none has.
  const TracedOp* maker(std::size_t value) const;
  /// The element of a constant that has but one.
  double number(std::size_t value) const;
  int element() const { return one_.is_double ? 11 : 1; }

  /// The name of a value in an order of axes. Constants become initialisers; of fewer axes than images have, as they broadcast to
  /// them.
  std::string get(std::size_t value, Order order = Order::ours);
  /// … of a weight or other value with its axes in another order.
  std::string permuted(std::size_t value, const std::vector<std::size_t>& axes);
  /// The order in which an operation is best computed that any order will do for: theirs where some value is known in that alone,
  /// and all are images.
  Order order_for(std::size_t output) const;
  /// The order in which a value of four axes is known.
  Order order_of(std::size_t value) const;
  /// Says what a value is called.
  void set(std::size_t value, std::string name, Order order = Order::ours) { names_[{value, order}] = std::move(name); }
  void set_output(std::string name, Order order = Order::ours) { set(op().output, std::move(name), order); }

  /// Adds a node. The name of its first output is returned; others are that name, "/" and their numbers.
  std::string node(std::string_view op, std::vector<std::string> inputs, std::vector<xgrad::Attribute> attributes = {},
                   std::size_t outputs = 1);
  /// A list of whole numbers; one alone, of no axis; a number of the network's own elements.
  std::string integers(const Ints& values);
  std::string index(std::int64_t value);
  std::string scalar(double value);
  std::string truth();
  /// An initialiser of the network's elements, made here.
  std::string tensor(const std::string& name, const Shape& shape, const std::vector<double>& values);
  /// … of whole numbers, with more axes than one.
  std::string index_tensor(const std::string& name, const Ints& values, Ints dims) {
    return whole_numbers(name, values, std::move(dims));
  }
  /// A list of lengths, as in `shape` for as many samples and `other` for one more.
  std::string lengths(const Shape& shape, const Shape& other);

 private:
  std::string initialiser(std::size_t value, const std::vector<std::size_t>& axes, std::size_t ones = 0);
  std::string unique(std::string name);
  void check_runs() const;
  void check_shapes();
  void remove_unused(WrittenModel& model) const;

  const Trace &one_, &other_;
  const Outline& many_;
  std::vector<Shape> many_shapes_;  ///< of the values
  bool theirs_;
  Where where_;
  std::size_t at_ = 0;
  std::map<std::size_t, std::size_t> makers_;
  std::map<std::pair<std::size_t, Order>, std::string> names_;
  std::map<std::tuple<std::size_t, std::vector<std::size_t>, std::size_t>, std::string> permuted_;
  std::string whole_numbers(const std::string& name, const Ints& values, Ints dims);
  std::map<Ints, std::string> integers_;
  std::map<std::int64_t, std::string> indices_;
  std::map<std::uint64_t, std::string> scalars_;  ///< by their bits
  std::map<std::string, int> used_;
  std::string batch_, truth_;
  WrittenModel model_;
};

/// Writes an operation's nodes; throws Refused.
using Write = std::function<void(Exporter&)>;
/// By the operations' names.
const std::map<std::string_view, Write>& writers();
/// An elementwise operation.
void write_formula(Exporter& e);
/// Those of a topic, in a file each.
void add_images(std::map<std::string_view, Write>& table);
void add_training(std::map<std::string_view, Write>& table);
void add_indices(std::map<std::string_view, Write>& table);
void add_views(std::map<std::string_view, Write>& table);

inline std::int64_t whole(std::size_t n) { return static_cast<std::int64_t>(n); }
/// Where an axis of ours is in an order.
inline std::size_t placed(std::size_t axis, Order order) { return order == Order::theirs ? place_in_theirs[axis] : axis; }

/// Options of the operation, which must be the same in each run.
Ints integers_of(const Exporter& e, std::string_view name);
std::int64_t integer_of(const Exporter& e, std::string_view name);
double number_of(const Exporter& e, std::string_view name);
bool flag_of(const Exporter& e, std::string_view name);
/// … of some operation in one run.
Ints integers_of(const TracedOp& op, std::string_view name);
std::int64_t integer_of(const TracedOp& op, std::string_view name);

}  // namespace xgrad::onnx
