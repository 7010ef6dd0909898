#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# record of programs that no loader brings the agent to, static ones of glibc and of musl, and dynamic ones of musl's: they
# are entered before their first instruction. Their own account of their heap, from then on, threads, children, verdicts, and
# how they end; with us and without they say the same. Needs ptrace.
source "$(dirname "$0")/lib.sh"

cat >family.c <<'C'
#include "truth.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
SITE void* site_malloc(size_t size) { return GOT(malloc(size), size); }
SITE void* site_calloc(size_t count, size_t size) { return GOT(calloc(count, size), count * size); }
SITE void* site_realloc(void* old, size_t size) { return REALLOC(old, size, realloc(old, size)); }
SITE void* site_aligned(size_t alignment, size_t size) { return GOT(aligned_alloc(alignment, size), size); }
static unsigned number(unsigned* seed, unsigned below) { return (*seed = *seed * 1664525 + 1013904223) / 65536 % below; }
static void* works(void* argument) {
  unsigned seed = (unsigned)(long)argument;
  void* keep[16] = {0};
  for (int i = 0; i < 5000; ++i) {
    void** slot = &keep[number(&seed, 16)];
    switch (number(&seed, 5)) {
      case 0: give(*slot); *slot = site_malloc(number(&seed, 5000)); break;
      case 1: give(*slot); *slot = site_calloc(1 + number(&seed, 20), 1 + number(&seed, 90)); break;
      case 2: *slot = site_realloc(*slot, 1 + number(&seed, 3000)); break;
      case 3: give(*slot); *slot = site_aligned(16u << number(&seed, 5), 512 * (1 + number(&seed, 6))); break;
      default: give(*slot); *slot = NULL;
    }
  }
  return argument;
}
__attribute__((constructor)) static void early(void) { site_malloc(123); }
int main(int count, char** arguments) {
  int signals = 0;  // with a handler
  struct sigaction action;
  for (int i = 1; i < 65; ++i) signals += sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
  works((void*)1);
  if (count > 1) {
    pthread_t ids[3];
    for (long i = 0; i < 3; ++i) pthread_create(&ids[i], NULL, works, (void*)(i + 2));
    for (int i = 0; i < 3; ++i) pthread_join(ids[i], NULL);
  }
  printf("%s %d arguments, %d signals\n", arguments[0], count, signals);
  return 7;
}
C
cat >leaky.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
struct node { struct node* next; char name[40]; };
void* kept;
static __thread void* kept_by_thread;
__attribute__((noinline)) struct node* chain(int n) {
  struct node* head = NULL;
  while (n-- > 0) {
    struct node* one = malloc(sizeof *one);
    one->next = head;
    head = one;
  }
  return head;
}
__attribute__((noinline)) void lose(void) { struct node* volatile lost = chain(4); lost = NULL; (void)lost; }
__attribute__((noinline)) void scrub(void) { for (struct node *one = chain(4), *next; one != NULL; one = next) next = one->next, free(one); }
__attribute__((noinline)) void* in_child(size_t size) { return memset(malloc(size), 1, size); }
__attribute__((noinline)) void busy(void) { for (volatile long i = 0; i < 200000000; ++i) {} }
int main(int count, char** words) {
  kept = malloc(100);
  kept_by_thread = malloc(200);
  lose();
  scrub();
  if (words[1][0] == 'b') busy();
  if (words[1][0] == 's') raise(SIGSEGV);
  if (words[1][0] == 'f') {
    if (fork() == 0) { in_child(500); scrub(); _exit(3); }
    int status;
    wait(&status);
    printf("child %d\n", WEXITSTATUS(status));
  }
  return count + (kept_by_thread == NULL);
}
C

build() {  # COMPILER... OUTPUT
  "${@:1:$#-1}" -O1 -g -pthread -fno-builtin $TRUTH_FLAGS family.c -o "family_${*: -1}"
  "${@:1:$#-1}" -O1 -g -pthread -fno-builtin leaky.c -o "leaky_${*: -1}"
}
kinds="static static_pie"
build gcc -static static
build gcc -static-pie static_pie
if command -v musl-gcc >/dev/null; then
  cp /lib/ld-musl-x86_64.so.1 ld-musl-x86_64.so.1  # as Alpine names it
  build musl-gcc -static musl_static
  build musl-gcc "-Wl,-dynamic-linker,$PWD/ld-musl-x86_64.so.1" musl_dynamic
  kinds="$kinds musl_static musl_dynamic"
