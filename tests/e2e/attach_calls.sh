#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attaching to and detaching from programs that wait in each of the system calls that block, again and again: none of the calls
# is interrupted, ends early or loses what it was woken with, and each comes back while we are there and afterwards. All of
# them as threads of one process, and each in a process of one thread, which is then the one that is borrowed.
# ATTACH_CYCLES: how often (3, and once to each process of one thread; ./check --attach: 100). Needs ptrace.
source "$(dirname "$0")/lib.sh"
cycles="${ATTACH_CYCLES:-3}"
programs="$SOURCE_DIR/tests/e2e/programs"

cc_program calls -Wno-unused-result <"$programs/blocking_calls.c"
mapfile -t names < <(./calls 1 | sed -n 's/: 0 interrupted.* 0 failed, 1 done$//p')
[ "${#names[@]}" -ge 32 ] || fail "calls that work: ${names[*]}"  # io_uring, the last, may be forbidden

# has_gone_well OUTPUT CALLS: nothing was interrupted.
has_gone_well() {
  local good=': 0 interrupted, 0 early, 0 lost, 0 failed, some done$'
  [ "$(grep -c "$good" "$1")" -ge "$2" ] || fail "$(grep -v "$good" "$1" || echo "no answer")"
}
# end_all PID...: they end by themselves, once they are told to.
end_all() {
  local pid
  touch end
  for pid; do
    timeout 30 tail --pid="$pid" -f /dev/null || fail "a program does not end"
    wait "$pid" || fail "a program ended with status $?"
  done
  rm end
}
counted() { for _ in $(seq 500); do [ -s "progress.$1" ] && return; read -rt 0.01 <> <(:) || true; done; fail "a program does not start"; }

./calls 0 >threads.out 2>&1 &
pid=$!
counted "$pid"
python3 "$programs/attach_cycles.py" threads "$cycles" --counters "progress.$pid" "$pid" || fail "calls in threads"
end_all "$pid"
has_gone_well threads.out "${#names[@]}"

cycles=$((cycles > 3 ? cycles : 1))
for ((first = 0; first < ${#names[@]}; first += 8)); do  # at a time: they work, too
  pids=()
  for ((number = first; number < first + 8 && number < ${#names[@]}; ++number)); do
    ./calls 0 "$number" >"alone.$number.out" 2>&1 &
    pids+=($!)
    counted "$!"
  done
  python3 "$programs/attach_cycles.py" alone $((cycles * ${#pids[@]})) --counters "progress.PID" "${pids[@]}" || fail "calls of single threads"
  end_all "${pids[@]}"
done
for number in "${!names[@]}"; do has_gone_well "alone.$number.out" 1; done
