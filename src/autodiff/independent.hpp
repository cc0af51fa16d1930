#pragma once
#include <utility>

#include <xgrad/graph/apply.hpp>

namespace xgrad::engine {

/// The same value under another node.
template <class T>
struct Identity {
  static constexpr std::string_view name = "identity";
  static constexpr std::array uses{use::none};
  Result<T> forward(Inputs<T> in) { return in.share(0); }
  Variable<T> vjp(const Context<T>&, const Variable<T>& g, std::size_t) const { return g; }
  Variable<T> stacked_vjp(const Context<T>&, const Variable<T>& g, std::size_t) const { return g; }
};

/// x as an input that depends on nothing else, not even on other inputs that it was computed from. With `history` gradients can
/// flow on to x itself afterwards.
template <class T>
Variable<T> independent(const Variable<T>& x, bool history, Where at) {
  if (history && x.requires_grad()) return apply(Identity<T>{}, {Variable<T>(x)}, at);
  return Variable<T>(x.storage(at), Node<T>::create_leaf(x.shape(at), at));
}

/// While it lives the thread records, its operations carry their own lines.
class Recording {
 public:
  Recording() = default;
  bool was() const noexcept { return recording_.was(); }

 private:
  detail::RecordingGuard recording_{true};
  detail::LineGuard line_{Where{}};
};

}  // namespace xgrad::engine
