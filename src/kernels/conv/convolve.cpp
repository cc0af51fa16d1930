#include "convolve.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <xgrad/core/error.hpp>
#include <xgrad/core/parallel.hpp>

#include "../array/sum.hpp"
#include "../onednn/onednn.hpp"
#include "../scratch.hpp"
#include "../table.hpp"
#include "depthwise.hpp"
#include "direct.hpp"
#include "patches.hpp"
#include "winograd.hpp"

namespace xgrad::kernels {
namespace {

// oneDNN works on the calling thread alone: each of our threads has it do some of the images, and of those that are left over, or
// where there are fewer than threads, some rows of the results.

/// Rows [first, last) of the results of one image, as a convolution of the rows of the image that they see.
struct Stripe {
  ConvShape shape;
  std::size_t image_row, result_row;
};
Stripe stripe(const ConvShape& s, std::size_t first, std::size_t last) {
  const std::size_t reach = (s.kh - 1) * s.dilation_h + 1, begin = first * s.stride_h, end = (last - 1) * s.stride_h + reach;
  Stripe result{s, begin > s.top ? std::min(begin - s.top, s.h - 1) : 0, first};
  result.shape.n = 1;
  result.shape.oh = last - first;
  result.shape.top = s.top > begin ? s.top - begin : 0;
  const bool sees_image = end > s.top && begin < s.top + s.h;
  result.shape.h = sees_image ? std::min(s.h, end - s.top) - result.image_row : 0;  // which nobody computes
  return result;
}

/// Some images, or a stripe of one.
struct Piece {
  ConvShape shape;
  std::size_t image, image_row = 0, result_row = 0;
};

/// What thread t of `threads` does.
std::vector<Piece> pieces_of(Pass pass, const ConvShape& s, std::size_t t, std::size_t threads) {
  std::vector<Piece> result;
  // rows of an image's gradient overlap, from one stripe of results to the next: there the images left over go to a thread each
  const std::size_t each = s.n / threads, left = s.n % threads, whole = pass == Pass::input_grad && t < left ? each + 1 : each;
  if (whole > 0) {
    result.push_back({s, t * each + (pass == Pass::input_grad ? std::min(t, left) : 0)});
    result.back().shape.n = whole;
  }
  for (std::size_t k = 0; k < left && pass != Pass::input_grad; ++k) {
    const std::size_t first = s.oh * t / threads, last = s.oh * (t + 1) / threads;
    if (first == last) continue;
    const Stripe rows = stripe(s, first, last);
    result.push_back({rows.shape, threads * each + k, rows.image_row, rows.result_row});
  }
  return result;
}

/// How many places oneDNN may add one by one, as it does for a weight's gradient where there are few channels: equal terms then are
/// 5e-5 off at most. More places where a piece would cost more than it computes. It does not depend on the number of threads.
std::size_t places_at_a_time(const ConvShape& s) {
  return s.rows() >= std::size_t{1} << 17 ? 1024 : s.columns() * s.group_o() < 256 ? 4096 : 2048;
}
bool place_by_place(Pass pass, bool blocked, const ConvShape& s) {
  return pass == Pass::weight_grad && !blocked && s.group_c() < 16 && s.rows() >= 3 * places_at_a_time(s) / 2;
}
/// Whole images, as many in each piece, or some rows of one.
std::vector<Piece> pieces_of_sum(const ConvShape& s) {
  std::vector<Piece> result;
  const std::size_t most = places_at_a_time(s), images = std::max<std::size_t>(most / (s.oh * s.ow), 1);
  const std::size_t count = (s.n + images - 1) / images, each = (s.n + count - 1) / count;
  const std::size_t rows = s.oh * s.ow <= most ? s.oh : std::max<std::size_t>(most / s.ow, 1);
  for (std::size_t k = 0; k < s.n; k += each)
    for (std::size_t first = 0; first < s.oh; first += rows) {
      const Stripe part = rows == s.oh ? Stripe{s, 0, 0} : stripe(s, first, std::min(first + rows, s.oh));
      result.push_back({part.shape, k, part.image_row, part.result_row});
      if (rows == s.oh) result.back().shape.n = std::min(each, s.n - k);
    }
  return result;
}

/// False, with nothing written, where oneDNN cannot do it.
bool by_onednn(Pass pass, bool blocked, const ConvArrays<float>& x, const ConvShape& s) {
  const std::size_t work = s.rows() * s.columns() * s.group_o() / 16;
  const std::size_t threads = work < parallel_threshold ? 1 : static_cast<std::size_t>(num_threads());
  const bool in_pieces = place_by_place(pass, blocked, s);
  if (threads == 1 && !in_pieces) return onednn::convolve(pass, blocked, x, s);
  std::vector<Piece> pieces;
  std::vector<std::size_t> begin_of{0};  // of what a thread does together
  if (in_pieces) {
    pieces = pieces_of_sum(s);
    for (std::size_t k = 0; k < pieces.size(); ++k) begin_of.push_back(k + 1);
  } else {
    for (std::size_t t = 0; t < threads; ++t) {
      const std::vector<Piece> some = pieces_of(pass, s, t, threads);
      pieces.insert(pieces.end(), some.begin(), some.end());
      begin_of.push_back(pieces.size());
    }
  }
  for (std::size_t k = 0; k < pieces.size(); ++k)
    if ((k == 0 || pieces[k].shape != pieces[k - 1].shape) && !onednn::convolves(pass, blocked, x.bias != nullptr, pieces[k].shape))
      return onednn::convolve(pass, blocked, x, s);
  // the gradients of the weights are added up in order of the pieces
  const std::size_t weights = pass == Pass::weight_grad ? s.o * s.columns() : 0, groups = begin_of.size() - 1;
  const Scratch<float> sums(pieces.size() * weights);
  parallel_for(groups, in_pieces ? work / groups + 1 : work, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin_of[begin]; k < begin_of[end]; ++k) {
      const Piece& piece = pieces[k];
      const std::size_t image = (piece.image * s.h + piece.image_row) * s.w * s.c,
                        result = (piece.image * s.oh + piece.result_row) * s.ow * s.o;
      ConvArrays<float> arrays = x;
      if (pass != Pass::input_grad) arrays.images += image;
      if (pass != Pass::forward) arrays.result += result;
      arrays.out = pass == Pass::weight_grad ? sums.data() + k * weights : x.out + (pass == Pass::forward ? result : image);
      onednn::convolve(pass, blocked, arrays, piece.shape);
    }
  });
  if (weights > 0) sum(sums.data(), x.out, 1, pieces.size(), weights);
  return true;
}

