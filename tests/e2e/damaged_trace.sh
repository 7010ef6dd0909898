# SPDX-License-Identifier: Apache-2.0
# A trace cut at 60 places, with flipped bits at 100 seeded ones (the unit tests of trace/ try every place), and files that are no trace: every reading command
# ends in order, and says what is wrong.
source "$(dirname "$0")/lib.sh"

# Several processes and a second of work, so that there are several chunks.
"$FLARESTACK" record --quiet --cpu 4000 -o good.flare -- \
  sh -c 'for i in 1 2 3 4; do awk "BEGIN { for (i = 0; i < 3000000; i++) s += i % 7; print s }"; done' >awk.out
size="$(stat -c %s good.flare)"
[ "$size" -gt 2000 ] || fail "the trace is too small for this test: $size bytes"

commands=(report 'report --format json' tree info 'info --format json' 'info --records' 'export --format collapsed -o x.folded'
  'flamegraph -o x.svg')

# read_by FILE WHAT DAMAGE COMMAND...: no command crashes or hangs (a status above 1 is neither success nor an error), each
# failure is one sentence, and whoever reads on says what is wrong.
read_by() {
  local command status
  for command in "${@:4}"; do
    status=0
    timeout 20 "$FLARESTACK" $command "$1" >out 2>err </dev/null || status=$?
    [ "$status" -le 1 ] || fail "$command $2: exit status $status"
    if [ "$status" = 1 ]; then
      [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && grep -q '^flarestack: ' err || fail "$command $2: $(head -3 out err)"
    elif [[ $command != info* ]]; then
      grep -q "$3" err || fail "$command $2 says nothing of the damage: $(head -3 err)"
    else
      grep -Eq 'damage|"complete": false|no end record' out || fail "$command $2 says nothing of the damage: $(head -50 out)"
    fi
  done
}

for number in $(seq 0 59); do
  at=$((size * number / 60))
  head -c "$at" good.flare >bad.flare
  read_by bad.flare "cut at byte $at" 'stopped before it finished' report "${commands[number % ${#commands[@]}]}"
done

python3 - <<'EOS'
import random
good = open("good.flare", "rb").read()
random.seed(97)
for number in range(100):
    bad = bytearray(good)
    # Behind the header: its flips are told apart as "not a flarestack trace" or a newer version.
    for _ in range(random.choice([1, 1, 1, 5, 50])):
        bad[random.randrange(16, len(bad))] ^= 1 << random.randrange(8)
    open(f"flipped.{number}", "wb").write(bad)
EOS
for number in $(seq 0 99); do
  read_by "flipped.$number" "flipped $number" 'damaged\|belong to no\|stopped before it finished' \
    'info --format json' "${commands[number % ${#commands[@]}]}"
done

# no_trace FILE: one sentence, exit status 1.
no_trace() {
  for command in "${commands[@]}"; do
    status=0
    timeout 20 "$FLARESTACK" $command "$1" >out 2>err </dev/null || status=$?
    [ "$status" = 1 ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && grep -q "^flarestack: .*$1" err ||
      fail "$command $1: status $status, $(head -3 out err)"
  done
}
: >empty
head -c 100000 /dev/urandom >garbage
mkdir folder
no_trace empty
no_trace garbage
no_trace folder
no_trace missing
no_trace /dev/null
