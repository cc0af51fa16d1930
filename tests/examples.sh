#!/usr/bin/env bash
# Runs the example programs and checks what they print and write. The last line is "N passed, N failed".
# usage: examples.sh BUILD_DIR     XGRAD_DATA: a folder with MNIST, or with a folder mnist; without it that part is skipped
set -u
examples=$(cd "$1/examples" && pwd)
mnist=$examples/mnist
real=${XGRAD_DATA:+$(cd "$XGRAD_DATA" && pwd)}
unset XGRAD_DATA
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} OMP_WAIT_POLICY=passive LC_ALL=C.UTF-8
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit  # a program that should have failed leaves its out folder here
passed=0 failed=0
accuracy='^test accuracy [0-9]{1,3}\.[0-9]{2} %$'

# check TEXT COMMAND...: passes when the command succeeds
check() {
  local text=$1; shift
  if "$@" >"$tmp/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'failed: %s\n' "$text"
    head -n 20 "$tmp/log"
  fi
}

# has FILE PATTERN, last FILE PATTERN: whether a line, or the last one, matches
has() { grep -Eq -- "$2" "$1" || { tail -n 20 "$1"; false; }; }
last() { tail -n 1 "$1" | grep -Eq -- "$2" || { tail -n 5 "$1"; false; }; }
lacks() { ! grep -Ein -- "$2" "$1"; }
same_last_line() { [ "$(tail -n 1 "$1")" = "$(tail -n 1 "$2")" ] || { tail -n 1 "$1" "$2"; false; }; }

# run NAME COMMAND...: keeps stdout, stderr and exit code under $tmp/NAME
run() {
  local name=$1; shift
  "$@" >"$tmp/$name.out" 2>"$tmp/$name.err"
  echo $? >"$tmp/$name.code"
  forget_processor "$tmp/$name.err"
}
# forget_processor FILE: without what a program without oneDNN says where OpenBLAS does not know that a processor has AVX-512
forget_processor() { sed -i '/^xgrad: OpenBLAS takes this processor for /d' "$1"; }
# good NAME: it succeeded and complained about nothing
good() {
  cat "$tmp/$1.code" "$tmp/$1.err"
  [ "$(cat "$tmp/$1.code")" = 0 ] && [ ! -s "$tmp/$1.err" ]
}
# complains NAME PATTERN: it failed with exit code 1 and one line on stderr, and told no accuracy
complains() {
  cat "$tmp/$1.code" "$tmp/$1.err"
  [ "$(cat "$tmp/$1.code")" = 1 ] && [ "$(wc -l <"$tmp/$1.err")" = 1 ] && has "$tmp/$1.err" "$2" && lacks "$tmp/$1.out" "$accuracy"
}

# --- train, on files of CIFAR with two dull images each
mkdir cifar
for file in data_batch_{1..5} test_batch; do yes $'\001\005' | head -c 6146 >"cifar/$file.bin"; done
run cifar "$examples/train" resnet20 cifar 2 8
check 'a ResNet trains on CIFAR' good cifar
check 'train tells each epoch' has "$tmp/cifar.out" '^epoch 2/2   loss .* test % '
check 'train tells the accuracy' has "$tmp/cifar.out" '^test accuracy [0-9.]+ %, top-5 [0-9.]+ %, loss '
check 'train tells the accuracy with mirror images' last "$tmp/cifar.out" '^with the mirror images [0-9.]+ %$'
for redirect in '>&-:Bad file descriptor' '>/dev/full:No space left on device'; do
  { [ -c /dev/full ] && ! echo x 2>/dev/null >/dev/full; } || [[ $redirect != *full* ]] || continue
  run "deaf" bash -c "\"\$@\" ${redirect%%:*}" - "$examples/train" resnet20 cifar 1 2
  check "train $redirect: one line, exit code 1" complains deaf "^train: standard output: ${redirect#*:}"
done
for number in many -1 '' 1.5 100001 18446744073709551617; do
  run number "$examples/train" resnet20 cifar "$number"
  check "train: epochs '$number'" complains number '^train: EPOCHS is (many|-1|empty|1\.5|1[0-9]+); it must be a whole number from 1 to 100000$'
