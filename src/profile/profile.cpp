#include <xgrad/profile/profile.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <xgrad/core/file.hpp>
#include <xgrad/core/text.hpp>

#include "../core/json.hpp"

namespace xgrad {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) { return std::chrono::duration<double>(to - from).count(); }

/// Texts, each once, by number.
class Names {
 public:
  std::uint32_t operator()(std::string_view name) {
    const auto found = numbers_.find(name);
    if (found != numbers_.end()) return found->second;
    const auto number = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back(name);
    numbers_.emplace(name, number);
    return number;
  }
  const std::string& operator[](std::uint32_t number) const { return names_[number]; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
};

/// An operation that has run, or the gradients of its inputs.
struct Span {
  std::uint32_t op = 0, layer = 0, line = 0;
  bool backward = false;
  Clock::time_point from, to;
  std::size_t bytes = 0;
  const void* node = nullptr;  // that it belongs to, if it was recorded
};

constexpr std::size_t most_spans = 1000000;

}  // namespace

struct Profile::Parts {
  struct Sums {
    std::map<std::uint32_t, ProfileRow> rows;
    void add(std::uint32_t name, const Span& span) {
      ProfileRow& row = rows[name];
      ++(span.backward ? row.gradients : row.calls);
      (span.backward ? row.backward : row.forward) += seconds_between(span.from, span.to);
      row.bytes += span.bytes;
    }
  };

  Names names;
  struct Recorded {
    std::uint32_t layer = 0;
    double forward = 0, backward = 0;
    std::size_t calls = 0, gradients = 0, bytes = 0;
  };
  std::unordered_map<const void*, std::uint32_t> parameters;  // layers, by a parameter's storage
  std::unordered_map<const void*, Recorded> recorded;         // by an operation's node: the last one that was at this address
  std::map<std::pair<const char*, std::uint32_t>, std::uint32_t> lines;
  Clock::time_point start = Clock::now(), begun = start;
  Sums ops, by_layer, by_line;
  std::vector<Span> spans;
  // What backward is at, and what has run since its last gradient: part of its next one, or, if there is none, something else.
  const void* node = nullptr;
  std::optional<Span> gradient;
  std::vector<Span> since;

  std::uint32_t line_of(Where at) {
    const auto [found, is_new] = lines.try_emplace({at.file_name(), at.line()}, 0);
    if (is_new) found->second = names(at ? xgrad::to_string(at) : "unknown");
    return found->second;
  }
  void keep(const Span& span) {
    if (spans.size() < most_spans) spans.push_back(span);
  }
  void count(const Span& span) {
    ops.add(span.op, span);
    by_layer.add(span.layer, span);
    by_line.add(span.line, span);
    if (const auto found = recorded.find(span.node); found != recorded.end()) {
      (span.backward ? found->second.backward : found->second.forward) += seconds_between(span.from, span.to);
      ++(span.backward ? found->second.gradients : found->second.calls);
      found->second.bytes += span.bytes;
    }
    keep(span);
  }
  /// No more gradients of this operation are to come.
  void close() {
    if (gradient && gradient->to > gradient->from) count(*gradient);
    for (const Span& span : since) count(span);
    gradient.reset();
    since.clear();
    node = nullptr;
  }

  template <class T>
  void see(const Event<T>& event) {
    const Clock::time_point now = Clock::now();
    const std::size_t bytes = event.value.size() * sizeof(T);
    if (event.what == Seen::result) {
      Span span{names(event.op), names(event.op), line_of(event.where), false, begun, now, bytes};
      for (const Variable<T>& input : event.inputs)
        if (const auto found = parameters.find(input.storage().get()); found != parameters.end()) span.layer = found->second;
      if (event.node) recorded[event.node] = {.layer = span.layer};
      span.node = event.node;
      gradient ? since.push_back(span) : count(span);
    } else if (event.what == Seen::whole_gradient) {
      close();
      if (event.node && !event.node->is_leaf()) {
        const auto found = recorded.find(event.node);
        const std::uint32_t op = names(event.op);
        node = event.node;
        const Clock::time_point from = Clock::now();
        gradient = Span{op, found == recorded.end() ? op : found->second.layer, line_of(event.where), true, from, from, 0, node};
      }
    } else if (gradient && node == event.node) {
      gradient->to = now;
      gradient->bytes += bytes;
      for (const Span& span : since) keep(span);
      since.clear();
    }
    begun = Clock::now();
  }

  template <class T>
  void know(const std::string& name, const Variable<T>& parameter) {
    const std::size_t point = name.rfind('.');
    if (point != name.npos) parameters[parameter.storage().get()] = names(std::string_view(name).substr(0, point));
  }

