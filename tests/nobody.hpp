#pragma once
// Other users.
#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

namespace xgrad_test {

/// Whether f, in a child that is nobody, returns true. Where we are not root, we are nobody already.
template <class F>
bool as_nobody(F f) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool good = geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0);
    try {
      good = good && f();
    } catch (...) {
      good = false;
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace xgrad_test
