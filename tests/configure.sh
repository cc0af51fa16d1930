#!/usr/bin/env bash
# What Meson says where something is missing, in one line with the remedy, and that it takes any folder for the library.
# usage: configure.sh SOURCE_DIR COMPILER...
set -u
source=$1; shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0
unset CXX

# configure OPTIONS...: into $tmp/build, from scratch, with nothing that has to be fetched
configure() {
  rm -rf "$tmp/build"
  meson setup --wrap-mode=nofallback -Dtests=false -Dexamples=false "$@" "$tmp/build" "$source" >"$tmp/log" 2>&1
}
check() {  # TEXT COMMAND...
  local text=$1; shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: $text"
    tail -n 5 "$tmp/log"
  fi
}
refuses() {  # PATTERN OPTIONS...
  local pattern=$1; shift
  if configure "$@"; then return 1; fi
  [ "$(grep -c ERROR: "$tmp/log")" = 1 ] && grep -qE -- "ERROR: .*$pattern" "$tmp/log"
}
printf '#!/bin/bash\nexec %s "${@/-std=c++20/-std=c++17}"\n' "$*" >"$tmp/old"
chmod +x "$tmp/old"
printf "[binaries]\ncpp = '%s'\n" "$tmp/old" >"$tmp/compiler.ini"
printf "[binaries]\npkgconfig = 'false'\npkg-config = 'false'\ncmake = 'false'\n" >"$tmp/nothing.ini"

check 'a compiler without C++20' refuses 'does not know C\+\+20; name g\+\+ 12, clang 14 or later' --native-file "$tmp/compiler.ini"
check 'a package is missing' refuses 'xtensor is missing; scripts/setup installs it .*Debian: libxtensor-dev' --native-file "$tmp/nothing.ini"
# One package is hidden from pkg-config and CMake; libraries are found with their headers all the same.
hides() {  # NAME PACKAGE OPTIONS...
  local name=$1 package=$2; shift 2
  printf '#!/bin/bash\ncase " $* " in *" %s "*) exit 1;; esac\nexec pkg-config "$@"\n' "$name" >"$tmp/pkg-config"
  chmod +x "$tmp/pkg-config"
  printf "[binaries]\npkgconfig = '%s'\npkg-config = '%s'\ncmake = 'false'\n" "$tmp/pkg-config" "$tmp/pkg-config" >"$tmp/hidden.ini"
  refuses "$name is missing; scripts/setup installs it .*Debian: $package" --native-file "$tmp/hidden.ini" "$@"
}
check 'fmt is missing' hides fmt libfmt-dev
check 'nlohmann_json is missing' hides nlohmann_json nlohmann-json3-dev -Dtests=true
check 'CLI11 is missing' hides CLI11 libcli11-dev -Dexamples=true

elsewhere() {
  configure --prefix=/opt/one --libdir=/opt/two/lib &&
    [ "$(PKG_CONFIG_PATH=$tmp/build/packaging pkg-config --variable=libdir xgrad)" = /opt/two/lib ] &&
    [ "$(PKG_CONFIG_PATH=$tmp/build/packaging pkg-config --variable=includedir xgrad)" = /opt/one/include ] &&
    grep -q '"/opt/one/include"' "$tmp/build/packaging/xgradConfig.cmake"
}
check 'a --libdir outside of the prefix' elsewhere
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
