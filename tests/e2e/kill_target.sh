# SPDX-License-Identifier: Apache-2.0
# kill -9 of the target, at twenty seeded moments: what was in the rings is in the trace, which is complete and says what
# happened. One thread, four threads, and a child.
source "$(dirname "$0")/lib.sh"

cc_program victim -lpthread <<'EOS'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
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
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? 40 + WTERMSIG(status) : 1;
  }
  printf("%d\n", getpid()); fflush(stdout);
  for (int i = 0; i < threads; i++) { pthread_t thread; pthread_create(&thread, NULL, thread_main, NULL); }
  burn();
}
EOS

# kill_after MILLISECONDS THREADS: leaves t.flare and i.json, and the recorder's exit status in `status`.
kill_after() {
  mkfifo pids
  timeout 60 "$FLARESTACK" record --quiet -o t.flare -- ./victim "$2" >pids 2>err </dev/null &
  local recorder=$! victim
  read -r victim <pids
  sleep "0.$(printf %03d "$1")"
  kill -KILL "$victim"
  status=0
  wait "$recorder" || status=$?
  rm pids
  [ ! -s err ] || fail "stderr after $1 ms: $(cat err)"
  "$FLARESTACK" info --format json t.flare >i.json || fail "info cannot read what was left after $1 ms"
  json_true i.json 'd["quality"]["complete"] and d["quality"]["damage"] == []' "killed after $1 ms"
  # All of its CPU time is there: what was not sampled is [startup] or [kernel]. A thread's phase is random: a tick each way; and of
  # a child that its parent has reaped, the kernel's account is that of the last drain, up to 50 ms old.
  json_true i.json '(lambda q: abs(q["accounted_cpu_ns"] - q["cpu_ns"]) <= 0.02 * q["cpu_ns"] + 1e6 * sum(p["threads"] for p in d["processes"]) + 50e6)(d["quality"])' \
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
done

# A second of work is a second of samples, up to the last drop: the ring outlives the target.
kill_after 999 0
"$FLARESTACK" report --format json t.flare >r.json
json_true r.json 'd["functions"][0]["name"] == "burn"' "the burning function"
json_true i.json 'd["quality"]["samples"] >= 0.95 * (d["processes"][0]["cpu_ns"] - 10e6) / 1e6' "samples of a second"
