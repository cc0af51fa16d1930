/// One convolution four ways: conv2d, plain loops, a matrix product by a matrix that is sparse and shares its entries, and
/// im2col; forward and backward. Then the numbers of the lectures: sizes of results, parameters, weights that sharing saves.
#include <cmath>

#include "lecture.hpp"

using Var = xg::Variable<double>;
using Grid = xg::Array<double>;

struct Answer {
  Grid y, dx, dw;  // what the filter gives, and the gradients of image and filter
};

/// All products that a filter w (1, k, k, c) makes with an image x (1, h, w, c): calls f with the places of a number of the image,
/// of one of the filter, and of the sum that their product is a part of.
template <class F>
void products(const xg::Shape& x, const xg::Shape& w, const F& f) {
  const std::size_t rows = x[1] - w[1] + 1, columns = x[2] - w[2] + 1;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      for (std::size_t a = 0; a < w[1]; ++a)
        for (std::size_t b = 0; b < w[2]; ++b)
          for (std::size_t c = 0; c < w[3]; ++c) f(((i + a) * x[2] + j + b) * x[3] + c, (a * w[2] + b) * w[3] + c, i * columns + j);
}

Answer loops(const Grid& x, const Grid& w, const Grid& g) {
  Answer r{xg::zeros<double>(g.shape()), xg::zeros<double>(x.shape()), xg::zeros<double>(w.shape())};
  products(x.shape(), w.shape(), [&](std::size_t in, std::size_t k, std::size_t out) {
    r.y.data()[out] += x.data()[in] * w.data()[k];
    r.dx.data()[in] += g.data()[out] * w.data()[k];
    r.dw.data()[k] += g.data()[out] * x.data()[in];
  });
  return r;
}

/// The matrix M of which y = x M is the convolution: a row for each number of the image, a column for each of the result, and in it
/// the entries of the filter, the same in each column. Behind the filter stands the 0 that fills the rest.
Var matrix_of(const Var& w, const xg::Shape& x, const xg::Shape& y) {
  xg::Labels entry = xg::full<std::int64_t>({x[1] * x[2] * x[3], y[1] * y[2]}, static_cast<std::int64_t>(w.size()));
  products(x, w.shape(), [&](std::size_t in, std::size_t k, std::size_t out) { entry(in, out) = static_cast<std::int64_t>(k); });
  return index_select(xg::concat<double>({flatten(w, 0), Var(xg::zeros<double>({1}))}), 0, entry);
}

Answer by_graph(const Var& y, const Var& g, const Var& x, const Var& w) {
  const auto gradients = grad(sum(reshape(y, g.shape()) * g), {x, w});
  return {reshape(y, g.shape()).value(), gradients[0].value(), gradients[1].value()};
}

/// As the lectures write it: a patch in each column; filters × columns, δ × columnsᵀ, and col2im(filtersᵀ × δ).
Answer by_columns(const Var& x, const Var& w, const Var& g) {
  const Var columns = transpose(im2col(x, 5)), filters = reshape(w, {1, -1}), delta = reshape(g, {1, -1});
  return {reshape(matmul(filters, columns), g.shape()).value(),
          col2im(transpose(matmul(transpose(filters), delta)), x.shape(), 5).value(),
          reshape(matmul(delta, transpose(columns)), w.shape()).value()};
}

std::array<double, 3> apart(const Answer& a, const Answer& b) {
  return {amax(abs(Var(a.y) - b.y)).item(), amax(abs(Var(a.dx) - b.dx)).item(), amax(abs(Var(a.dw) - b.dw)).item()};
}

int main(int argc, char** argv) {
  return lecture(argc, argv, "Convolution: loops, a sparse matrix, im2col", [](const Lecture& l) {
    const Var x(xg::normal<double>({1, 32, 32, 3}), true), w(xg::normal<double>({1, 5, 5, 3}), true),
        g(xg::normal<double>({1, 28, 28, 1}));
    const Answer plain = loops(x.value(), w.value(), g.value());
    const Var matrix = matrix_of(w, x.shape(), g.shape());
    fmt::print("32×32×3, one filter of 5×5×3: a matrix of {} entries, {:.2f} % of them not 0, {} different\n\n", matrix.size(),
               100. * static_cast<double>(xg::count_nonzero(matrix)(0)) / static_cast<double>(matrix.size()), w.size());
    fmt::print("largest difference to loops     result    ∂ image   ∂ filter\n");
    const std::pair<const char*, Answer> ways[]{{"conv2d", by_graph(conv2d(x, w), g, x, w)},
                                                {"x · matrix", by_graph(matmul(reshape(x, {1, -1}), matrix), g, x, w)},
                                                {"im2col", by_columns(x, w, g)}};
    for (const auto& [name, way] : ways) {
      const auto [y, dx, dw] = apart(way, plain);
      fmt::print("{:<28}{:10.1g} {:10.1g} {:10.1g}\n", name, y, dx, dw);
      must(y + dx + dw < 1e-10, name);
    }

    Grid small(xg::Shape{1, 8, 8, 1}), edge = Grid{{1, 0, -1}, {2, 0, -2}, {1, 0, -1}};
    for (int i = 0; i < 64; ++i) small.data()[i] = std::hypot(i / 8 - 3.5, i % 8 - 3.5) < 3 ? 1 : -0.2;  // a disc
    edge.reshape({1, 3, 3, 1});
    const auto shown = [](const Var& map, int columns) { return draw::to_colours(reshape(map, {-1, columns}).value()); };
    draw::write_gallery(l.file("convolution.svg"),
                        {{shown(small, 8), "an image, 8×8"},
                         {shown(edge, 3), "a filter, 3×3"},
                         {shown(transpose(matrix_of(edge, {1, 8, 8, 1}, {1, 6, 6, 1})), 64), "the filter as a matrix, 36×64",
                          "blue below 0, red above"},
                         {shown(transpose(im2col(Var(small), 3)), 36), "im2col of the image, 9×36", "a patch in each column"},
                         {shown(conv2d(Var(small), edge), 6), "the result, 6×6"}},
                        {.title = "One convolution", .columns = 3});
  });
}
