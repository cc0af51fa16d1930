#include <xgrad/optim/optimizer.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include <xgrad/core/error.hpp>
#include <xgrad/core/parallel.hpp>
#include <xgrad/core/text.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/statistics.hpp>

#include "../formula/program.hpp"
#include "options.hpp"

namespace xgrad::optim {
namespace detail {

/// A rule's formula for certain options, ready to run.
struct CompiledRule {
  /// What becomes of a member of State.
  enum class Kind : std::uint8_t { unused, elements, scalar };
  std::vector<Kind> state;
  std::vector<bool> changed;  ///< whether the formula gives a new value

  /// Inputs of the elements are parameter, gradient, the state's members that are kept for each element, and those that are unused;
  /// scalars are the others and the members of Now. Results are the new parameter and the members that have changed.
  Halves halves;
  std::optional<Halves> direction;  ///< of the same inputs, where the rule has one and the formula reads its length
  bool norms = false;               ///< whether the formula reads any
  bool of_one = false;              ///< whether its scalars are not the same for all parameters
  bool still = false;               ///< whether a number of which the gradient is 0 stays as it is, if all scalars are finite
};

template <class T>
AnyOptimizer<T>::AnyOptimizer(const AnyOptimizer&) = default;
template <class T>
AnyOptimizer<T>::AnyOptimizer(AnyOptimizer&&) noexcept = default;
template <class T>
AnyOptimizer<T>& AnyOptimizer<T>::operator=(const AnyOptimizer&) = default;
template <class T>
AnyOptimizer<T>& AnyOptimizer<T>::operator=(AnyOptimizer&&) noexcept = default;
template <class T>
AnyOptimizer<T>::~AnyOptimizer() = default;

}  // namespace detail

namespace {

using detail::AnyRule;
using detail::CompiledRule;
using Kind = CompiledRule::Kind;

constexpr std::size_t now_count = 5;

/// Which instructions some of the results need.
std::vector<bool> needed_for(const Program& program, std::span<const int> results) {
  std::vector<bool> needed(program.code.size());
  for (int k : results) needed[index(k)] = true;
  for (std::size_t k = program.code.size(); k-- > 0;)
    if (needed[k]) for_operands(program.code[k], [&](std::size_t operand) { needed[operand] = true; });
  return needed;
}

/// What becomes of each member of the state. A scalar depends on no element: we take all for scalars that may be, until none is
/// found out.
void classify(const Program& program, CompiledRule& rule) {
  const std::size_t n = program.more.size();
  rule.state.assign(n, Kind::unused);
  rule.changed.assign(n, false);
  std::vector<int> results{program.result};
  for (std::size_t j = 0; j < n; ++j) {
    rule.changed[j] = index(program.more[j]) != 2 + j;
    if (rule.changed[j]) results.push_back(program.more[j]);
  }
  const std::vector<bool> needed = needed_for(program, results);
  for (std::size_t j = 0; j < n; ++j)
    if (rule.changed[j] || needed[2 + j]) rule.state[j] = Kind::scalar;
  for (bool found = true; found;) {
    found = false;
    for (std::size_t j = 0; j < n; ++j) {
      if (rule.state[j] != Kind::scalar) continue;
      const std::vector<bool> reads = needed_for(program, std::span(&program.more[j], 1));
      bool elements = reads[0] || reads[1];
      for (std::size_t i = 0; i < n; ++i) elements |= reads[2 + i] && rule.state[i] == Kind::elements;
      if (!elements) continue;
      rule.state[j] = Kind::elements;
      found = true;
    }
  }
}

/// Whether a formula of a parameter, its gradient, other elements and scalars from `scalars` on leaves the parameter as it is where
/// the gradient is 0, as that of SGD without momentum and decay does. What is not plain to see is taken for a no.
bool stays(const Program& program, std::size_t scalars) {
  if (!program.more.empty()) return false;
  enum class Is : std::uint8_t { anything, parameter, zero, number };
  std::vector<Is> is(program.code.size(), Is::anything);
  const auto product = [](Is a, Is b) {
    const bool plain = a != Is::anything && b != Is::anything && a != Is::parameter && b != Is::parameter;
    return !plain ? Is::anything : a == Is::zero || b == Is::zero ? Is::zero : Is::number;
  };
  const auto sum = [](Is a, Is b) { return b == Is::zero ? a : a == Is::zero ? b : Is::anything; };
  const auto difference = [](Is a, Is b) { return b == Is::zero ? a : Is::anything; };
  for (std::size_t k = 0; k < is.size(); ++k) {
    const Instr& instr = program.code[k];
    const auto of = [&](int operand) { return is[index(operand)]; };
    switch (instr.op) {
      case Primitive::input: {
        const std::size_t input = index(instr.a);
        is[k] = input == 0 ? Is::parameter : input == 1 ? Is::zero : input >= scalars ? Is::number : Is::anything;
        break;
      }
      case Primitive::constant:
        is[k] = instr.constant == 0 ? Is::zero : std::isfinite(instr.constant) ? Is::number : Is::anything;
        break;
      case Primitive::neg:
        is[k] = of(instr.a) == Is::parameter ? Is::anything : of(instr.a);
        break;
      case Primitive::mul:
        is[k] = product(of(instr.a), of(instr.b));
        break;
      case Primitive::add:
        is[k] = sum(of(instr.a), of(instr.b));
        break;
      case Primitive::sub:
        is[k] = difference(of(instr.a), of(instr.b));
        break;
      case Primitive::fma:
        is[k] = sum(product(of(instr.a), of(instr.b)), of(instr.c));
        break;
      case Primitive::fnma:
        is[k] = difference(of(instr.c), product(of(instr.a), of(instr.b)));
        break;
      default:
        break;
    }
  }
  return is[index(program.result)] == Is::parameter;
}

/// Whether hardly any number is not 0, judged by a sample.
template <class T>
bool is_sparse(const Array<T>& x) {
  constexpr std::size_t looks = 64;
  const std::size_t step = x.size() / looks + 1;
  for (std::size_t k = 0; k < x.size(); k += step)
    if (x.data()[k] != 0) return false;
  return true;
}

/// Where numbers are not 0, as ranges that begin at multiples of `piece`.
template <class T>
std::vector<std::pair<std::size_t, std::size_t>> not_zero(const T* x, std::size_t n) {
  constexpr std::size_t piece = 1024;  // whole vectors, which kernels may write
  std::vector<std::uint8_t> found((n + piece - 1) / piece);
  parallel_for(found.size(), piece, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) {
      const T *from = x + k * piece, *to = x + std::min(n, (k + 1) * piece);
      found[k] = std::any_of(from, to, [](T v) { return v != 0; });
    }
  });
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (std::size_t k = 0; k < found.size(); ++k) {
    if (!found[k]) continue;
    if (ranges.empty() || ranges.back().second != k * piece) ranges.emplace_back(k * piece, 0);
    ranges.back().second = std::min(n, (k + 1) * piece);
  }
  return ranges;
}

