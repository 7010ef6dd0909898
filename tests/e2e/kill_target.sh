# SPDX-License-Identifier: Apache-2.0
# kill -9 of the target, at twenty seeded moments: what was in the rings is in the trace, which is complete and says what
# happened. One thread, four threads, and a child.
source "$(dirname "$0")/lib.sh"

cc_program victim -lpthread <<'EOS'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
volatile unsigned long sink;
__attribute__((noinline)) void burn(void) { for (;;) sink = sink * 31 + 7; }
void* thread_main(void* arg) { burn(); return arg; }
int main(int argc, char** argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 0;
  if (threads < 0) {
    pid_t child = fork();
    if (child == 0) burn();
    printf("%d\n", child); fflush(stdout);
    int status = 0;
    struct rusage used;
    wait4(child, &status, 0, &used);
    printf("%.3f\n", (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-3);
    return WIFSIGNALED(status) ? 40 + WTERMSIG(status) : 1;
  }
  printf("%d\n", getpid()); fflush(stdout);
  for (int i = 0; i < threads; i++) { pthread_t thread; pthread_create(&thread, NULL, thread_main, NULL); }
  burn();
}
EOS

# kill_after MILLISECONDS THREADS: leaves t.flare and i.json, the recorder's exit status in `status`, and what the victim said
# of its child's CPU time, in ms, in `child_ms`.
kill_after() {
  mkfifo pids
  timeout 60 "$FLARESTACK" record --quiet -o t.flare -- ./victim "$2" >pids 2>err </dev/null &
  local recorder=$! victim
  exec 3<pids
  read -r victim <&3
  sleep "0.$(printf %03d "$1")"
  kill -KILL "$victim"
  status=0
  read -r child_ms <&3 || child_ms=
  exec 3<&-
  wait "$recorder" || status=$?
  rm pids
  [ ! -s err ] || fail "stderr after $1 ms: $(cat err)"
  "$FLARESTACK" info --format json t.flare >i.json || fail "info cannot read what was left after $1 ms"
  json_true i.json 'd["quality"]["complete"] and d["quality"]["damage"] == []' "killed after $1 ms"
  # All of its CPU time is there: what was not sampled is [startup] or [kernel]. A thread's phase is random: a tick each way.
  json_true i.json '(lambda q: abs(q["accounted_cpu_ns"] - q["cpu_ns"]) <= 0.02 * q["cpu_ns"] + 1e6 * sum(p["threads"] for p in d["processes"]))(d["quality"])' \
    "killed after $1 ms"
}

RANDOM=4711
for round in $(seq 20); do
  threads=$((round % 2 * 4))
  kill_after $((RANDOM % 400)) "$threads"
  [ "$status" = 137 ] || fail "round $round: exit status $status"
  json_true i.json 'd["processes"][0]["end"] == {"kind": "signaled", "signal": 9}' "round $round"
done
for round in 1 2 3; do
  kill_after $((RANDOM % 400)) -1
  [ "$status" = 49 ] || fail "child: exit status $status"
  json_true i.json '[p["exit"] for p in d["processes"]] == [49, 137]' "child"
  # Reaped before the recorder could look: the samples tell, but for a last tick and what the kernel did behind it.
  json_true i.json "abs(d['processes'][1]['cpu_ns'] / 1e6 - $child_ms) <= 0.02 * $child_ms + 3" "a child of $child_ms ms"
done

# A second of work is a second of samples, up to the last drop: the ring outlives the target.
kill_after 999 0
"$FLARESTACK" report --format json t.flare >r.json
json_true r.json 'd["functions"][0]["name"] == "burn"' "the burning function"
json_true i.json 'd["quality"]["samples"] >= 0.95 * (d["processes"][0]["cpu_ns"] - 10e6) / 1e6' "samples of a second"
