#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# attach PID of programs whose threads are nearly always inside a restartable sequence of their own (rseq(2)): each
# section runs to its end undisturbed or is aborted as by the kernel, whether other threads or other moments are to be
# had or the only thread must be taken. ATTACH_CYCLES: how often (3; ./check --attach: 100). Needs ptrace.
source "$(dirname "$0")/lib.sh"
cycles="${ATTACH_CYCLES:-3}"
cc_program sections <"$SOURCE_DIR/tests/e2e/programs/rseq_sections.c"

# cycles_on THREADS
cycles_on() {
  local status=0
  ./sections counters "$1" >out 2>&1 &
  local pid=$!
  for _ in $(seq 500); do [ "$(stat -c %s counters 2>/dev/null)" = $((4 * $1)) ] && break; [ -d "/proc/$pid" ] || break; read -rt 0.02 <> <(:) || true; done
  if [ -d "/proc/$pid" ]; then
    FLARESTACK="$FLARESTACK" timeout 1200 python3 "$SOURCE_DIR/tests/e2e/programs/attach_cycles.py" "sections-$1" "$cycles" \
      --counters counters "$pid" || fail "$1 threads"
    kill "$pid"
  fi
  wait "$pid" || status=$?
  [ "$status" != 77 ] || { echo "skipped: no restartable sequences here"; exit 0; }
  [ "$status" = 0 ] || fail "$1 threads: status $status: $(cat out)"
  [ "$(sed -n 's/.*inside \([0-9]*\)%/\1/p' out)" -ge 90 ] || fail "$1 threads are too seldom inside: $(cat out)"
  "$FLARESTACK" info --format json "sections-$1.flare" >info.json
  json_true info.json 'd["processes"][0]["sampling"] == "agent"' "$1 threads, not entered"
  echo "$1 threads: $(cat out)"
}

cycles_on 6
cycles_on 1
