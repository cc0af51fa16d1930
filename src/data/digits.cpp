#include <xgrad/data/digits.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>
#include <string_view>
#include <vector>

#include <xgrad/core/parallel.hpp>
#include <xgrad/core/random.hpp>

#include "../ops/support.hpp"

namespace xgrad {
using namespace detail;

namespace {

constexpr std::size_t side = 28, pixels = side * side;

/// How people write digits, in a box of 100×100 with y downwards. A stroke is a smooth curve through its points; `!` after a
/// point makes it a corner, `/` lifts the pen.
struct Skeleton {
  std::size_t digit;
  std::string_view strokes;
};
constexpr std::array skeletons{
    Skeleton{0, "56,2 32,12 20,48 30,86 52,98 72,86 81,50 72,16 50,3"},
    Skeleton{0, "64,8 42,4 26,38 30,84 50,98 72,76 74,36 60,8 44,6"},
    Skeleton{0, "40,5 24,30 22,68 40,96 66,92 80,60 74,22 54,3 36,10"},
    Skeleton{1, "51,2 49,98"},
    Skeleton{1, "36,22 54,3! 52,98"},
    Skeleton{1, "30,25 52,3! 52,97 / 28,97 76,96"},
    Skeleton{2, "24,24 38,5 66,7 72,32 50,64 22,96! 50,95 80,94"},
    Skeleton{2, "24,26 42,4 68,10 70,36 48,72 26,94 17,85 32,79 56,92 84,90"},
    Skeleton{2, "22,12 54,5 73,14 58,48 22,94! 78,95"},
    Skeleton{3, "24,16 48,3 70,18 64,38 42,47! 68,54 76,76 54,97 22,86"},
    Skeleton{3, "24,6 74,5! 44,42! 70,52 76,76 52,98 22,88"},
    Skeleton{3, "26,12 54,3 70,22 52,44 40,47 54,49 75,70 58,96 22,88"},
    Skeleton{4, "30,4 22,52! 80,54 / 70,8 64,98"},
    Skeleton{4, "62,98 66,3! 16,66! 86,64"},
    Skeleton{4, "28,6 22,36 34,54 70,50 / 76,6 70,50 62,98"},
    Skeleton{4, "60,3 18,62! 84,62 / 64,36 58,98"},
    Skeleton{5, "76,5 34,5! 28,44! 54,38 76,58 68,88 44,98 20,86"},
    Skeleton{5, "30,6 28,46! 54,40 76,62 64,92 40,97 20,88 / 30,6 78,4"},
    Skeleton{5, "76,8 46,6 30,24 46,44 70,62 64,90 40,98 22,88"},
    Skeleton{6, "66,4 38,24 24,62 34,92 58,97 74,78 60,56 38,60 26,80"},
    Skeleton{6, "52,2 32,40 28,78 48,98 72,84 68,60 46,54 28,76"},
    Skeleton{6, "40,3 27,48 28,84 50,98 74,80 58,58 28,74"},
    Skeleton{7, "22,8 78,7! 46,98"},
    Skeleton{7, "22,8 78,7! 44,98 / 34,52 74,49"},
    Skeleton{7, "21,24 24,8! 78,8! 56,46 45,98"},
    Skeleton{7, "20,10 50,12 76,6! 60,40 48,98 / 36,54 72,50"},
    Skeleton{8, "70,16 48,3 30,20 50,46 72,74 50,98 26,76 48,48 70,26 66,8"},
    Skeleton{8, "50,46 28,26 50,3 72,24 50,46 / 50,46 24,74 50,98 78,74 50,46"},
    Skeleton{8, "74,8 46,4 32,22 54,48 70,78 46,98 30,78 50,50 76,14"},
    Skeleton{9, "72,16 46,4 26,26 40,48 68,34 74,10! 70,98"},
    Skeleton{9, "72,20 50,3 28,22 40,48 70,36 74,12! 74,66 56,97 30,90"},
    Skeleton{9, "70,28 52,48 28,36 36,8 62,5 73,28 66,66 44,98"},
};

struct Point {
  float x = 0, y = 0;
};
Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
Point operator*(float s, Point a) { return {s * a.x, s * a.y}; }
float dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }
float length(Point a) { return std::sqrt(dot(a, a)); }

struct Knot {
  Point at;
  bool corner = false;  // the curve may turn here
};
using Stroke = std::vector<Knot>;
using Style = std::vector<Stroke>;

Style parse(std::string_view text) {
  Style style(1);
  const auto number = [&] {
    int value = 0;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1)) value = 10 * value + (text[0] - '0');
    return static_cast<float>(value) / 100 - 0.5F;
  };
  while (!text.empty()) {
    if (text[0] == '/') style.emplace_back();
    if (text[0] == '!') style.back().back().corner = true;
    if (text[0] < '0' || text[0] > '9') {
      text.remove_prefix(1);
      continue;
    }
    const float x = number();
    text.remove_prefix(1);  // the comma
    style.back().push_back({{x, number()}});
  }
  for (Stroke& stroke : style) stroke.front().corner = stroke.back().corner = true;
  return style;
}

