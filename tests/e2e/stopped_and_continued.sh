#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program stopped and continued from outside, again and again (SIGSTOP and SIGTSTP), and one that stops itself while its
# child works on: it goes on as without us, nobody waits for a stopped recorder, the time it is stopped is not its CPU time.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static volatile unsigned long sink;
static volatile sig_atomic_t continued;
static void on_cont(int number) { (void)number; ++continued; }
__attribute__((noinline)) void burn(long ms) {
  struct timespec from, now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
  do {
    for (int i = 0; i < 10000; ++i) sink = sink * 31 + 7;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  } while ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 < ms);
}
int main(int argc, char** argv) {
  signal(SIGCONT, on_cont);
  if (argc > 1 && strcmp(argv[1], "itself") == 0) {
    // The child works, starts a program, and continues its parent: all while that one is stopped.
    const pid_t child = fork();
    if (child == 0) {
      burn(300);
      const pid_t grandchild = fork();
      if (grandchild == 0) execl("/bin/true", "true", NULL);
      int status = -1;
      waitpid(grandchild, &status, 0);
      kill(getppid(), SIGCONT);
      _exit(status == 0 ? 5 : 6);
    }
    kill(getpid(), SIGSTOP);
    int status;
    waitpid(child, &status, 0);
    printf("child %d, continued %d\n", WEXITSTATUS(status), continued);
    return 8;
  }
  printf("%d\n", getpid());
  fflush(stdout);
  while (continued < 12) burn(10);
  burn(200);
  puts("done");
  return 9;
}
C

cat >stop.py <<'PYTHON'
import os, signal, subprocess, sys, time
def state(pid): return open("/proc/%d/stat" % pid).read().rsplit(") ", 1)[1][0]
def handled(pid): return not int(next(l for l in open("/proc/%d/status" % pid) if l.startswith("ShdPnd")).split()[1], 16) & 1 << 17
def until(what):
    end = time.time() + 30
    while not what():
        if time.time() > end:
            os.kill(pid, signal.SIGKILL)
            sys.exit("no progress")
        time.sleep(0.002)
program = subprocess.Popen(sys.argv[1:] + ["./target"], stdout=subprocess.PIPE)
pid = int(program.stdout.readline())
for i in range(12):
    # Its own group, as a shell makes it, has somebody who continues it: SIGTSTP stops it.
    os.kill(pid, signal.SIGTSTP if i % 3 == 0 else signal.SIGSTOP)
    until(lambda: state(pid) == "T")
    time.sleep((0, 0.05, 0.3)[i % 3])
    os.kill(pid, signal.SIGCONT)
    until(lambda: state(pid) != "T" and handled(pid))
print(program.stdout.read().decode().strip(), program.wait(40), sep=", ")
PYTHON
timeout 60 python3 stop.py >bare.out || fail "bare: $(cat bare.out)"
timeout 60 python3 stop.py "$FLARESTACK" record --quiet -o t.flare -- >recorded.out || fail "recorded: $(cat recorded.out)"
cmp bare.out recorded.out || fail "differ: $(diff bare.out recorded.out)"
grep -qx "done, 9" bare.out || fail "$(cat bare.out)"
"$FLARESTACK" info --format json t.flare >i.json
json_true i.json 'd["quality"]["complete"] and d["processes"][0]["exit"] == 9' "the trace"
# Stopped for more than a second of its life, which would be samples of nobody's.
json_true i.json 'd["duration_ns"] - d["quality"]["cpu_ns"] > 1e9' "time stopped"
json_true i.json 'abs(d["quality"]["accounted_cpu_ns"] - d["quality"]["cpu_ns"]) <= 0.02 * d["quality"]["cpu_ns"] + 2e6' "CPU time"
json_true i.json 'd["quality"]["samples"] + d["quality"]["counters"].get("kernel_ticks", 0) + d["quality"]["samples_dropped"] > 0.95 * (d["quality"]["cpu_ns"] - d["quality"]["unsampled_ns"]) / 1e6 - 5' "samples"

same_with_and_without ./target itself
grep -qx "child 5, continued 1" bare.out || fail "$(cat bare.out)"
"$FLARESTACK" info --format json t.flare >i.json
json_true i.json 'sorted(p["exit"] for p in d["processes"] if p["exit"] is not None)[-2:] == [5, 8] and d["not_recorded"] == []' "processes"