  std::vector<ProfileRow> rows(const Sums& sums) const {
    std::vector<ProfileRow> result;
    for (const auto& [name, row] : sums.rows) {
      result.push_back(row);
      result.back().name = names[name];
    }
    std::ranges::stable_sort(result, std::greater(), [](const ProfileRow& row) { return row.forward + row.backward; });
    return result;
  }
};

Profile::Profile() : parts_(new Parts) {}
Profile::~Profile() = default;

void Profile::begin() noexcept { parts_->begun = Clock::now(); }
void Profile::see(const Event<float>& event) { parts_->see(event); }
void Profile::see(const Event<double>& event) { parts_->see(event); }
void Profile::know(const std::string& name, const Variable<float>& parameter) { parts_->know(name, parameter); }
void Profile::know(const std::string& name, const Variable<double>& parameter) { parts_->know(name, parameter); }

std::vector<ProfileRow> Profile::by_op() const {
  parts_->close();
  return parts_->rows(parts_->ops);
}
std::vector<ProfileRow> Profile::by_layer() const {
  parts_->close();
  return parts_->rows(parts_->by_layer);
}
std::vector<ProfileRow> Profile::by_line() const {
  parts_->close();
  return parts_->rows(parts_->by_line);
}
ProfileRow Profile::of(const NodeBase& node) const {
  parts_->close();
  const auto found = parts_->recorded.find(&node);
  if (found == parts_->recorded.end()) return {};
  const Parts::Recorded& seen = found->second;
  return {std::string(node.name()), seen.calls, seen.gradients, seen.forward, seen.backward, seen.bytes};
}
double Profile::seconds() const { return seconds_between(parts_->start, Clock::now()); }

void Profile::clear() {
  parts_->close();
  parts_->ops = parts_->by_layer = parts_->by_line = {};
  for (auto& [node, seen] : parts_->recorded) seen = {.layer = seen.layer};
  parts_->spans.clear();
  parts_->start = parts_->begun = Clock::now();
}

std::string Profile::trace() const {
  parts_->close();
  const Parts& p = *parts_;
  const auto micros = [](double seconds) { return fmt::format("{:.3f}", 1e6 * seconds); };
  std::string text = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [";
  for (const Span& span : p.spans)
    text += fmt::format(
        "{}\n{{\"name\": {}, \"cat\": \"{}\", \"ph\": \"X\", \"ts\": {}, \"dur\": {}, \"pid\": 1, \"tid\": 1, \"args\": "
        "{{\"layer\": {}, "
        "\"line\": {}, \"bytes\": {}}}}}",
        &span == p.spans.data() ? "" : ",", quoted_json(p.names[span.op] + (span.backward ? "'" : "")),
        span.backward ? "backward" : "forward", micros(seconds_between(p.start, span.from)),
        micros(seconds_between(span.from, span.to)), quoted_json(p.names[span.layer]), quoted_json(p.names[span.line]), span.bytes);
  return text + "\n]}\n";
}

void Profile::write_trace(const std::filesystem::path& path, Where at) const {
  const std::string text = trace();
  WholeFile file(path, "Profile::write_trace", at);
  file.write(text);
  file.commit();
}

std::string to_string(const Profile& profile) {
  const double seconds = profile.seconds();
  const auto share = [&](double part) { return fmt::format("{:.1f} %", seconds > 0 ? 100 * part / seconds : 0.0); };
  const auto milliseconds = [](double s) { return fmt::format("{:.2f}", 1000 * s); };
  const auto table = [&](const char* what, const std::vector<ProfileRow>& rows) {
    std::vector<std::vector<std::string>> lines{{what, "calls", "ms", "gradients", "ms", "MB", "share"}};
    double inside = 0;
    for (const ProfileRow& row : rows) {
      const double time = row.forward + row.backward;
      inside += time;
      lines.push_back({row.name, fmt::format("{}", row.calls), milliseconds(row.forward), fmt::format("{}", row.gradients),
                       milliseconds(row.backward), fmt::format("{:.2f}", static_cast<double>(row.bytes) / 1e6), share(time)});
    }
    lines.push_back(
        {"elsewhere", "", milliseconds(std::max(seconds - inside, 0.0)), "", "", "", share(std::max(seconds - inside, 0.0))});
    return aligned(lines, " rrrrrr");
  };
  return table("operation", profile.by_op()) + "\n\n" + table("layer", profile.by_layer()) + "\n\n" +
         table("line", profile.by_line());
}

}  // namespace xgrad
