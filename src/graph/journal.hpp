#pragma once
/// What Variables were before somebody wrote to them, so that it can be undone or done again.
#include <cstddef>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <xgrad/graph/variable.hpp>

namespace xgrad::detail {

/// A value as it was before its first write.
template <class T>
struct Before {
  Ref<Storage<T>> storage;
  std::uint32_t version;
  Array<T> value;

  /// What is there now for what was, and the other way round.
  void exchange() noexcept {
    std::swap(storage->version, version);
    std::swap(storage->array, value);
  }
};

/// Values by the address of their storage.
struct Writes {
  std::unordered_map<const void*, Before<float>> singles;
  std::unordered_map<const void*, Before<double>> doubles;

  template <class T>
  auto& of() noexcept {
    if constexpr (std::is_same_v<T, float>)
      return singles;
    else
      return doubles;
  }
  template <class F>
  void each(F f) {
    for (auto& [key, before] : singles) f(before);
    for (auto& [key, before] : doubles) f(before);
  }
  void exchange() noexcept {
    each([](auto& before) { before.exchange(); });
  }
};

/// While one lives, `update` and `assign` on this thread tell it what they are about to write. Journals nest: the inner one hears
/// of a write, and hands what is known of it to the outer one at its end.
class Journal {
 public:
  Journal() : outer_(std::exchange(thread_state.journal, this)) {}
  ~Journal() {
    if (open_) close();
  }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  template <class T>
  void note(const Ref<Storage<T>>& storage) {
    auto& map = writes.of<T>();
    if (!map.contains(storage.get())) map.emplace(storage.get(), Before<T>{storage, storage->version, storage->array});
  }
  /// Ends it. Of values that nobody else holds any more, as those that the function made for itself, nothing is kept.
  void close();

  Writes writes;

 private:
  Journal* outer_;
  bool open_ = true;
};

/// While one lives, all is as it was before the writes; then it is again as it is now, whatever was written meanwhile.
class Rewound {
 public:
  explicit Rewound(const Writes& writes) : there_(writes) { there_.exchange(); }
  ~Rewound() { there_.exchange(); }
  Rewound(const Rewound&) = delete;
  Rewound& operator=(const Rewound&) = delete;

 private:
  Writes there_;
};

/// At its end nodes lose the hooks that were set on them meanwhile.
template <class T>
class KeepHooks {
 public:
  void watch(Node<T>& node) { known_.emplace_back(&node, node.hooks ? node.hooks->size() : 0); }
  KeepHooks() = default;
  ~KeepHooks() {
    for (const auto& [node, count] : known_)
      if (node->hooks && node->hooks->size() > count)
        node->hooks->erase(node->hooks->begin() + static_cast<std::ptrdiff_t>(count), node->hooks->end());
  }
  KeepHooks(const KeepHooks&) = delete;
  KeepHooks& operator=(const KeepHooks&) = delete;

 private:
  std::vector<std::pair<Node<T>*, std::size_t>> known_;
};

}  // namespace xgrad::detail
