#!/usr/bin/env bash
# Runs the program of ranks.cpp on 1 to 4 ranks, over shared memory and over TCP, and lets it fail in every way. The last line is
# "N passed, N failed".   usage: run.sh PROGRAM [MPIRUN [EXAMPLE|works]]     MPIRUN may be '': that of the MPI that the program has;
# "works": without the ways to fail
set -u
[ $# -gt 0 ] || { echo "skipped: xgrad-mpi was not built; install libopenmpi-dev and openmpi-bin, or libmpich-dev and mpich, and configure anew"; exit 77; }
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mpirun=${2:-}
if [ -z "$mpirun" ]; then  # that of the MPI that the program has
  kind=openmpi
  [ -z "$(ldd "$program" | grep libmpich)" ] || kind=mpich
  mpirun=$(command -v "mpirun.$kind" || echo mpirun)
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export OMP_WAIT_POLICY=passive
unset OMP_NUM_THREADS
passed=0 failed=0 slowest=0 slow='' ways=0 again=0
declare -A bits  # that a number of ranks has learnt, the same however messages go

if "$mpirun" --version 2>&1 | grep -qE 'Open MPI|OpenRTE'; then
  options=(--oversubscribe --mca btl_vader_single_copy_mechanism none)  # copying from another's memory is not allowed everywhere
  [ "$(id -u)" != 0 ] || options+=(--allow-run-as-root)
  tcp=(--mca btl 'tcp,self' --mca btl_tcp_if_include lo --mca pml ob1)
  unbound=(--bind-to none)
  killed='^[^ ]+ noticed that process rank [01] '
else
  options=() tcp=(-genv MPIR_CVAR_NOLOCAL 1 -genv UCX_TLS 'tcp,self' -genv FI_PROVIDER tcp)
  unbound=() killed='BAD TERMINATION'
  # Over TCP ranks of Debian 12's MPICH (4.0.2, UCX 1.13) wait for ever for each other in MPI_Finalize, those of a program of five lines, too.
  never_end=1
fi

# ranks N OPTIONS... -- ARGUMENTS...
ranks() {
  local n=$1 more=(); shift
  while [ "$1" != -- ]; do more+=("$1"); shift; done
  shift
  timeout -k 5 "${limit:-120}" "$mpirun" "${options[@]}" "${more[@]}" -n "$n" "$program" "$@" >"$tmp/out" 2>"$tmp/err"
}
works() {  # TEXT N OPTIONS... [-- CASE]
  local text=$1 n=$2 limit=120 last case=() more=(); shift 2
  while [ $# -gt 0 ] && [ "$1" != -- ]; do more+=("$1"); shift; done
  [ $# = 0 ] || case=("${@:2}")
  [ -z "${never_end:-}" ] || [ "${more[*]}" != "${tcp[*]}" ] || limit=30
  ranks "$n" "${more[@]}" -- "$tmp" "${case[@]}"
  local code=$?
  if [ $limit = 30 ] && { [ $code = 124 ] || [ $code = 137 ]; } && grep -q '^[0-9]* passed, 0 failed$' "$tmp/out"; then
    code=0
    echo "$text: all was right, but MPI_Finalize did not come to its end"
  fi
  local same=${bits[$n${case[*]}]:=$(grep '^bits ' "$tmp/out")}
  [ "$same" = "$(grep '^bits ' "$tmp/out")" ] || { code=1; echo "other bits than before, $same"; }
  last=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$tmp/out" | tail -n 1)
  if [ $code = 0 ] && [[ $last =~ ^([0-9]+)\ passed,\ 0\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
  else
    failed=$((failed + 1))
    echo "failed: $text: code $code, $last"
    tail -n 30 "$tmp/out" "$tmp/err"
  fi
}
nobody_left() {  # within two seconds
  local k
  for k in {1..20}; do
    ls -l /proc/[0-9]*/exe 2>/dev/null | grep -qF -- "-> $program" || return 0
    sleep 0.1
  done
  return 1
}
# fails HOW PATTERN [RANK]: when that rank (1) fails, all ranks end, within 25 s on a machine that has other work, with one message: of the
# program's, the library's or, of a rank that was killed, mpirun's; it has the pattern. What mpirun does may need a second try, which is told.
fails() {
  if ends "$@"; then
    passed=$((passed + 1)) ways=$((ways + 1))
  elif again=$((again + 1)); echo "tried again:"; ends "$@"; then
    passed=$((passed + 1)) ways=$((ways + 1))
  else
    failed=$((failed + 1))
  fi
}
ends() {
  local begin=$SECONDS text="$1, rank ${3:-1}"
  ranks 3 -- "$tmp" "$1" "${3:-1}"
  local code=$? took=$((SECONDS - begin)) said
  [ $took -le $slowest ] || { slowest=$took slow=$text; }
  said=$(grep -aE "^(ranks|xgrad): |$killed" "$tmp/err" "$tmp/out" -h)
  if [ $code != 0 ] && [ $code != 124 ] && [ $took -le 25 ] && [ "$(wc -l <<<"$said")" = 1 ] && grep -qE -- "$2" <<<"$said" && nobody_left; then
    return 0
  fi
  echo "failed: $text: code $code after $took s"
  head -n 30 "$tmp/out" "$tmp/err"
  return 1
}

for n in 1 2 3 4; do works "$n ranks" "$n"; done
for n in 2 3 4; do works "$n ranks over TCP" "$n" "${tcp[@]}"; done
XGRAD_SLOW='0.0003 1e8' works '2 ranks whose messages are slow' 2
for n in 2 3 1; do works "$n ranks go on with a checkpoint of 2" "$n" -- reload; done
for n in 1 2 3; do
  works "$n ranks share the processors" "$n" "${unbound[@]}" -- threads
  OMP_NUM_THREADS=3 works "$n ranks have the threads they are told" "$n" "${unbound[@]}" -- threads
  OMP_NUM_THREADS=2 works "$n ranks have the threads that the program says" "$n" "${unbound[@]}" -- told
done
if [ "${3:-}" = works ]; then
  echo 'skipped: the ways to fail'
  echo "$passed passed, $failed failed"
  [ $failed = 0 ]
  exit
fi
for rank in 0 1; do
  fails uncaught "^xgrad: rank $rank of 3 has failed: something went wrong$" $rank
  fails caught '^ranks: something went wrong$' $rank
  [ $rank = 1 ] || fails lives "^xgrad: rank $rank of 3 was left by an exception; all end$" $rank
  fails exit "^xgrad: rank $rank of 3 has ended before its World; all end$" $rank
  for how in kill 'kill in save'; do
    [ "$rank $how" != '1 kill in save' ] || continue  # it is rank 0 that writes
    fails "$how" "$killed" $rank
    works "the checkpoint is whole after $how" 1 -- whole
    rm -f "$tmp/killed.safetensors"
  done
  fails nan "^ranks: [a-z]+.cpp:[0-9]+: average_gradients: rank $rank: the gradient of [a-z.]+ has -?nan; it must be finite" $rank
  fails silent "rank [0-2] has waited for rank $rank 3 s; all ranks must do the same steps" $rank
  fails steps "rank $rank has left, and rank [0-2] waits for it" $rank
done
fails networks '^ranks: [a-z]+.cpp:[0-9]+: broadcast: rank 1: there is hidden.weight, F64 \(3, 7\), on rank 0 conv.weight'
fails 'slow end' '^ranks: [a-z]+.cpp:[0-9]+: broadcast: rank 1: there is hidden.weight, F64 \(3, 7\), on rank 0 conv.weight'
fails parameters 'average_gradients: rank 1: the network has hidden.weight \(3, 7\) where that of rank 0 has conv.weight \(3, 3, 3, 1\)'
fails apart '^ranks: [a-z]+.cpp:[0-9]+: average_gradients: rank 1: conv.bias has other bits than on rank 0'
fails drift '^ranks: [a-z]+.cpp:[0-9]+: compare: rank 1: hidden.bias has other bits than on rank 0'
fails data '^ranks: [a-z]+.cpp:[0-9]+: check: rank 1: the number of samples is 40, on rank 0 it is 48'
fails versions '^ranks: [a-z]+.cpp:[0-9]+: World: rank 1: this is xgrad [0-9.]+, another MPI, rank 0 is xgrad'
if [ -n "${3:-}" ]; then  # LeNet on two ranks, which goes on from its own checkpoint
  program=$3
  for epochs in 1 2; do ranks 2 -- '' "$epochs" "$tmp/lenet.safetensors"; done
  if grep -q '^epoch 2: ' "$tmp/out" && ! grep -q '^epoch 1: ' "$tmp/out" && grep -Eq '^test accuracy (8[5-9]|9[0-9])\.' "$tmp/out"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: the example"
    cat "$tmp/out" "$tmp/err"
  fi
  refuses() {  # PATTERN ARGUMENTS...: one rank ends with code 1 and says so
    local code=0
    ranks 1 -- "${@:2}" || code=$?
    if [ $code = 1 ] && grep -qE -- "$1" "$tmp/err"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "failed: the example: code $code, $1"
      head -n 30 "$tmp/err"
    fi
  }
  real=
  for folder in "${XGRAD_DATA:-}" "${XGRAD_DATA:-}/mnist"; do
    compgen -G "$folder/train-images*idx3-ubyte*" >/dev/null && real=$folder
  done
  if [ -n "$real" ]; then
    if ranks 2 -- "$real" 8 && grep -Eq '^test accuracy 99\.[2-9]' "$tmp/out"; then passed=$((passed + 1)); else
      failed=$((failed + 1))
      echo 'failed: MNIST on two ranks, which must reach 99.2 %'
      cat "$tmp/out" "$tmp/err"
    fi
  else
    echo 'skipped: MNIST on two ranks (XGRAD_DATA names no folder with it)'
  fi
  refuses '^mpi: EPOCHS is many; it must be a whole number from 1 to 100000$' '' many
  refuses '^mpi: EPOCHS is -1; it must be' '' -1
  program=$(command -v bash)
  refuses '^mpi: standard output: Bad file descriptor$' -c 'exec "$@" 1</dev/null' - "$3" '' 1
  refuses '^code 1$' -c 'exec 3>&2 2>&-; "$0" "" many; echo "code $?" >&3; exit 1' "$3"
  [ ! -c /dev/full ] || refuses '^mpi: standard output: No space left on device$' -c 'exec "$@" >/dev/full' - "$3" '' 1
fi
echo "$ways ways to fail ended all ranks, the slowest, $slow, in $slowest s; $again were tried again"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
