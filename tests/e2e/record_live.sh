#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `record --live`: the view has the terminal (tmux's), the program its own redirected streams, Ctrl-C and exit status; q ends the
# view alone; the trace is whole. Where the terminal is the program's, one sentence says so and nothing is started.
source "$(dirname "$0")/lib.sh"
tmux() { command tmux -S "$scratch/tmux" -f /dev/null "$@"; }
trap 'tmux kill-server 2>tmux.err || true; end_test' EXIT

cxx_program target <<'CC'
#include <csignal>
#include <cstdio>
#include <unistd.h>
volatile unsigned long sink;
__attribute__((noinline)) void hot_spin() { for (int i = 0; i < 300000; ++i) sink = sink + i; }
int main() {
  signal(SIGINT, [](int) { if (write(1, "interrupted\n", 12) < 0) {} _exit(3); });
  printf("%d %d %d\n", isatty(0), isatty(1), isatty(2));
  fflush(stdout);
  for (;;) hot_spin();
}
CC
shows() {
  for _ in $(seq 600); do
    tmux capture-pane -p -t s >shown
    grep -qE -- "$1" shown && return
    read -rt 0.1 <> <(:) || true
  done
  fail "never shows '$1': $(cat shown)"
}
keys() { tmux send-keys -t s "$@"; }
record="$FLARESTACK record --live -o t.flare"
tmux new-session -d -s s -x 80 -y 24 'PS1="$ " bash --norc'

keys "clear; stty -a >before; $record -- ./target </dev/null >out 2>err; echo \"status=\$?\"; stty -a >after" Enter
shows 'hot_spin\(\)'
shows "^target \[[0-9]+\]  recorded"
keys C-c
shows '^status=3$'
grep -q 'the recording is over' shown || fail "not told where it is: $(cat shown)"
[ "$(cat out)" = $'0 0 0\ninterrupted' ] || fail "the program says: $(cat out)"
grep -q 'CPU time in 1 process' err || fail "no summary: $(cat err)"
"$FLARESTACK" info --format json t.flare >i.json
json_true i.json 'd["quality"]["complete"] and d["processes"][0]["exit"] == 3 and d["quality"]["samples"] > 0' "the trace"
keys 'echo end''ed' Enter
shows '^ended$'
diff before after || fail "the terminal's modes are others"

keys "clear; $record -- ./target </dev/null >out 2>err; echo \"status=\$?\"" Enter
shows 'hot_spin\(\)'
shows "^target \[[0-9]+\]  recorded"
target="$(sed -n 's/^target \[\([0-9]*\)\].*/\1/p' shown)"
keys q
shows 'the view has ended, the program and its recording go on'
burn "$target" 20
keys C-c
shows 'status=3$'
"$FLARESTACK" info --format json t.flare >i.json
json_true i.json 'd["quality"]["complete"] and d["processes"][0]["exit"] == 3' "the trace after the view"

rm t.flare
keys "clear; $record -- ./target >out; echo \"status=\$?\"" Enter
shows '^status=2$'
tr -d '\n' <shown >joined
grep -q "which is the program's stdin, stderr as well: redirect what is (such as </dev/null 2>errors.txt)" joined || fail "$(cat shown)"
[ ! -e t.flare ] || fail "something was started"