done
run number "$examples/train" resnet20 cifar 1 0x10
check 'train: samples 0x10' complains number '^train: SAMPLES is 0x10; it must be a whole number from 1 to 1000000$'
run blind bash -c '"$@" 2>&-' - "$examples/train" resnet20 cifar many
check 'train 2>&-: exit code 1' [ "$(cat "$tmp/blind.code")" = 1 ]
run blind bash -c '"$@" 2>&-' - "$examples/train"
check 'train without arguments, 2>&-: exit code 2' [ "$(cat "$tmp/blind.code")" = 2 ]
head -c 6000 cifar/data_batch_1.bin >cifar/test_batch.bin
run damaged "$examples/train" resnet20 cifar 1
check 'train names a damaged file' complains damaged 'test_batch.bin: ends at offset 6000, inside of image 1'

# --- the small ones
for name in linear_regression xor gradient_check custom_op; do
  run $name "$examples/$name"
  check "$name runs" good $name
done
check 'linear_regression finds the line' last "$tmp/linear_regression.out" '^found y = (2\.9|3\.0)[0-9] x -(1\.9|2\.0)[0-9],'
for row in '0  0      0          0\.0' '0  1      1          0\.9' '1  0      1          0\.9' '1  1      0          0\.0'; do
  check "xor: $row" has "$tmp/xor.out" "^ $row"
done
check 'gradient_check checks each parameter' has "$tmp/gradient_check.out" ' hidden\.weight .* ok$'
check 'gradient_check finds nothing wrong' lacks "$tmp/gradient_check.out" 'fail|wrong'
check 'custom_op finds nothing wrong' lacks "$tmp/custom_op.out" 'fail|wrong'

# --- mnist, on few built-in digits
tiny=(--epochs 2 --train-size 3000 --test-size 600)
mkdir "$tmp/a"
echo 'old weights' >"$tmp/a/lenet.safetensors"
echo 'old report' >"$tmp/a/report.html"
ln "$tmp/a/lenet.safetensors" "$tmp/old.safetensors"
ln "$tmp/a/report.html" "$tmp/old.html"
run a "$mnist" "${tiny[@]}" --seed 7 --out "$tmp/a"
check 'mnist runs' good a
check 'the last line is the accuracy' last "$tmp/a.out" "$accuracy"
check 'it tells its progress' has "$tmp/a.out" '^epoch 1/2 +loss [0-9.]+ +accuracy [0-9.]+ +[0-9]+ samples/s +[0-9]+:[0-9]{2} left +test accuracy [0-9.]+$'
check 'it learns' has "$tmp/a.out" '^test accuracy [89]'
check 'weights, report and checkpoint are all it leaves behind' [ "$(cd "$tmp/a" && echo ./*)" = './checkpoint.safetensors ./lenet.safetensors ./report.html' ]
check 'the old weights are replaced, not written over' has "$tmp/old.safetensors" '^old weights$'
check 'the old report is replaced, not written over' has "$tmp/old.html" '^old report$'

run again "$mnist" "${tiny[@]}" --weights "$tmp/a/lenet.safetensors"
check 'weights load' good again
check 'loaded weights are as good' same_last_line "$tmp/a.out" "$tmp/again.out"
run b "$mnist" "${tiny[@]}" --seed 7 --out "$tmp/new/b"
check 'the same seed gives the same weights' cmp "$tmp/a/lenet.safetensors" "$tmp/new/b/lenet.safetensors"
run c "$mnist" "${tiny[@]}" --seed 8 --threads 1 --out "$tmp/c"
check 'another seed gives others' [ "$(cmp -s "$tmp/a/lenet.safetensors" "$tmp/c/lenet.safetensors"; echo $?)" = 1 ]

