// A program of a user, in two files that both include everything. See check.sh.
#include <cstdio>
#include <string>

#include <xgrad/xgrad.hpp>

namespace xg = xgrad;

xg::Variable<double> loss_of(xg::Variable<double> x);  // model.cpp

namespace {

int passed = 0, failed = 0;

void check(bool good, const char* what) {
  ++(good ? passed : failed);
  if (!good) std::printf("consumer: %s\n", what);
}

}  // namespace

int main() {
  xg::Variable<double> x(xg::full<double>({3}, 2.0), true);
  backward(loss_of(x));
  check(x.has_grad() && x.grad()(1) == 6.0, "a formula and an op of the user are differentiated");

  try {
    matmul(x, xg::Variable<double>(xg::full<double>({4, 1}, 1.0)));
    check(false, "shapes that do not fit are an error");
  } catch (const xg::ShapeError& error) {  // thrown in the library, caught here
    check(error.where().line() == __LINE__ - 3, "the error knows the line");
    check(std::string(error.what()).starts_with("main.cpp:"), "its text begins with the file");
  }

  {
    xg::NoGrad no_grad;  // sets a thread-local variable of the library
    check(!loss_of(x).requires_grad(), "nothing is recorded under NoGrad");
  }
  check(loss_of(x).requires_grad(), "recording goes on after it");

  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
