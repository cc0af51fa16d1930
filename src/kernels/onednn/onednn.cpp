#include "onednn.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnnl.hpp>

#include <xgrad/core/error.hpp>

#include "../../core/openmp.hpp"
#include "../scratch.hpp"
#include "../table.hpp"

namespace xgrad::kernels::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

/// One engine for all. XGRAD_ISA limits oneDNN, too.
const dnnl::engine& engine() {
  static const dnnl::engine cpu = [] {
    const std::string_view level = level_name();
    if (level == "base" || level == "v2") dnnl::set_max_cpu_isa(dnnl::cpu_isa::sse41);
    if (level == "v3") dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return cpu;
}

void check(dnnl_status_t status) {
  if (status != dnnl_success) throw Error("oneDNN failed with status " + std::to_string(status));
}

memory::desc describe(memory::dims lengths, Tag tag) { return {std::move(lengths), memory::data_type::f32, tag}; }

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

// Version 3 makes a primitive's descriptor of its arguments; version 2 wants an operation's descriptor between.
#if DNNL_VERSION_MAJOR >= 3
template <class Primitive, class... Arguments>
typename Primitive::primitive_desc descriptor(const dnnl::primitive_attr& attributes, const Arguments&... arguments) {
  return {engine(), arguments..., attributes};
}
/// The same for a gradient, which is told the forward pass that it belongs to.
template <class Gradient, class Forward, class... Arguments>
typename Gradient::primitive_desc gradient(const dnnl::primitive_attr& attributes, const Forward& forward,
                                           const Arguments&... arguments) {
  return {engine(), arguments..., forward, attributes};
}
#else
template <class Primitive, class... Arguments>
typename Primitive::primitive_desc descriptor(const dnnl::primitive_attr& attributes, const Arguments&... arguments) {
  return {typename Primitive::desc(arguments...), attributes, engine()};
}
/// The same for a gradient, which is told the forward pass that it belongs to.
template <class Gradient, class Forward, class... Arguments>
typename Gradient::primitive_desc gradient(const dnnl::primitive_attr& attributes, const Forward& forward,
                                           const Arguments&... arguments) {
  return {typename Gradient::desc(arguments...), attributes, engine(), forward};
}
#endif

/// An array of a primitive: where our pointer comes in, in our layout, and what the primitive takes.
struct Slot {
  int argument;
  memory::desc ours, theirs;
  bool output = false;
  bool reordered() const { return ours != theirs; }
};

/// A primitive with the reorders around it. Shared by threads: what a run changes is in a Call.
class Plan {
 public:
  Plan(dnnl::primitive primitive, memory::desc scratchpad, std::vector<Slot> slots)
      : primitive_(std::move(primitive)), scratchpad_(std::move(scratchpad)), slots_(std::move(slots)) {
    const char* way = "";
    check(dnnl_primitive_desc_query(primitive_.get_primitive_desc(), dnnl_query_impl_info_str, 0, &way));
    is_product_ = std::string_view(way).find("gemm") != std::string_view::npos;
    for (const Slot& slot : slots_)
      reorders_.push_back(!slot.reordered() ? dnnl::reorder()
                          : slot.output     ? reorder(slot.theirs, slot.ours)
                                            : reorder(slot.ours, slot.theirs));
  }

  /// One pointer per slot.
  void run(std::initializer_list<const float*> pointers) {
    const OneThread alone;
    std::optional<SignalsWait> quiet;
    if (is_product_) quiet.emplace();
    std::unique_ptr<Call> call = take();
    const dnnl::stream& stream = call->stream;
    std::size_t bytes = scratchpad_.get_size();
    for (const Slot& slot : slots_)
      if (slot.reordered()) bytes += padded(slot.theirs.get_size());
    const Scratch<unsigned char> room(bytes);
    unsigned char* next = room.data();
    for (std::size_t k = 0; k < slots_.size(); ++k) {
      call->ours[k].set_data_handle(const_cast<float*>(pointers.begin()[k]));
      if (!slots_[k].reordered()) continue;
      call->theirs[k].set_data_handle(next);
      next += padded(slots_[k].theirs.get_size());
      if (!slots_[k].output) move(k, stream, call->ours[k], call->theirs[k]);
    }
    call->scratchpad.set_data_handle(next);
    check(dnnl_primitive_execute(primitive_.get(), stream.get(), static_cast<int>(call->arguments.size()), call->arguments.data()));
    for (std::size_t k = 0; k < slots_.size(); ++k)
      if (slots_[k].reordered() && slots_[k].output) move(k, stream, call->theirs[k], call->ours[k]);
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(call));
  }

 private:
  /// What belongs to one run.
  struct Call {
    dnnl::stream stream{engine()};
    std::vector<memory> ours, theirs;
    memory scratchpad;
    std::vector<dnnl_exec_arg_t> arguments;
  };

  static std::size_t padded(std::size_t bytes) { return (bytes + 63) / 64 * 64; }
  static dnnl::reorder reorder(const memory::desc& from, const memory::desc& to) {
    const dnnl::reorder::primitive_desc found(engine(), from, engine(), to, user_scratchpad());
    if (found.scratchpad_desc().get_size() > 0)  // move() has none to give, and one of oneDNN's own would belong to a single thread
      throw dnnl::error(dnnl_unimplemented, "a reorder that needs scratch memory");
    return dnnl::reorder(found);
  }
  void move(std::size_t k, const dnnl::stream& stream, const memory& from, const memory& to) {
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from.get()}, {DNNL_ARG_TO, to.get()}};
    check(dnnl_primitive_execute(reorders_[k].get(), stream.get(), 2, arguments));
  }

  std::unique_ptr<Call> take() {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Call> call = std::move(idle_.back());
        idle_.pop_back();
        return call;
      }
    }
    auto call = std::make_unique<Call>();
    for (const Slot& slot : slots_) {
      call->ours.emplace_back(slot.ours, engine(), nullptr);
      call->theirs.push_back(slot.reordered() ? memory(slot.theirs, engine(), nullptr) : call->ours.back());
      call->arguments.push_back({slot.argument, call->theirs.back().get()});
    }
    call->scratchpad = memory(scratchpad_, engine(), nullptr);
    call->arguments.push_back({DNNL_ARG_SCRATCHPAD, call->scratchpad.get()});
    return call;
  }

  dnnl::primitive primitive_;
  memory::desc scratchpad_;
  std::vector<Slot> slots_;
  std::vector<dnnl::reorder> reorders_;
  bool is_product_ = false;  ///< whether it is made of such products as SignalsWait is for
  std::mutex mutex_;
  std::vector<std::unique_ptr<Call>> idle_;
};

