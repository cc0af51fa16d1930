// Runs programs: in one pass over the elements, a cache-sized chunk at a time, one kernel or chain of kernels after the other.
#include <algorithm>
#include <memory>

#include <xgrad/core/parallel.hpp>
#include <xgrad/core/shape.hpp>

#include "../kernels/array/walk.hpp"
#include "../kernels/direction.hpp"
#include "../kernels/scratch.hpp"
#include "../kernels/table.hpp"
#include "program.hpp"

namespace xgrad {
namespace {

constexpr std::size_t vector_bytes = 64;        // of the widest level
constexpr std::size_t cache_bytes = 24 * 1024;  // for the values of a chunk, in a first-level cache of 32 kB
constexpr std::size_t plain_chunk = 16384;      // elements, where nothing is kept between the steps

/// An operand smaller than the result: where its elements are, along the result's axes.
struct Layout {
  kernels::Axes<1> axes;

  Layout(const Shape& from, const Shape& to) {
    std::ptrdiff_t size = 1;
    for (std::size_t k = 0; k < to.size(); ++k) {
      const bool repeated = k >= from.size() || from[from.size() - 1 - k] == 1;
      axes.add(to[to.size() - 1 - k], {repeated ? 0 : size});
      if (!repeated) size *= static_cast<std::ptrdiff_t>(from[from.size() - 1 - k]);
    }
  }
  /// The operand is repeated as a whole.
  bool periodic() const { return axes.size() == 2 && axes[1].stride[0] == 0; }
  std::size_t period() const { return axes[0].length; }
};

/// Writes `run` copies of a value; `room` elements may be overwritten.
template <class T>
void fill(T* d, T value, std::size_t run, std::size_t room) {
  constexpr std::size_t block = 16;
  if (run + block <= room)  // short runs: whole blocks, the excess is overwritten by the next run
    for (std::size_t i = 0; i < run; i += block)
      for (std::size_t k = 0; k < block; ++k) d[i + k] = value;
  else
    std::fill_n(d, run, value);
}

/// What copy_n does, without a call where there are few.
template <class T>
void copy_run(const T* x, std::size_t n, T* d) {
  constexpr std::size_t block = 8;
  if (n > 8 * block) {
    std::copy_n(x, n, d);
  } else if (n >= block) {
    for (std::size_t i = 0; i + block < n; i += block) std::copy_n(x + i, block, d + i);
    std::copy_n(x + n - block, block, d + n - block);
  } else {
    for (std::size_t i = 0; i < n; ++i) d[i] = x[i];
  }
}

/// `length` elements of a row of `period`, over and over.
template <class T>
void tile(T* d, const T* data, std::size_t period, std::size_t length) {
  std::size_t done = std::min(period, length);
  std::copy_n(data, done, d);
  while (done < length) {
    const std::size_t more = std::min(done, length - done);
    std::copy_n(d, more, d + done);
    done += more;
  }
}

/// Elements begin ... begin + n of an operand broadcast to the result's shape.
template <class T>
void gather(T* d, const T* data, const Layout& layout, std::size_t begin, std::size_t n) {
  const auto [length, stride] = layout.axes.run();
  const auto [rows, row_stride] = layout.axes.size() > 1 ? layout.axes[1] : kernels::Axis<1>{1, {}};
  const bool repeated = stride[0] == 0, same_rows = row_stride[0] == 0;
  std::size_t first = begin % length, row = begin / length % rows;
  kernels::Walk<1> block = layout.axes.beyond(2, begin / length / rows);
  data += block.start()[0];
  for (;; row = 0, data += block.next()[0]) {
    const T* x = data + static_cast<std::ptrdiff_t>(row) * row_stride[0];
    while (row < rows) {
      std::size_t run = std::min(n, length - first);
      if (repeated) {
        fill(d, *x, run, n);
      } else if (same_rows && first == 0) {
        run = std::min(n, (rows - row) * length);
        tile(d, x, length, run);
        row = rows - 1;
      } else {
        copy_run(x + first, run, d);
      }
      d += run;
      n -= run;
      if (n == 0) return;
      first = 0;
      ++row;
      x += row_stride[0];
    }
  }
}

/// An input whose elements change along the loop.
template <class T>
struct Input {
  const T* data;
  std::size_t value;     // its instruction
  const Layout* layout;  // null if it has the result's shape
  T* scratch;            // of the thread: the tiled row, or the elements of a chunk
};

/// One kernel call per chunk, or a link of one: indices of the values it reads and writes.
template <class T>
struct Step {
  kernels::Elementwise<T> kernel;
  std::size_t d, a, b, c;
  std::uint16_t code = 0;  // of a link: it computes from a, or from what the link before computed
  bool stored = false;     // … and its value is a result
};

/// A result: computed where it belongs, or copied there when the chunk has been read.
template <class T>
struct Output {
  T* data;
  std::size_t value;  // its instruction
  bool direct;
};

/// Everything that is decided before the loop. Values are numbered like the instructions.
template <class T>
class Plan {
 public:
  Plan(const Program& program, std::span<T* const> outs, const Shape& shape, std::span<const ProgramInput<T>> inputs)
      : program_(program),
        n_(size_of(shape)),
        outputs_count_(outs.size()),
        outputs_(outs.size()),
        values_(program.code.size()),
        uniform_(program.code.size()),
        single_(program.code.size()),
        steps_(program.code.size()),
        inputs_(inputs.size()),
        layouts_(inputs.size()) {
    for (std::size_t k = 0; k < program.code.size(); ++k) {
      const Instr& instr = program.code[k];
      if (instr.op == Primitive::input)
        add_input(k, inputs[static_cast<std::size_t>(instr.a)], shape);
      else if (instr.op == Primitive::constant)
        add_uniform(k)[0] = static_cast<T>(instr.constant);
      else
        add_step(k, instr);
    }
    outputs_[0] = {outs[0], static_cast<std::size_t>(program.result), true};
    if (outs.size() > 1) add_outputs(outs);
  }

