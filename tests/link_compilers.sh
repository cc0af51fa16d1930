#!/usr/bin/env bash
# A program built by clang++ against the library built by g++ (or the other way round).
# usage: link_compilers.sh BUILD_DIR [COMPILER]     the compiler is clang++ unless it is said otherwise
set -eu
exec "$(dirname "$0")/consumer/check.sh" installed "$1" "${2:-clang++}"
