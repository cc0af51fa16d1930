#pragma once
/// Optimisers. A rule is a struct: options, what it keeps of each number of a parameter, and one formula. Optimizer does the rest.
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <xgrad/core/fields.hpp>
#include <xgrad/formula/formula.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad::optim {

/// What a rule's formula may read beside a number, its gradient and its state.
template <class X>
struct Now {
  X lr;           ///< the rule's option of that name: it may change at every step, at no cost
  X t;            ///< which step of the parameter this is, from 1 on
  X weight_norm;  ///< √Σw² over the whole parameter; computed only for a rule that reads it
  X grad_norm;    ///< … and over its gradient
  X step_norm;    ///< … and over what the rule's `direction` gives, where it has one
};

template <class T>
struct OptimizerOptions {
  /// Which parameters the rule's `weight_decay` applies to; all, when it is empty. `weights_only` is one such function, and any
  /// lambda may look at the name: `[](const auto& p) { return p.name.starts_with("head."); }`.
  std::function<bool(const NamedVariable<T>&)> decay = {};
};

/// For OptimizerOptions::decay: what has more than one axis, and so neither biases nor the factors of a normalisation.
inline constexpr auto weights_only = [](const auto& parameter) { return parameter.variable.shape().size() > 1; };

namespace detail {

/// An option of a rule, as a number.
struct RuleOption {
  std::string_view name;
  double value;
};

/// A rule whose type is forgotten.
struct AnyRule {
  std::string_view name;
  const void* rule;
  std::vector<RuleOption> options;
  std::span<const std::string_view> state;
  bool has_decay;
  /// Records the formula. Inputs of the program are parameter, gradient, state, and the members of Now; results are the new
  /// parameter and the new state. With `decayed` false weight_decay counts as 0.
  void (*trace)(Program& program, const void* rule, bool decayed);
  /// Records `direction` likewise, the program's result; null where the rule has none.
  void (*trace_direction)(Program& program, const void* rule, bool decayed);
  void (*check)(const void* rule);
};

/// The name of a type without its namespaces.
template <class X>
constexpr std::string_view type_name() {
  std::string_view text = __PRETTY_FUNCTION__;  // g++: "… [with X = xgrad::optim::SGD; …]", clang: "… [X = xgrad::optim::SGD]"
  text.remove_prefix(text.find("X = ") + 4);
  text = text.substr(0, text.find_first_of(";]"));
  return text.substr(text.rfind(':') + 1);
}

template <class Rule>
constexpr std::size_t state_count = xgrad::detail::fields::fields_of_aggregate<typename Rule::template State<Sym>>();
template <class Rule>
constexpr std::size_t option_count = xgrad::detail::fields::fields_of_aggregate<Rule>();

template <class Rule>
concept has_rate = requires(Rule rule) {
  rule.lr = 0.0;
};
template <class Rule>
concept has_decay = requires(Rule rule) {
  rule.weight_decay = 0.0;
};

template <class Rule>
std::vector<RuleOption> options_of(const Rule& rule) {
  std::vector<RuleOption> options;
  options.reserve(option_count<Rule>);
  for_each_field(rule, [&](std::string_view name, const auto& value) {
    using OptionType = std::remove_cvref_t<decltype(value)>;
    static_assert(std::is_arithmetic_v<OptionType> || std::is_enum_v<OptionType>,
                  "xgrad: the members of a rule are its options: numbers and bools");
    options.push_back({name, static_cast<double>(value)});
  });
  return options;
}

template <class Rule>
std::span<const std::string_view> state_names() {
  static constexpr std::size_t n = state_count<Rule>;
  if constexpr (n == 0)
    return {};
  else
    return xgrad::detail::fields::names<typename Rule::template State<Sym>, n>;
}

/// Records what `formula(rule, w, g, state, now)` gives.
template <class Rule, class F>
void trace_rule(Program& program, const void* given, bool decayed, const F& formula) {
  Rule rule = *static_cast<const Rule*>(given);
  if constexpr (has_decay<Rule>)
    if (!decayed) rule.weight_decay = 0;
  constexpr std::size_t n = state_count<Rule>;
  const auto input = [&](std::size_t k) { return Sym(&program, static_cast<int>(k)); };
  using StateOfRule = typename Rule::template State<Sym>;
  StateOfRule state = [&]<std::size_t... I>(std::index_sequence<I...>) { return StateOfRule{input(2 + I)...}; }
  (std::make_index_sequence<n>{});
  const Now<Sym> now{input(n + 2), input(n + 3), input(n + 4), input(n + 5), input(n + 6)};
  program.result = xgrad::detail::id_of(&program, formula(std::as_const(rule), input(0), input(1), state, now));
  if constexpr (n > 0) for_each_field(state, [&](std::string_view, Sym& s) { program.more.push_back(s.id()); });
}

template <class Rule>
void trace_step(Program& program, const void* rule, bool decayed) {
  trace_rule<Rule>(program, rule, decayed,
                   [](const Rule& r, Sym w, Sym g, auto& state, const Now<Sym>& now) { return r.step(w, g, state, now); });
}

template <class Rule>
constexpr auto direction_of() -> decltype(AnyRule::trace_direction) {
  constexpr bool has_one = requires(const Rule rule, Sym x, typename Rule::template State<Sym> state, Now<Sym> now) {
    rule.direction(x, x, state, now);
  };
  if constexpr (has_one)
    return [](Program& program, const void* rule, bool decayed) {
      trace_rule<Rule>(program, rule, decayed,
                       [](const Rule& r, Sym w, Sym g, auto& state, const Now<Sym>& now) { return r.direction(w, g, state, now); });
    };
  else
    return nullptr;
}

template <class Rule>
void check_rule(const void* given) {
  if constexpr (requires(const Rule& rule) { rule.check(); }) static_cast<const Rule*>(given)->check();
}

/// Forgets the type of a rule, which must outlive the result.
template <class Rule>
AnyRule any_rule(const Rule& rule) {
  return {.name = type_name<Rule>(),
          .rule = &rule,
          .options = options_of(rule),
          .state = state_names<Rule>(),
          .has_decay = has_decay<Rule>,
          .trace = trace_step<Rule>,
          .trace_direction = direction_of<Rule>(),
          .check = check_rule<Rule>};
}

struct CompiledRule;

/// What optimisers of all rules have in common.
template <class T>
class AnyOptimizer {
 public:
  /// Forgets the gradients: call it before each backward.
  XGRAD_API void zero_grad() noexcept;