  /// With fewer elements than `alone` on this thread only.
  void run(std::size_t alone = 0) {
    if (steps_count_ == 0) return copy_results();
    // What streams through takes room, too: without it, values that are read again and again would fall out of the cache.
    const std::size_t memory_slots = slots(), streams = inputs_count_ - broadcast_ + outputs_count_;
    chunk_ =
        memory_slots == 0 ? plain_chunk : std::max(cache_bytes / vector_bytes / (memory_slots + streams), std::size_t{1}) * lanes;
    chunk_ = std::min(chunk_, (n_ + lanes - 1) / lanes * lanes);
    backwards_ = kernels::backwards(n_);
    if (n_ < alone) return run_range(0, n_);
    parallel_for(
        n_, 1, [&](std::size_t begin, std::size_t end) { run_range(begin, end); }, memory_slots == 0 ? lanes : chunk_);
  }

 private:
  static constexpr std::size_t lanes = vector_bytes / sizeof(T);
  static constexpr std::size_t few = 32;  // instructions of a program that is planned on the stack
  struct alignas(vector_bytes) Single {
    T x[lanes];
  };

  /// Of chunk_ elements each: those of the program, one for a result that must wait, and two for an operand that is tiled or
  /// gathered.
  std::size_t slots() const { return static_cast<std::size_t>(program_.slots) + waiting_ + 2 * broadcast_; }

  void add_input(std::size_t k, const ProgramInput<T>& operand, const Shape& shape) {
    values_[k] = const_cast<T*>(operand.data);
    uniform_[k] = false;
    if (operand.shape != &shape) {
      const std::size_t size = size_of(*operand.shape);
      if (size == 1 && n_ != 1) {
        uniform_[k] = true;
        return;
      }
      if (size != n_) {
        std::construct_at(&layouts_[inputs_count_], *operand.shape, shape);
        inputs_[inputs_count_] = {operand.data, k, &layouts_[inputs_count_], nullptr};
        ++inputs_count_;
        ++broadcast_;
        return;
      }
    }
    inputs_[inputs_count_++] = {operand.data, k, nullptr, nullptr};
  }

  T* add_uniform(std::size_t k) {
    uniform_[k] = true;
    return values_[k] = single_[k].x;
  }