/// A recorded formula with its inputs in the order of CompiledRule::halves, the elements first. New state is free of denormal
/// numbers before anything else reads it. Its result is that of the formula.
Program arrange(const Program& traced, const CompiledRule& rule, std::vector<int>& moved) {
  const std::size_t n = rule.state.size();
  Program program(2 + n + now_count);
  moved.assign(traced.code.size(), -1);
  moved[0] = 0;
  moved[1] = 1;
  int next = 2;
  for (const Kind kind : {Kind::elements, Kind::unused, Kind::scalar})
    for (std::size_t j = 0; j < n; ++j)
      if (rule.state[j] == kind) moved[2 + j] = next++;
  for (std::size_t k = 0; k < now_count; ++k) moved[2 + n + k] = next++;
  for (std::size_t k = 2 + n + now_count; k < traced.code.size(); ++k) {
    Instr instr = traced.code[k];
    for (int* operand : {&instr.a, &instr.b, &instr.c})
      if (*operand >= 0) *operand = moved[index(*operand)];
    moved[k] = program.push(instr);
    const bool is_state = std::ranges::find(traced.more, static_cast<int>(k)) != traced.more.end();
    if (is_state && instr.op != Primitive::constant) moved[k] = program.push({.op = Primitive::flush, .a = moved[k]});
  }
  program.result = moved[index(traced.result)];
  return program;
}