/// What a plan is made for. Always for one thread: primitives divide their work when they are made.
using Key = std::array<std::size_t, 17>;

/// Plans by key; those that have not been used for longest go first.
class Cache {
 public:
  /// make() is called where there is no plan yet, and may return null for "there is none".
  template <class Make>
  std::shared_ptr<Plan> find(const Key& key, Make make) {
    const std::scoped_lock lock(mutex_);
    if (const auto it = places_.find(key); it != places_.end()) {
      plans_.splice(plans_.begin(), plans_, it->second);
      return it->second->second;
    }
    plans_.emplace_front(key, make());
    places_[key] = plans_.begin();
    if (plans_.size() > most) {
      places_.erase(plans_.back().first);
      plans_.pop_back();
    }
    return plans_.front().second;
  }

 private:
  static constexpr std::size_t most = 1024;
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      std::uint64_t h = 0xcbf29ce484222325;
      for (const std::size_t x : key) h = (h ^ x) * 0x9e3779b97f4a7c15, h ^= h >> 29;
      return h;
    }
  };
  std::mutex mutex_;
  std::list<std::pair<Key, std::shared_ptr<Plan>>> plans_;
  std::unordered_map<Key, decltype(plans_)::iterator, Hash> places_;
};

Cache& cache() {
  static auto* plans = new Cache;  // not destroyed: static Variables may outlive it
  return *plans;
}

memory::dim whole(std::size_t n) { return static_cast<memory::dim>(n); }

/// A plan for this descriptor, unless oneDNN has no fast kernel: its reference loops are slower than our own way.
template <class Primitive, class Descriptor>
std::shared_ptr<Plan> plan(const Descriptor& found, std::vector<Slot> slots) {
  const std::string_view name = found.impl_info_str();
  if (name.find("ref") != std::string_view::npos) return nullptr;
  return std::make_shared<Plan>(Primitive(found), found.scratchpad_desc(), std::move(slots));
}

