# SPDX-License-Identifier: Apache-2.0
# The recorder stopped for seconds and continued, and told to end: the program goes its own way, and the trace is complete.
source "$(dirname "$0")/lib.sh"

cc_program worker <<'EOS'
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
volatile unsigned long sink;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
__attribute__((noinline)) void burn(double seconds) {
  for (double end = now() + seconds; now() < end;)
    for (int i = 0; i < 1000; i++) sink = sink * 31 + 7;
}
static void on_term(int signal) { if (write(1, "told to end\n", 12) < 0) _exit(1); _exit(40 + signal); }
int main(int argc, char** argv) {
  signal(SIGTERM, on_term);
  puts("started"); fflush(stdout);
  open("go", O_RDONLY);  // a FIFO, where the test has made one: until it is written to
  if (system("exit 5") != 5 << 8) return 1;
  burn(atof(argv[1]));
  if (system("exit 6") != 6 << 8) return 1;
  puts("done");
  return argc;
}
EOS

# start SECONDS: the worker's first line has been read from descriptor 3 when it returns; `recorder` is the pid.
start() {
  mkfifo out
  "$FLARESTACK" record --quiet -o t.flare -- ./worker "$1" >out 2>err </dev/null &
  recorder=$!
  exec 3<out
  read -r _ <&3
}
# finish STATUS LAST-LINE
finish() {
  local status=0
  [ "$(cat <&3)" = "$2" ] || fail "stdout is not '$2'"
  wait "$recorder" || status=$?
  exec 3<&-
  rm out
  [ "$status" = "$1" ] || fail "exit status $status, not $1"
  [ ! -s err ] || fail "stderr: $(cat err)"
  "$FLARESTACK" info --format json t.flare >i.json
  json_true i.json 'd["quality"]["complete"]' "trace"
}

# Stopped for three seconds, in which the program works on and starts a child, which waits for its session.
start 1.5
kill -STOP "$recorder"
sleep 3
kill -CONT "$recorder"
finish 2 'done'
json_true i.json 'len(d["processes"]) == 3 and [p["exit"] for p in d["processes"]].count(6) == 1' "processes"
# A ring holds seconds of samples of a program that stays in one place; what did not fit is counted, never silent.
json_true i.json 'd["quality"]["samples"] + d["quality"]["samples_dropped"] + d["quality"]["counters"].get("kernel_ticks", 0) >= 0.97 * (d["quality"]["cpu_ns"] - d["quality"]["unsampled_ns"]) / 1e6 - 5' "samples"

# Stopped for longer than the first child waits for its session: it is on its own, and listed.
mkfifo go
start 0.1
kill -STOP "$recorder"
timeout 10 sh -c ': >go' || fail "the program does not wait"
rm go
sleep 6.5
kill -CONT "$recorder"
finish 2 'done'
json_true i.json 'len(d["processes"]) == 2 and len(d["not_recorded"]) == 1' "a child that gave up"

start 30
kill -TERM "$recorder"
finish 55 'told to end'
json_true i.json 'd["processes"][0]["exit"] == 55' "exit status"

# SIGINT to the recorder alone is not for the program: from a terminal it would have got its own.
start 0.5
kill -INT "$recorder"
finish 2 'done'

# Once the program has ended, it means: follow its children no longer.
cat >daemon.sh <<'EOS'
(trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done) &
echo $! >daemon.pid
EOS
mkfifo out
"$FLARESTACK" record --quiet -o t.flare -- sh daemon.sh >out 2>err </dev/null &
recorder=$!
exec 3<out
read -r _ <&3
for _ in $(seq 100); do [ -z "$(ps -o pid= --ppid "$recorder")" ] && break; sleep 0.02; done
sleep 0.2
kill -INT "$recorder"
status=0; wait "$recorder" || status=$?
kill -0 "$(cat daemon.pid)" || fail "the daemon died with its recording"
[ "$status" = 0 ] || fail "exit status $status after SIGINT with a daemon"
kill -TERM "$(cat daemon.pid)"
"$FLARESTACK" info --format json t.flare >i.json
json_true i.json 'd["quality"]["complete"] and [p["end"]["kind"] for p in d["processes"]].count("still_running") >= 1' "daemon"
