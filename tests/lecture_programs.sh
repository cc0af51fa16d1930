#!/usr/bin/env bash
# Runs the programs of examples/lectures in their small setting: each must succeed, say something, complain about nothing, and write
# the pictures that its page in docs/lectures shows; readme.py holds what that quotes of the code. The last line is "N passed, N failed".
# usage: lecture_programs.sh SOURCE_DIR BUILD_DIR
set -u
source=$(cd "$1" && pwd) programs=$(cd "$2/examples/lectures" && pwd)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} OMP_WAIT_POLICY=passive LC_ALL=C.UTF-8
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

# the names that meson.build lists
names=$(sed -n "s/^  '\([a-z0-9_]*\)',$/\1/p" "$source/examples/lectures/meson.build")

# wrong NAME: what is wrong with a program and its page
wrong() {
  local name=$1 out=$tmp/$1 page=$source/docs/lectures/$1.md code=$source/examples/lectures/$1.cpp picture lines
  (cd "$tmp" && "$programs/$name" --quick --out "$out" >"$tmp/stdout" 2>"$tmp/stderr") || echo "exit code $?"
  head -n 5 "$tmp/stderr"
  [ -s "$tmp/stdout" ] || echo 'it prints nothing'
  lines=$(grep -cvE '^ *(//.*)?$' "$code")
  [ "$lines" -lt 80 ] || echo "$code has $lines lines of code; it must have fewer than 80"
  [ -f "$page" ] || { echo "$page is missing"; return; }
  grep -q "(README.md)" "$page" || echo "$page does not link README.md"
  grep -q "($name.md)" "$source/docs/lectures/README.md" || echo "docs/lectures/README.md does not name $name.md"
  for picture in $(grep -o '(pictures/[^)]*)' "$page" | tr -d '()'); do
    [ -s "$source/docs/lectures/$picture" ] || echo "$page shows $picture, which is not there"
    [ -s "$out/${picture#pictures/}" ] || echo "the page shows $picture, which the program does not write"
  done
  for picture in "$out"/*.svg "$out"/*.png; do
    [ ! -e "$picture" ] || grep -q "(pictures/$(basename "$picture"))" "$page" || echo "$page does not show $(basename "$picture")"
  done
}

for name in $names; do
  complaints=$(wrong "$name")
  if [ -z "$complaints" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'failed: %s\n%s\n' "$name" "$complaints"
  fi
done
if [ "$(printf '%s\n' "$names" | LC_ALL=C sort)" != "$names" ]; then
  failed=$((failed + 1))
  echo 'failed: the names in examples/lectures/meson.build are not in alphabetical order'
fi
first=$programs/$(printf '%s\n' "$names" | head -n 1)

# ends CODE TEXT COMMAND: a command of bash, with the first program as $0, ends so, and has such a line on stderr
ends() {
  local code=0
  bash -c "$3" "$first" >"$tmp/stdout" 2>"$tmp/stderr" || code=$?
  if [ $code = "$1" ] && grep -q -- "$2" "$tmp/stderr"; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "failed: $3: exit code $code"
    head -n 5 "$tmp/stderr"
  fi
}
ends 1 'is not there; --data must be a folder' "\"\$0\" --data '$tmp/none'"
ends 1 'has neither MNIST nor CIFAR-10; --data must have the files of one of them$' "\"\$0\" --data '$tmp'"
ends 1 '; --help tells the options$' '"$0" --nothing'
ends 1 ': standard output: Bad file descriptor$' '"$0" --help >&-'
ends 1 '' "\"\$0\" --data '$tmp/none' 2>&-; code=\$?; echo said >&2; exit \$code"
ends 1 'Bad file descriptor$' "\"\$0\" --quick --out '$tmp/deaf' >&-"
if [ -c /dev/full ] && ! echo x 2>/dev/null >/dev/full; then
  ends 1 ': standard output: No space left on device$' '"$0" --help >/dev/full'
  ends 1 'No space left on device$' "\"\$0\" --quick --out '$tmp/deaf' >/dev/full"
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
