# SPDX-License-Identifier: Apache-2.0
# What every end-to-end test starts with: `source "$(dirname "$0")/lib.sh"`. Runs in a scratch folder of its own, which is
# removed at the end; FLARESTACK is the program under test.
set -Eeuo pipefail
trap 'echo "FAILED: ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND" >&2' ERR  # no test fails without a word
: "${FLARESTACK:?the flarestack program to test}" "${SOURCE_DIR:?}" "${BUILD_DIR:?}"
export FLARESTACK_CACHE_DIR="${BUILD_DIR}/test-cache" NO_COLOR=1
scratch="$(mktemp -d "${TMPDIR:-/tmp}/flarestack-test.XXXXXX")"
# Nor does a test that fails leave its programs running.
end_test() {
  local left
  left=$(jobs -pr)
  # shellcheck disable=SC2086  # a list
  [ -z "$left" ] || kill -9 $left || true
  rm -rf "$scratch"
}
trap end_test EXIT
cd "$scratch"
# Descriptors that the runner left open would count in the programs: 3 to 9 are all that a shell can name.
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# cc_program NAME [FLAGS...] < source: a C program; cxx_program: a C++ one.
cc_program() { gcc -O1 -g -Wall -pthread -x c - -o "$1" "${@:2}"; }
cxx_program() { g++ -std=c++20 -O1 -g -Wall -pthread -x c++ - -o "$1" "${@:2}"; }

# same_with_and_without COMMAND...: the command bare and recorded: same stdout, stderr and exit status. Leaves t.flare.
# RECORD_OPTIONS: more options of record, as words.
same_with_and_without() {
  local bare=0 recorded=0
  timeout 150 "$@" >bare.out 2>bare.err </dev/null || bare=$?
  timeout 150 "$FLARESTACK" record --quiet ${RECORD_OPTIONS:-} -o t.flare -- "$@" >recorded.out 2>recorded.err </dev/null || recorded=$?
  [ "$bare" = "$recorded" ] || fail "exit status $bare bare, $recorded recorded; stderr: $(tail -3 recorded.err)"
  cmp bare.out recorded.out || fail "stdout differs: $(diff bare.out recorded.out | head -5 || true)"
  cmp bare.err recorded.err || fail "stderr differs: $(diff bare.err recorded.err | head -5 || true)"
}

# json FILE EXPRESSION: evaluates a Python expression over the document `d`, prints it.
json() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"; }
# json_true FILE EXPRESSION MESSAGE
json_true() { [ "$(json "$1" "$2")" = True ] || fail "$3: $2 does not hold: $(head -c 1500 "$1")"; }

# burn PID TICKS: until the process has used that much CPU time, in hundredths of a second, from now on.
burn() {
  local before now
  before="$(awk '{ print $14 + $15 }' "/proc/$1/stat")"
  for _ in $(seq 6000); do
    now="$(awk '{ print $14 + $15 }' "/proc/$1/stat")"
    [ $((now - before)) -ge "$2" ] && return
    read -rt 0.02 <> <(:) || true
  done
  fail "process $1 uses no CPU time"
}

# heap_truth [CHECK OPTIONS] -- COMMAND...: what the program says of its own heap (truth/truth.h), bare and recorded alike, is what
# the reports of the recording say of it. TRUTH_FLAGS: what a compiler needs to find truth.h.
TRUTH_FLAGS="-I$SOURCE_DIR/tests/e2e/truth -fno-builtin"
heap_truth() {
  local check=()
  while [ "$1" != -- ]; do check+=("$1"); shift; done
  shift
  rm -f truth.*.*
  same_with_and_without "$@"
  python3 "$SOURCE_DIR/tests/e2e/truth/check.py" t.flare "${check[@]}" || fail "$*: not what the program says"
}

# For programs that take orders, a line each, and answer each with a line.
# begin COMMAND...: starts one, $target; its answers and errors go to `out`.
begin() {
  rm -f orders out
  mkfifo orders
  "$@" <orders >out 2>&1 &
  target=$!
  exec 3>orders
  answers=0
}
# ask ORDER: gives it, and waits for the answer.
ask() {
  echo "$1" >&3
  answers=$((answers + 1))
  for _ in $(seq 3000); do [ "$(wc -l <out)" -ge "$answers" ] && return; read -rt 0.01 <> <(:) || true; done
  fail "no answer to $1: $(cat out)"
}
# end STATUS: no more orders; it ends by itself, with that status.
end() {
  exec 3>&-
  timeout 30 tail --pid="$target" -f /dev/null || fail "the program does not end: $(cat out)"
  local status=0
  wait "$target" || status=$?
  [ "$status" = "$1" ] || fail "the program's status is $status: $(cat out)"
}

# begin_attach PID OPTIONS...: a recorder of it, $recorder, in the background; returns when it records. RECORDER_UNDER:
# what starts it.
begin_attach() {
  timeout 100 ${RECORDER_UNDER:-} "$FLARESTACK" attach "$@" 2>recorder.err &
  recorder=$!
  for _ in $(seq 3000); do
    grep -qs . "/tmp/flarestack-$(id -u)/attached.$1" && return
    [ -d "/proc/$recorder" ] || break
    read -rt 0.01 <> <(:) || true
  done
  fail "it is not being recorded: $(cat recorder.err)"
}
# end_attach [PID]: detaches from it, if one is named; the recorder ends, and all went well.
end_attach() {
  [ $# = 0 ] || timeout 60 "$FLARESTACK" detach "$1" || fail "detach: $?"
  local status=0
  wait "$recorder" || status=$?
  [ "$status" = 0 ] || fail "attach: status $status: $(cat recorder.err)"
}
