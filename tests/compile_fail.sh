#!/bin/sh
# Usage: tests/compile_fail.sh COMPILER FLAGS...
# Every file in tests/compile_fail is a mistake: it must not compile, and the compiler must say what `// expect:` in its first
# line has, and name every line that ends in `// error`. tests/compile_fail/correct.cpp must compile, or the failures would prove
# nothing.
here=$(dirname "$0")/compile_fail
passed=0
failed=0
for file in "$here"/*.cpp; do
  name=$(basename "$file" .cpp)
  expected=$(sed -n '1s|^// expect: ||p' "$file")
  if message=$("$@" -std=c++20 -fsyntax-only "$file" 2>&1); then compiled=yes; else compiled=no; fi
  if [ "$name" = correct ]; then
    [ $compiled = yes ]
  else
    unseen=
    for line in $(grep -n '// error$' "$file" | cut -d: -f1); do
      printf '%s' "$message" | grep -qF -- "$name.cpp:$line:" || unseen="$unseen $line"
    done
    [ -z "$unseen" ] || echo "$name: nothing is said of line$unseen"
    [ -z "$unseen" ] && [ $compiled = no ] && [ -n "$expected" ] && printf '%s' "$message" | grep -qF -- "$expected"
  fi
  if [ $? -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "$name: compiles: $compiled, expected: ${expected:-no error}, but the compiler says:"
    printf '%s\n' "$message" | grep -E 'error' | head -5
  fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
