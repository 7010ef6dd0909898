# SPDX-License-Identifier: Apache-2.0
# A target that finds its session region among its own mappings and writes garbage there while it is drained: the recorder
# neither crashes nor hangs, and what it writes is a readable trace. HOSTILE_RECORDER names another recorder, with sanitizers.
source "$(dirname "$0")/lib.sh"

cc_program hostile -lpthread <<'EOS'
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static uint64_t seed;
static uint64_t draw(void) { seed ^= seed << 13; seed ^= seed >> 7; return seed ^= seed << 17; }
static double now(void) { struct timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
// Values that mean something to whoever reads them: small counts, limits, addresses, times, anything.
static uint64_t value(void) {
  switch (draw() % 8) {
    case 0: return draw() % 8;
    case 1: return draw() % 65536 * 8;
    case 2: return UINT64_MAX - draw() % 64;
    case 3: return (uint64_t)1 << draw() % 64;
    case 4: return (draw() % 5) | (draw() % 256) << 8 | (draw() % 64) << 16 | (draw() % 4) << 32;  // a record's header
    case 5: return (uint64_t)&value + draw() % 4096;
    case 6: { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000UL + t.tv_nsec; }
    default: return draw();
  }
}
int main(int argc, char** argv) {
  seed = strtoull(argv[1], NULL, 10) * 0x9E3779B97F4A7C15 + 1;
  signal(SIGPIPE, SIG_IGN);
  sigset_t all;  // this program's own handlers and timers are not the point
  sigfillset(&all);
  syscall(14 /* rt_sigprocmask */, SIG_BLOCK, &all, NULL, 8);
  uint64_t low = 0, high = 0;
  char line[512];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof(line), maps))
    if (strstr(line, "memfd:flarestack") && sscanf(line, "%lx-%lx", &low, &high) == 2) break;
  if (low == 0) return 1;
  // Pages that the recorder looks at: the session page, the slots, the module log, the rings of the first slots.
  const uint64_t hot = atoi(argv[2]) ? 4096 + 1024 * 128 + 262144 + 4 * 65536 : 0;
  for (double end = now() + atof(argv[3]); now() < end;) {
    for (int i = 0; i < 20000; i++) {
      const uint64_t offset = draw() % ((hot ? hot : high - low) / 8) * 8;
      // Not the sample signal, which this process would have to live with.
      if (offset >= 64) *(volatile uint64_t*)(low + offset) = value();
    }
  }
  _exit(40 + argc);
}
EOS

recorder="${HOSTILE_RECORDER:-$FLARESTACK}"
damaged=0
for seed in 1 2 3 4 5 6; do
  status=0
  timeout 60 "$recorder" record --quiet --cpu 5000 -o t.flare -- ./hostile "$seed" $((seed % 3)) 0.7 >out 2>err </dev/null || status=$?
  [ "$status" = 44 ] || fail "seed $seed: exit status $status, stderr: $(head -30 err)"
  [ ! -s err ] || fail "seed $seed: stderr: $(head -30 err)"
  for command in report 'info --format json' 'info --records' 'export --format collapsed' 'flamegraph -o x.svg'; do
    timeout 60 "$FLARESTACK" $command t.flare >text 2>&1 || fail "seed $seed: $command: $(tail -3 text)"
  done
  "$FLARESTACK" info --format json t.flare >i.json
  json_true i.json '(d["quality"]["complete"] or d["quality"]["heap_events_lost"]) and d["processes"][0]["exit"] == 44' "seed $seed"
  damaged=$((damaged + $(json i.json 'd["quality"]["counters"].get("damaged_records", 0)')))
done
# It was noticed.
[ "$damaged" -gt 0 ] || fail "no damage was seen"
