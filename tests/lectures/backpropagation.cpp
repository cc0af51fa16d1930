// Backpropagation: by hand, layer by layer, and by the graph.
#include "lecture.hpp"

using namespace lecture;

TEST_CASE("lectures: backpropagation through F(X) = φ(Xw)v by hand") {
  const double x1 = 0.5, x2 = -1.5, target = 2, rate = 0.1;
  const V x = matrix(2, {x1, x2});
  const V w = matrix(3, {0.1, -0.2, 0.3,    // w1 w3 w5
                         0.4, 0.6, -0.7});  // w2 w4 w6
  const V v = matrix(1, {0.8, -0.9, 1.1});
  const V f = matmul(sigmoid(matmul(x, w)), v), loss = square(target - f) / 2;
  const auto g = grad(sum(loss), {v, w}, {.retain_graph = true});

  const double error = target - number(f), w1 = 0.1, w2 = 0.4, w3 = -0.2, w4 = 0.6, v1 = 0.8, v2 = -0.9;
  const auto phi = [](double h) { return 1 / (1 + std::exp(-h)); };
  const auto slope = [&](double h) { return phi(h) * (1 - phi(h)); };
  const double h2 = phi(x1 * w3 + x2 * w4);
  CHECK(number(g[0], 1, 0) == doctest::Approx(-error * h2));
  CHECK(number(g[1], 1, 0) == doctest::Approx(-error * v1 * slope(x1 * w1 + x2 * w2) * x2));

  // v2 ← v2 + η (Y - F) h2
  optim::Optimizer opt(std::vector<V>{v, w}, optim::SGD{.lr = rate});
  backward(sum(loss));
  opt.step();
  CHECK(number(v, 1, 0) == doctest::Approx(v2 + rate * error * h2));
}

TEST_CASE("lectures: the same in layers, δ from behind, rows are examples") {
  const std::size_t m = 5, k = 3, hidden = 4, n = 2;
  const V x = noise({m, k}, 1), y = noise({m, n}, 2), w = noise({k, hidden}, 3), b = noise({hidden}, 4), u = noise({hidden, n}, 5),
          c = noise({n}, 6);
  // forward: z = φ(x w + b)
  const V input = matmul(x, w) + b, z = sigmoid(input), f = matmul(z, u) + c;
  // backward, from Y - F: δ of the layer before is δ wᵀ ∘ φ′(input)
  const V delta = y - f, phi = z * (1 - z), delta_z = matmul(delta, u, {.transpose_b = true}) * phi;
  const auto change = [](const V& in, const V& d) { return matmul(in, d, {.transpose_a = true}); };  // Δw = xᵀ δ
  const auto g = grad(sum(square(y - f)) / 2, {w, b, u, c});
  CHECK(near(change(x, delta_z), -g[0]));
  CHECK(near(sum(delta_z, 0), -g[1]));
  CHECK(near(change(z, delta), -g[2]));
  CHECK(near(sum(delta, 0), -g[3]));
  // mse_loss has no half, and is a mean
  CHECK(number(mse_loss(f, y)) == doctest::Approx(number(sum(square(y - f))) / 10));
}

TEST_CASE("lectures: the softmax classifier by hand, with one layer and with two") {
  const std::size_t n = 6, features = 5, hidden = 7, classes = 3;
  const V x = noise({n, features}, 1), w = noise({classes, features}, 2), b = noise({classes}, 3);
  const Labels labels{0, 2, 1, 1, 0, 2};
  const V one(xt::cast<double>(one_hot<double>(labels, classes)));
  // dL/dscores = (p - 1 at the label) / N
  const auto d_scores = [&](const V& scores) { return (softmax(scores) - one) / static_cast<double>(n); };
  const V scores = linear(x, w, b), d = d_scores(scores);
  const auto g = grad(cross_entropy(scores, labels), {w, b});
  CHECK(near(g[0], matmul(d, x, {.transpose_a = true})));
  CHECK(near(g[1], sum(d, 0)));

  const V w1 = noise({hidden, features}, 4), b1 = noise({hidden}, 5), w2 = noise({classes, hidden}, 6), b2 = noise({classes}, 7);
  const V h = relu(linear(x, w1, b1)), above = linear(h, w2, b2), d2 = d_scores(above);
  const V dh = matmul(d2, w2) * heaviside(h, 0);
  const auto both = grad(cross_entropy(above, labels), {w1, b1, w2, b2});
  CHECK(near(both[0], matmul(dh, x, {.transpose_a = true})));
  CHECK(near(both[1], sum(dh, 0)));
  CHECK(near(both[2], matmul(d2, h, {.transpose_a = true})));
  CHECK(near(both[3], sum(d2, 0)));
}