  void add_step(std::size_t k, const Instr& instr) {
    const auto a = static_cast<std::size_t>(instr.a), b = static_cast<std::size_t>(instr.b < 0 ? instr.a : instr.b),
               c = static_cast<std::size_t>(instr.c < 0 ? instr.a : instr.c);
    const auto& row = kernels::table<T>().formula[static_cast<std::size_t>(instr.op)];
    if (uniform_[a] && uniform_[b] && uniform_[c]) {
      row[0](add_uniform(k), values_[a], values_[b], values_[c], 1);
      return;
    }
    const unsigned mask = unsigned{uniform_[a]} | (instr.b >= 0 && uniform_[b] ? 2u : 0u) | (instr.c >= 0 && uniform_[c] ? 4u : 0u);
    uniform_[k] = false;
    steps_[steps_count_] = {row[mask], k, a, b, c};
    const bool continues = steps_count_ > 0 && program_.code[steps_[steps_count_ - 1].d].chained;
    if (continues || instr.chained) make_link(steps_[steps_count_], instr, continues);
    ++steps_count_;
  }

  /// The operand that comes from the step before, or at the first link one that is no scalar, becomes a, and the others b and c.
  void make_link(Step<T>& step, const Instr& instr, bool continues) {
    const auto comes = [&](std::size_t value) { return continues ? value == steps_[steps_count_ - 1].d : !uniform_[value]; };
    const unsigned place = comes(step.a) ? 0 : comes(step.b) ? 1 : 2;
    if (place == 2) std::swap(step.b, step.c);
    if (place > 0) std::swap(step.a, step.b);
    const unsigned scalars = (instr.b >= 0 && uniform_[step.b] ? 1u : 0u) | (instr.c >= 0 && uniform_[step.c] ? 2u : 0u);
    step.code = kernels::link_code(instr.op, place, scalars);
  }

  /// A result may be computed where it belongs unless that is an input which later steps read.
  void add_outputs(std::span<T* const> outs) {
    for (std::size_t r = 0; r < outs.size(); ++r) {
      Output<T>& output = outputs_[r] = {outs[r], static_cast<std::size_t>(r == 0 ? program_.result : program_.more[r - 1]), false};
      if (uniform_[output.value]) continue;
      output.direct = !read_after(output);
      waiting_ += !output.direct;
    }
    for (std::size_t k = 0; k < steps_count_; ++k) steps_[k].stored = program_.code[steps_[k].d].chained && is_output(steps_[k].d);
  }
  bool is_output(std::size_t value) const {
    for (std::size_t r = 0; r < outputs_count_; ++r)
      if (outputs_[r].value == value) return true;
    return false;
  }
  bool read_after(const Output<T>& output) const {
    for (std::size_t k = 0; k < inputs_count_; ++k) {
      if (inputs_[k].data != output.data) continue;
      for (std::size_t s = 0; s < steps_count_; ++s) {
        const std::size_t input = inputs_[k].value;
        if (steps_[s].d > output.value && (steps_[s].a == input || steps_[s].b == input || steps_[s].c == input)) return true;
      }
    }
    return false;
  }

  /// The only result is an input, or all are the same everywhere.
  void copy_results() {
    for (std::size_t r = 0; r < outputs_count_; ++r) {
      T* out = outputs_[r].data;
      if (uniform_[outputs_[r].value]) {
        std::fill_n(out, n_, *values_[outputs_[r].value]);
      } else if (const Layout* layout = inputs_[0].layout) {
        parallel_for(
            n_, 1, [&](std::size_t begin, std::size_t end) { gather(out + begin, inputs_[0].data, *layout, begin, end - begin); });
      } else if (out != inputs_[0].data) {
        std::copy_n(inputs_[0].data, n_, out);
      }
    }
  }