  /// What the rule keeps of each parameter, by "name.member", as in "conv1.weight.m"; numbers stand for names that were not given.
  /// What the rule does not use with its present options is not there.
  const std::map<std::string, Array<T>>& state() const noexcept { return state_; }
  /// How many steps each parameter has made.
  const Labels& steps() const noexcept { return steps_; }
  const std::vector<Variable<T>>& parameters() const noexcept { return parameters_; }

 protected:
  XGRAD_API AnyOptimizer(std::vector<NamedVariable<T>> parameters, const AnyRule& rule, const OptimizerOptions<T>& options,
                         Where at);
  /// … whose names are numbers.
  XGRAD_API AnyOptimizer(std::vector<Variable<T>> parameters, const AnyRule& rule, const OptimizerOptions<T>& options, Where at);
  // not in users' files, which compile sooner without
  XGRAD_API AnyOptimizer(const AnyOptimizer&);
  XGRAD_API AnyOptimizer(AnyOptimizer&&) noexcept;
  XGRAD_API AnyOptimizer& operator=(const AnyOptimizer&);
  XGRAD_API AnyOptimizer& operator=(AnyOptimizer&&) noexcept;
  XGRAD_API ~AnyOptimizer();
  XGRAD_API void step(const AnyRule& rule, Where at);

  std::vector<Variable<T>> parameters_;
  Labels steps_;
  std::map<std::string, Array<T>> state_;

 private:
  void compile(const AnyRule& rule, Where at);
  void make_state(const AnyRule& rule, const std::array<std::shared_ptr<const CompiledRule>, 2>& rules);