run logged "$mnist" "${tiny[@]}" --seed 7 --log --out "$tmp/logged"
check 'with a log it runs' good logged
check 'a log changes nothing' cmp "$tmp/a/lenet.safetensors" "$tmp/logged/lenet.safetensors"
check 'a log is three files more' [ "$(cd "$tmp/logged" && echo ./* | sed 's/tfevents[^ ]*/tfevents/')" = './checkpoint.safetensors ./events.out.tfevents ./history.csv ./lenet.safetensors ./report.html ./run.json' ]
check 'they have the same numbers' python3 - "$tmp/logged" <<'PYTHON'
import csv, glob, json, struct, sys
rows = list(csv.DictReader(open(sys.argv[1] + "/history.csv", encoding="utf-8")))
names = ["training loss", "training accuracy", "test loss", "test accuracy"]
assert list(rows[0]) == ["epoch", *names], rows[0]
assert len(rows) == 2 * 47, len(rows)  # steps; what is tested is tested at the last of an epoch
assert [row["epoch"] for row in rows if row["test loss"]] == ["1", "2"], rows
run = json.load(open(sys.argv[1] + "/run.json", encoding="utf-8"))
assert run["facts"]["batch"] == "64", run["facts"]
for name in names:
    column = [(float(row["epoch"]), float(row[name])) for row in rows if row[name]]
    history = run["history"][name]
    assert len(column) == len(history["at"]) > 0
    for (at, value), other_at, other in zip(column, history["at"], history["value"]):
        assert abs(at - other_at) < 1e-9 and abs(value - other) <= 1e-6 * abs(other), (name, at, value)
data = open(glob.glob(sys.argv[1] + "/events*")[0], "rb").read()
at = records = 0
while at < len(data):
    at += 16 + struct.unpack_from("<Q", data, at)[0]
    records += 1
assert at == len(data) and records >= 1 + 2 * 47 + 2, (at, len(data), records)
PYTHON

# resumed with a log: TensorBoard forgets what the first file has of the steps that come again (SessionLog START, event.proto)
run begun "$mnist" "${tiny[@]}" --seed 7 --log --resume --out "$tmp/logged"
check 'a run that goes on with a log is good' good begun
check 'its event file says which steps come again' python3 - "$tmp/logged" <<'PYTHON'
import glob, struct, sys
files = sorted(glob.glob(sys.argv[1] + "/events*"))
assert len(files) == 2, files
for name, steps in zip(files, ([], [2 * 47 + 1])):
    data, at, found = open(name, "rb").read(), 0, []
    while at < len(data):
        size = struct.unpack_from("<Q", data, at)[0]
        event = data[at + 12:at + 12 + size]
        if event.endswith(b"\x3a\x02\x08\x01"):  # session_log {status: START}
            assert event[9:10] == b"\x10", event  # step, behind the time
            found.append(event[10])
        at += 16 + size
    assert found == steps, (name, found)
PYTHON

# --- the report
page=$tmp/a/report.html
check 'the report is well formed' python3 - "$page" <<'PYTHON'
import collections, sys, xml.etree.ElementTree as tree
seen = collections.Counter(element.tag.split("}")[-1] for element in tree.parse(sys.argv[1]).iter())
for tag, least in {"section": 5, "svg": 2, "table": 2, "img": 14, "figure": 14}.items():
    assert seen[tag] >= least, (tag, seen)
PYTHON
accuracy_of=$(tail -n 1 "$tmp/a.out" | sed 's/test accuracy \(.*\) %/\1/')
check 'the report has every answer, the surest mistakes first, and pictures that can be read' python3 - "$page" 600 "$accuracy_of" <<'PYTHON'
import base64, re, struct, sys, zlib
page, images, accuracy = open(sys.argv[1], encoding="utf-8").read(), int(sys.argv[2]), float(sys.argv[3])
cells = [(truth, guess, int(n)) for truth, guess, n in re.findall(r'title="(\S+) taken for (\S+): (\d+)"', page)]
right = sum(n for truth, guess, n in cells if truth == guess)
assert sum(n for *_, n in cells) == images, cells
assert abs(100 * right / images - accuracy) < 0.006, (right, accuracy)
mistakes = re.findall(r'<figure title="test image (\d+)">.*?<figcaption>(\d), ([0-9.]+)\u202f%<small>is (\d)<', page)
assert len(mistakes) == min(36, images - right), (len(mistakes), images - right)
assert len({image for image, *_ in mistakes}) == len(mistakes)
assert all((truth, guess) in {(t, g) for t, g, _ in cells} and truth != guess for _, guess, _, truth in mistakes), mistakes
confidence = [float(percent) for _, _, percent, _ in mistakes]
assert confidence == sorted(confidence, reverse=True), confidence
for text in re.findall(r'data:image/png;base64,([^"]+)"', page):
    data = base64.b64decode(text, validate=True)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    pixels, at = b"", 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        assert zlib.crc32(data[at + 4:at + 8 + size]) == struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0], kind
        if kind == b"IHDR": width, height, _, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
        if kind == b"IDAT": pixels += data[at + 8:at + 8 + size]
        at += 12 + size
    assert len(zlib.decompress(pixels)) == height * (1 + width * {0: 1, 2: 3}[colour]), (width, height, colour)
