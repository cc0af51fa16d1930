// Arrays as first operands: constants.
#include "support.hpp"

namespace xg = xgrad;
using namespace xgrad_test;
using namespace xgrad;

TEST_CASE("constants: an Array stands for a Variable that needs no gradient") {
  const Array<double> a{{1, -2, 3}, {-4, 5, -6}};
  const Variable<double> x(a), w(Array<double>{{1, 2, 3}, {4, 5, 6}}, true), b(Array<double>{1, 2}, true);
  CHECK(relu(a).value() == relu(x).value());
  CHECK_FALSE(relu(a).requires_grad());
  CHECK(leaky_relu(a, 0.5).value() == leaky_relu(x, 0.5).value());
  CHECK(softmax(a, 0).value() == softmax(x, 0).value());
  CHECK(linear(a, w, b).value() == linear(x, w, b).value());
  CHECK(is(matmul(a, leaf({3, 1}, {1, 2, 3})).value(), {6, -12}));
  CHECK(mse_loss(a, w).item() == mse_loss(x, w).item());
  CHECK(cross_entropy(a, xg::Labels{0, 2}).item() == cross_entropy(x, xg::Labels{0, 2}).item());
  CHECK(layer_norm(a, {}, {}).value() == layer_norm(x, {}, {}).value());
  CHECK(xg::logsumexp(a, 1).value() == logsumexp(x, 1).value());
  const Array<float> image = xg::ones<float>({1, 4, 4, 1});
  CHECK(max_pool2d(image, 2).shape() == Shape{1, 2, 2, 1});
  CHECK(conv2d(image, Variable<float>(xg::ones<float>({1, 3, 3, 1}))).value() == xg::full<float>({1, 2, 2, 1}, 9));
}

TEST_CASE("constants: what xtensor has under another name, labels in front, lists") {
  const Array<double> a{{1, -2, 3}, {-4, 5, -6}};
  const Variable<double> x(a);
  CHECK(xg::normalize(a).value() == normalize(x).value());
  CHECK(xg::select(a, 1, -1).value() == select(x, 1, -1).value());
  CHECK(xg::reshape(a, {3, -1}).value() == reshape(x, {3, -1}).value());
  CHECK(xg::trace(a).value() == trace(x).value());
  CHECK(xg::var(a, {1}).value() == var(x, {1}).value());
  CHECK(xg::std(a, {1}, {.ddof = 1}).value() == xg::std(x, {1}, {.ddof = 1}).value());
  CHECK(embedding(xg::Labels{1, 0, 1}, a).value() == embedding(xg::Labels{1, 0, 1}, x).value());
  CHECK(xg::concat<double>({a, x}).value() == xg::concat({x, x}).value());
  CHECK(xg::stack<double>({x, a}).value() == xg::stack({x, x}).value());
  CHECK(xg::einsum<double>("ij,kj->ik", {a, x}).value() == xg::einsum("ij,kj->ik", {x, x}).value());
}

TEST_CASE("constants: where the type is named, whatever becomes a Variable is one") {
  const Array<float> a{{1, -2, 3}, {-4, 5, -6}};
  const xt::xarray<float> plain = a;
  CHECK(xg::reshape<float>(a + a, {3, 2}).shape() == Shape{3, 2});
  CHECK(xg::reshape<float>(a, {3, 2}).shape() == Shape{3, 2});
  CHECK(xg::select<float>(plain, 0, 1).shape() == Shape{3});
  CHECK(xg::normalize<float>(a * 2.F).shape() == a.shape());
  CHECK(xg::embedding<float>({1, 0}, a * 2.F).shape() == Shape{2, 3});
  CHECK(xg::relu<float>(a + a).shape() == a.shape());
  CHECK(xg::relu<float>(2.F).item() == 2);
}

TEST_CASE("constants: gradients reach what is no Array") {
  const Array<double> a{{1, -2, 3}, {-4, 5, -6}};
  const Variable<double> w(Array<double>{{1, 2, 3}, {4, 5, 6}}, true), x(a);
  const auto of = [&](const Variable<double>& loss) { return grad(loss, {w})[0].value(); };
  CHECK(of(mse_loss(a, w)) == of(mse_loss(x, w)));
  CHECK(of(sum(linear(a, w))) == of(sum(linear(x, w))));
  CHECK(of(sum(cosine_similarity(a, w, 1))) == of(sum(cosine_similarity(x, w, 1))));
}

TEST_CASE("constants: errors have the user's line") {
  const Array<double> a{{1, -2, 3}, {-4, 5, -6}};
  CHECK(error(__LINE__, [&] { linear(a, Variable<double>(xg::zeros<double>({2, 2}))); }).starts_with("linear: "));
  CHECK(error(__LINE__, [&] { mse_loss(a, xg::zeros<double>({2})); }).starts_with("mse_loss: "));
  CHECK(error(__LINE__, [&] { softmax(a, 2); }).starts_with("softmax: "));
}
