#!/usr/bin/env bash
# Reads the symbols of the kernels and of the shared library.   usage: symbols.sh BUILD_DIR
#
# A weak function (an inline function or template that was not inlined) exists once in a program, whichever object it comes from.
# One compiled for AVX-512 must not be the one that other code gets. So in the kernels compiled for an instruction set, every
# weak function says so in its name, and no two levels have one of the same name. And the library shows nothing but xgrad.
set -eu
build=$1
passed=0 failed=0

# check TEXT LIST: passes when the list is empty
check() {
  if [ -z "$2" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s:\n%s\n' "$1" "$(head -n 20 <<<"$2")"
  fi
}

# weak LEVEL: mangled names of the weak functions in the kernels of a level
weak() {
  find "$build/src/libxgrad-kernels-$1.a.p" -name '*.o' -exec nm --defined-only {} + |
    awk 'NF == 3 && $2 ~ /[WVu]/ && $3 !~ /^DW\.ref\./ { print $3 }' | sort -u
}

levels=$(cd "$build/src" && printf '%s\n' libxgrad-kernels-*.a.p | sed 's/.*-\(.*\)\.a\.p/\1/')
for level in $levels; do
  [ "$level" = base ] && continue
  objects=$(find "$build/src/libxgrad-kernels-$level.a.p" -name '*.o')
  check "level $level has no kernels" "$([ -n "$objects" ] || echo "$build/src/libxgrad-kernels-$level.a.p")"
  check "weak functions of level $level without an instruction set in their names" \
    "$(weak "$level" | c++filt | grep -Ev '[:_]v[234]::|sse[0-9]|avx|fma[34]' || true)"
done
check "weak functions in the kernels of more than one level" \
  "$(for level in $levels; do weak "$level"; done | sort | uniq -d | c++filt)"

library=$build/src/libxgrad.so
shown=$(nm -D --defined-only "$library" | awk '{ print $NF }')
check "the library shows nothing of xgrad" "$(grep -q '^_ZN5xgrad' <<<"$shown" || echo "$library")"
check "symbols of the library outside xgrad" \
  "$(grep -Ev '^_Z(GV|T[A-Z])?N[KRO]*5xgrad' <<<"$shown" | c++filt || true)"

# xtensor-blas can do without a CBLAS, by loops that are a hundred times slower.
wants=$(nm -D --undefined-only "$library" | awk '{ print $NF }')
for function in cblas_sgemm cblas_dgemm cblas_strsm cblas_dtrsm; do
  check "the library does not call $function" "$(grep -q "^$function\b" <<<"$wants" || echo "$library")"
done

echo "$passed passed, $failed failed"
[ $failed = 0 ]