// The ways to compute a convolution, and which of them is taken: by rules that were fitted to measurements, which
// docs/measurements.md has. The same shape always goes the same way, so that runs repeat bit for bit.

enum class Way { channels_last, blocked, patches, direct, winograd };

/// Without oneDNN. Direct needs rows enough to pay for the panels, and columns enough to fill part of one.
Way own_way(Pass pass, const ConvShape& s) {
  const bool back = pass == Pass::input_grad;
  const std::size_t in = back ? s.o : s.c, out = back ? s.c : s.o;
  const bool pays = s.rows() >= 256 && in <= 96 && out >= (back ? 8 : 4);
  return pays && !s.pointwise() && direct::suits(pass, s) ? Way::direct : Way::patches;
}

/// Whether Winograd's way is the fastest, which takes enough tiles for the transforms of the filters.
/// `wide`: oneDNN on AVX-512 could do it, too.
bool tiles_pay(Pass pass, bool wide, const ConvShape& s) {
  const std::size_t tiles = s.n * ((s.oh + 1) / 2) * ((s.ow + 1) / 2);
  const std::size_t least = pass == Pass::weight_grad ? 16 : wide ? 128 : pass == Pass::forward ? 64 : 32;
  return winograd::suits(s) && tiles >= least && above_base() && (!wide || std::min(s.c, s.o) >= 32);
}

/// With oneDNN on AVX-512. Its primitives are slow to start, at images with few channels and where all filters meet few pixels.
Way wide_way(Pass pass, const ConvShape& s) {
  const std::size_t products = s.rows() * s.columns() * s.o;
  const bool slow = (products <= std::size_t{1} << 19 && s.columns() >= 64) || (s.rows() <= 128 && s.c >= 64) ||
                    (pass == Pass::input_grad && s.c < onednn::narrow_images(s.kh * s.kw));
  return s.groups == 1 && slow ? Way::patches : Way::channels_last;
}