  void run_range(std::size_t begin, std::size_t end) const {
    kernels::Scratch<T*, few> values(program_.code.size());
    kernels::Scratch<T, cache_bytes / sizeof(T)> memory(slots() * chunk_);
    for (std::size_t k = 0; k < program_.code.size(); ++k) {
      const int slot = program_.code[k].slot;
      values[k] = slot >= 0 && !uniform_[k] ? memory.data() + static_cast<std::size_t>(slot) * chunk_ : values_[k];
    }
    kernels::Scratch<kernels::Link<T>, few> links(steps_count_ + outputs_count_);
    kernels::Scratch<Input<T>, 8> inputs(inputs_count_);
    T* scratch = memory.data() + static_cast<std::size_t>(program_.slots) * chunk_;
    for (std::size_t k = 0; k < inputs_count_; ++k) {
      Input<T>& input = inputs[k] = inputs_[k];
      if (!input.layout) continue;
      input.scratch = scratch;
      scratch += 2 * chunk_;
      if (input.layout->periodic() && input.layout->period() <= chunk_)
        tile(input.scratch, input.data, input.layout->period(), input.layout->period() + std::min(chunk_, end - begin));
    }
    for (std::size_t r = 0; r < outputs_count_; ++r) {
      if (outputs_[r].direct || uniform_[outputs_[r].value]) continue;
      values[outputs_[r].value] = scratch;
      scratch += chunk_;
    }
    kernels::in_pieces(begin, end, chunk_, backwards_, [&](std::size_t at, std::size_t last) {
      const std::size_t n = last - at;
      for (std::size_t k = 0; k < inputs_count_; ++k) values[inputs[k].value] = const_cast<T*>(elements(inputs[k], at, n));
      for (std::size_t r = 0; r < outputs_count_; ++r)
        if (outputs_[r].direct) values[outputs_[r].value] = outputs_[r].data + at;
      for (std::size_t k = 0; k < steps_count_; ++k) {
        const Step<T>& s = steps_[k];
        if (!program_.code[s.d].chained) {
          s.kernel(values[s.d], values[s.a], values[s.b], values[s.c], n);
          continue;
        }
        std::size_t count = 0;
        const auto add = [&](const Step<T>& link) {
          links[count++] = {link.code, values[link.b], values[link.c], nullptr};
          if (link.stored) links[count++] = {kernels::store_link, nullptr, nullptr, values[link.d]};
        };
        add(s);
        do add(steps_[++k]);
        while (program_.code[steps_[k].d].chained);
        kernels::table<T>().chain(values[steps_[k].d], values[s.a], links.data(), count, n);
      }
      for (std::size_t r = 0; r < outputs_count_; ++r) {
        const Output<T>& output = outputs_[r];
        if (output.direct) continue;
        if (uniform_[output.value])
          std::fill_n(output.data + at, n, *values[output.value]);
        else
          std::copy_n(values[output.value], n, output.data + at);
      }
    });
  }

  /// Where elements at ... at + n of an input are.
  const T* elements(const Input<T>& input, std::size_t at, std::size_t n) const {
    if (!input.layout) return input.data + at;
    if (input.layout->periodic()) {
      const std::size_t period = input.layout->period(), offset = at % period;
      if (period <= chunk_) return input.scratch + offset;
      if (offset + (n + lanes - 1) / lanes * lanes <= period) return input.data + offset;
    }
    gather(input.scratch, input.data, *input.layout, at, n);
    return input.scratch;
  }

  const Program& program_;
  std::size_t n_, outputs_count_, chunk_ = 0;
  bool backwards_ = false;
  std::size_t steps_count_ = 0, inputs_count_ = 0, broadcast_ = 0, waiting_ = 0;
  kernels::Scratch<Output<T>, 4> outputs_;
  kernels::Scratch<T*, few> values_;      // of inputs and uniform values
  kernels::Scratch<bool, few> uniform_;   // one value for all elements
  kernels::Scratch<Single, few> single_;  // memory of computed uniform values
  kernels::Scratch<Step<T>, few> steps_;
  kernels::Scratch<Input<T>, 8> inputs_;
  kernels::Scratch<Layout, 4> layouts_;
};

}  // namespace

template <class T>
void run(const Program& program, T* out, const Shape& shape, std::span<const ProgramInput<T>> inputs) {
  if (program.slots < 0) return run(optimise(program), out, shape, inputs);
  if (size_of(shape) > 0) Plan<T>(program, std::span<T* const>(&out, 1), shape, inputs).run();
}

template <class T>
void run(const Program& program, std::span<T* const> outs, const Shape& shape, std::span<const ProgramInput<T>> inputs,
         std::size_t alone) {
  if (program.slots < 0) return run(optimise(program), outs, shape, inputs, alone);
  if (size_of(shape) > 0) Plan<T>(program, outs, shape, inputs).run(alone);
}

template void run(const Program&, float*, const Shape&, std::span<const ProgramInput<float>>);
template void run(const Program&, double*, const Shape&, std::span<const ProgramInput<double>>);
template void run(const Program&, std::span<float* const>, const Shape&, std::span<const ProgramInput<float>>, std::size_t);
template void run(const Program&, std::span<double* const>, const Shape&, std::span<const ProgramInput<double>>, std::size_t);

}  // namespace xgrad
