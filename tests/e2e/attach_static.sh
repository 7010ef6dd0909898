#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attaching to programs that bring their own libc (glibc, at a fixed place and anywhere; musl) or run on musl's: threads,
# what they allocate while they are attached to, to the byte, a leak, a child; again and again; and stripped ones, whose
# heap has no names. ATTACH_CYCLES: how often (3; ./check --attach: 100). Needs ptrace.
source "$(dirname "$0")/lib.sh"
cycles="${ATTACH_CYCLES:-3}"

cat >works.c <<'C'
#include "works.h"
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#define SITE __attribute__((noinline, noclone))
static volatile int asked, answered;
static volatile long rounds[4];
static __thread void* kept_by_thread;
static void* kept;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
SITE void* site_busy(size_t size) { return memset(malloc(size), 1, size); }
SITE void* site_asked(size_t size) { return memset(malloc(size), 1, size); }
SITE void* site_zeroed(size_t count, size_t size) { return memset(calloc(count, size), 1, size); }
SITE void* site_grown(void* old, size_t size) { return memset(realloc(old, size), 1, size); }
SITE void* site_aligned(size_t size) { void* block = NULL; return posix_memalign(&block, 256, size) == 0 ? memset(block, 1, size) : NULL; }
SITE void* site_lost(size_t size) { return memset(malloc(size), 1, size); }
SITE void* site_child(size_t size) { return memset(malloc(size), 1, size); }
SITE void busy(void) { for (volatile int i = 0; i < 3000; ++i) {} }
static void* works(void* argument) {
  const long number = (long)argument;
  int seen = 0;
  while (!stop) {
    void* block = site_busy(200 + (size_t)number);
    busy();
    free(block);
    if (asked != seen) {
      seen = asked;
      for (size_t i = 0; i < 500; ++i) {
        void* one = site_asked(1 + i);
        void* other = site_grown(site_zeroed(3, 7), 100 + i);
        free(site_aligned(64 + i));
        free(one);
        free(other);
      }
      free(kept_by_thread);
      kept_by_thread = site_asked(1000);
      pthread_mutex_lock(&lock);
      ++answered;
      pthread_mutex_unlock(&lock);
    }
    ++rounds[number];
  }
  return argument;
}
static void* passes(void* argument) { busy(); free(site_asked(50)); return argument; }
int main(void) {
  pthread_t ids[5];
  for (long i = 0; i < 4; ++i) pthread_create(&ids[i], NULL, works, (void*)i);
  pthread_create(&ids[4], NULL, waits, NULL);
  char line[20];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (line[0] == 'w') {  // whether all have worked since
      printf("%d work\n", go_on(rounds, 4));
    } else if (line[0] == 'h') {  // has each allocate: 4 * (500 + 1) + 20, and so on
      answered = 0;
      ++asked;
      for (int tries = 0; tries < 20000 && answered != 4; ++tries) usleep(1000);
      pthread_t id;
      for (int i = 0; i < 20; ++i) if (pthread_create(&id, NULL, passes, NULL) == 0) pthread_join(id, NULL);
      kept = site_asked(2000);
      site_lost(77);
      printf("%d allocated\n", answered);
    } else if (line[0] == 'f') {
      fflush(stdout);
      const pid_t child = fork();
      if (child == 0) {
        for (int i = 0; i < 3; ++i) site_child(500);
        _exit(3);
      }
      int status = 0;
      waitpid(child, &status, 0);
      printf("child %d\n", WEXITSTATUS(status));
    }
    fflush(stdout);
  }
  stop = 1;
  for (int i = 0; i < 5; ++i) pthread_join(ids[i], NULL);
  puts(kept == NULL ? "nothing" : "done");
  return 5;
}
C

