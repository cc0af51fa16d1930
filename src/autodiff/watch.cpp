#include "watch.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

namespace xgrad::engine {
namespace {

template <class T>
struct List {
  std::atomic<std::size_t> count{0};
  std::mutex mutex;
  std::vector<Watch<T>*> watches;
};
template <class T>
List<T>& list() {
  static auto* const one = new List<T>;  // not destroyed: static Variables may compute after it would be
  return *one;
}

}  // namespace

template <class T>
Watch<T>::Watch(std::vector<Ref<Node<T>>> leaves) : leaves_(std::move(leaves)) {}
template <class T>
Watch<T>::~Watch() = default;

template <class T>
void follow(Watch<T>* watch) {
  List<T>& all = list<T>();
  const std::scoped_lock lock(all.mutex);
  for (const Watch<T>* other : all.watches)
    for (const Ref<Node<T>>& leaf : other->leaves())
      if (std::ranges::any_of(watch->leaves(), [&](const Ref<Node<T>>& mine) { return mine.get() == leaf.get(); }))
        throw ValueError(
            "a parameter belongs to another network whose gradients are averaged; it must belong to one: average those of a struct "
            "that has both");
  all.watches.push_back(watch);
  all.count = all.watches.size();
}

template <class T>
void unfollow(Watch<T>* watch) noexcept {
  List<T>& all = list<T>();
  const std::scoped_lock lock(all.mutex);
  std::erase(all.watches, watch);
  all.count = all.watches.size();
}

template <class T>
std::vector<Watch<T>*> followed() {
  List<T>& all = list<T>();
  if (all.count.load(std::memory_order_relaxed) == 0) return {};
  const std::scoped_lock lock(all.mutex);
  return all.watches;
}

#define XGRAD_INSTANTIATE(T)                     \
  template class XGRAD_API Watch<T>;             \
  template void follow<T>(Watch<T>*);            \
  template void unfollow<T>(Watch<T>*) noexcept; \
  template std::vector<Watch<T>*> followed<T>();
XGRAD_INSTANTIATE(float)
XGRAD_INSTANTIATE(double)

}  // namespace xgrad::engine
