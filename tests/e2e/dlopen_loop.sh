#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two libraries loaded and unloaded in turn at the same address, with other functions and other frames: each function has
# its own share of the time and its own callers, never those of the library that was there before.
source "$(dirname "$0")/lib.sh"

# library NAME OUTER-FRAME INNER-FRAME PADDING: NAME_entry -> NAME_outer -> NAME_inner, which works.
library() {
  cat >"$1.c" <<C
__attribute__((noinline)) int $1_before(int i) { volatile int a[$4]; for (int k = 0; k < $4; ++k) a[k] = i * k; return a[i % $4]; }
__attribute__((noinline)) int $1_inner(long n) {
  volatile unsigned long frame[$3];
  for (int i = 0; i < $3; ++i) frame[i] = (unsigned long)i;
  for (long i = 0; i < n; ++i) frame[i % $3] = frame[(i + 1) % $3] * 31 + 7;
  return (int)(frame[0] & 1);
}
__attribute__((noinline)) int $1_outer(int depth, long n) {
  volatile char frame[$2];
  frame[0] = (char)depth;
  return (depth == 0 ? $1_inner(n) : $1_outer(depth - 1, n)) + frame[0];
}
int entry(long n) { return $1_outer(3, n) + $1_before(5) + 1; }
C
  gcc -O1 -g -fno-inline -fno-optimize-sibling-calls -fno-ipa-icf "${@:5}" -shared -fPIC -o "lib$1.so" "$1.c"
}
library red 40 3 7
library blue 1000 90 33 -fno-omit-frame-pointer

cc_program target -ldl <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <time.h>
static int (*entry)(long);
static long cpu_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
__attribute__((noinline)) static void use_library(long us) {
  for (long end = cpu_us() + us; cpu_us() < end;) if (entry(20000) == 0) return;
}
int main(void) {
  const char* paths[] = {"./libred.so", "./libblue.so"};
  long used[2] = {0, 0};
  unsigned long first = 0;
  int moved = 0, rounds = 0;
  for (; rounds < 300; ++rounds) {
    void* library = dlopen(paths[rounds % 2], RTLD_NOW);
    if (library == NULL) { puts(dlerror()); return 1; }
    entry = (int (*)(long))dlsym(library, "entry");
    struct link_map* map;
    if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return 2;
    if (first == 0) first = map->l_addr;
    moved += map->l_addr != first;
    long from = cpu_us();
    use_library(rounds % 2 ? 1000 : 3000);
    used[rounds % 2] += cpu_us() - from;
    if (dlclose(library) != 0) return 3;
  }
  printf("%d rounds, %d not at the same address\n", rounds, moved);
  char line[4096];
  FILE* from = fopen("/proc/self/maps", "r");
  FILE* to = fopen("maps", "w");
  while (fgets(line, sizeof line, from) != NULL) fputs(line, to);
  fclose(from);
  fclose(to);
  FILE* truth = fopen("truth", "w");
  fprintf(truth, "%.4f\n", (double)used[0] / (double)(used[0] + used[1]));
  return fclose(truth);
}
C

for options in "--cpu 10000" "--cpu 1000" "--timer posix"; do
  RECORD_OPTIONS="$options" same_with_and_without ./target
  # The trap is one only if it closes.
  grep -qx "300 rounds, 0 not at the same address" bare.out || fail "$(cat bare.out)"
  # What the agent maps is far below all libraries, whose holes it must not fill.
  python3 - maps <<'PYTHON' || { cat maps >&2; fail "the agent's memory is among the program's, $options"; }
import sys
mappings = [(int(line.split("-")[0], 16), line.split()[5:]) for line in open(sys.argv[1])]
ours = [start for start, path in mappings if path and "flarestack" in path[0] and not path[0].endswith(".so")]
libraries = [start for start, path in mappings if path and "/lib" in path[0] and ".so" in path[0]]
assert ours and libraries and max(ours) + 2**40 < min(libraries), (ours, libraries)
PYTHON
  "$FLARESTACK" export --format collapsed --no-inline t.flare -o t.collapsed
  python3 - t.collapsed "$(cat truth)" "$options" <<'PYTHON' || { head -20 t.collapsed >&2; fail "stacks, $options"; }
import sys
red = blue = lost = 0
for line in open(sys.argv[1]):
    stack, weight = line.rsplit(" ", 1)
    frames, weight = stack.split(";"), int(weight)
    kinds = {k for k in ("red", "blue") for f in frames if f.startswith(k + "_")}
    assert len(kinds) < 2, "a stack of two libraries: " + line
    if not kinds:
        lost += weight * ("use_library" in frames and frames[-1] != "use_library" and "entry" not in frames and "clock" not in stack and "[" not in frames[-1])
        continue
    kind = kinds.pop()
    at = frames.index("use_library")
    inner = [f.removesuffix("@plt") for f in frames[at + 1:] if not f.startswith("[")]
    for i, f in enumerate(inner):
        if f.startswith("_dl_"):  # the first call of each function goes through the loader
            inner = inner[:i]
            break
    assert frames[at - 1] == "main" and inner[0] == "entry", line
    assert inner[1:] in ([kind + "_outer"] * n + tail for n in range(5) for tail in ([], [kind + "_inner"], [kind + "_before"])), line
    red, blue = red + weight * (kind == "red"), blue + weight * (kind == "blue")
total = red + blue + lost
print(red / (red + blue), sys.argv[2], lost / total)
# The ticks of the POSIX timer are in step with rounds of milliseconds.
assert abs(red / (red + blue) - float(sys.argv[2])) < 0.03 or "posix" in sys.argv[3], "shares"
assert lost < 0.02 * total, "time in no library"
PYTHON
done
