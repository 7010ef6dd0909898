# SPDX-License-Identifier: Apache-2.0
# kill -9 of the recorder: the program goes on as if nothing had happened, its timers come down, and what was written is a
# readable trace that says so.
source "$(dirname "$0")/lib.sh"

# Burns CPU in two threads for the given seconds, starts a child, and ends with a status of its own. At the end it says
# how many of our perf pages it still has mapped.
cc_program survivor -lpthread <<'EOS'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
volatile unsigned long sink;
static double seconds;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
__attribute__((noinline)) void* burn(void* arg) {
  for (double end = now() + seconds; now() < end;)
    for (int i = 0; i < 1000; i++) sink = sink * 31 + 7;
  return arg;
}
int main(int argc, char** argv) {
  seconds = argc > 1 ? atof(argv[1]) : 1;
  printf("%d\n", getppid()); fflush(stdout);
  pthread_t thread;
  pthread_create(&thread, NULL, burn, NULL);
  burn(NULL);
  pthread_join(thread, NULL);
  if (system("echo a child runs; exit 3") != 3 << 8) return 1;
  int pages = 0;
  char line[512];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof(line), maps)) pages += strstr(line, "[perf_event]") != NULL;
  printf("perf pages: %d\n", pages);
  return 42;
}
EOS

# kill_after MILLISECONDS SECONDS-OF-LIFE: the survivor's stdout goes to `out`, its status to `status`.
kill_after() {
  mkfifo pids
  # The shell in between outlives the recorder and takes the program's status from it.
  timeout 60 "$FLARESTACK" record --quiet -o t.flare -- \
    sh -c './survivor "$1" >pids 2>err; echo "$?" >status.new; mv status.new status' sh "$2" </dev/null &
  local recorder_shell=$!
  exec 3<pids
  read -r _ <&3
  local recorder
  recorder="$(pgrep -P "$recorder_shell" -f 'record --quiet')"
  sleep "0.$(printf %03d "$1")"
  kill -KILL "$recorder"
  wait "$recorder_shell" 2>/dev/null || true
  cat <&3 >out
  exec 3<&-
  for _ in $(seq 100); do [ -e status ] && break; sleep 0.05; done
  [ "$(cat status)" = 42 ] || fail "exit status $(cat status) of a program whose recorder was killed after $1 ms"
  grep -q '^a child runs$' out || fail "a child of a program without recorder: $(cat out)"
  [ ! -s err ] || fail "its stderr: $(cat err)"
  rm pids status
}

RANDOM=1234
for _ in $(seq 8); do
  kill_after $((RANDOM % 500)) 0.6
  for command in report tree info 'export --format collapsed'; do
    $FLARESTACK $command t.flare >text 2>&1 || fail "$command on what was left: $(cat text)"
  done
  "$FLARESTACK" report t.flare >text 2>&1
  grep -q 'stopped before it finished' text || fail "report does not say what happened: $(cat text)"
  "$FLARESTACK" info --format json t.flare >i.json
  json_true i.json 'd["quality"]["complete"] is False' "a recorder that was killed"
done

# Long after: the timers are gone, and nobody died of a signal without a handler.
kill_after 500 8
grep -q '^perf pages: 0$' out || fail "the timers are still there 7 s after the recorder: $(cat out)"