std::shared_ptr<Plan> make_convolution(Pass pass, bool blocked, bool biased, const ConvShape& s) {
  const bool grouped = s.groups > 1;
  const memory::dims images{whole(s.n), whole(s.c), whole(s.h), whole(s.w)},
      result{whole(s.n), whole(s.o), whole(s.oh), whole(s.ow)};
  memory::dims weights{whole(s.group_o()), whole(s.group_c()), whole(s.kh), whole(s.kw)};
  if (grouped) weights.insert(weights.begin(), whole(s.groups));
  const auto rest = [](std::size_t out, std::size_t stride, std::size_t k, std::size_t dilation, std::size_t before,
                       std::size_t length) {
    const memory::dim needed = whole((out - 1) * stride + (k - 1) * dilation + 1) - whole(length + before);
    return std::max<memory::dim>(needed, 0);  // the padding behind; a remainder of the stride is not looked at
  };
  const memory::dims strides{whole(s.stride_h), whole(s.stride_w)}, dilation{whole(s.dilation_h) - 1, whole(s.dilation_w) - 1},
      before{whole(s.top), whole(s.left)},
      behind{rest(s.oh, s.stride_h, s.kh, s.dilation_h, s.top, s.h), rest(s.ow, s.stride_w, s.kw, s.dilation_w, s.left, s.w)};
  const memory::desc x = describe(images, Tag::nhwc), y = describe(result, Tag::nhwc),
                     w = describe(weights, grouped ? Tag::gohwi : Tag::ohwi), b = describe({whole(s.o)}, Tag::a),
                     any_x = blocked ? describe(images, Tag::any) : x, any_y = blocked ? describe(result, Tag::any) : y,
                     any_w = describe(weights, Tag::any);
  const dnnl::primitive_attr attributes = user_scratchpad();
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  constexpr auto training = dnnl::prop_kind::forward_training;
  using Forward = dnnl::convolution_forward;
  const Forward::primitive_desc forward =
      biased ? descriptor<Forward>(attributes, training, direct, any_x, any_w, b, any_y, strides, dilation, before, behind)
             : descriptor<Forward>(attributes, training, direct, any_x, any_w, any_y, strides, dilation, before, behind);
  switch (pass) {
    case Pass::forward: {
      std::vector<Slot> slots{{DNNL_ARG_SRC, x, forward.src_desc()},
                              {DNNL_ARG_WEIGHTS, w, forward.weights_desc()},
                              {DNNL_ARG_DST, y, forward.dst_desc(), true}};
      if (biased) slots.push_back({DNNL_ARG_BIAS, b, b});
      return plan<Forward>(forward, std::move(slots));
    }
    case Pass::input_grad: {
      using Gradient = dnnl::convolution_backward_data;
      const auto found = gradient<Gradient>(attributes, forward, direct, any_x, any_w, any_y, strides, dilation, before, behind);
      return plan<Gradient>(found, {{DNNL_ARG_DIFF_DST, y, found.diff_dst_desc()},
                                    {DNNL_ARG_WEIGHTS, w, found.weights_desc()},
                                    {DNNL_ARG_DIFF_SRC, x, found.diff_src_desc(), true}});
    }
    case Pass::weight_grad: {
      using Gradient = dnnl::convolution_backward_weights;
      const auto found = gradient<Gradient>(attributes, forward, direct, any_x, any_w, any_y, strides, dilation, before, behind);
      return plan<Gradient>(found, {{DNNL_ARG_SRC, x, found.src_desc()},
                                    {DNNL_ARG_DIFF_DST, y, found.diff_dst_desc()},
                                    {DNNL_ARG_DIFF_WEIGHTS, w, found.diff_weights_desc(), true}});
    }
  }
  return nullptr;
}

/// a, b and c as matrices whose rows lie `strides` apart.
std::shared_ptr<Plan> make_product(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k,
                                   RowStrides strides, bool add, bool biased) {
  const auto matrix = [](std::size_t rows, std::size_t columns, std::size_t stride, bool transposed) {
    const memory::dims apart{transposed ? 1 : whole(stride), transposed ? whole(stride) : 1};
    return memory::desc({whole(rows), whole(columns)}, memory::data_type::f32, apart);
  };
  const memory::desc a = matrix(m, k, strides.a, transpose_a), b = matrix(k, n, strides.b, transpose_b),
                     c = matrix(m, n, strides.c, false), bias = describe({1, whole(n)}, Tag::ab);
  dnnl::primitive_attr attributes = user_scratchpad();
  if (add) {
    dnnl::post_ops sum;
    sum.append_sum();
    attributes.set_post_ops(sum);
  }
  const auto found = biased ? descriptor<dnnl::matmul>(attributes, a, b, bias, c) : descriptor<dnnl::matmul>(attributes, a, b, c);
  std::vector<Slot> slots{{DNNL_ARG_SRC, a, a}, {DNNL_ARG_WEIGHTS, b, b}, {DNNL_ARG_DST, c, c, true}};
  if (biased) slots.push_back({DNNL_ARG_BIAS, bias, bias});
  return plan<dnnl::matmul>(found, std::move(slots));
}

