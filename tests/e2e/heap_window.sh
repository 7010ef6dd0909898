#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --from and --to of a heap: what was allocated within, and the peak of that time alone, with whose bytes it was.
source "$(dirname "$0")/lib.sh"

cc_program phases -fno-builtin <<'C'
#include <stdlib.h>
#include <unistd.h>
#define SITE __attribute__((noinline, noclone))
#define KEEP(what) ({ void* block_ = (what); __asm__ volatile("" ::"r"(block_) : "memory"); block_; })
SITE void* site_kept(size_t size) { return KEEP(malloc(size)); }
SITE void* site_first(size_t size) { return KEEP(malloc(size)); }
SITE void* site_second(size_t size) { return KEEP(malloc(size)); }
int main(void) {
  void* blocks[10];
  site_kept(1000000);
  for (int i = 0; i < 10; ++i) blocks[i] = site_first(1000000);
  for (int i = 0; i < 10; ++i) free(blocks[i]);
  usleep(1500000);  // two phases that no busy machine can merge
  for (int i = 0; i < 3; ++i) blocks[i] = site_second(1000000);
  for (int i = 0; i < 3; ++i) free(blocks[i]);
  return 6;
}
C
same_with_and_without ./phases
# numbers METRIC OPTIONS...: by function, and of the heap.
numbers() {
  "$FLARESTACK" report --metric "$1" "${@:2}" --format json t.flare >r.json
  json r.json '" ".join("%s=%d" % (f["name"], f["self"]) for f in sorted(d["functions"], key=lambda f: f["name"]) if f["self"]) + " total=%d" % d["total"]'
}
expect() { [ "$1" = "$2" ] || fail "$3: $1 in place of $2"; }
expect "$(numbers peak)" "site_first=10000000 site_kept=1000000 total=11000000" "all of it"
split="$(json r.json 'd["heap"]["peak_time_ns"] // 1000000 + 800')ms"
expect "$(numbers peak --from "$split")" "site_kept=1000000 site_second=3000000 total=4000000" "--from $split"
expect "$(numbers peak --to "$split")" "site_first=10000000 site_kept=1000000 total=11000000" "--to $split"
expect "$(numbers allocated --from "$split")" "site_second=3000000 total=3000000" "allocated --from $split"
expect "$(numbers allocations --to "$split")" "site_first=10 site_kept=1 total=11" "allocations --to $split"
expect "$(numbers live --to "$split")" "site_kept=1000000 total=1000000" "live --to $split"
expect "$(numbers temporary --from "$split")" "site_second=1 total=1" "temporary --from $split"