includes=(-I"$SOURCE_DIR/tests/e2e/programs")
gcc -O1 -g "${includes[@]}" -pthread -fno-builtin -static works.c -o static
gcc -O1 -g "${includes[@]}" -pthread -fno-builtin -static-pie works.c -o static_pie
programs="static static_pie"
if command -v musl-gcc >/dev/null; then
  musl-gcc -O1 -g "${includes[@]}" -fno-builtin -static works.c -o musl_static
  cp /lib/ld-musl-x86_64.so.1 ld-musl-x86_64.so.1  # as Alpine names it
  musl-gcc -O1 -g "${includes[@]}" -fno-builtin "-Wl,-dynamic-linker,$PWD/ld-musl-x86_64.so.1" works.c -o musl_dynamic
  programs="$programs musl_static musl_dynamic"
fi
for program in $programs; do
  echo "$program"  # which one fails
  begin "./$program"
  ask w
  begin_attach "$target" -o one.flare >recorder.out
  ask w
  ask h
  ask f
  ask w
  end_attach "$target"
  ask w
  "$FLARESTACK" info --format json one.flare >info.json
  json_true info.json 'd["quality"]["heap_events_lost"] == 0 and d["quality"]["complete"] and d["quality"]["samples"] > 50' "$program"
  json_true info.json '[p["exit"] for p in d["processes"][1:]] == [3] and not d["not_recorded"]' "$program: its child"
  for metric in allocations allocated; do
    "$FLARESTACK" report --metric $metric --threshold 0 --process "$target" --format json one.flare >$metric.json
    json $metric.json 'sorted((f["name"], f["self"]) for f in d["functions"] if f["name"].startswith("site_") and f["name"] != "site_busy")' >>numbers.$program
  done
  diff numbers.$program - <<'END' || fail "$program: other numbers than its own"
[('site_aligned', 2000), ('site_asked', 2025), ('site_grown', 2000), ('site_lost', 1), ('site_zeroed', 2000)]
[('site_aligned', 627000), ('site_asked', 508000), ('site_grown', 699000), ('site_lost', 77), ('site_zeroed', 42000)]
END
  "$FLARESTACK" report --metric allocated --threshold 0 --format json one.flare >all.json
  json_true all.json '[f["self"] for f in d["functions"] if f["name"] == "site_child"] == [1500]' "$program: what its child allocates"
  "$FLARESTACK" report --format json one.flare >report.json
  json_true report.json '[f["self"] for f in d["functions"] if f["name"] == "busy"][0] > 0' "$program: its time"
  "$FLARESTACK" leaks --format json one.flare >leaks.json
  json_true leaks.json '[(s["verdict"], s["blocks"], s["bytes"]) for s in d["sites"] if s["stack"][0]["function"] == "site_lost"] == [("definitely_lost", 1, 77)]' "$program: what it lost"
  json_true leaks.json 'not [s for s in d["sites"] if s["stack"][0]["function"] == "site_asked" and not s["inherited"] and s["verdict"] != "still_reachable"]' "$program: what it keeps"
  for cycle in $(seq "$cycles"); do
    timeout 60 "$FLARESTACK" attach "$target" --duration 100ms --quiet -o again.flare 2>err || fail "$program, cycle $cycle: $(cat err)"
    ask w
  done
  begin_attach "$target" --quiet -o again.flare
  burn "$target" 5
  end_attach "$target"
  "$FLARESTACK" info --format json again.flare >info.json
  json_true info.json 'd["quality"]["heap_events"] > 100 and d["quality"]["heap_events_lost"] == 0 and d["quality"]["complete"]' "$program, attached again"
  end 5
  diff <(sort -u out) - <<'END' || fail "$program noticed"
4 allocated
4 work
child 3
done
END
done

# Without names: time, and why there is no heap.
for program in static musl_static; do
  [ -e $program ] || continue
  strip -o stripped $program
  begin ./stripped
  ask w
  timeout 60 "$FLARESTACK" attach "$target" --duration 300ms --quiet -o stripped.flare 2>err || fail "stripped $program: $(cat err)"
  ask w
  end 5
  "$FLARESTACK" info --format json stripped.flare >info.json
  json_true info.json 'd["quality"]["samples"] > 50 and d["quality"]["heap_events"] == 0 and d["quality"]["complete"]' "stripped $program"
  "$FLARESTACK" info stripped.flare | grep -q "stripped is statically linked and has no symbol table: its heap" || fail "stripped $program: no reason"
done