/// make(), or null where oneDNN cannot do what is asked.
template <class Make>
std::shared_ptr<Plan> attempt(Make make) {
  const OneThread alone;
  try {
    return make();
  } catch (const dnnl::error&) {
    return nullptr;
  }
}

}  // namespace

std::string version() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

std::size_t narrow_images(std::size_t window) { return DNNL_VERSION_MAJOR >= 3 && window >= 25 ? 16 : 6; }

bool divides_by_zero(const ConvShape& s) { return DNNL_VERSION_MAJOR >= 3 && s.kh * s.kw == 1 && s.stride_h * s.stride_w > 1; }

bool wide() {
  static const bool avx512 = [] {
    static_cast<void>(engine());
    return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & static_cast<unsigned>(dnnl::cpu_isa::avx512_core)) ==
           static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  }();
  return avx512;
}

bool gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const float* a, const float* b, float* c,
          RowStrides strides, bool add, const float* bias) {
  if (k == 0) return false;
  // One row is a matter of memory alone, and below AVX-512 the matmul primitive is this very function with more around it. With
  // AVX-512 it is better than that where b is transposed or there is a bias to add.
  if (m == 1 || n == 1 || !wide() || (!transpose_b && !bias)) {
    if (bias) return false;
    static_cast<void>(engine());
    const OneThread alone;
    const SignalsWait quiet;
    check(dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', whole(m), whole(n), whole(k), 1, a, whole(strides.a), b,
                     whole(strides.b), add ? 1 : 0, c, whole(strides.c)));
    return true;
  }
  const Key key{0, transpose_a, transpose_b, m, n, k, strides.a, strides.b, strides.c, add, bias != nullptr};
  const std::shared_ptr<Plan> found = cache().find(
      key, [&] { return attempt([&] { return make_product(transpose_a, transpose_b, m, n, k, strides, add, bias != nullptr); }); });
  if (!found) return false;
  if (bias)
    found->run({a, b, c, bias});
  else
    found->run({a, b, c});
  return true;
}

namespace {

std::shared_ptr<Plan> convolution(Pass pass, bool blocked, bool biased, const ConvShape& s) {
  if (std::min({s.n, s.h, s.w, s.c, s.o, s.kh, s.kw, s.oh, s.ow}) == 0) return nullptr;
  if (divides_by_zero(s)) return nullptr;
  // Where a result sees padding alone our own ways compute it: oneDNN takes long to prepare where there is very much padding (2^22
  // places beside an image of three pixels: 40 s under the address sanitizer).
  const bool before = s.top >= (s.kh - 1) * s.dilation_h + 1 || s.left >= (s.kw - 1) * s.dilation_w + 1,
             behind = (s.oh - 1) * s.stride_h >= s.top + s.h || (s.ow - 1) * s.stride_w >= s.left + s.w;
  if (before || behind) return nullptr;
  const Key key{1 + static_cast<std::size_t>(pass) + 3 * blocked + 6 * biased,
                s.n,
                s.h,
                s.w,
                s.c,
                s.o,
                s.kh,
                s.kw,
                s.oh,
                s.ow,
                s.stride_h,
                s.stride_w,
                s.top,
                s.left,
                s.dilation_h,
                s.dilation_w,
                s.groups};
  return cache().find(key, [&] { return attempt([&] { return make_convolution(pass, blocked, biased, s); }); });
}

}  // namespace

bool convolves(Pass pass, bool blocked, bool biased, const ConvShape& s) {
  return convolution(pass, blocked, biased, s) != nullptr;
}

bool convolve(Pass pass, bool blocked, const ConvArrays<float>& x, const ConvShape& s) {
  const std::shared_ptr<Plan> found = convolution(pass, blocked, x.bias != nullptr, s);
  if (!found) return false;
  const float* const first = pass == Pass::input_grad ? x.result : x.images;
  const float* const second = pass == Pass::weight_grad ? x.result : x.weights;
  if (pass == Pass::forward && x.bias)
    found->run({first, second, x.out, x.bias});
  else
    found->run({first, second, x.out});
  return true;
}

}  // namespace xgrad::kernels::onednn