std::shared_ptr<const CompiledRule> compile(const AnyRule& any, bool decayed, Where at) {
  const std::size_t n = any.state.size();
  Program traced(2 + n + now_count);
  any.trace(traced, any.rule, decayed);
  auto rule = std::make_shared<CompiledRule>();
  classify(traced, *rule);

  std::vector<int> moved;
  Program program = arrange(traced, *rule, moved);
  for (const Kind kind : {Kind::elements, Kind::scalar})
    for (std::size_t j = 0; j < n; ++j)
      if (rule->state[j] == kind && rule->changed[j]) program.more.push_back(moved[index(traced.more[j])]);

  const auto scalars = static_cast<std::size_t>(std::ranges::count(rule->state, Kind::scalar)), elements = 2 + n - scalars;
  rule->halves = split_scalars(program, elements);
  const Program& head = rule->halves.scalars;
  const std::vector<bool> read = needed_for(head, head.more);
  if (read[scalars + 4] && !any.trace_direction)
    throw ValueError(at, std::string(any.name), "step reads step_norm, and the rule has no direction; it must have one");
  if (read[scalars + 4]) {
    Program direction(2 + n + now_count);
    any.trace_direction(direction, any.rule, decayed);
    const std::vector<bool> reads = needed_for(direction, std::span(&direction.result, 1));
    if (reads[2 + n + 4])
      throw ValueError(at, std::string(any.name), "direction reads step_norm, which is its own length; it must not");
    for (std::size_t j = 0; j < n; ++j)
      if (reads[2 + j] && rule->state[j] == Kind::unused)
        throw ValueError(at, std::string(any.name),
                         fmt::format("direction reads {} of State, and step does not; it must, too", any.state[j]));
    rule->direction = split_scalars(arrange(direction, *rule, moved), elements);
    rule->direction->elements = optimise(rule->direction->elements);
  }
  rule->norms = read[scalars + 2] || read[scalars + 3] || rule->direction.has_value();
  rule->of_one = rule->norms || scalars > 0;
  rule->halves.elements = optimise(rule->halves.elements);
  rule->still = stays(rule->halves.elements, elements);
  return rule;
}

template <class T>
std::vector<NamedVariable<T>> with_numbers(std::vector<Variable<T>> parameters) {
  std::vector<NamedVariable<T>> result;
  for (Variable<T>& p : parameters) result.push_back({std::to_string(result.size()), std::move(p)});
  return result;
}

}  // namespace

template <class T>
detail::AnyOptimizer<T>::AnyOptimizer(std::vector<NamedVariable<T>> parameters, const AnyRule& rule,
                                      const OptimizerOptions<T>& options, Where at) {
  const std::string who(rule.name);
  std::unordered_set<std::string_view> names;
  for (const NamedVariable<T>& p : parameters) {
    parameters_.push_back(p.variable);
    names_.push_back(p.name);
  }
  check_parameters<T>(parameters_, who.c_str(), at);
  for (const std::string& name : names_)
    if (!names.insert(name).second)
      throw ValueError(at, who,
                       fmt::format("two parameters are called {}; names must differ, or not be given at all", printable(name)));
  check_options<T>(rule, at);
  if (options.decay && !rule.has_decay)
    throw ValueError(at, who,
                     "decay names parameters, and the rule has no weight_decay; it must have one, or decay must be left out");
  for (const NamedVariable<T>& p : parameters) decayed_.push_back(!options.decay || options.decay(p));
  steps_ = zeros<std::int64_t>(Shape{parameters_.size()}, Where{});
  compile(rule, at);
}

template <class T>
detail::AnyOptimizer<T>::AnyOptimizer(std::vector<Variable<T>> parameters, const AnyRule& rule, const OptimizerOptions<T>& options,
                                      Where at)
    : AnyOptimizer(with_numbers(std::move(parameters)), rule, options, at) {}