PYTHON
check 'the report fetches nothing' lacks "$page" '<script|<link|<iframe|@import|url\(|(src|srcset|href|data)="?(https?:|//)'
check 'the report has the accuracy' has "$page" "$(tail -n 1 "$tmp/a.out" | sed 's/test accuracy \(.*\) %/<b>\1<small>/')"
check 'the report has the network' has "$page" 'conv1.*156.*48.120.*61.706'
run plain env PATH=/nonexistent "$mnist" --epochs 1 --train-size 300 --test-size 60 --out "$tmp/plain"
check 'without Graphviz it works too' good plain
check 'without Graphviz the report has the source of the graph' has "$tmp/plain/report.html" 'Graphviz was not found.*digraph'
if command -v dot >/dev/null; then
  check 'with Graphviz the report has the drawing' has "$page" 'class="node leaf"'
fi

# --- a terminal gets one line that is rewritten
if python3 -c 'import os; os.openpty()' 2>/dev/null; then
  begin=$SECONDS
  run terminal python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$mnist" --epochs 1 --train-size 3000 --test-size 60 --out "$tmp/t"
  most=$((10 * (SECONDS - begin + 1) + 2))
  check 'on a terminal the line is rewritten' has "$tmp/terminal.out" $'\r''epoch 1/1 '
  check 'on a terminal the line is rewritten at most ten times a second' [ "$(grep -ao $'\x1b\[K' "$tmp/terminal.out" | wc -l)" -le $most ]
  check 'on a terminal nothing is in colour' bash -c "! sed 's/\x1b\[K//g' '$tmp/terminal.out' | grep -q $'\x1b'"
  check 'on a terminal the last line is the accuracy' has <(tr -d '\r' <"$tmp/terminal.out" | tail -n 1) "$accuracy"
else
  echo 'skipped: the progress on a terminal (Python finds no pseudo-terminal here)'
fi

# --- Ctrl-C
"$mnist" --epochs 5000 --train-size 2000 --test-size 300 --out "$tmp/stop" >"$tmp/stop.out" 2>"$tmp/stop.err" &
child=$!
for _ in {1..300}; do
  grep -qs '^epoch 2' "$tmp/stop.out" && break
  sleep 0.1
done
kill -INT $child
wait $child
check 'Ctrl-C ends it with exit code 130' [ $? = 130 ]
check 'Ctrl-C: the last line is the accuracy' last "$tmp/stop.out" "$accuracy"
forget_processor "$tmp/stop.err"
check 'Ctrl-C: it complains about nothing' [ ! -s "$tmp/stop.err" ]
check 'Ctrl-C: the report says so' has "$tmp/stop/report.html" 'training was interrupted'
run stopped "$mnist" --train-size 10 --test-size 300 --weights "$tmp/stop/lenet.safetensors"
check 'Ctrl-C: the weights are saved' same_last_line "$tmp/stop.out" "$tmp/stopped.out"

# --- killed at any moment and resumed: the same weights, bit for bit
small='--epochs 40 --train-size 600 --test-size 50 --seed 3'
begin=${EPOCHREALTIME/./}
run whole "$mnist" $small --out "$tmp/whole"
most=$(((${EPOCHREALTIME/./} - begin) / 4))  # microseconds
check 'a run to its end' good whole
# Each life of a run is killed within a quarter of this time from where it reads the checkpoint on. It counts where the run had not
# said its last epoch; one that comes to its end is compared, and another begins.
kills=0 ends=0 ended=no
for _ in {1..500}; do
  [ $kills -ge 100 ] && [ $ends -gt 0 ] && [ -d "$tmp/killed" ] && break
  "$mnist" $small --resume --out "$tmp/killed" >"$tmp/life" 2>&1 &
  child=$!
  until grep -q 'images to learn from' "$tmp/life" || ! kill -0 $child 2>/dev/null; do sleep 0.01; done
  at=$(((RANDOM * 32768 + RANDOM) % most))
  sleep "$((at / 1000000)).$(printf %06d $((at % 1000000)))"
  kill -KILL $child 2>/dev/null
  wait $child 2>/dev/null
  code=$?
  grep -q '^epoch 40/40' "$tmp/life" && ended=yes
  if [ $code = 137 ]; then
    [ $ended = no ] && kills=$((kills + 1))
  else
    ends=$((ends + 1)) ended=no
    if [ $code != 0 ]; then { echo "exit code $code"; cat "$tmp/life"; } >>"$tmp/ends"; fi
    cmp "$tmp/whole/lenet.safetensors" "$tmp/killed/lenet.safetensors" >>"$tmp/ends" 2>&1
    rm -rf "$tmp/killed"
  fi
