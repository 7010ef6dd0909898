#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# attach PID of a process in namespaces of its own, as in a container: of process ids, mounts and network. What it
# forks and loads while it is recorded reaches the recorder as well. Needs ptrace, and to make namespaces: root, or user
# namespaces for everybody.
source "$(dirname "$0")/lib.sh"

cc_program libhoard.so -shared -fPIC <<'C'
#include <stddef.h>
static _Alignas(16) char pool[1 << 16];
static size_t used;
void* malloc_of_hoard(size_t size) { size_t at = used; used = (used + size + 15) & ~(size_t)15; return pool + at; }
void* mi_malloc(size_t size) { return malloc_of_hoard(size); }
void mi_free(void* block) { __asm__ volatile("" : : "r"(block) : "memory"); }
C
cc_program works <<'C'
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile int stop;
static volatile long rounds;
__attribute__((noinline)) void* site_lost(size_t size) { return memset(malloc(size), 1, size); }
__attribute__((noinline)) void* site_of_child(size_t size) { return memset(malloc(size), 1, size); }
__attribute__((noinline)) void site_busy(void) { for (volatile int i = 0; i < 3000; ++i) {} }
static void* works(void* argument) { while (!stop) { site_busy(); free(malloc(99)); ++rounds; } return argument; }
int main(void) {
  pthread_t id;
  pthread_create(&id, NULL, works, NULL);
  char line[20];
  while (fgets(line, sizeof line, stdin) != NULL) {
    const long before = rounds;
    while (rounds < before + 100) usleep(1000);
    if (line[0] == 'x') {
      for (int i = 0; i < 3; ++i) site_lost(70);
      pid_t child = fork();
      if (child == 0) { for (int i = 0; i < 4; ++i) site_of_child(50); _exit(0); }
      waitpid(child, NULL, 0);
      void* library = dlopen("./libhoard.so", RTLD_NOW);
      void* (*get)(size_t) = (void* (*)(size_t))dlsym(library, "mi_malloc");
      for (int i = 0; i < 5; ++i) get(1000);
    }
    printf("%d %c\n", getpid(), line[0]);
    fflush(stdout);
  }
  stop = 1;
  pthread_join(id, NULL);
  return 3;
}
C

apart=(unshare --pid --net --mount --fork --mount-proc)
[ "$(id -u)" = 0 ] || apart+=(--user --map-root-user)
begin "${apart[@]}" ./works
ask a
pid=$(pgrep -P "$target" -x works)
[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ] || fail "it has our network"

for round in 1 2; do
  begin_attach "$pid" --quiet -o t.flare
  ask x
  timeout 60 "$FLARESTACK" leaks --now "$pid" --format json >now.json || fail "leaks --now"
  json_true now.json '[(s["blocks"], s["bytes"]) for s in d["sites"] if s["verdict"] == "definitely_lost" and any(f["function"] == "site_lost" for f in s["stack"])] == [(3, 210)]' "leaks"
  end_attach "$pid"
  [ ! -s recorder.err ] || fail "$(cat recorder.err)"
  ask b
  "$FLARESTACK" info --format json t.flare >info.json
  "$FLARESTACK" report --metric allocations --threshold 0 --format json t.flare >report.json
  json_true info.json 'len(d["processes"]) == 2' "the child that was forked"
  json_true report.json 'sum(f["self"] for f in d["functions"] if f["name"] == "site_of_child") == 4' "what the child got"
  [ "$round" = 2 ] || json_true report.json 'sum(s["blocks"] if "blocks" in s else s["self"] for s in d["functions"] if s["name"] == "main") == 5' "what came from a library that was loaded"
done
end 3
[ "$(sort -u out | tr '\n' ' ')" = "1 a 1 b 1 x " ] || fail "it noticed: $(sort out | uniq -c)"
