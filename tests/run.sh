#!/usr/bin/env bash
# Builds and runs tests of a configured build and counts them. The last line is "N passed, N failed".
# usage: run.sh BUILD_DIR [options of `meson test`]
set -eu
build=$1; shift
log=$build/meson-logs/testlog.json
rm -f "$log"
result=0 names=()
# For a suite some versions of Meson build the programs of all tests, for names only what these need.
if [[ " $* " = *' --suite '* ]]; then
  mapfile -t names < <(meson test -C "$build" --list --no-rebuild "$@" | sed -n 's/^[^/]* \/ //p')
fi
meson test -C "$build" --print-errorlogs "$@" "${names[@]}" || result=$?
exec "$(dirname "$0")/count.py" "$log" "$result"