TEST_CASE("lectures: scores of an image, W x + b, and of many, X W + b") {
  const std::size_t pixels = 3072, classes = 10, h = 100;
  const V x = noise({pixels, 1}, 1), w = noise({classes, pixels}, 2), b = noise({classes, 1}, 3);
  const V f = matmul(w, x) + b;  // a column
  CHECK(f.shape() == Shape{10, 1});
  const V rows = transpose(x);
  CHECK(near(linear(rows, w, flatten(b, 0)), transpose(f), 1e-11));  // the library's layer keeps W as the lecture has it
  CHECK(near(linear(rows, w), matmul(rows, transpose(w)), 1e-11));   // ... without a bias
  const V many = noise({4, pixels}, 4);
  CHECK((matmul(many, transpose(w)) + flatten(b, 0)).shape() == Shape{4, 10});  // the bias is added to each row
  CHECK(nn::parameter_count(nn::Linear<float>(pixels, classes)) == 30720 + 10);
  CHECK(nn::parameter_count(nn::Linear<float>(pixels, classes, {.bias = false})) == 30720);

  // two layers without a nonlinearity are one: W = W2 W1, b = W2 b1 + b2
  const V w1 = noise({h, pixels}, 5), b1 = noise({h, 1}, 6), w2 = noise({classes, h}, 7), b2 = noise({classes, 1}, 8);
  const V twice = matmul(w2, matmul(w1, x) + b1) + b2;
  CHECK(near(twice, matmul(matmul(w2, w1), x) + matmul(w2, b1) + b2, 1e-10));
  // in rows: X W1 W2
  CHECK(near(matmul(matmul(many, transpose(w1)), transpose(w2)), matmul(many, matmul(transpose(w1), transpose(w2))), 1e-10));
  // ... which a nonlinearity prevents
  CHECK_FALSE(near(matmul(w2, relu(matmul(w1, x))), matmul(w2, matmul(w1, x)), 1e-3));
}

TEST_CASE("lectures: a composition's Jacobian is the product of the layers' Jacobians, and backpropagation goes layer by layer") {
  const V w1 = noise({4, 3}, 1), w2 = noise({2, 4}, 2), x = noise({3}, 3), seed = noise({2}, 4);
  const auto first = [&](const V& a) { return matmul(w1, a); };
  const auto second = [](const V& a) { return tanh(a); };
  const auto third = [&](const V& a) { return matmul(w2, a); };
  const V a = first(x), b = second(a);
  const V whole = jacobian([&](const V& v) { return third(second(first(v))); }, x);
  CHECK(near(whole, matmul(jacobian(third, b), matmul(jacobian(second, a), jacobian(first, x)))));
  // one layer's gradient is what the layer before begins with
  const V at_b = vjp(third, b, seed).derivative, at_a = vjp(second, a, at_b).derivative, at_x = vjp(first, x, at_a).derivative;
  CHECK(near(at_x, grad(sum(third(second(first(x))) * seed), {x})[0]));
  CHECK(near(at_x, matmul(seed, whole)));
}

TEST_CASE("lectures: Taylor: the error of f(x) + f′h falls a hundredfold for a tenth of the step") {
  const V x = noise({6}, 1), direction = noise({6}, 2), w = noise({6, 6}, 3);
  const auto f = [&](const V& at) { return sum(tanh(matmul(w, at)) * exp(at)); };
  const double value = number(f(x)), slope = number(sum(grad(f(x), {x})[0] * direction));
  const auto error = [&](double h) { return std::abs(number(f(x + h * direction)) - (value + h * slope)); };
  for (const double h : {1e-1, 1e-2, 1e-3}) CHECK(error(h) / error(h / 10) == doctest::Approx(100).epsilon(0.3));
}

namespace {

/// A layer of one's own: a struct. x w / (1 + |x w|), scaled by what it learns.
struct Softsign {
  V weight = noise({3, 4}, 9), scale = leaf({0.5, 1, 2, 0.7});
  V operator()(const V& x) const {
    static const auto squash = elementwise("squash", [](auto a) { return a / (1 + abs(a)); });
    return scale * squash(matmul(x, weight));
  }
};

}  // namespace

TEST_CASE("lectures: new layers, and layers that normalise vectors") {
  const Softsign layer;
  const V x = noise({5, 3}, 1);
  auto inputs = nn::named_parameters(layer);
  inputs.push_back({"x", x});
  const auto normalised = [&](int p) { return normalize(layer(x), -1, {.p = p}); };
  for (const int p : {1, 2}) {
    const auto report = gradcheck([&] { return normalised(p); }, inputs, {.order = 2});
    CHECK_MESSAGE(report.ok(), to_string(report));
  }
  CHECK(near(sum(abs(normalised(1)), -1), V(ones<double>({5}))));
  CHECK(near(sum(square(normalised(2)), -1), V(ones<double>({5}))));
  CHECK(is(normalize(leaf({3, -4})).value(), {0.6, -0.8}, 1e-15));
  CHECK(is(normalize(leaf({3, -1}), -1, {.p = 1}).value(), {0.75, -0.25}, 1e-15));
}

TEST_CASE("lectures: the computation as a graph, drawn") {
  const V x = matrix(2, {1, 2}), w = matrix(3, {1, 2, 3, 4, 5, 6}), v = matrix(1, {1, 2, 3});
  const std::string drawing = to_dot(matmul(sigmoid(matmul(x, w)), v), {{"x", x}, {"w", w}, {"v", v}});
  const auto at = [&](const char* part) { return drawing.find(part); };
  CHECK(at("digraph") == 0);
  for (const char* part : {"\"x\\n(1, 2)\"", "\"w\\n(2, 3)\"", "\"v\\n(3, 1)\"", "sigmoid (1, 3)", "matmul (1, 1)"})
    CHECK_MESSAGE(at(part) != std::string::npos, part);
}
