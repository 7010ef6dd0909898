#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A sampled heap, of blocks of 16 bytes, of 1 MiB and between, in four threads: what is estimated lies around the truth as its
# own confidence interval says, frees are told apart by the sampled blocks alone, and what is live at the end is nearly
# exact where blocks are big. LONG_TESTS=1: 60 runs in place of 8.
source "$(dirname "$0")/lib.sh"

cc_program target -fno-builtin <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#define SITE __attribute__((noinline, noclone))
#define KEEP(what) ({ void* block_ = (what); __asm__ volatile("" ::"r"(block_) : "memory"); block_; })
SITE void* site_small(void) { return KEEP(malloc(16)); }
SITE void* site_big(void) { return KEEP(malloc(1 << 20)); }
SITE void* site_middle(size_t size) { return KEEP(malloc(size)); }
SITE void* site_grown(void* old, size_t size) { return KEEP(realloc(old, size)); }
static long allocations, bytes, live;
static void* thread(void* argument) {
  long here = 0, all = 0, left = 0;
  void* other = NULL;
  for (long i = 1; i <= 200000; ++i) {
    void* block = site_small();
    ++here; all += 16;
    if (i % 200 == 0) left += 16; else free(block);
    if (i % 4000 == 0) {
      block = site_big();
      ++here; all += 1 << 20;
      if (i % 20000 == 0) left += 1 << 20; else free(block);
    }
    if (i % 10 == 0) {
      other = site_grown(site_middle((size_t)i % 5000 + 1), (size_t)i % 9000 + 1);
      here += 2; all += i % 5000 + i % 9000 + 2;
      if (i % 1000 == 0) left += i % 9000 + 1; else free(other);
    }
  }
  __atomic_add_fetch(&allocations, here, __ATOMIC_RELAXED);
  __atomic_add_fetch(&bytes, all, __ATOMIC_RELAXED);
  __atomic_add_fetch(&live, left, __ATOMIC_RELAXED);
  return argument;
}
int main(void) {
  pthread_t ids[4];
  for (int i = 0; i < 4; ++i) pthread_create(&ids[i], NULL, thread, NULL);
  for (int i = 0; i < 4; ++i) pthread_join(ids[i], NULL);
  printf("%ld %ld %ld\n", allocations, bytes, live);
  return 6;
}
C
runs=8
[ "${LONG_TESTS:-0}" != 1 ] || runs=60
RECORD_OPTIONS="--heap sampled:16384" same_with_and_without ./target
for run in $(seq "$runs"); do
  "$FLARESTACK" record --quiet --no-cpu --heap sampled:16384 -o t.flare -- ./target >/dev/null || [ $? = 6 ]
  "$FLARESTACK" report --metric allocated --format json -o "run$run.json" t.flare
done
# One run in twenty is outside of its interval; none is three times outside (six standard deviations); and the errors of
# all together cancel out. The bounds fail for a right estimate less than once in 10 000 runs of this test.
python3 - "$runs" $(cat bare.out) <<'P' || fail "the estimates are not what they say"
import json, math, sys
runs, allocations, allocated, live = map(int, sys.argv[1:])
for key, truth in ("allocations", allocations), ("allocated_bytes", allocated):
    errors = []
    for run in range(1, runs + 1):
        heap = json.load(open(f"run{run}.json"))["heap"]
        assert heap["mode"] == "sampled" and heap["sample_bytes"] == 16384
        assert heap["foreign_frees"] == heap["ambiguous_frees"] == heap["events_lost"] == 0, heap
        assert heap["events"] < 0.4 * allocations, heap["events"]
        assert abs(heap["live_bytes_at_end"] - live) < 0.05 * live, (heap["live_bytes_at_end"], live)
        assert heap["peak_bytes"] >= heap["live_bytes_at_end"]
        assert 0.8 * heap["deallocations"] < heap["temporary_allocations"] <= heap["deallocations"], heap
        errors.append((heap[key] - truth) / heap["confidence_95"][key])
    outside = sum(abs(e) > 1 for e in errors)
    print(key, truth, "outside", outside, "of", runs, "mean", sum(errors) / runs, "widest", max(map(abs, errors)))
    assert max(map(abs, errors)) < 3 and outside <= runs * 0.05 + 4 * math.sqrt(runs * 0.05 * 0.95) + 1
    assert abs(sum(errors) / runs) < 4.5 / 1.96 / math.sqrt(runs)
P
