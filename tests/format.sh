#!/usr/bin/env bash
# Checks that the C++ files are formatted as clang-format 14 does it; other versions differ. The last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit
[[ $(clang-format --version 2>/dev/null) =~ version\ 14\. ]] || { echo 'skipped: clang-format 14 is not here (Debian 12: apt-get install clang-format)'; exit 77; }
mapfile -t files < <(find include src models examples tests benchmarks \( -name '*.hpp' -o -name '*.cpp' \) ! -path '*/subprojects/*' | sort)
said=$(clang-format --dry-run -Werror "${files[@]}" 2>&1)
code=$?
wrong=$(sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error: .*/\1/p' <<<"$said" | sort -u)
[ $code = 0 ] || [ -n "$wrong" ] || { echo "$said"; echo '0 passed, 1 failed'; exit 1; }
[ -z "$wrong" ] || printf 'not formatted: %s\n' $wrong
failed=$(grep -c . <<<"$wrong")
echo "$((${#files[@]} - failed)) passed, $failed failed"
[ "$failed" = 0 ]