/// The styles of each digit, with coordinates in [-0.5, 0.5].
const std::array<std::vector<Style>, 10>& styles() {
  static const auto table = [] {
    std::array<std::vector<Style>, 10> result;
    for (const Skeleton& skeleton : skeletons) result[skeleton.digit].push_back(parse(skeleton.strokes));
    return result;
  }();
  return table;
}

/// Everything that differs from one writing to the next; lengths in pixels.
struct Hand {
  explicit Hand(Generator& g) : random(g) {
    const float angle = spread(0.12F), slant = 0.12F + spread(0.2F);
    const float height = between(16, 22), width = height * between(0.67F, 1.12F);
    across = {width * std::cos(angle), width * std::sin(angle)};
    down = {-height * std::sin(angle) - slant * height, height * std::cos(angle)};
    middle = {13.5F + spread(1.2F), 13.5F + spread(1)};
    radius = between(0.75F, 1.75F);
    softness = between(0.9F, 1.7F);
    ink = between(190, 275);
    roundness = between(0.30F, 0.42F);
    pressure = between(0, 0.3F);
    phase = between(0, 2 * std::numbers::pi_v<float>);
    wave = {spread(0.05F), spread(0.05F)};
  }
  float between(float low, float high) { return low + (high - low) * static_cast<float>(random.uniform()); }
  /// Bell-shaped, of this deviation, and never beyond 2.4 of them: no writing is thrown out of its picture.
  float spread(float deviation) {
    const float wide = between(-1, 1);  // drawn first: the order within one expression is the compiler's
    return 1.549193F * deviation * (wide + between(-0.5F, 0.5F));
  }
  bool chance(double probability) { return random.uniform() < probability; }

  /// From the skeleton's box to the picture, through a gentle wave so that straight is never quite straight.
  Point place(Point p) {
    p.x += wave.x * std::sin(6 * p.y + phase) + spread(0.035F);
    p.y += wave.y * std::sin(6 * p.x + phase) + spread(0.035F);
    return middle + p.x * across + p.y * down;
  }

  Generator& random;
  Point across, down, middle, wave;
  float radius = 0, softness = 0, ink = 0, roundness = 0, pressure = 0, phase = 0;
};

/// Greys from 0 to 1, drawn on by a round pen.
struct Canvas {
  std::array<float, pixels> grey{};

  /// A line from a to b whose half-width goes from `ra` to `rb`, with edges `softness` wide: its distance field, clamped.
  void line(Point a, Point b, float ra, float rb, float softness) {
    const float reach = std::max(ra, rb) + softness / 2;
    const auto clamp = [](float v) { return static_cast<std::size_t>(std::clamp(v, 0.0F, static_cast<float>(side))); };
    const std::size_t left = clamp(std::ceil(std::min(a.x, b.x) - reach)), right = clamp(std::max(a.x, b.x) + reach + 1);
    const std::size_t top = clamp(std::ceil(std::min(a.y, b.y) - reach)), bottom = clamp(std::max(a.y, b.y) + reach + 1);
    const Point ab = b - a;
    const float scale = 1 / std::max(dot(ab, ab), 1e-6F), sharpness = 1 / softness;
    for (std::size_t y = top; y < bottom; ++y)
      for (std::size_t x = left; x < right; ++x) {
        const Point p = Point{static_cast<float>(x), static_cast<float>(y)} - a;
        const float t = std::clamp(dot(p, ab) * scale, 0.0F, 1.0F);
        const float inside = ra + t * (rb - ra) - length(p - t * ab);
        float& g = grey[y * side + x];
        g = std::max(g, std::min(inside * sharpness + 0.5F, 1.0F));
      }
  }
};

/// The direction in which the curve leaves knot `from` for its neighbour `to`: along the chord of the knots on either side; at a
/// corner or an end, as an arc of a circle would.
Point direction(std::span<const Knot> knots, std::size_t from, std::size_t to) {
  const auto unit = [](Point p) { return (1 / std::max(length(p), 1e-6F)) * p; };
  const auto smooth = [&](std::size_t k) { return unit(knots[k + 1].at - knots[k - 1].at); };
  const float sign = to > from ? 1.0F : -1.0F;
  if (!knots[from].corner) return sign * smooth(from);
  const Point chord = unit(knots[to].at - knots[from].at);
  if (knots[to].corner) return chord;
  const Point other = sign * smooth(to);
  return 2 * dot(chord, other) * chord - other;
}