  std::vector<std::string> names_;
  std::vector<bool> decayed_;
  std::vector<std::size_t> places_;                           // of each parameter's state in state_
  std::vector<double> compiled_for_;                          // the options
  std::array<std::shared_ptr<const CompiledRule>, 2> rules_;  // for parameters without and with decay
};

}  // namespace detail

/// Changes parameters by a rule, in one pass over each parameter, its gradient and its state.
///
///     xg::optim::Optimizer opt(xg::nn::parameters(net), xg::optim::Adam{.lr = 1e-3});
///     for (auto [images, labels] : batches) {
///       auto loss = cross_entropy(net(images), labels);
///       opt.zero_grad();
///       backward(loss);
///       opt.step();
///     }
///
/// A rule is an aggregate of numbers, `lr` one of them, with a State and a step; the rules of the library are no different:
///
///     struct Momentum {
///       double lr = 0.01, momentum = 0.9;
///       template <class X> struct State { X m; };  // of each number of a parameter; starts at 0
///       template <class X> X step(X w, X g, State<X>& s, const xg::optim::Now<X>& now) const {  // the new w
///         s.m = momentum * s.m + g;
///         return w - now.lr * s.m;
///       }
///     };
///
/// `step` is a formula (see elementwise): it is called once, with symbols, and what it computes becomes a small program. It may ask
/// about options with `if`, about numbers only with `where`. Options may be changed between steps, through `options`; for a new
/// `lr` nothing is recorded anew, for others the formula is, which takes some microseconds.
///
/// A rule whose step depends on the length of a vector that it computes itself has a member `direction`, with the parameters of
/// `step`, that gives it (see LAMB): that runs first, over the whole parameter, and its length is `now.step_norm` in `step`. What
/// `direction` writes into the state counts for nothing.
///
/// State is a part of what `save` and `load` see in a struct that holds network and optimiser (see nn::state_entries); denormal
/// numbers in it become 0, whose arithmetic would take a hundred times as long. A state of which every element would be the same
/// number, as it depends on options and t alone, is kept as one. A member of State that step leaves alone takes no memory.
///
/// Several optimisers may train parts of a network: `named_parameters(net.backbone)` for one and `named_parameters(net.head)` for
/// another. Gradients add up until zero_grad, so that several backward calls before a step are one batch; divide each loss by their
/// number.
///
/// A copy has the same parameters and a state of its own; nn::clone of a struct that holds network and optimiser gives an optimiser
/// for the new network.
template <class T, class Rule>
class Optimizer : public detail::AnyOptimizer<T> {
  static_assert(detail::has_rate<Rule>, "xgrad: a rule has an option `double lr`");
  using Base = detail::AnyOptimizer<T>;

 public:
  /// Throws GraphError for a parameter that is not a leaf with requires_grad or is given twice; ValueError for no parameters, names
  /// that are not all different, options out of range (lr, weight_decay and eps are from 0 up, those called momentum, dampening,
  /// beta…, alpha, rho are from 0 to less than 1, all are finite), and `decay` with a rule without weight_decay.
  explicit Optimizer(std::vector<NamedVariable<T>> parameters, Rule rule = {}, OptimizerOptions<T> more = {},
                     Where at = Where::current())
      : Base(std::move(parameters), detail::any_rule(rule), more, at), options(rule) {}
  explicit Optimizer(std::vector<Variable<T>> parameters, Rule rule = {}, OptimizerOptions<T> more = {},
                     Where at = Where::current())
      : Base(std::move(parameters), detail::any_rule(rule), more, at), options(rule) {}

  /// One step for every parameter that has a gradient. Throws ValueError for options out of range, and MemoryError where the norms
  /// that a rule reads find no memory, before anything has changed.
  void step(Where at = Where::current()) { Base::step(detail::any_rule(options), at); }

  Rule options;  ///< may be changed at any time: opt.options.lr = schedule(step)

 private:
  using Base::parameters_, Base::state_, Base::steps_;
  XGRAD_FIELDS(parameters_, steps_, state_)
};

template <class T, class Rule>
Optimizer(std::vector<Variable<T>>, Rule) -> Optimizer<T, Rule>;

}  // namespace xgrad::optim