done
check 'runs are killed 100 times while they train' [ $kills -ge 100 ]
check 'those that come to their end have the same weights' bash -c '[ "$1" -gt 0 ] && diff /dev/null "$2"' - $ends "$tmp/ends"
run resumed "$mnist" $small --resume --out "$tmp/killed"
check 'a run that was killed ends' good resumed
check 'it ends with the same weights' cmp "$tmp/whole/lenet.safetensors" "$tmp/killed/lenet.safetensors"
check 'it leaves nothing but its files' [ "$(ls -A "$tmp/killed" | tr '\n' ' ')" = 'checkpoint.safetensors lenet.safetensors report.html ' ]
run over "$mnist" $small --resume --out "$tmp/killed"
check 'a run that is over is tested again' same_last_line "$tmp/whole.out" "$tmp/over.out"
run other "$mnist" $small --resume --batch 32 --out "$tmp/killed"
check 'a run of other options is not resumed' complains other 'is of a run of 600 images with --epochs 40 --batch 64 --seed 3 .*needs the same'
head -c 3000 "$tmp/killed/checkpoint.safetensors" >"$tmp/cut" && cp "$tmp/cut" "$tmp/killed/checkpoint.safetensors"
run damaged "$mnist" $small --resume --out "$tmp/killed"
check 'a damaged checkpoint is named' complains damaged 'checkpoint.safetensors: '

# --- idx files, good and bad
# number N: four bytes; images N SIZE, labels N LABEL: idx files of black images, and of labels that are all the same
number() { printf '%b' "$(printf '\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"; }
images() { printf '\0\0\x08\x03'; number "$1"; number "$2"; number "$2"; head -c $(($1 * $2 * $2)) /dev/zero; }
labels() { printf '\0\0\x08\x01'; number "$1"; for _ in $(seq "$1"); do printf '%b' "\\x$2"; done; }
# set_of DIR: a folder with a good data set, for a test to damage
set_of() {
  mkdir -p "$1"
  images 20 28 >"$1/train-images-idx3-ubyte"
  labels 20 03 >"$1/train-labels-idx1-ubyte"
  images 10 28 | gzip >"$1/t10k-images-idx3-ubyte.gz"
  labels 10 03 | gzip >"$1/t10k-labels-idx1-ubyte.gz"
}
set_of "$tmp/mnist"
run data "$mnist" --data "$tmp/mnist" --epochs 20 --batch 4 --out "$tmp/data"
check 'idx files work, plain and gzip' good data
check 'a set that is all threes is learnt' last "$tmp/data.out" '^test accuracy 100\.00 %$'
for place in "$tmp" "$tmp/mnist"; do
  run shelf env XGRAD_DATA="$place" "$mnist" --epochs 1 --out "$tmp/shelf"
  check 'XGRAD_DATA is looked at' has "$tmp/shelf.out" '^/.*/mnist: 20 images to learn from, 10 to test with$'
done
run shelf env -C "$tmp/new" XGRAD_DATA="$tmp" "$mnist" --data mnist --epochs 1 --out "$tmp/shelf"
check '--data is looked for in XGRAD_DATA' has "$tmp/shelf.out" '^/.*/mnist: 20 images'

