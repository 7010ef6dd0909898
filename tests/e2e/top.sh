#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `top PID` on a terminal (tmux's): what is hot and what grows, sorted, filtered, paused and selected by keys, at any size; and
# however it ends (q, Ctrl-C, a crash, SIGKILL), the terminal is as before, no file is left, and the process goes on unharmed.
source "$(dirname "$0")/lib.sh"
tmux() { command tmux -S "$scratch/tmux" -f /dev/null "$@"; }
trap 'tmux kill-server 2>tmux.err || true; end_test' EXIT

cat >target.cc <<'CC'
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>
volatile unsigned long sink;
volatile sig_atomic_t ended;
std::vector<void*> kept;
#define OWN __attribute__((noinline))
OWN void hot_spin() { for (int i = 0; i < 300000; ++i) sink += i; }
OWN void warm_spin() { for (int i = 0; i < 100000; ++i) sink += i; }
OWN void grow_cache() { kept.push_back(malloc(1000)); }
int main() {
  signal(SIGTERM, [](int) { ended = 1; });
  while (!ended) { hot_spin(); warm_spin(); grow_cache(); }
  puts("ended well");
}
CC
g++ -O1 -g -o target target.cc
mkdir tmp
TMPDIR="$PWD/tmp" ./target >target.out &
target=$!

screen() { tmux capture-pane -p -t s; }
# shows PATTERN: waits until some line of the screen matches.
shows() {
  for _ in $(seq 600); do
    screen >shown
    grep -qE -- "$1" shown && return
    read -rt 0.1 <> <(:) || true
  done
  fail "never shows '$1': $(cat shown)"
}
keys() { tmux send-keys -t s "$@"; }
# The row of the table with this name, and the rows as names.
row() { grep -E " $1( |\(|$)" shown; }
# begin_top: in a shell, with the terminal's modes before and after.
begin_top() {
  keys "clear; stty -a >before; echo 'stood ''here'; TMPDIR=\$PWD/tmp '$FLARESTACK' top $target; echo \"status=\$?\"; stty -a >after" Enter
  shows 'hot_spin\(\)'
}
# ends_with STATUS: so has top ended; the terminal has its old text and modes.
ends_with() {
  shows "^status=$1$"
  grep -qx 'stood here' shown || fail "the terminal's text is gone: $(cat shown)"
  keys "echo 'prompt ''again'" Enter
  shows '^prompt again$'
  diff before after || fail "the terminal's modes are others"
}
# The process goes on, and nothing is left behind.
unharmed() {
  for _ in $(seq 200); do
    [ -z "$(ls tmp)" ] && [ "$(awk '/^TracerPid/ { print $2 }' "/proc/$target/status")" = 0 ] && break
    read -rt 0.1 <> <(:) || true
  done
  [ -z "$(ls tmp)" ] || fail "left behind: $(ls tmp)"
  burn "$target" 20
}

env -u NO_COLOR LC_ALL=C.UTF-8 tmux -S "$scratch/tmux" -f /dev/null new-session -d -s s -x 80 -y 24 'PS1="$ " bash --norc'
begin_top
shows '^\[1 Functions\].*now: [5-9]'
row hot_spin >line
read -r self total now rest <line
for share in "$self" "$total" "$now"; do
  awk -v share="${share%\%}" 'BEGIN { exit !(share > 50 && share < 90) }' || fail "hot_spin has 3/4 of the time: $(cat line)"
done
[ "$(grep -nE 'hot_spin|warm_spin' shown | cut -d: -f1 | xargs)" = "7 8" ] || fail "hottest first: $(cat shown)"
grep -qE "^target \[$target\]  recorded .* CPU [0-9.]+%  RSS " shown || fail "the head: $(cat shown)"
grep -qE '^[0-9,]+ allocs/s, .*; [0-9,]+ heap events, 0 lost$' shown && grep -qE '^[0-9,]+ samples, 0 dropped, [0-9]+ stacks truncated$' shown || fail "the quality: $(cat shown)"
tmux capture-pane -e -p -t s >coloured
grep -q $'\033\\[31m\|\033\\[1m\033\\[31m\|;31m' coloured || fail "no colour for what is hot: $(cat -v coloured)"

# Sorted by another column, it has another order.
keys '<'
shows '▼TOTAL'
[ "$(sed -n 7p shown | grep -cE 'hot_spin|warm_spin')" = 0 ] || fail "callers have more in total: $(cat shown)"
keys '>'
shows '▼NOW'

# A screen that is paused stands still while the process is recorded; then it catches up.
keys p
shows 'PAUSED, recording goes on'
cp shown paused
burn "$target" 150
screen >shown
cmp paused shown || fail "moved while paused: $(diff paused shown)"
keys p
shows 'hot_spin'
for _ in $(seq 100); do screen >shown; cmp -s paused shown || break; read -rt 0.1 <> <(:) || true; done
! cmp -s paused shown || fail "does not go on"

# Callers and callees, allocation sites with their path, threads.
keys Down Enter
shows 'CALLED FROM'
grep -qE '100.0% +main' shown && grep -qE '^warm_spin\(\)  target.cc:' shown || fail "callers of warm_spin: $(cat shown)"
keys Escape 2
shows 'grow_cache\(\)  target.cc:11'
row grow_cache >line
awk '$1 > 0 && $4 > 0 { good = 1 } END { exit !good }' line || fail "it grows: $(cat line)"
keys Enter
shows '^  main  target.cc:14'
keys 3
shows "^ +$target +$target +[RSD] +[0-9.]+%.* target$"
keys 1 / w a r m Enter
shows 'filter: warm'
[ "$(grep -cE '_spin' shown)" = 1 ] || fail "only warm_spin: $(cat shown)"
keys Escape r
shows 'since r: '
keys '?'
shows 'Any key goes back'
keys x
tmux resize-window -t s -x 40 -y 10
shows '^\[1 Functions\]'
shows 'hot_spin\(\)'
[ "$(wc -l <shown)" = 10 ] || fail "not of the new size: $(cat shown)"
tmux resize-window -t s -x 80 -y 24
shows '^q quit .*\? help$'
keys q
ends_with 0
unharmed

# Without colour, and in ASCII; Ctrl-Z leaves the terminal to the shell, and Ctrl-C ends it.
keys 'export NO_COLOR=1 LC_ALL=C' Enter
begin_top
shows 'vNOW'
tmux capture-pane -e -p -t s >coloured
! grep -qE $'\033\\[([0-9;]*;)?3[0-7]' coloured || fail "colour: $(cat -v coloured)"
keys C-z
shows 'Stopped'
keys 'fg; echo "status=$?"; stty -a >after' Enter
shows 'hot_spin\(\)'
keys C-c
ends_with 0
unharmed
begin_top
top=$(pgrep -o -f "^$FLARESTACK top $target\$")
kill -SEGV "$top"
ends_with 139
unharmed
begin_top
top=$(pgrep -o -f "^$FLARESTACK top $target\$")
kill -KILL "$top"
shows 'status=137$'
unharmed

kill -TERM "$target"
wait "$target" || fail "the process ended with $?"
[ "$(cat target.out)" = "ended well" ] || fail "it says: $(cat target.out)"
