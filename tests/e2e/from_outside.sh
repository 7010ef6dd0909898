#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# attach PID of programs that no agent can enter: their CPU time is sampled from outside, by perf_event. Shares and totals are
# what the program says; threads and children that come later are there; nothing stays when the recorder is killed.
source "$(dirname "$0")/lib.sh"

# Two threads that work 3 : 1 in two functions under a third one; "w" begins a window, "e" ends it and says what it used.
cat >work.c <<'C'
#include "keep_agent_out.h"
#include "three_to_one.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile int stop;
__attribute__((noinline)) void down(int depth, long n) { if (depth == 0) both(n); else down(depth - 1, n); ++sink; }
__attribute__((noinline)) void in_child(long n) { for (long i = 0; i < n; ++i) sink += i ^ n; }
static void* works(void* argument) { for (long n = 0; !stop; n = next(n)) down(30, 10000 + (n >> 8) % 20000); return argument; }
static void* passes(void* argument) { light(2000000); return argument; }
int main(void) {
  keep_agent_out();
  char line[20];
  pthread_t ids[2], id;
  double before = used();
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (line[0] == 'w') {
      before = used();
      for (int i = 0; i < 2; ++i) pthread_create(&ids[i], NULL, works, NULL);
      puts("window");
    }
    if (line[0] == 'e') { stop = 1; for (int i = 0; i < 2; ++i) pthread_join(ids[i], NULL); printf("%.6f\n", used() - before); }
    if (line[0] == 't') { for (int i = 0; i < 20; ++i) { pthread_create(&id, NULL, passes, NULL); pthread_join(id, NULL); } puts("threads"); }
    if (line[0] == 'f') { if (fork() == 0) { in_child(200000000); _exit(0); } wait(NULL); puts("forked"); }
  }
  return 0;
}
C
gcc -O1 -g -static -pthread -I"$SOURCE_DIR/tests/e2e/programs" work.c -o work

begin ./work
begin_attach "$target" -o t.flare >recorder.out
ask w
ask t
ask f
timeout 60 "$FLARESTACK" leaks --now "$target" 2>leaks.err && fail "leaks --now of what is sampled from outside"
grep -q "is sampled from outside, where its heap cannot be recorded" leaks.err || fail "leaks --now: $(cat leaks.err)"
burn "$target" 150
ask e
said="$(tail -1 out)"
end_attach "$target"
grep -q "sampled from outside, by perf_event with stack copies of 16 KiB, since process .* filters its system calls.*; its heap is not recorded" recorder.err ||
  fail "what is recorded in its place: $(cat recorder.err)"
"$FLARESTACK" info --format json t.flare >info.json
json_true info.json 'd["processes"][0]["sampling"] == "perf_rings" and d["processes"][0]["stack_copy_bytes"] == 16384 and "filters its system calls" in d["processes"][0]["heap_not_recorded"]' "what info and report say (1)"
json_true info.json 'len(d["processes"]) == 2 and d["processes"][0]["threads"] == 23 and d["processes"][1]["parent"] == d["processes"][0]["pid"]' "threads and a child that came later"
json_true info.json 'd["quality"]["complete"] and d["quality"]["samples"] > 500 and d["quality"]["stacks_truncated"] < 0.01 * d["quality"]["samples"]' "what info and report say (2)"
json_true info.json "abs(d['processes'][0]['cpu_ns'] / ($said * 1e9) - 1) < 0.02" "CPU time as the program says, $said s"
json_true info.json 'd["quality"]["unsampled_ns"] < 0.05 * d["quality"]["cpu_ns"]' "next to all of it is sampled"
"$FLARESTACK" report t.flare | tr -s '\n ' ' ' >report.txt
grep -q "from outside: perf_event with stack copies of 16 KiB" report.txt && grep -q "not recorded: process [0-9]* filters its system calls" report.txt || fail "$(cat report.txt)"
"$FLARESTACK" export t.flare --format collapsed -o t.collapsed
python3 - t.collapsed <<'PY' || fail "shares"
import sys
time = {}
for line in open(sys.argv[1]):
    stack, _, weight = line.rstrip().rpartition(" ")
    names = [frame.split(" [")[0] for frame in stack.split(";")]
    if "works" in names:
        leaf = [name for name in names if name in ("heavy", "light")]
        time[leaf[-1] if leaf else "?"] = time.get(leaf[-1] if leaf else "?", 0) + int(weight)
        if leaf:
            assert names.count("down") == 31 and names[names.index(leaf[-1]) - 1] == "both", stack
share = time["heavy"] / (time["heavy"] + time["light"])
print(time, share)
assert 0.70 < share < 0.80
assert time.get("?", 0) < 0.02 * sum(time.values())
PY
end 0