template <class T>
Way by_rule(Pass pass, const ConvShape& s) {
  if (s.pointwise()) return Way::patches;
  const std::size_t pixels = s.oh * s.ow;
  const bool onednn = std::is_same_v<T, float> && onednn::available && !onednn::divides_by_zero(s);
  const bool wide = onednn && onednn::wide();
  if (tiles_pay(pass, wide, s)) return Way::winograd;
  if (!onednn) return own_way(pass, s);
  if (wide) return wide_way(pass, s);
  switch (pass) {
    case Pass::forward:
      return s.group_c() < 64 ? Way::channels_last : pixels <= 16 ? Way::patches : Way::blocked;
    case Pass::input_grad:
      return s.group_c() < 6 || (pixels <= 16 && s.group_c() >= 64) ? Way::patches
             : s.group_c() < 32                                     ? Way::channels_last
                                                                    : Way::blocked;
    case Pass::weight_grad:
      return pixels <= 64 && s.group_c() >= 64 ? Way::patches : s.group_c() < 32 ? Way::channels_last : Way::blocked;
  }
  return Way::patches;
}

template <class T>
constexpr Passes<T> by_channels{channels::forward<T>, channels::input_grad<T>, channels::weight_grad<T>};
template <class T>
constexpr Passes<T> by_patches{patches::forward<T>, patches::input_grad<T>, patches::weight_grad<T>};
template <class T>
constexpr Passes<T> directly{direct::forward<T>, direct::input_grad<T>, direct::weight_grad<T>};
template <class T>
constexpr Passes<T> by_tiles{winograd::forward<T>, winograd::input_grad<T>, winograd::weight_grad<T>};

template <class T>
void run(Way way, Pass pass, const ConvArrays<T>& x, const ConvShape& s) {
  if constexpr (std::is_same_v<T, float>)
    if ((way == Way::channels_last || way == Way::blocked) && by_onednn(pass, way == Way::blocked, x, s)) return;
  if (way == Way::channels_last || way == Way::blocked) way = own_way(pass, s);
  const Passes<T>& passes = way == Way::winograd ? by_tiles<T> : way == Way::direct ? directly<T> : by_patches<T>;
  passes[pass](x, s);
}

/// The fastest of three runs of each way.
template <class T>
Way by_trial(Pass pass, const ConvArrays<T>& x, const ConvShape& s) {
  Way best = Way::patches;
  auto least = std::chrono::steady_clock::duration::max();
  for (const Way way : {Way::channels_last, Way::blocked, Way::patches, Way::direct, Way::winograd}) {
    const bool possible = way == Way::winograd ? winograd::suits(s)
                          : way == Way::direct ? direct::suits(pass, s)
                                               : onednn::available || way == Way::patches;
    if (!possible) continue;
    for (int k = 0; k < 4; ++k) {
      const auto start = std::chrono::steady_clock::now();
      run(way, pass, x, s);
      if (const auto time = std::chrono::steady_clock::now() - start; k > 0 && time < least) {  // the first run makes the primitive
        least = time;
        best = way;
      }
    }
  }
  return best;
}

bool autotune() {
  static const bool on = [] {
    const char* value = std::getenv("XGRAD_AUTOTUNE");
    return value && *value && *value != '0';
  }();
  return on;
}

/// XGRAD_CONV, the way that the user wants.
std::optional<Way> wanted() {
  static const std::optional<Way> way = []() -> std::optional<Way> {
    const char* const value = std::getenv("XGRAD_CONV");
    if (!value || !*value) return {};
    for (const auto& [name, named] :
         {std::pair("patches", Way::patches), std::pair("direct", Way::direct), std::pair("winograd", Way::winograd),
          std::pair("onednn", Way::channels_last), std::pair("blocked", Way::blocked)})
      if (std::string_view(value) == name) return named;
    throw ValueError("XGRAD_CONV is " + std::string(value) + "; it must be patches, direct, winograd, onednn or blocked");
  }();
  return way;
}