fi
for kind in $kinds; do
  # What the C library gets for itself as it begins, and for its threads and streams.
  library='^(calloc|malloc|realloc|aligned_alloc)$|_dl_|dl_init|allocate_dtv|pthread|_IO_|__libc_setup|^__libc_alloc|_nl_|init_|call_init'
  heap_truth --unknown "$library" -- ./family_$kind
  heap_truth --unknown "$library" -- ./family_$kind threads
  "$FLARESTACK" info --format json t.flare >info.json
  json_true info.json 'd["quality"]["heap_events_lost"] == 0 and d["quality"]["complete"] and not d["not_recorded"] and len(d["processes"]) == 1' "$kind"

  same_with_and_without ./leaky_$kind busy
  "$FLARESTACK" report --format json t.flare >report.json
  json_true report.json '[f["self"] for f in d["functions"] if f["name"] == "busy"][0] > 0.7 * d["total"]' "$kind: its time"
  same_with_and_without ./leaky_$kind none
  lost='sorted((s["verdict"], s["bytes"], s["blocks"]) for s in d["sites"] if s["stack"][0]["function"] in ("chain", "main") and not s["inherited"])'
  "$FLARESTACK" leaks --format json t.flare >leaks.json
  json_true leaks.json "$lost == [('definitely_lost', 48, 1), ('indirectly_lost', 144, 3), ('still_reachable', 100, 1), ('still_reachable', 200, 1)]" "$kind: verdicts"
  json_true leaks.json '[s["holders"][0].get("variable") for s in d["sites"] if s["bytes"] == 100] == ["kept"]' "$kind: a holder"
  json_true leaks.json 'd["summary"]["definitely_lost"]["bytes"] == 48' "$kind: what else is lost"
  status=0
  "$FLARESTACK" record --quiet -o s.flare -- ./leaky_$kind signal 2>err || status=$?
  [ "$status" = 139 ] || fail "$kind: death by a signal is status $status: $(cat err)"
  "$FLARESTACK" leaks --format json s.flare >leaks.json
  json_true leaks.json '("definitely_lost", 48) in [(s["verdict"], s["bytes"]) for s in d["sites"]]' "$kind: verdicts at its death"
  same_with_and_without ./leaky_$kind fork
  "$FLARESTACK" info --format json t.flare >info.json
  json_true info.json '[p["exit"] for p in d["processes"]] == [2, 3] and not d["not_recorded"]' "$kind: its child"
  "$FLARESTACK" report --metric allocated --threshold 0 --format json t.flare >report.json
  json_true report.json '[f["self"] for f in d["functions"] if f["name"] == "in_child"] == [500]' "$kind: its child's heap"
  for cycle in $(seq "${ATTACH_CYCLES:-3}"); do
    same_with_and_without ./leaky_$kind none
  done
done

# What cannot be entered runs all the same, and says why it is not recorded.
printf '#!%s\n' "$PWD/leaky_static" >script && chmod +x script
same_with_and_without ./script none
"$FLARESTACK" info --format json t.flare >info.json
json_true info.json 'len(d["processes"]) == 1 and not d["not_recorded"]' "a script of a static interpreter"
strip -o stripped leaky_static
same_with_and_without ./stripped busy
"$FLARESTACK" info --format json t.flare >info.json
json_true info.json 'd["quality"]["samples"] > 20 and d["quality"]["heap_events"] == 0' "a stripped one"
"$FLARESTACK" info t.flare | grep -q "stripped is statically linked and has no symbol table: its heap" || fail "no reason"
status=0
(ulimit -v 300000; "$FLARESTACK" record --quiet -o t.flare -- ./leaky_static none 2>err) || status=$?
[ "$status" = 2 ] && grep -q "nothing was recorded" err || fail "too little memory: $status: $(cat err)"
"$FLARESTACK" info --format json t.flare >info.json
json_true info.json '["limited" in u["reason"] for u in d["not_recorded"]] == [True]' "too little memory"
status=0
"$FLARESTACK" record --quiet -o t.flare -- ./no_such_program 2>err || status=$?
[ "$status" = 127 ] || fail "no program: $status"
cp leaky_static forbidden && chmod 644 forbidden
status=0
"$FLARESTACK" record --quiet -o t.flare -- ./forbidden 2>err || status=$?
[ "$status" = 126 ] || fail "a program that may not be executed: $status: $(cat err)"
