// The graph as SVG, and what hands out pages and pictures of it. graph_page.js lays boxes out in the same way when layers are
// opened.
#include <xgrad/draw/graph.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>

#include <xgrad/core/error.hpp>
#include <xgrad/core/file.hpp>
#include <xgrad/draw/markup.hpp>

#include "graph_tree.hpp"

namespace xgrad::draw {
namespace {

struct Point {
  double x = 0, y = 0;
};

/// A box as large as it must be; of an open layer, what is in it, by places within it.
struct Sized {
  double width = 0, height = 0;
  Point at;  ///< upper left corner, within the layer around it
  bool open = false;
};

constexpr double char_width = 6.7, row_gap = 30, gap = 14, border = 14, head = 24;

std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}
std::string cut(const std::string& text, std::size_t most) {
  if (length(text) <= most) return text;
  std::size_t end = 0, n = 0;
  while (n < most - 1) {
    ++end;
    while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;
    ++n;
  }
  return text.substr(0, end) + "…";
}

/// What stands in a box: two lines.
std::array<std::string, 2> lines_of(const GraphBox& box) {
  if (box.kind == BoxKind::layer) return {cut(box.name, 40), cut(box.shape + (box.op.empty() ? "" : " · " + box.op), 44)};
  const std::string first = box.name.empty() ? box.op : box.op.empty() ? box.name : box.name + " = " + box.op;
  return {cut(first, 34), cut(box.shape, 34)};
}

class Picture {
 public:
  Picture(const Tree& tree, const std::vector<Plan>& plans, std::size_t open)
      : tree_(tree), plans_(plans), sized_(tree.boxes.size()) {
    std::vector<std::size_t> depth(tree.boxes.size());
    for (std::size_t k = 0; k < tree.boxes.size(); ++k) {
      depth[k] = k == 0 ? 0 : depth[tree.boxes[k].parent] + 1;
      sized_[k].open = tree.boxes[k].kind == BoxKind::layer && !tree.boxes[k].children.empty() && depth[k] <= open;
    }
    for (std::size_t k = tree.boxes.size(); k-- > 0;) size(k);
  }

  std::string svg(const std::string& title) {
    const Sized& whole = sized_[0];
    text_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"xgrad-graph\" viewBox=\"0 0 {:.0f} {:.0f}\" width=\"{:.0f}\" "
        "height=\"{:.0f}\" "
        "role=\"img\" aria-label=\"{}\"><style>{}</style><rect class=\"back\" width=\"100%\" height=\"100%\"/>",
        whole.width, whole.height, whole.width, whole.height, escaped(title), style);
    inside(0, {});
    return text_ + "</svg>";
  }

 private:
  static constexpr std::string_view style =
      ".xgrad-graph{--back:#fff;--ink:#1c1e22;--soft:#5d636e;--edge:#8a8f98;--op:#e8eefc;--op-line:#5b7bd5;--leaf:#fdf3dc;"
      "--leaf-line:#c99a2e;--result:#dff3e4;--result-line:#3f9a5a;--layer:#f1f0ec;--layer-line:#a9a79f;"
      "font:11px ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}"
      "@media(prefers-color-scheme:dark){.xgrad-graph{--back:#121418;--ink:#e9e9e6;--soft:#a3a9b5;--edge:#6d7480;--op:#1d2a4a;"
      "--op-line:#6f8fe6;--leaf:#3a2f14;--leaf-line:#d0a443;--result:#173523;--result-line:#4aaf6e;--layer:#1c2027;--layer-line:#"
      "565d69}}"
      ".xgrad-graph .back{fill:var(--back)}.xgrad-graph text{fill:var(--soft);text-anchor:middle}.xgrad-graph "
      ".head{text-anchor:start}.xgrad-graph .n{fill:var(--ink);"
      "font-weight:600}.xgrad-graph path{fill:none;stroke:var(--edge);stroke-width:1.2}.xgrad-graph .op{fill:var(--op);"
      "stroke:var(--op-line)}.xgrad-graph .leaf{fill:var(--leaf);stroke:var(--leaf-line)}.xgrad-graph .constant{fill:var(--back);"
      "stroke:var(--edge);stroke-dasharray:4 3}.xgrad-graph .result{fill:var(--result);stroke:var(--result-line)}"
      ".xgrad-graph .layer{fill:var(--layer);stroke:var(--layer-line)}";

  /// The places of the vertices of an open layer: their middles.
  struct Places {
    std::vector<double> x, y, width, height;
    double left = 0, right = 0, bottom = 0;
  };