template <class T>
Way choose(Pass pass, const ConvArrays<T>& x, const ConvShape& s) {
  if (const std::optional<Way> way = wanted()) {
    if (*way == Way::winograd) return winograd::suits(s) ? *way : by_rule<T>(pass, s);
    return *way == Way::direct && !direct::suits(pass, s) ? Way::patches : *way;
  }
  if (!std::is_same_v<T, float> || !autotune()) return by_rule<T>(pass, s);
  static std::mutex mutex;
  static std::map<std::pair<Pass, ConvShape>, Way> found;
  constexpr std::size_t most = 1024;
  const std::scoped_lock lock(mutex);
  if (const auto it = found.find({pass, s}); it != found.end()) return it->second;
  if (found.size() >= most) return by_rule<T>(pass, s);  // what was chosen once stays so: runs repeat
  return found[{pass, s}] = by_trial(pass, x, s);
}

// The gradient for a weight sums as many products as there are results. Where those are very many the sum is cut, so that of equal
// terms the relative error stays below 1e-5.

/// From how many results on to cut, how many to sum at a time, and of how many neighbours in a row.
struct AtATime {
  std::size_t least, results, columns;
};
/// oneDNN adds up one by one where it has few channels, or blocks them; `direct` so adds up a row.
bool one_by_one(Way way, const ConvShape& s) { return way == Way::blocked || (way == Way::channels_last && s.group_c() < 16); }
AtATime at_a_time(Way way, const ConvShape& s) {
  constexpr auto power = [](int k) { return std::size_t{1} << k; };
  if (one_by_one(way, s)) return {power(19), power(10), 256};
  switch (way) {
    case Way::winograd:
      return {power(19), power(15), 1024};
    case Way::direct:
      return {power(17), power(14), 256};
    case Way::patches:  // a product sees to its sums itself; but patches take room
      return {power(19), power(16), power(16)};
    default:
      return {power(16), power(15), 1024};
  }
}
/// With less than 8 channels or blocked ones such pieces of oneDNN are not fine enough; our own ways are.
Way way_of_long_sum(Way way, const ConvShape& s) {
  const bool coarse = one_by_one(way, s) && (way == Way::blocked || s.group_c() < 8);
  if (!coarse || s.rows() < at_a_time(way, s).least || wanted()) return way;
  return s.group_c() < 16 && direct::suits(Pass::weight_grad, s) ? Way::direct : Way::patches;
}

/// Filters of so many numbers are added up one by one by oneDNN and by `direct` (65 536 equal terms: 7e-4 off); a product sees to
/// its sums, and is no slower where the filter is as large as the image. Its patches must have room: half a GiB at most.
constexpr std::size_t long_filter = std::size_t{1} << 16, most_patches = std::size_t{1} << 27;
Way way_of_long_filter(Way way, const ConvShape& s) {
  const bool singly = way == Way::channels_last || way == Way::blocked || way == Way::direct;
  return singly && s.columns() >= long_filter && s.rows() <= most_patches / s.columns() && !wanted() ? Way::patches : way;
}

/// Columns [begin, end) of n rows of so many.
template <class T>
void copy_columns(const T* x, T* out, std::size_t n, std::size_t columns, std::size_t begin, std::size_t end) {
  parallel_for(n, end - begin, [&](std::size_t first, std::size_t last) {
    for (std::size_t k = first; k < last; ++k) std::copy_n(x + k * columns + begin, end - begin, out + k * (end - begin));
  });
}