void draw(Canvas& canvas, Hand& hand, const Stroke& skeleton, Stroke& knots) {
  knots = skeleton;
  for (Knot& knot : knots) knot.at = hand.place(knot.at);
  // Rarely the pen skips: it lifts for about two pixels somewhere on the way.
  float travelled = 0, skip = hand.chance(0.05) ? hand.between(4, 40) : 1e6F;
  for (std::size_t k = 0; k + 1 < knots.size(); ++k) {
    const Point a = knots[k].at, d = knots[k + 1].at;
    const float chord = length(d - a);
    const Point bend = hand.spread(0.05F) * Point{a.y - d.y, d.x - a.x};
    const Point b = a + hand.roundness * chord * direction(knots, k, k + 1) + bend;
    const Point c = d + hand.roundness * chord * direction(knots, k + 1, k) + bend;
    const int steps = std::clamp(static_cast<int>(chord), 2, 10);
    Point last = a;
    const auto radius = [&] { return hand.radius * (1 + hand.pressure * std::sin(0.25F * travelled + hand.phase)); };
    float last_radius = radius();
    for (int i = 1; i <= steps; ++i) {
      const float t = static_cast<float>(i) / static_cast<float>(steps), s = 1 - t;
      const Point next = s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d;
      travelled += length(next - last);
      const float next_radius = radius();
      if (travelled < skip || travelled > skip + 2 + 2 * hand.radius)
        canvas.line(last, next, last_radius, next_radius, hand.softness);
      last = next;
      last_radius = next_radius;
    }
  }
}

/// Noise as a scanner makes it: on the ink, and in some pictures on the paper too.
void develop(const Canvas& canvas, Hand& hand, std::uint8_t* out) {
  const float on_ink = hand.between(0, 0.08F), on_paper = hand.chance(0.3) ? hand.between(0, 0.08F) : 0.0F;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    // Four bytes make a sum that is nearly normal; its deviation is 147.8.
    if (i % 2 == 0) bits = hand.random.next();
    const std::uint64_t four = bits >> (i % 2 * 32);
    const auto sum = static_cast<int>((four & 255) + (four >> 8 & 255) + (four >> 16 & 255) + (four >> 24 & 255)) - 510;
    const float noise = static_cast<float>(sum) / 147.8F;
    const float grey = canvas.grey[i];
    out[i] = static_cast<std::uint8_t>(std::clamp(hand.ink * (grey + noise * (on_paper + grey * on_ink)), 0.0F, 255.0F));
  }
}

void write(std::size_t digit, std::uint64_t seed, Stroke& scratch, std::uint8_t* out) {
  Generator random(seed);
  Hand hand(random);
  Canvas canvas;
  const auto& choices = styles()[digit];
  for (const Stroke& stroke : choices[random.below(choices.size())]) draw(canvas, hand, stroke, scratch);
  if (hand.chance(0.08)) {  // specks of dirt
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      const Point at{hand.between(1, 27), hand.between(1, 27)}, size{hand.spread(0.7F), hand.spread(0.7F)};
      canvas.line(at, at + size, 0.5F, 0.5F, 1);
    }
  }
  develop(canvas, hand, out);
}

}  // namespace

Dataset digits(std::size_t n, std::uint64_t seed, Where at) {
  placed(at, "digits", [&] { check_size(Shape{n}, pixels + 3 * sizeof(std::int64_t)); });
  Dataset result{make_array<std::uint8_t>(Shape{n, side, side, 1}), make_array<std::int64_t>(Shape{n}), {}, 10};
  for (char name = '0'; name <= '9'; ++name) result.names.emplace_back(1, name);
  Generator random(seed);
  const std::vector<std::size_t> order = random.permutation(n);
  std::vector<std::uint64_t> seeds(n);  // one for each picture, so that threads may share the work in any way
  for (std::uint64_t& s : seeds) s = random.next();
  std::int64_t* labels = result.labels.data();
  std::uint8_t* images = result.images.data();
  parallel_for(n, 50000, [&](std::size_t begin, std::size_t end) {
    Stroke scratch;
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t digit = order[i] % 10;
      labels[i] = static_cast<std::int64_t>(digit);
      write(digit, seeds[i], scratch, images + i * pixels);
    }
  });
  return result;
}

}  // namespace xgrad
