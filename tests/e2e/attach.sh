#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# attach PID: a program of several threads, which counts for itself, is recorded while it runs and lives on unharmed;
# again and again; detach from elsewhere; a recorder that is killed. Needs ptrace.
source "$(dirname "$0")/lib.sh"

cc_program works -I"$SOURCE_DIR/tests/e2e/programs" <<'C'
#include "works.h"
#include <stdlib.h>
#include <string.h>
static volatile int window;
static volatile long rounds[4], counted[4], leaked;
__attribute__((noinline)) void* site_kept(size_t size) { return memset(malloc(size), 1, size); }
__attribute__((noinline)) void* site_lost(size_t size) { return memset(malloc(size), 1, size); }
__attribute__((noinline)) void site_busy(void) { for (volatile int i = 0; i < 3000; ++i) {} }
static void* works(void* argument) {
  const long number = (long)argument;
  while (!stop) {
    const int in_window = window;
    void* block = malloc(200 + number);
    if (in_window) ++counted[number];
    site_busy();
    free(block);
    ++rounds[number];
  }
  return argument;
}
static void* passes(void* argument) { site_busy(); free(malloc(50)); return argument; }
int main(void) {
  pthread_t ids[5];
  void* before = site_kept(1000);
  for (long i = 0; i < 4; ++i) pthread_create(&ids[i], NULL, works, (void*)i);
  pthread_create(&ids[4], NULL, waits, NULL);
  char line[20];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (line[0] == 'w') {  // whether all have worked since
      printf("%d work\n", go_on(rounds, 4));
    } else if (line[0] == 'l') {  // loses a block, and has threads come and go
      pthread_t id;
      for (int i = 0; i < 20; ++i) if (pthread_create(&id, NULL, passes, NULL) == 0) pthread_join(id, NULL);
      site_lost(77);
      ++leaked;
      printf("lost\n");
    } else if (line[0] == 'f') {
      free(before);
      before = NULL;
      printf("freed\n");
    }
    fflush(stdout);
  }
  stop = 1;
  for (int i = 0; i < 5; ++i) pthread_join(ids[i], NULL);
  puts("done");
  return 5;
}
C

begin ./works
ask w

# Until it is told to end.
begin_attach "$target" -o one.flare >recorder.out
ask w
ask l
ask f
ask l
timeout 60 "$FLARESTACK" leaks --now "$target" --format json >now.json || fail "leaks --now: $?"
json_true now.json '[(s["blocks"], s["bytes"]) for s in d["sites"] if s["stack"][0]["function"] == "site_lost" and s["verdict"] == "definitely_lost"] == [(2, 154)]' "leaks --now"
ask w
end_attach "$target"
ask w
"$FLARESTACK" info --format json one.flare >info.json
json_true info.json 'd["quality"]["heap_events_lost"] == 0 and d["quality"]["complete"] and d["quality"]["samples"] > 50 and d["quality"]["foreign_frees"] >= 1'
"$FLARESTACK" report --format json one.flare >report.json
json_true report.json '[f["total"] for f in d["functions"] if f["name"] == "works"][0] > 0.8 * d["total"]' "all the time is in works()"
"$FLARESTACK" leaks --format json one.flare >leaks.json
json_true leaks.json 'd["summary"]["definitely_lost"] == {"bytes": 154, "blocks": 2}' "leaks at the end"

# All of ours is far from where the program's own mappings are, and go.
python3 - "$target" <<'PYTHON' || fail "ours lies among the program's: $(cat "/proc/$target/maps")"
import sys
lines = [line.split() for line in open(f"/proc/{sys.argv[1]}/maps")]
libc = min(int(line[0].split("-")[0], 16) for line in lines if line[-1].endswith("/libc.so.6"))
ours = [int(line[0].split("-")[1], 16) for line in lines if "flarestack" in line[-1] or "/memfd:" in " ".join(line)]
sys.exit(not ours or max(ours) > libc - 2**40)
PYTHON

# Sampled in between, which the next one must not be.
timeout 60 "$FLARESTACK" attach "$target" --heap sampled --duration 150ms --quiet -o sampled.flare || fail "attach --heap sampled: $?"
ask w

# Again and again: each time all threads are seen to work, and it takes no more memory than once.
memory() { awk '/^VmSize|^RssShmem/ {print $2}' "/proc/$target/status"; }
mapfile -t once < <(memory)
for round in 1 2 3 4 5 6 7 8; do
  begin_attach "$target" --quiet -o again.flare
  burn "$target" 5
  end_attach "$target"
  ask w
  "$FLARESTACK" info --format json again.flare >info.json
  json_true info.json 'd["quality"]["heap_events"] > 100 and d["quality"]["heap_events_lost"] == 0 and d["quality"]["complete"]' "round $round"
done

mapfile -t often < <(memory)
[ "${often[0]}" -lt $((once[0] + 100000)) ] || fail "address space: ${once[0]} kB, then ${often[0]}"
[ "${often[1]}" -lt $((once[1] + 4000)) ] || fail "shared memory: ${once[1]} kB, then ${often[1]}"

# A recorder that is killed: the program goes on, and the next one finds all as it should be.
begin_attach "$target" --quiet -o killed.flare
kill -9 "$(pgrep -P "$recorder" -x flarestack)"
wait "$recorder" 2>/dev/null || true
ask w
timeout 60 "$FLARESTACK" detach "$target" || fail "detach from a recorder that is gone: $?"
ask w
timeout 60 "$FLARESTACK" attach "$target" --duration 1s --quiet -o after.flare || fail "attach after a kill: $?"
"$FLARESTACK" info --format json after.flare >info.json
json_true info.json 'd["quality"]["heap_events"] > 100 and d["quality"]["samples"] > 10 and d["quality"]["complete"]' "after a kill"

status=0
timeout 20 "$FLARESTACK" detach "$target" 2>err || status=$?
[ "$status" = 1 ] && grep -q "is not being recorded" err || fail "detach of a process that is not recorded: $status: $(cat err)"
end 5
diff <(sort -u out) - <<'END' || fail "the program noticed"
4 work
done
freed
lost
END