# What was asked for by name and cannot be had is an error, not silence.
begin ./work
for wish in "--heap exact" "--heap sampled" --leaks --no-cpu "--clock wall" "--timer posix"; do
  status=0
  # shellcheck disable=SC2086  # a wish is words
  timeout 20 "$FLARESTACK" attach "$target" $wish --duration 10ms -o no.flare >recorder.out 2>recorder.err || status=$?
  [ "$status" = 1 ] && [ "$(wc -l <recorder.err)" = 1 ] && grep -q "since process .* filters its system calls" recorder.err && [ ! -e no.flare ] ||
    fail "$wish: status $status: $(cat recorder.err)"
done
# A recorder that is killed leaves nothing: the program goes on, and can be recorded again.
begin_attach "$target" --quiet -o killed.flare
ask w
kill -9 "$(pgrep -P "$recorder" -x flarestack)"
wait "$recorder" 2>/dev/null || true
ask t
[ "$(grep -c . "/proc/$target/maps")" -lt 40 ] && ! grep -q libflarestack "/proc/$target/maps" || fail "something of ours is in the program"
timeout 60 "$FLARESTACK" attach "$target" --duration 300ms --quiet -o again.flare 2>recorder.err || fail "after a kill: $(cat recorder.err)"
"$FLARESTACK" info --format json again.flare >info.json
json_true info.json 'd["quality"]["complete"] and d["quality"]["samples"] > 50' "after a kill"
exec 3>&-
kill "$target"
wait "$target" 2>/dev/null || true

# What it forks and executes, from outside as well, or not.
cc_program execs -I"$SOURCE_DIR/tests/e2e/programs" -static <<'C'
#include "keep_agent_out.h"
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static volatile long sink;
__attribute__((noinline)) void spin(long n) { for (long i = 0; i < n; ++i) sink += i; }
int main(int count, char** arguments) {
  (void)arguments;
  if (count > 1) { while (clock() < CLOCKS_PER_SEC * 3 / 10) spin(100000); return 3; }
  keep_agent_out();
  if (getchar() == EOF) return 1;
  for (int i = 0; i < 2; ++i) {
    if (fork() == 0) { execl("./execs", "execs", "child", (char*)0); }
    wait(0);
  }
  return 5;
}
C
for option in --quiet --no-children; do
  begin ./execs
  begin_attach "$target" --quiet $option -o "x$option.flare"
  echo go >&3
  end 5
  end_attach
done
"$FLARESTACK" info --format json x--quiet.flare >info.json
json_true info.json '[(p["origin"], p["exit"]) for p in d["processes"]] == [("attach", 5), ("fork", None), ("exec", 3), ("fork", None), ("exec", 3)]'
json_true info.json 'sum(p["cpu_ns"] for p in d["processes"] if p["exit"] == 3) > 0.8 * d["quality"]["cpu_ns"]' "the time is the children's"
"$FLARESTACK" info --format json x--no-children.flare >info.json
json_true info.json 'len(d["processes"]) == 1'

# 32-bit code, by frame pointers, where the kernel runs it.
cat >loop.s <<'S'
.globl _start
.type spin, @function
spin: push %ebp
 mov %esp, %ebp
 mov $10000000, %ecx
1: dec %ecx
 jnz 1b
 pop %ebp
 ret
.size spin, . - spin
.type outer, @function
outer: push %ebp
 mov %esp, %ebp
 call spin
 pop %ebp
 ret
.size outer, . - outer
_start: xor %ebp, %ebp
2: call outer
 jmp 2b
S
as --32 loop.s -o loop.o && ld -m elf_i386 loop.o -o loop
if (timeout 1 ./loop || [ $? = 124 ]); then
  timeout 60 ./loop &
  timeout=$!
  for _ in $(seq 500); do target="$(pgrep -P "$timeout" -x loop)" && break; read -rt 0.01 <> <(:) || true; done
  timeout 60 "$FLARESTACK" attach "$target" --duration 500ms --quiet -o l.flare 2>recorder.err || fail "32-bit: $(cat recorder.err)"
  kill "$timeout"
  wait "$timeout" || true
  grep -q "since it runs 32-bit code" recorder.err || fail "$(cat recorder.err)"
  "$FLARESTACK" report --format json l.flare >report.json
  json_true report.json '{f["name"]: f["total"] > 0.9 * d["total"] for f in d["functions"] if f["name"] in ("spin", "outer")} == {"spin": True, "outer": True}' "32-bit stacks"
  json_true report.json 'd["quality"]["stacks_heuristic"] > 0.9 * d["quality"]["samples"]' "frame pointers of 32-bit code are a guess"
fi
