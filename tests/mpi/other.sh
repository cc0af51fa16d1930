#!/usr/bin/env bash
# Compiles xgrad-mpi and its test with each MPI of Debian's that the build has not taken, against the library of the build, and runs it,
# where XGRAD_EACH_MPI is set: to 1, or to "works" for all but the ways to fail, after which MPICH's mpirun at times waits for ever for ranks
# that have ended (docs/many-machines.md). The last line is "N passed, N failed".   usage: XGRAD_EACH_MPI=1 other.sh SOURCE_DIR BUILD_DIR
set -u
[[ ${XGRAD_EACH_MPI:-} =~ ^(1|works)$ ]] || { echo 'skipped: a second MPI is tried where XGRAD_EACH_MPI=1 is set'; exit 77; }
source=$(cd "$1" && pwd) build=$(cd "$2" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 tried=0
export MPICH_CXX=${CXX:-g++} OMPI_CXX=${CXX:-g++}
for mpi in openmpi mpich; do
  [ "$mpi" != openmpi ] || [ -z "$(ldd "$build/src/libxgrad-mpi.so" 2>/dev/null | grep 'libmpi\.so')" ] || continue
  [ "$mpi" != mpich ] || [ -z "$(ldd "$build/src/libxgrad-mpi.so" 2>/dev/null | grep libmpich)" ] || continue
  command -v "mpicxx.$mpi" >/dev/null && command -v "mpirun.$mpi" >/dev/null || continue
  tried=$((tried + 1))
  mkdir "$tmp/$mpi"
  # shellcheck disable=SC2046  # pkg-config's flags are words
  if (cd "$tmp/$mpi" && printf '%s\n' "$source"/src/mpi/*.cpp "$source"/tests/mpi/*.cpp |
    xargs -P 2 -n 1 "mpicxx.$mpi" -std=c++20 -O1 -I"$source/include" -I"$source/src" $(pkg-config --cflags xtensor fmt) -c &&
    "mpicxx.$mpi" ./*.o -o ranks -L"$build/src" -lxgrad -lfmt -Wl,-rpath,"$build/src"); then
    output=$("$source/tests/mpi/run.sh" "$tmp/$mpi/ranks" "mpirun.$mpi" "${XGRAD_EACH_MPI#1}")
    sed "s/^\([0-9]* passed\), /\1 with $mpi, /" <<<"$output"
    [[ $(tail -n 1 <<<"$output") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] || { failed=$((failed + 1)); continue; }
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
  else
    failed=$((failed + 1))
    echo "failed: $mpi: does not compile"
  fi
done
[ $tried -gt 0 ] || { echo 'skipped: there is no second MPI; install libmpich-dev and mpich beside libopenmpi-dev and openmpi-bin'; exit 77; }
echo "$passed passed, $failed failed"
[ $failed = 0 ]
