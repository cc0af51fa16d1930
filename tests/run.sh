#!/usr/bin/env bash
# Builds and runs tests of a configured build and counts them. The last line is "N passed, N failed".
# usage: run.sh BUILD_DIR [options of `meson test`]
set -eu
build=$1; shift
log=$build/meson-logs/testlog.json
rm -f "$log"
result=0
meson test -C "$build" --print-errorlogs "$@" || result=$?
exec "$(dirname "$0")/count.py" "$log" "$result"