template <class T>
void detail::AnyOptimizer<T>::compile(const AnyRule& rule, Where at) {
  // What does not change the program: lr comes with every step.
  const auto same = [](const RuleOption& option, double before) { return option.value == before || option.name == "lr"; };
  if (rules_[1] && std::ranges::equal(rule.options, compiled_for_, same)) return;
  std::array<std::shared_ptr<const CompiledRule>, 2> rules;
  bool same_state = true;
  for (const bool decayed : {false, true}) {
    rules[decayed] = decayed || std::ranges::find(decayed_, false) != decayed_.end() ? optim::compile(rule, decayed, at) : nullptr;
    same_state = same_state && (!rules[decayed] || (rules_[decayed] && rules_[decayed]->state == rules[decayed]->state));
  }
  if (!same_state) make_state(rule, rules);
  rules_ = std::move(rules);
  compiled_for_.clear();
  for (const RuleOption& option : rule.options) compiled_for_.push_back(option.value);
}

template <class T>
void detail::AnyOptimizer<T>::make_state(const AnyRule& rule, const std::array<std::shared_ptr<const CompiledRule>, 2>& rules) {
  const auto key = [&](std::size_t k, std::size_t j) { return fmt::format("{}.{}", names_[k], rule.state[j]); };
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    const CompiledRule& compiled = *rules[decayed_[k]];
    for (std::size_t j = 0; j < rule.state.size(); ++j) {
      if (compiled.state[j] == Kind::unused) continue;
      const Shape& shape = compiled.state[j] == Kind::scalar ? Shape{} : parameters_[k].shape();
      const auto [kept, is_new] = state_.try_emplace(key(k, j));
      if (is_new || kept->second.shape() != shape) kept->second = zeros<T>(shape, Where{});
    }
  }
  std::unordered_map<std::string_view, std::size_t> places;
  for (const auto& [name, array] : state_) places.emplace(name, places.size());
  places_.clear();
  for (std::size_t k = 0; k < parameters_.size(); ++k)
    for (std::size_t j = 0; j < rule.state.size(); ++j) {
      const auto found = places.find(key(k, j));
      places_.push_back(found == places.end() ? places.size() : found->second);
    }
}