  Places place(std::size_t k) const {
    const Plan& plan = plans_[k];
    const auto& children = tree_.boxes[k].children;
    std::size_t n = children.size() + 2;
    for (const auto& row : plan.rows)
      for (const std::uint32_t v : row) n = std::max<std::size_t>(n, v + 1);
    Places p;
    p.x.resize(n), p.y.resize(n), p.width.resize(n, 2), p.height.resize(n, 0);
    for (std::size_t c = 0; c < children.size(); ++c)
      p.width[c] = sized_[children[c]].width, p.height[c] = sized_[children[c]].height;
    double y = 0;
    for (const auto& row : plan.rows) {
      double tallest = 0, x = 0;
      for (const std::uint32_t v : row) {
        tallest = std::max(tallest, p.height[v]);
        p.x[v] = x + p.width[v] / 2;
        x += p.width[v] + gap;
      }
      for (const std::uint32_t v : row) {
        p.x[v] -= x / 2;
        p.y[v] = y + tallest / 2;
        if (v >= children.size() + 2) p.height[v] = tallest;  // a line goes straight past the boxes of the row
      }
      if (!row.empty()) y += tallest + row_gap;
    }
    p.bottom = std::max(0.0, y - row_gap);
    straighten(k, p);
    p.left = 1e300, p.right = -1e300;
    for (const auto& row : plan.rows)
      for (const std::uint32_t v : row) {
        p.left = std::min(p.left, p.x[v] - p.width[v] / 2);
        p.right = std::max(p.right, p.x[v] + p.width[v] / 2);
      }
    return p;
  }

  /// Moves each row to where its neighbours are, as near as its order and its widths allow, in the sense of least squares.
  void straighten(std::size_t k, Places& p) const {
    const Plan& plan = plans_[k];
    const auto& children = tree_.boxes[k].children;
    // What gives way: parameters to lines, lines to operations.
    const auto weight = [&](std::uint32_t v) {
      if (v >= children.size()) return 4.0;
      const BoxKind kind = tree_.boxes[children[v]].kind;
      return kind == BoxKind::leaf || kind == BoxKind::constant ? 1.0 : 20.0;
    };
    std::vector<std::vector<std::uint32_t>> up(p.x.size()), down(p.x.size());
    std::vector<std::size_t> row(p.x.size());
    for (std::size_t r = 0; r < plan.rows.size(); ++r)
      for (const std::uint32_t v : plan.rows[r]) row[v] = r;
    for (const auto& line : plan.lines)
      for (std::size_t i = 0; i + 1 < line.size(); ++i) {
        std::uint32_t a = line[i], b = line[i + 1];
        if (row[a] > row[b]) std::swap(a, b);
        if (row[a] == row[b]) continue;
        down[a].push_back(b);
        up[b].push_back(a);
      }
    struct Block {
      double sum, weight;
      std::size_t count;
      double mean() const { return sum / weight; }
    };
    for (int sweep = 0; sweep < 6; ++sweep)
      for (std::size_t i = 0; i < plan.rows.size(); ++i) {
        const auto& members = plan.rows[sweep % 2 == 0 ? i : plan.rows.size() - 1 - i];
        std::vector<Block> blocks;
        double offset = 0;
        std::vector<double> offsets;
        for (std::size_t m = 0; m < members.size(); ++m) {
          const std::uint32_t v = members[m];
          if (m > 0) offset += (p.width[members[m - 1]] + p.width[v]) / 2 + gap;
          offsets.push_back(offset);
          double wish = 0, pull = 0;
          for (const auto* side : {sweep % 2 == 0 ? &up[v] : &down[v], sweep == 5 ? &up[v] : nullptr})
            if (side)
              for (const std::uint32_t u : *side) {
                const double strong = std::min(weight(u), weight(v));
                wish += strong * p.x[u];
                pull += strong;
              }
          blocks.push_back({weight(v) * ((pull > 0 ? wish / pull : p.x[v]) - offset), weight(v), 1});
          while (blocks.size() > 1) {
            Block &before = blocks[blocks.size() - 2], &last = blocks.back();
            if (before.mean() <= last.mean()) break;
            before.sum += last.sum, before.weight += last.weight, before.count += last.count;
            blocks.pop_back();
          }
        }
        std::size_t m = 0;
        for (const Block& block : blocks)
          for (std::size_t b = 0; b < block.count; ++b, ++m) p.x[members[m]] = block.mean() + offsets[m];
      }
  }

  void size(std::size_t k) {
    Sized& s = sized_[k];
    if (!s.open) {
      const auto lines = lines_of(tree_.boxes[k]);
      s.width = std::max(54.0, char_width * static_cast<double>(std::max(length(lines[0]), length(lines[1]))) + 20);
      s.height = 38;
      return;
    }
    const Places p = place(k);
    const double least = char_width * static_cast<double>(length(tree_.boxes[k].name)) + 30;
    s.width = std::max(p.right - p.left + 2 * border, least);
    s.height = p.bottom + 2 * border + head;
    for (std::size_t c = 0; c < tree_.boxes[k].children.size(); ++c) {
      Sized& child = sized_[tree_.boxes[k].children[c]];
      const double middle = s.width / 2 - (p.left + p.right) / 2;
      child.at = {p.x[c] - child.width / 2 + middle, p.y[c] - child.height / 2 + border + head};
    }
  }