/// Images [begin, end), or of a single image the results' rows [begin, end).
template <class T>
std::pair<ConvArrays<T>, ConvShape> stretch(ConvArrays<T> x, ConvShape s, std::size_t begin, std::size_t end) {
  if (s.n > 1) {
    x.images += begin * s.h * s.w * s.c;
    x.result += begin * s.oh * s.ow * s.o;
    s.n = end - begin;
    return {x, s};
  }
  x.result += begin * s.ow * s.o;
  const std::size_t first = begin * s.stride_h, last = (end - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;  // with the padding
  const std::size_t from = std::min(s.h, first - std::min(first, s.top)), to = std::min(s.h, last - std::min(last, s.top));
  x.images += from * s.w * s.c;
  s.h = std::max(to, from) - from;
  s.top -= std::min(first, s.top);
  s.oh = end - begin;
  return {x, s};
}

/// The gradient for the weights as a sum over `parts` stretches, added in pairs.
template <class T, class F>
void add_up(const ConvArrays<T>& x, const ConvShape& s, std::size_t parts, F gradient) {
  const std::size_t length = s.n > 1 ? s.n : s.oh;
  if (parts < 2 || length < 2) return gradient(x, s);
  const std::size_t middle = length / 2, size = s.o * s.columns();
  const auto [left, left_shape] = stretch(x, s, 0, middle);
  add_up(left, left_shape, (parts + 1) / 2, gradient);
  auto [right, right_shape] = stretch(x, s, middle, length);
  const Scratch<T> room(size);
  right.out = room.data();
  add_up(right, right_shape, parts / 2, gradient);
  add_to(x.out, room.data(), size);
}

/// The same for results in columns [begin, end), a few at a time.
template <class T, class F>
void add_up_columns(const ConvArrays<T>& x, const ConvShape& s, std::size_t begin, std::size_t end, AtATime most, F gradient) {
  if (end - begin > most.columns) {
    const std::size_t middle = (begin + end) / 2, size = s.o * s.columns();
    ConvArrays<T> right = x;
    const Scratch<T> room(size);
    right.out = room.data();
    add_up_columns(x, s, begin, middle, most, gradient);
    add_up_columns(right, s, middle, end, most, gradient);
    return add_to(x.out, room.data(), size);
  }
  ConvShape few = s;
  const std::size_t first = begin * s.stride_w, last = (end - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1;  // with the padding
  const std::size_t from = std::min(s.w, first - std::min(first, s.left)),
                    to = std::max(from, std::min(s.w, last - std::min(last, s.left)));
  few.w = to - from;
  few.ow = end - begin;
  few.left -= std::min(first, s.left);
  const bool all = few.ow == s.ow;
  const Scratch<T> images(all ? 0 : s.n * s.h * few.w * s.c), result(all ? 0 : s.n * s.oh * few.ow * s.o);
  ConvArrays<T> part = x;
  if (!all) {
    copy_columns(x.images, images.data(), s.n * s.h, s.w * s.c, from * s.c, to * s.c);
    copy_columns(x.result, result.data(), s.n * s.oh, s.ow * s.o, begin * s.o, end * s.o);
    part.images = images.data();
    part.result = result.data();
  } else {
    few.w = s.w;
    few.left = s.left;
  }
  add_up(part, few, few.rows() / most.results + 1, gradient);
}

}  // namespace

/// Where every group sees a single channel: oneDNN has kernels for whole vectors of channels with one output each. It sums the
/// gradient of the weights one by one (5e5 places: 2e-3 off), and long filters, which are ours.
template <class T>
Way way_by_channels(Pass pass, const ConvShape& s) {
  const std::optional<Way> way = wanted();
  const bool own = pass == Pass::weight_grad || s.columns() >= long_filter || way == Way::direct || way == Way::patches;
  return std::is_same_v<T, float> && onednn::available && !own && s.group_o() == 1 && s.c % 8 == 0 ? Way::channels_last
                                                                                                   : Way::direct;
}

template <class T>
void convolve(Pass pass, const ConvArrays<T>& x, const ConvShape& s) {
  const bool depthwise = s.groups > 1 && s.group_c() == 1, sums = pass == Pass::weight_grad;
  Way way = depthwise ? way_by_channels<T>(pass, s) : choose(pass, x, s);
  if (sums) way = way_of_long_sum(way, s);
  if (std::is_same_v<T, float> && pass == Pass::forward && !depthwise) way = way_of_long_filter(way, s);
  const auto some = [&](const ConvArrays<T>& arrays, const ConvShape& shape) {
    if constexpr (std::is_same_v<T, float>)
      if (depthwise && way == Way::channels_last && by_onednn(pass, false, arrays, shape)) return;
    depthwise ? by_channels<T>[pass](arrays, shape) : run(way, pass, arrays, shape);
  };
  const AtATime most = at_a_time(way, s);
  if (sums && s.rows() >= most.least)
    add_up_columns(x, s, 0, s.ow, most, some);
  else
    some(x, s);
}
template void convolve(Pass, const ConvArrays<float>&, const ConvShape&);
template void convolve(Pass, const ConvArrays<double>&, const ConvShape&);

}  // namespace xgrad::kernels
