#!/usr/bin/env bash
# Builds and runs the program of this folder as users of other build systems would. The last line is "N passed, N failed".
# usage: check.sh installed BUILD_DIR COMPILER...     against an installed prefix, moved: pkg-config, and CMake where it is found
#        check.sh subproject SOURCE_DIR COMPILER...   the tree as a Meson subproject, which is then installed to another --libdir
set -eu
kind=$1 tree=$(cd "$2" && pwd); shift 2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 options=()
export LC_ALL=C

# check TEXT COMMAND...: runs a command, or a program whose last line counts, and shows what it printed when it fails
check() {
  local text=$1 p=1 f=0; shift
  if "$@" >"$work/log" 2>&1; then
    [[ $(tail -n 1 "$work/log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] && p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]}
  else
    p=0 f=1
    echo "failed: $text"
    tail -n 30 "$work/log"
  fi
  passed=$((passed + p)) failed=$((failed + f))
}

pkg_config() {  # PREFIX LIBDIR COMPILER...
  local prefix=$1 libdir=$2 cflags libs file; shift 2
  local -x PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
  read -ra cflags <<<"$(pkg-config --cflags xgrad)"
  read -ra libs <<<"$(pkg-config --libs xgrad)"
  for file in main model; do
    "$@" -std=c++20 -Wall -Wextra -Wpedantic -Werror "${cflags[@]}" -c "$here/$file.cpp" -o "$work/$file.o" || return
  done
  "$@" "$work/main.o" "$work/model.o" "${libs[@]}" -Wl,-rpath,"$prefix/$libdir" -o "$work/program" || return
  if [ -f "$prefix/$libdir/pkgconfig/xgrad-mpi.pc" ]; then  # built where there is MPI
    read -ra libs <<<"$(pkg-config --libs xgrad-mpi)"
    "$@" -std=c++20 -Wall -Wextra -Wpedantic -Werror "${cflags[@]}" "$here/mpi.cpp" "${libs[@]}" -Wl,-rpath,"$prefix/$libdir" -o "$work/mpi" &&
      "$work/mpi" || return
  fi
  "$work/program"
}

cmake_package() {  # PREFIX COMPILER...     more options of cmake are in the array options
  local prefix=$1; shift
  rm -rf "$work/cmake"
  cmake -G Ninja -S "$here/cmake" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="${*: -1}" "${options[@]}" &&
    cmake --build "$work/cmake" --parallel 2 && "$work/cmake/onnx" || return
  if grep -q libxgrad-mpi "$(find "$prefix" -name xgradConfig.cmake)"; then "$work/cmake/mpi" || return; fi
  "$work/cmake/program"
}

# wrong_version PREFIX: a version that is not there is an error that says which one is
wrong_version() {
  sed 's/find_package(xgrad 0.2/find_package(xgrad 7.3/' "$here/cmake/CMakeLists.txt" >"$work/CMakeLists.txt"
  if cmake -G Ninja -S "$work" -B "$work/wrong" -DCMAKE_PREFIX_PATH="$1" >"$work/wrong.log" 2>&1; then return 1; fi
  grep -q '"7.3"' "$work/wrong.log" && grep -qE 'xgradConfig.cmake, version: [0-9]' "$work/wrong.log"
}

has_cmake() { command -v cmake >/dev/null || { echo "consumer: cmake is not installed: find_package(xgrad) was left out"; false; }; }

case $kind in
  installed)
    # As a packager does: into DESTDIR. The prefix is then moved, which the files for pkg-config and CMake must survive.
    DESTDIR=$work/staged meson install -C "$tree" --no-rebuild --quiet >/dev/null
    library=$(find "$work/staged" -name libxgrad.so)
    [ -n "$library" ] || { echo "consumer: no libxgrad.so was installed"; echo "0 passed, 1 failed"; exit 1; }
    prefix=$(sed -n "s/.*\"name\": \"prefix\", \"value\": \"\([^\"]*\)\".*/\1/p" <(meson introspect --buildoptions "$tree" |
      tr '}' '\n'))
    libdir=$(dirname "${library#"$work/staged$prefix/"}")
    mv "$work/staged$prefix" "$work/moved"
    check 'pkg-config' pkg_config "$work/moved" "$libdir" "$@"
    if has_cmake; then
      check 'CMake' cmake_package "$work/moved" "$@"
      # where xtensor and {fmt} brought no CMake files their headers do
      options=(-DCMAKE_DISABLE_FIND_PACKAGE_xtensor=TRUE -DCMAKE_DISABLE_FIND_PACKAGE_fmt=TRUE)
      check 'CMake: headers alone' cmake_package "$work/moved" "$@"
      options=()
      check 'CMake: another version' wrong_version "$work/moved"
    fi
    ;;
  subproject)
    mkdir -p "$work/project/subproject/subprojects"
    cp "$here/main.cpp" "$here/model.cpp" "$work/project"
    cp "$here/subproject/meson.build" "$work/project/subproject"
    ln -s "$tree" "$work/project/subproject/subprojects/xgrad"
    # Without optimisation, but for the kernels, the library builds in half the time.
    configure() {
      CXX="$*" meson setup --wrap-mode=nodownload --force-fallback-for=xgrad --prefix=/opt/xgrad --libdir=lib/elsewhere \
        -Doptimization=0 -Dxgrad:onednn=disabled -Dxgrad:mpi=disabled -Dxgrad:levels=v3 "$work/build" "$work/project/subproject"
    }
    check 'a Meson subproject: configured' configure "$@"
    check 'a Meson subproject: built' ninja -C "$work/build"
    check 'a Meson subproject: run' "$work/build/program"
    check 'a Meson subproject: no tests, no examples' bash -c "! find '$work/build' -name ops -o -name mnist | grep ."
    check 'another --libdir: installed' env DESTDIR="$work/staged" meson install -C "$work/build" --no-rebuild --quiet
    check 'another --libdir: pkg-config' pkg_config "$work/staged/opt/xgrad" lib/elsewhere "$@"
    if has_cmake; then check 'another --libdir: CMake' cmake_package "$work/staged/opt/xgrad/lib/elsewhere/cmake/xgrad" "$@"; fi
    ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
