#!/usr/bin/env bash
# Installs the library into a temporary folder and builds and runs a small program against it with nothing but pkg-config.
# usage: check.sh BUILD_DIR COMPILER...
set -eu
build=$1; shift
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

DESTDIR=$work meson install -C "$build" --no-rebuild --quiet >/dev/null
pc=$(find "$work" -name xgrad.pc)
lib=$(dirname "$(find "$work" -name libxgrad.so)")
export PKG_CONFIG_PATH=${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
read -ra cflags <<<"$(pkg-config --cflags xgrad)"
read -ra libs <<<"$(pkg-config --libs xgrad)"
for file in main model; do
  "$@" -std=c++20 -Wall -Wextra -Wpedantic -Werror "${cflags[@]}" -c "$here/$file.cpp" -o "$work/$file.o"
done
"$@" "$work/main.o" "$work/model.o" "${libs[@]}" -Wl,-rpath,"$lib" -o "$work/program"
"$work/program"