template <class T>
void detail::AnyOptimizer<T>::step(const AnyRule& any, Where at) {
  check_options<T>(any, at);
  compile(any, at);
  // Gradients and parameters would have to move to the other threads' caches and back, which takes longer than to update so few.
  constexpr std::size_t few = 4 * parallel_threshold;
  struct alignas(64) Single {
    T x[64 / sizeof(T)];
  };
  static const Shape scalar_shape{};
  const double lr = std::ranges::find(any.options, "lr", &RuleOption::name)->value;
  const std::size_t n = any.state.size();
  std::vector<Array<T>*> arrays;
  for (auto& [name, array] : state_) arrays.push_back(&array);
  std::vector<double> known, found;
  std::vector<Single> scalars;
  std::vector<ProgramInput<T>> inputs;
  std::vector<T*> outs;
  const auto rule_of = [&](std::size_t k) -> const CompiledRule& { return *rules_[decayed_[k]]; };
  const auto state = [&](std::size_t k, std::size_t j) -> Array<T>& { return *arrays[places_[k * n + j]]; };
  const auto for_state = [&](std::size_t k, Kind kind, const auto& f) {
    for (std::size_t j = 0; j < n; ++j)
      if (rule_of(k).state[j] == kind) f(state(k, j), j);
  };
  struct Lengths {
    double weight = 0, grad = 0, step = 0;
  };
  const auto know = [&](std::size_t k, const Lengths& lengths) {
    known.clear();
    for_state(k, Kind::scalar, [&](const Array<T>& x, std::size_t) { known.push_back(static_cast<double>(x())); });
    known.insert(known.end(), {lr, static_cast<double>(steps_(k) + 1), lengths.weight, lengths.grad, lengths.step});
  };
  const auto hand_on = [&](const Halves& halves) {
    found.resize(halves.scalars.more.size());
    run_scalars(halves.scalars, known, found);
    scalars.resize(halves.handed);
    for (std::size_t i = 0; i < scalars.size(); ++i) scalars[i].x[0] = static_cast<T>(found[i]);
  };
  const auto read_all = [&](std::size_t k) {
    const Array<T>&w = parameters_[k].value(), &g = parameters_[k].grad();
    inputs.assign({{w.data(), &w.shape()}, {g.data(), &w.shape()}});
    for_state(k, Kind::elements, [&](const Array<T>& x, std::size_t) { inputs.push_back({x.data(), &w.shape()}); });
    for (std::size_t j = 0; j < n; ++j)
      if (rule_of(k).state[j] == Kind::unused) inputs.push_back({nullptr, &w.shape()});
    for (const Single& scalar : scalars) inputs.push_back({scalar.x, &scalar_shape});
  };
  // Norms take memory for what is squared, and for a direction: all of them come before any parameter is moved.
  std::vector<Lengths> lengths(parameters_.size());
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    const Variable<T>& p = parameters_[k];
    if (!p.has_grad() || !rule_of(k).norms) continue;
    lengths[k].weight = static_cast<double>(norm(p.detach()).item());
    lengths[k].grad = static_cast<double>(norm(p.node()->gradient.detach()).item());
    if (!rule_of(k).direction) continue;
    know(k, lengths[k]);
    hand_on(*rule_of(k).direction);
    read_all(k);
    Array<T> direction = make_array<T>(p.shape());
    outs.assign({direction.data()});
    run<T>(rule_of(k).direction->elements, std::span<T* const>(outs), p.shape(), std::span<const ProgramInput<T>>(inputs), few);
    lengths[k].step = static_cast<double>(norm(Variable<T>(std::move(direction))).item());
  }
  const CompiledRule* last = nullptr;  // for what the scalars were computed
  std::int64_t last_t = 0;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    Variable<T>& p = parameters_[k];
    if (!p.has_grad()) continue;
    const CompiledRule& rule = rule_of(k);
    const std::int64_t t = steps_(k) + 1;
    const Array<T>& g = p.grad();
    Array<T>& w = p.change("step", at);
    const Shape& shape = w.shape();
    if (last != &rule || last_t != t || rule.of_one) {
      know(k, lengths[k]);
      hand_on(rule.halves);
      last = &rule;
      last_t = t;
    }
    read_all(k);
    outs.assign({w.data()});
    for_state(k, Kind::elements, [&](Array<T>& x, std::size_t j) {
      if (rule.changed[j]) outs.push_back(x.data());
    });
    const auto run_all = [&](const Shape& of) {
      run<T>(rule.halves.elements, std::span<T* const>(outs), of, std::span<const ProgramInput<T>>(inputs), few);
    };
    // A large gradient with hardly anything in it, as that of an embedding, is looked through for what there is.
    const bool look =
        rule.still && w.size() >= 4 * few && std::ranges::all_of(found, [](double s) { return std::isfinite(s); }) && is_sparse(g);
    if (!look) {
      run_all(shape);
    } else {
      for (const auto& [begin, end] : not_zero(g.data(), g.size())) {
        const Shape part{end - begin};
        inputs[0] = {w.data() + begin, &part};
        inputs[1] = {g.data() + begin, &part};
        for (std::size_t j = 0; j < n; ++j) inputs[2 + j].shape = &part;
        outs[0] = w.data() + begin;
        run_all(part);
      }
    }
    steps_(k) = t;
    const double* next = found.data() + scalars.size();
    for_state(k, Kind::scalar, [&](Array<T>& x, std::size_t j) {
      if (!rule.changed[j]) return;
      const T value = static_cast<T>(*next++);
      x() = std::abs(value) < std::numeric_limits<T>::min() ? T(0) : value;
    });
  }
}

template <class T>
void detail::AnyOptimizer<T>::zero_grad() noexcept {
  for (Variable<T>& p : parameters_) p.zero_grad();
}

template class detail::AnyOptimizer<float>;
template class detail::AnyOptimizer<double>;

}  // namespace xgrad::optim
