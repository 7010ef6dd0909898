#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# System calls that block and that a signal handler makes fail with EINTR, whatever SA_RESTART says: each waits many times, by
# a timeout or until another thread wakes it, in a thread that works until the moment it waits, while others burn. None is
# interrupted, by the CPU clock at 1 and 10 kHz nor by the wall clock at its highest rate.
source "$(dirname "$0")/lib.sh"

cc_program target -Wno-unused-result <"$SOURCE_DIR/tests/e2e/programs/blocking_calls.c"

for options in "--cpu 1000" "--cpu 10000" "--clock wall --cpu 10000"; do
  RECORD_OPTIONS="$options" same_with_and_without ./target
  [ "$(grep -c ': 0 interrupted, 0 early, 0 lost, 0 failed, 15 done$' bare.out)" -ge 32 ] || fail "$(cat bare.out)"  # io_uring may be forbidden
done

# Nor by a tick in the moment in which the kernel goes on with a wait that a stop has cut short.
cc_program stopped_waits <"$SOURCE_DIR/tests/e2e/programs/stopped_waits.c"
for options in "--cpu 10000" "--cpu 10000 --timer perf-io"; do
  RECORD_OPTIONS="$options" same_with_and_without ./stopped_waits 20000
  [ "$(cat bare.out)" = "0 interrupted, status 0" ] || fail "$(cat bare.out)"
done

# Nor by a look for leaks, which stops all threads wherever they wait: again and again until the program has ended.
./target 200 >bare.out 2>bare.err </dev/null
timeout 100 "$FLARESTACK" record --quiet --no-cpu --no-children -o t.flare -- ./target 200 >recorded.out 2>recorded.err </dev/null &
recorder=$!
for _ in $(seq 1000); do
  target=$(pgrep -P "$(pgrep -P "$recorder" -x flarestack || echo 1)" -x target) && break
  read -rt 0.01 <> <(:) || true
done
while kill -0 "$target" 2>kill.err; do timeout 60 "$FLARESTACK" leaks --now "$target" --top 1 >now.out 2>now.err || true; done
status=0
wait "$recorder" || status=$?
[ "$status" = 0 ] || fail "looked at: status $status: $(tail -3 recorded.err)"
cmp bare.out recorded.out || fail "looked at, stdout differs: $(diff bare.out recorded.out | head -5 || true)"
cmp bare.err recorded.err || fail "looked at, stderr differs: $(diff bare.err recorded.err | head -5 || true)"
"$FLARESTACK" info --records t.flare >records
[ "$(grep -c '^leak_check .* problem=""' records)" -ge 20 ] || fail "checks: $(grep leak_check records)"

# A signal that is ignored is queued while the thread that it is for is traced, and wakes another one of the process.
cc_program forks <<'C'
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static volatile int stop;
static void* waits(void* argument) {
  long interrupted = 0;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  const struct timespec limit = {0, 3000000};
  while (!stop) if (sigtimedwait(&set, NULL, &limit) < 0 && errno == EINTR) ++interrupted;
  printf("%ld interrupted\n", interrupted);
  return argument;
}
static void* forks(void* argument) {
  while (!stop) {
    const pid_t child = fork();
    if (child == 0) { usleep(200); _exit(0); }
    while (waitpid(child, NULL, 0) < 0) {}
  }
  return argument;
}
int main(int argc, char** argv) {
  pthread_t ids[6];
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < 6; ++i) pthread_create(&ids[i], NULL, i < 4 ? waits : forks, NULL);
  const time_t end = time(NULL) + atoi(argv[argc - 1]);
  while (time(NULL) < end) usleep(100000);
  stop = 1;
  for (int i = 0; i < 6; ++i) pthread_join(ids[i], NULL);
  return 0;
}
C
timeout 100 "$FLARESTACK" record --quiet --no-cpu --no-children -o forks.flare -- ./forks 8 >recorded.out 2>recorded.err </dev/null &
recorder=$!
for _ in $(seq 1000); do
  target=$(pgrep -P "$(pgrep -P "$recorder" -x flarestack || echo 1)" -x forks) && break
  read -rt 0.01 <> <(:) || true
done
while kill -0 "$target" 2>kill.err; do timeout 60 "$FLARESTACK" leaks --now "$target" --top 1 >now.out 2>now.err || true; done
wait "$recorder" || fail "a program that forks, looked at: status $?: $(tail -3 recorded.err)"
[ "$(sort recorded.out | uniq -c | tr -s ' ')" = " 4 0 interrupted" ] || fail "ignored signals interrupt: $(cat recorded.out)"
