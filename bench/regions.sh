#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What flarestack_begin() and flarestack_end() cost a pair, bare and recorded. Usage: bench/regions.sh [BUILD], build by default.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
build="$(cd "${1:-$root/build}" && pwd)"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/pairs.c" <<'PROGRAM'
#include <stdio.h>
#include <time.h>
#include "flarestack.h"
int main(void) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < 1000000; ++i) {
      flarestack_end(flarestack_begin("empty"));
      __asm__ volatile("" ::: "memory");
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / 1e6;
    best = ns < best ? ns : best;
  }
  printf("%.2f ns a pair\n", best);
}
PROGRAM
gcc -std=gnu99 -O2 -I"$root/include" "$scratch/pairs.c" -o "$scratch/pairs"
printf '%-13s' bare
"$scratch/pairs"
for options in --no-heap --heap=exact; do
  printf '%-13s' "$options"
  timeout 100 "$build/flarestack" record --quiet "$options" -o "$scratch/t.flare" -- "$scratch/pairs"
done
