#pragma once
/// A recorded graph as a tree of layers with operations in them: what pages and pictures are made of.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <xgrad/draw/graph.hpp>

namespace xgrad::draw {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

enum class BoxKind : std::uint8_t { layer, op, leaf, constant, result };

/// One box of a picture. Numbers that nobody knows are NaN.
struct GraphBox {
  BoxKind kind = BoxKind::layer;
  std::string name = {};   ///< of a layer the part of its path below its parent's
  std::string path = {};   ///< of a layer and of what has a name, all of it
  std::string op = {};     ///< of an operation; of a layer those in it, "conv2d + relu"
  std::string shape = {};  ///< of the result, of a layer that of its last operation
  std::string options = {}, line = {};
  double low = unknown, high = unknown, gradient = unknown, forward = unknown, backward = unknown;  ///< times in milliseconds
  std::size_t odd = 0;              ///< elements that are infinite or NaN
  std::size_t bytes = 0, kept = 0;  ///< of the result; of what waits for backward beside parameters
  std::size_t operations = 0, parameters = 0;
  std::uint32_t parent = 0;
  std::vector<std::uint32_t> children = {};  ///< of a layer, in the order in which they ran
};

/// From box to box.
struct Arrow {
  std::uint32_t from, to;
};

struct Tree {
  std::vector<GraphBox> boxes;  ///< the first is the whole; parents stand before their children
  std::vector<Arrow> arrows;
  std::vector<std::string> remarks;
};

template <class T>
Tree tree_of(const Variable<T>& y, const GraphOptions<T>& options, const char* who, Where at);

/// How the boxes of one layer stand: in rows from above to below, each from left to right. A vertex is a child by its place among
/// the children (0 … n-1), where lines from outside come in (n) and go out (n+1), or a point that a line goes through (n+2 …).
struct Plan {
  std::vector<std::vector<std::uint32_t>> rows;
  /// Vertices along each line, from its beginning to its end.
  std::vector<std::vector<std::uint32_t>> lines;
};

/// One for each layer, by its number; empty for other boxes.
std::vector<Plan> plans_of(const Tree& tree);

std::string svg_of(const Tree& tree, const std::vector<Plan>& plans, std::size_t open, const std::string& title);
std::string page_of(const Tree& tree, const std::vector<Plan>& plans, std::size_t open, const std::string& title);

}  // namespace xgrad::draw