# bad NAME PATTERN OPTIONS...: must complain
bad() {
  local name=$1 pattern=$2; shift 2
  run "$name" "$mnist" "$@"
  check "$name: one line, exit code 1" complains "$name" "^mnist: $pattern"
}
d=$tmp/damaged
bad missing_folder "$d: no such directory" --data "$d" --out "$tmp/o"
set_of "$d"; rm "$d/t10k-labels-idx1-ubyte.gz"
bad missing_file "$d: .*t10k-labels" --data "$d" --out "$tmp/o"
set_of "$d"; printf 'PK' | dd of="$d/train-images-idx3-ubyte" conv=notrunc status=none
bad wrong_magic "$d/train-images-idx3-ubyte: begins with bytes 50 4b at offset 0; .* 00 00" --data "$d" --out "$tmp/o"
set_of "$d"; truncate -s 30 "$d/t10k-images-idx3-ubyte.gz"
bad truncated_gzip "$d/t10k-images-idx3-ubyte.gz: .*cut short at unpacked offset [0-9]+; it must go on" --data "$d" --out "$tmp/o"
set_of "$d"; truncate -s 5000 "$d/train-images-idx3-ubyte"
bad truncated "$d/train-images-idx3-ubyte: ends at offset 5000; .*15696" --data "$d" --out "$tmp/o"
set_of "$d"; labels 19 03 >"$d/train-labels-idx1-ubyte"
bad counts "$d/train-labels-idx1-ubyte: holds 19 labels .* 20 images" --data "$d" --out "$tmp/o"
set_of "$d"; labels 20 0c >"$d/train-labels-idx1-ubyte"
bad label "$d/train-labels-idx1-ubyte: label 12 .* offset 8; it must be 0 to 9" --data "$d" --out "$tmp/o"
set_of "$d"; images 20 20 >"$d/train-images-idx3-ubyte"
bad size "$d: the images are 20 by 20 pixels; .* 28 by 28" --data "$d" --out "$tmp/o"

echo >"$tmp/file"
mkdir -p "$tmp/blocked/report.html"
bad out_in_file "$tmp/file/out: " --out "$tmp/file/out"
bad out_is_file "$tmp/file: " --out "$tmp/file"
bad out_blocked "$tmp/blocked/report.html: it is a directory; it must be a regular file or none" --out "$tmp/blocked"
check 'an out folder that cannot be used is found before training' lacks "$tmp/out_blocked.out" .
bad weights_missing "$tmp/none: there is no such file" --weights "$tmp/none"
head -c 1000 "$tmp/a/lenet.safetensors" >"$tmp/short"
bad weights_short "$tmp/short: offset [0-9]+: " --weights "$tmp/short"
# refused OPTION VALUE WANTED: every option is told what it is and what it must be, before anything is done
refused() { bad "$1 '$(printf %.20q "$2")'" "$1 is .*; it must be $3" "$1" "$2" --out "$tmp/o"; }
for value in 0 -1 100001 99999999999999999999 1.5 1e3 many '' ' 1' '1 ' +1 0x10 inf nan $'1\n' $'\e[2J'; do
  refused --epochs "$value" 'a whole number from 1 to 100000$'
done
for option in --batch --train-size --test-size --threads; do
  for value in 0 -1 18446744073709551617 1.5 ''; do refused $option "$value" 'a whole number from 1 to [0-9]+$'; done
done
for value in 0 -3 -0.0 inf -inf nan 1e400 1e39 many '' ' 1' 0.1x 0,1; do refused --lr "$value" 'a number above 0 and at most 3\.403e\+38$'; done
for value in -1 18446744073709551616 1e400 1.5 '' many; do refused --seed "$value" 'a whole number from 0 to 18446744073709551615$'; done
refused --threads 4096 'a whole number from 1 to [0-9]+$'
for option in --data --out --weights; do bad "empty $option" "$option is empty; it must be the name of a " $option ''; done
for option in --epochs --batch --lr --seed --threads --data --out --weights --train-size --test-size; do
  bad "$option twice" "$option: .*--help tells" $option 1 $option 1
  bad "$option alone" "$option: .*--help tells" $option
