// The page of a graph: its tree as JSON, and the script that shows it.
#include "graph_page.hpp"

#include <fmt/format.h>

#include <cmath>

#include <xgrad/draw/markup.hpp>
#include <xgrad/draw/page.hpp>

#include "../core/json.hpp"
#include "graph_tree.hpp"

namespace xgrad::draw {
namespace {

/// A text as JSON that may stand in an element of HTML: nothing in it opens or closes one.
std::string in_json(std::string_view text) {
  std::string result;
  for (const char c : quoted_json(text)) {
    if (c == '<' || c == '>' || c == '&')
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      result += c;
  }
  return result;
}

std::string list_of(const std::vector<std::uint32_t>& numbers) { return fmt::format("[{}]", fmt::join(numbers, ",")); }
std::string lists_of(const std::vector<std::vector<std::uint32_t>>& lists) {
  std::string text = "[";
  for (const auto& list : lists) text += (text.size() > 1 ? "," : "") + list_of(list);
  return text + "]";
}

/// The names of members are single letters: there are thousands of boxes. graph_script says what they mean where it shows them.
std::string json_of(const GraphBox& box) {
  std::string text =
      fmt::format("{{\"k\":{},\"u\":{},\"b\":{},\"m\":{}", static_cast<int>(box.kind), box.parent, box.bytes, box.kept);
  const auto add = [&](const char* key, const std::string& value, bool always = false) {
    if (always || !value.empty()) text += fmt::format(",\"{}\":{}", key, in_json(value));
  };
  const auto number = [&](const char* key, double value) {
    if (std::isinf(value)) text += fmt::format(",\"{}\":\"inf\"", key);
    if (std::isfinite(value)) text += fmt::format(",\"{}\":{:.6g}", key, value);
  };
  add("n", box.name, true);
  add("p", box.path);
  add("o", box.op, true);
  add("s", box.shape, true);
  add("a", box.options);
  add("w", box.line);
  number("lo", box.low);
  number("hi", box.high);
  number("g", box.gradient);
  number("f", box.forward);
  number("r", box.backward);
  if (box.odd > 0) text += fmt::format(",\"odd\":{}", box.odd);
  if (box.parameters > 0) text += fmt::format(",\"q\":{}", box.parameters);
  if (box.kind == BoxKind::layer) text += fmt::format(",\"c\":{},\"h\":{}", box.operations, list_of(box.children));
  return text + "}";
}

}  // namespace

std::string page_of(const Tree& tree, const std::vector<Plan>& plans, std::size_t open, const std::string& title) {
  std::string boxes, arranged, remarks;
  std::vector<std::uint32_t> opened;
  std::vector<std::size_t> depth(tree.boxes.size());
  bool timed = false, graded = false;
  for (std::size_t k = 0; k < tree.boxes.size(); ++k) {
    const GraphBox& box = tree.boxes[k];
    depth[k] = k == 0 ? 0 : depth[box.parent] + 1;
    boxes += (k == 0 ? "\n" : ",\n") + json_of(box);
    timed = timed || !std::isnan(box.forward);
    graded = graded || !std::isnan(box.gradient);
    if (box.children.empty()) continue;
    if (depth[k] <= open) opened.push_back(static_cast<std::uint32_t>(k));
    arranged += fmt::format("{}\"{}\":{{\"r\":{},\"l\":{}}}", arranged.empty() ? "\n" : ",\n", k, lists_of(plans[k].rows),
                            lists_of(plans[k].lines));
  }
  for (const std::string& remark : tree.remarks) remarks += fmt::format("<p class=\"remark\">{}</p>", escaped(remark));
  const GraphBox& whole = tree.boxes[0];
  std::string colours = "<option value=\"kind\">colour: kind</option><option value=\"kept\">memory kept</option>";
  if (timed) colours += "<option value=\"ms\">milliseconds</option>";
  if (graded) colours += "<option value=\"gradient\">gradient norm</option>";
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"/>\n<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n"
      "<header><h1>{0}</h1><p>{2} operations, {3} numbers trained</p>"
      "<div class=\"tools\"><input id=\"search\" type=\"search\" placeholder=\"search ( / )\" aria-label=\"search\"/><span "
      "id=\"found\"></span>"
      "<select id=\"colour\" aria-label=\"colour\">{4}</select><button id=\"open\">open all</button><button id=\"close\">close "
      "all</button>"
      "<button id=\"fit\">fit</button></div>{5}</header>\n"
      "<main><svg role=\"img\" aria-label=\"{0}\"><g id=\"scene\"></g></svg><div id=\"card\" hidden=\"hidden\"></div>"
      "<div id=\"help\">click a layer to open or close it · drag, wheel or + − to move and zoom · Enter goes to what was "
      "found</div></main>\n"
      "<script id=\"data\" type=\"application/json\">{{\"title\":{6},\"open\":{7},\"boxes\":[{8}],\"plans\":{{{9}}}}}</script>\n"
      "<script>//<![CDATA[{10}//]]></script>\n</body>\n</html>\n",
      escaped(title), graph_style, grouped(whole.operations), grouped(whole.parameters), colours, remarks, in_json(title),
      list_of(opened), boxes, arranged, graph_script);
}

}  // namespace xgrad::draw
