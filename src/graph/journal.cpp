#include "journal.hpp"

namespace xgrad {

void detail::Journal::close() {
  open_ = false;
  thread_state.journal = outer_;
  const auto forget_own = [](auto& map) {
    std::erase_if(map, [](const auto& item) { return item.second.storage->references.only_one(); });
  };
  forget_own(writes.singles);
  forget_own(writes.doubles);
  if (!outer_) return;
  outer_->writes.singles.insert(writes.singles.begin(), writes.singles.end());  // what the outer one knows is older
  outer_->writes.doubles.insert(writes.doubles.begin(), writes.doubles.end());
}

template <class T>
void detail::note_write(const Ref<Storage<T>>& storage) {
  thread_state.journal->note(storage);
}
template XGRAD_API void detail::note_write<float>(const Ref<Storage<float>>&);
template XGRAD_API void detail::note_write<double>(const Ref<Storage<double>>&);

}  // namespace xgrad