done
bad argument '.*something.*--help tells' something
bad escape '\\x1b\[2J: ' --weights $'\e[2J'
bad long 'n*: cannot be opened: File name too long' --weights "$(head -c 5000 /dev/zero | tr '\0' n)"
bad long_data '.*n: ' --data "$(head -c 5000 /dev/zero | tr '\0' n)" --out "$tmp/o"
bad long_out '.*n: no such directory can be made: File name too long' --out "$(head -c 5000 /dev/zero | tr '\0' n)"
check 'a bad option leaves nothing behind' [ ! -e "$tmp/out" ]
run largest "$mnist" --seed 18446744073709551615 --lr 1e-320 --epochs 1 --train-size 10 --test-size 10 --out "$tmp/largest"
check 'the largest seed and the smallest rate are taken' good largest
bad unknown_option '.*--epoch-count' --epoch-count 3
bad diverges 'the loss is .* at step [0-9]+; it must be finite: try a smaller --lr' --lr 1e9 --train-size 2000 --test-size 10 --out "$tmp/o"
check 'what failed leaves nothing behind' [ -z "$(find "$tmp/o" -type f)" ]
set_of "$d"; rm "$d/train-labels-idx1-ubyte"; mkfifo "$d/train-labels-idx1-ubyte"
bad fifo "$d/train-labels-idx1-ubyte: it is a FIFO; it must be a regular file" --data "$d" --out "$tmp/o"
rm "$d/train-labels-idx1-ubyte"
set_of "$d"; echo garbage >>"$d/t10k-labels-idx1-ubyte.gz"
bad behind_gzip "$d/t10k-labels-idx1-ubyte.gz: goes on behind the gzip data, at offset [0-9]+ " --data "$d" --out "$tmp/o"
bad weights_fifo "$d/fifo: it is a FIFO" --weights "$(mkfifo "$d/fifo"; echo "$d/fifo")"

# --- streams that are closed or full, and too little memory
# deaf NAME REASON: it must have failed with one line on stderr
deaf() {
  local name=$1; shift
  check "$name: one line, exit code 1" complains "$name" "standard output: (cannot be written: )?$1"
}
few=(--epochs 1 --train-size 300 --test-size 60)
run closed bash -c '"$@" >&-' - "$mnist" "${few[@]}" --out "$tmp/closed"
deaf closed 'Bad file descriptor'
check 'closed: found before training' [ -z "$(find "$tmp/closed" -type f)" ]
for name in linear_regression xor gradient_check custom_op; do
  run "closed_$name" bash -c '"$@" >&-' - "$examples/$name"
  deaf "closed_$name" 'Bad file descriptor'
done
if [ -c /dev/full ] && ! echo x 2>/dev/null >/dev/full; then
  for name in linear_regression xor gradient_check custom_op; do
    run "full_$name" bash -c '"$@" >/dev/full' - "$examples/$name"
    deaf "full_$name" 'No space left on device'
  done
  for options in --help "${few[*]} --out $tmp/full" "${few[*]} --weights $tmp/a/lenet.safetensors"; do
    # shellcheck disable=SC2086  # the options are words
    run full bash -c '"$@" >/dev/full' - "$mnist" $options
    deaf full 'No space left on device'
  done
  run full_err bash -c '"$@" 2>/dev/full' - "$mnist" --epochs 0
  check 'a full stderr: exit code 1' [ "$(cat "$tmp/full_err.code")" = 1 ]
else
  echo 'skipped: a full disk (no /dev/full here)'
fi
run closed_err bash -c '"$@" 2>&-' - "$mnist" --epochs 0
check 'a closed stderr: a bad option is exit code 1' [ "$(cat "$tmp/closed_err.code")" = 1 ]
run all_closed bash -c '"$@" <&- 2>&-' - "$mnist" "${few[@]}" --out "$tmp/all"
check 'closed stdin and stderr: it works' good all_closed
run all_again "$mnist" "${few[@]}" --weights "$tmp/all/lenet.safetensors"
check 'closed stdin and stderr: nothing got into the weights' same_last_line "$tmp/all_closed.out" "$tmp/all_again.out"
run memory bash -c 'ulimit -v 3000000; "$@"' - "$mnist" --train-size 10000000 --threads 1 --out "$tmp/o"
check 'out of memory: what was done, and a remedy' complains memory \
  'out of memory while making the built-in digits; try a smaller --train-size'

run help "$mnist" --help
check '--help helps' has "$tmp/help.out" '--weights'

# --- the real thing
if [ -n "$real" ]; then
  run real env XGRAD_DATA="$real" "$mnist" --epochs 1 --lr 0.03 --out "$tmp/real"
  check 'MNIST: runs' good real
  check 'MNIST: 60000 images' has "$tmp/real.out" '60000 images to learn from, 10000 to test with'
  check 'MNIST: learns' last "$tmp/real.out" '^test accuracy 9[789]\.'
else
  echo 'skipped: MNIST itself (XGRAD_DATA names no folder)'
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
