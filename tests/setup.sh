#!/usr/bin/env bash
# scripts/setup where a tool is missing or too old, and on systems without apt-get. Nothing is installed: PATH holds stand-ins alone.
# usage: setup.sh SOURCE_DIR
set -u
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/tree/scripts" "$tmp/bin"
cp "$1/scripts/setup" "$tmp/tree/scripts"
passed=0 failed=0

tools() {  # puts the plain tools, and stand-ins for the rest, on the PATH of the next run
  rm -rf "$tmp/bin" "$tmp/tree/build"
  mkdir "$tmp/bin"
  local tool
  for tool in bash env dirname sort head uname cat mktemp rm sed grep; do ln -s "$(command -v $tool)" "$tmp/bin/$tool"; done
  stub meson 'case $1 in --version) echo 1.2.3 ;; setup) echo configured >build.called ;; esac'
  stub ninja :
  stub pkg-config :
  stub c++ 'exit 0'
}
stub() { printf '#!/bin/sh\n%s\n' "$2" >"$tmp/bin/$1"; chmod +x "$tmp/bin/$1"; }

# expect TEXT CODE PATTERN: what the run says (one line on stderr where it fails), and its exit code
expect() {
  local code=0
  rm -f "$tmp/tree/build.called"
  (cd "$tmp/tree" && env -i PATH="$tmp/bin" XGRAD_OS_RELEASE="$tmp/os-release" "${@:4}" scripts/setup) >"$tmp/out" 2>"$tmp/err" || code=$?
  local lines=0
  [ "$2" = 0 ] || lines=1
  if [ "$code" = "$2" ] && grep -qE -- "$3" "$tmp/out" "$tmp/err" && [ "$(wc -l <"$tmp/err")" = $lines ] &&
    { [ "$2" != 0 ] || [ -f "$tmp/tree/build.called" ]; }; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: $1: exit code $code"
    cat "$tmp/out" "$tmp/err"
  fi
}

# lists SYSTEM WORDS...: what the last run said to install has a package of each name, beside what all systems need: git fetches
# what a system lacks, and CMake builds one of the tests' programs
lists() {
  local word missing=()
  for word in meson ninja pkgconf cmake git fmt openblas png jpeg json cli11 doctest graphviz "${@:2}"; do
    grep -qE "names not tried\\): .* [^ ]*$word" "$tmp/out" || missing+=("$word")
  done
  if [ ${#missing[@]} = 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: $1: nothing to install for ${missing[*]}"
  fi
}

for system in 'fedora::dnf install:gcc-c zlib xtensor xsimd onednn' 'rocky:rhel centos fedora:dnf install:gcc-c zlib xtensor xsimd onednn' \
  'arch::pacman -S:gcc zlib xtensor-blas xsimd onednn' 'opensuse-leap:suse opensuse:zypper install:gcc-c zlib xtensor xsimd onednn' \
  'alpine::apk add:g.. zlib'; do
  IFS=: read -r id like pattern words <<<"$system"
  tools
  printf 'ID=%s\nID_LIKE="%s"\n' "$id" "$like" >"$tmp/os-release"
  expect "$id" 0 "$pattern"
  # shellcheck disable=SC2086  # words
  lists "$id" $words
done
printf 'ID=plan9\n' >"$tmp/os-release"
tools; expect 'an unknown system is told what is needed' 0 'Needed: a C\+\+20 compiler.*Meson >= 0\.63.*zlib'
rm "$tmp/os-release"
tools; rm "$tmp/bin/uname"; stub uname 'echo Darwin'; expect 'macOS' 0 'brew install'
lists macOS xtensor xsimd onednn
tools; expect 'no os-release' 0 'Needed: a C\+\+20 compiler'
for tool in meson ninja pkg-config; do
  tools; rm "$tmp/bin/$tool"
  expect "no $tool" 1 "^[^ ]*setup: $tool is missing; install it"
done
tools; stub meson 'echo 0.56.2'; expect 'an old Meson' 1 'Meson is version 0\.56\.2; it must be 0\.63 or later'
tools; stub c++ 'exit 1'; expect 'a compiler without C++20' 1 'the compiler c\+\+ does not know C\+\+20; install g\+\+ 12'
tools; stub old 'exit 1'; expect 'CXX names one without C++20' 1 'the compiler old does not know' CXX=old
tools; rm "$tmp/bin/c++"; stub clang++ 'exit 0'; expect 'clang++ alone' 0 'configuring build/'
tools; rm "$tmp/bin/c++"; expect 'no compiler at all' 1 'no C\+\+ compiler here \(c\+\+ g\+\+ clang\+\+\); install g\+\+ 12'
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
