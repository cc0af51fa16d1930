// Where boxes stand among each other: layers by longest path, order by means of neighbours (Sugiyama, Tagawa and Toda 1981).
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "graph_tree.hpp"

namespace xgrad::draw {
namespace {

using Vertex = std::uint32_t;

/// Lines that pass more rows than this go straight across: points for them all would be as many as the square of a long graph.
constexpr std::size_t far = 24;

class Planner {
 public:
  Planner(std::size_t children, std::vector<bool> sources, const std::set<std::pair<Vertex, Vertex>>& links)
      : n_(children), sources_(std::move(sources)), links_(links.begin(), links.end()) {}

  Plan make() {
    rank();
    Plan plan;
    std::size_t rows = 0;
    for (const std::size_t r : rank_) rows = std::max(rows, r + 1);
    plan.rows.resize(rows);
    const bool in = std::ranges::any_of(links_, [&](auto link) { return link.first == n_; });
    const bool out = std::ranges::any_of(links_, [&](auto link) { return link.second == n_ + 1; });
    for (Vertex v = 0; v < n_ + 2; ++v)
      if (v < n_ || (v == n_ && in) || (v == n_ + 1 && out)) plan.rows[rank_[v]].push_back(v);
    auto next = static_cast<Vertex>(n_ + 2);
    for (const auto& [from, to] : links_) {
      std::vector<Vertex> line{from};
      const bool down = rank_[from] < rank_[to];
      const std::size_t low = std::min(rank_[from], rank_[to]), high = std::max(rank_[from], rank_[to]);
      if (high - low <= far)
        for (std::size_t k = low + 1; k < high; ++k) {
          line.push_back(next);
          plan.rows[down ? k : low + high - k].push_back(next++);
        }
      line.push_back(to);
      plan.lines.push_back(std::move(line));
    }
    order(plan, next);
    return plan;
  }

 private:
  /// Children are numbered in the order in which they ran: a link from a later to an earlier one (a layer that ran twice) points
  /// up and does not count.
  void rank() {
    rank_.assign(n_ + 2, 0);
    std::vector<std::vector<Vertex>> after(n_ + 2), before(n_ + 2);
    const auto place = [&](Vertex v) { return v == n_ ? 0 : v == n_ + 1 ? n_ + 2 : std::size_t{v} + 1; };
    for (const auto& [from, to] : links_)
      if (place(from) < place(to)) {
        after[from].push_back(to);
        before[to].push_back(from);
      }
    std::size_t last = 0;
    const std::size_t first = after[n_].empty() ? 0 : 1;
    for (Vertex v = 0; v < n_; ++v) {
      rank_[v] = first;
      for (const Vertex u : before[v]) rank_[v] = std::max(rank_[v], rank_[u] + 1);
      last = std::max(last, rank_[v]);
    }
    rank_[n_ + 1] = last + 1;
    for (Vertex v = 0; v < n_; ++v) {  // what only gives stands right above who takes first
      if (!sources_[v] || !before[v].empty() || after[v].empty()) continue;
      std::size_t least = rank_[after[v].front()];
      for (const Vertex w : after[v]) least = std::min(least, rank_[w]);
      rank_[v] = least > first ? least - 1 : first;
    }
  }

  /// Sorts each row by the means of the neighbours' places, downwards and upwards by turns.
  static void order(Plan& plan, std::size_t vertices) {
    std::vector<std::vector<Vertex>> up(vertices), down(vertices);
    std::vector<std::size_t> row(vertices);
    std::vector<double> place(vertices);
    for (std::size_t r = 0; r < plan.rows.size(); ++r)
      for (const Vertex v : plan.rows[r]) row[v] = r;
    for (const auto& line : plan.lines)
      for (std::size_t k = 0; k + 1 < line.size(); ++k) {
        Vertex a = line[k], b = line[k + 1];
        if (row[a] > row[b]) std::swap(a, b);
        if (row[a] + 1 != row[b]) continue;
        down[a].push_back(b);
        up[b].push_back(a);
      }
    const auto number = [&](const std::vector<Vertex>& members) {
      for (std::size_t k = 0; k < members.size(); ++k)
        place[members[k]] = (static_cast<double>(k) + 0.5) / static_cast<double>(members.size());
    };
    for (const auto& members : plan.rows) number(members);
    for (int sweep = 0; sweep < 6; ++sweep)
      for (std::size_t k = 0; k < plan.rows.size(); ++k) {
        auto& members = plan.rows[sweep % 2 == 0 ? k : plan.rows.size() - 1 - k];
        const auto& neighbours = sweep % 2 == 0 ? up : down;
        std::vector<std::pair<double, Vertex>> keyed;
        for (const Vertex v : members) {
          double sum = 0;
          for (const Vertex u : neighbours[v]) sum += place[u];
          keyed.emplace_back(neighbours[v].empty() ? place[v] : sum / static_cast<double>(neighbours[v].size()), v);
        }
        std::ranges::stable_sort(keyed, {}, [](const auto& pair) { return pair.first; });
        for (std::size_t i = 0; i < members.size(); ++i) members[i] = keyed[i].second;
        number(members);
      }
  }

  std::size_t n_;
  std::vector<bool> sources_;
  std::vector<std::pair<Vertex, Vertex>> links_;
  std::vector<std::size_t> rank_;
};

}  // namespace

std::vector<Plan> plans_of(const Tree& tree) {
  std::vector<std::uint32_t> depth(tree.boxes.size()), place(tree.boxes.size());
  for (std::uint32_t k = 0; k < tree.boxes.size(); ++k) {
    if (k > 0) depth[k] = depth[tree.boxes[k].parent] + 1;
    for (std::uint32_t c = 0; c < tree.boxes[k].children.size(); ++c) place[tree.boxes[k].children[c]] = c;
  }
  // An arrow is a line in the layer that both ends are in, and one to or from the border in each layer on the way there.
  std::vector<std::set<std::pair<Vertex, Vertex>>> links(tree.boxes.size());
  for (auto [from, to] : tree.arrows) {
    const auto out = [&](std::uint32_t& end, bool begins) {
      const std::uint32_t parent = tree.boxes[end].parent;
      const auto n = static_cast<Vertex>(tree.boxes[parent].children.size());
      begins ? links[parent].emplace(place[end], n + 1) : links[parent].emplace(n, place[end]);
      end = parent;
    };
    while (depth[from] > depth[to]) out(from, true);
    while (depth[to] > depth[from]) out(to, false);
    while (tree.boxes[from].parent != tree.boxes[to].parent) out(from, true), out(to, false);
    if (from != to) links[tree.boxes[from].parent].emplace(place[from], place[to]);
  }
  std::vector<Plan> plans(tree.boxes.size());
  for (std::size_t k = 0; k < tree.boxes.size(); ++k) {
    const auto& children = tree.boxes[k].children;
    if (children.empty()) continue;
    std::vector<bool> sources;
    for (const std::uint32_t c : children)
      sources.push_back(tree.boxes[c].kind == BoxKind::leaf || tree.boxes[c].kind == BoxKind::constant);
    plans[k] = Planner(children.size(), std::move(sources), links[k]).make();
  }
  return plans;
}

}  // namespace xgrad::draw