  void inside(std::size_t k, Point corner) {
    const GraphBox& box = tree_.boxes[k];
    const Places p = place(k);
    const double middle = corner.x + sized_[k].width / 2 - (p.left + p.right) / 2, top = corner.y + border + head;
    const auto n = box.children.size();
    text_ += fmt::format("<text class=\"n head\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", corner.x + 10, corner.y + 16,
                         escaped(cut(box.name, 60)));
    for (const auto& line : plans_[k].lines) {
      std::vector<Point> points;
      for (std::size_t i = 0; i < line.size(); ++i) {
        const std::uint32_t v = line[i];
        const double x = middle + p.x[v], y = top + p.y[v], half = p.height[v] / 2;
        if (v == n || v == n + 1) {  // lines from and to outside begin and end at the border
          points.push_back({corner.x + sized_[k].width / 2, v == n ? corner.y : corner.y + sized_[k].height});
        } else if (i == 0) {
          points.push_back({x, y + half});
        } else if (i + 1 == line.size()) {
          points.push_back({x, y - half});
        } else {
          const double way = points[0].y <= y ? half : -half;
          points.push_back({x, y - way});
          points.push_back({x, y + way});
        }
      }
      text_ += fmt::format("<path d=\"M{:.1f} {:.1f}", points[0].x, points[0].y);
      for (std::size_t i = 1; i < points.size(); ++i) {
        const Point a = points[i - 1], b = points[i];
        const double half = (a.y + b.y) / 2;
        text_ += fmt::format("C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", a.x, half, b.x, half, b.x, b.y);
      }
      text_ += "\"/>";
    }
    for (const std::uint32_t c : box.children) draw(c, {corner.x + sized_[c].at.x, corner.y + sized_[c].at.y});
  }

  void draw(std::size_t k, Point corner) {
    static constexpr std::array<std::string_view, 5> kinds{"layer", "op", "leaf", "constant", "result"};
    const GraphBox& box = tree_.boxes[k];
    const Sized& s = sized_[k];
    text_ += fmt::format("<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"{}\"/>",
                         kinds[static_cast<std::size_t>(box.kind)], corner.x, corner.y, s.width, s.height,
                         box.kind == BoxKind::leaf || box.kind == BoxKind::constant ? 2 : 8);
    if (s.open) return inside(k, corner);
    const auto lines = lines_of(box);
    const double x = corner.x + s.width / 2;
    text_ += fmt::format("<text class=\"n\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text><text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", x,
                         corner.y + 16, escaped(lines[0]), x, corner.y + 30, escaped(lines[1]));
  }

  const Tree& tree_;
  const std::vector<Plan>& plans_;
  std::vector<Sized> sized_;
  std::string text_;
};

}  // namespace

std::string svg_of(const Tree& tree, const std::vector<Plan>& plans, std::size_t open, const std::string& title) {
  return Picture(tree, plans, open).svg(title);
}

template <class T>
std::string graph_page(const Variable<T>& y, const std::type_identity_t<GraphOptions<T>>& options, Where at) {
  const Tree tree = tree_of(y, options, "graph_page", at);
  return page_of(tree, plans_of(tree), options.open, options.title);
}
template <class T>
std::string graph_svg(const Variable<T>& y, const std::type_identity_t<GraphOptions<T>>& options, Where at) {
  const Tree tree = tree_of(y, options, "graph_svg", at);
  return svg_of(tree, plans_of(tree), options.open, options.title);
}
template <class T>
void graph(const Variable<T>& y, const std::filesystem::path& path, const std::type_identity_t<GraphOptions<T>>& options,
           Where at) {
  const bool page = path.extension() == ".html";
  if (!page && path.extension() != ".svg")
    throw ValueError(at, "graph", fmt::format("the path is {}; it must end in .html or .svg", path.string()));
  const Tree tree = tree_of(y, options, "graph", at);
  const std::vector<Plan> plans = plans_of(tree);
  WholeFile file(path, "graph", at);
  file.write((page ? page_of : svg_of)(tree, plans, options.open, options.title));
  file.commit();
}

#define XGRAD_INSTANTIATE(T)                                                             \
  template std::string graph_page<T>(const Variable<T>&, const GraphOptions<T>&, Where); \
  template std::string graph_svg<T>(const Variable<T>&, const GraphOptions<T>&, Where);  \
  template void graph<T>(const Variable<T>&, const std::filesystem::path&, const GraphOptions<T>&, Where);
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::draw
