#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The heaps of forked processes are their own, to the last block (truth/truth.h): a child of a process whose other threads
# allocate meanwhile, and that gives back what it inherited; 60 short children; vfork, posix_spawn and clone(CLONE_VM)
# with exec; a child that closes every descriptor; and the ends that run no handlers.
source "$(dirname "$0")/lib.sh"

cc_program forks $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
extern char** environ;
SITE void* site_parent(size_t size) { return GOT(malloc(size), size); }
SITE void* site_child(size_t size) { return GOT(malloc(size), size); }
SITE void* site_thread(size_t size) { return GOT(malloc(size), size); }
SITE void* site_grown(void* old, size_t size) { return REALLOC(old, size, realloc(old, size)); }
static int stop;
static void* thread(void* argument) {
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    void* block = site_thread(50);
    site_thread(0);
    give(block);
    sched_yield();
  }
  return argument;
}
static int status_of(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}
int main(int count, char** arguments) {
  const char* how = count > 1 ? arguments[1] : "";
  if (strcmp(how, "again") == 0) {  // what the exec's are for
    for (int i = 0; i < 7; ++i) site_child(100);
    return 5;
  }
  char* again[] = {arguments[0], (char*)"again", NULL};
  void* inherited[300];
  for (int i = 0; i < 300; ++i) inherited[i] = site_parent(10 + (size_t)i);
  if (strcmp(how, "threads") == 0) {
    pthread_t ids[3];
    for (int i = 0; i < 3; ++i) pthread_create(&ids[i], NULL, thread, NULL);
    for (int child = 0; child < 4; ++child) {
      const pid_t pid = truth_fork();
      if (pid == 0) {
        for (int i = 0; i < 100; ++i) give(inherited[i]);                                  // not foreign, and nothing
        for (int i = 100; i < 150; ++i) inherited[i] = site_grown(inherited[i], 1000);    // the old: nothing, the new: ours
        for (int i = 0; i < 500; ++i) give(site_child(64));
        site_child(128);
        const pid_t grandchild = truth_fork();
        if (grandchild == 0) {
          for (int i = 100; i < 300; ++i) give(inherited[i]);
          site_child(256);
          _exit(4);
        }
        _exit(status_of(grandchild));
      }
      for (int i = 0; i < 300; i += 4) {
        give(inherited[i]);
        inherited[i] = site_parent(20);
      }
      if (status_of(pid) != 4) return 3;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 3; ++i) pthread_join(ids[i], NULL);
  } else if (strcmp(how, "bomb") == 0) {
    for (int round = 0; round < 6; ++round) {
      pid_t children[10];
      for (int i = 0; i < 10; ++i) {
        children[i] = truth_fork();
        if (children[i] == 0) {
          give(inherited[i]);
          for (int j = 0; j <= i; ++j) give(site_child(100));
          site_child((size_t)i);
          _exit(0);
        }
        site_parent(1);
      }
      for (int i = 0; i < 10; ++i) if (status_of(children[i]) != 0) return 3;
    }
  } else if (strcmp(how, "exec") == 0) {
    for (int i = 0; i < 3; ++i) {
      pid_t child = vfork();  // what is ours stays ours, whatever the child does before its exec
      if (child == 0) {
        execv(again[0], again);
        _exit(9);
      }
      if (status_of(child) != 5) return 3;
      give(site_parent(11));
      if (posix_spawn(&child, again[0], NULL, NULL, again, environ) != 0 || status_of(child) != 5) return 4;
      child = truth_fork();
      if (child == 0) {
        site_child(200);
        closefrom(3);
        site_child(300);
        execv(again[0], again);
      }
      if (status_of(child) != 5) return 5;
    }
  }
  return 6;
}
C
# What glibc gets for fork and spawning on its own account has names of its own.
glibc='^calloc$|_dl_|allocate_dtv|pthread|fork|spawn'
heap_truth --unknown "$glibc" --processes 9 -- ./forks threads
heap_truth --unknown "$glibc" --processes 61 -- ./forks bomb
heap_truth --unknown "$glibc" --processes 10 -- ./forks exec

cc_program ends $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
SITE void* site_last(size_t size) { return GOT(malloc(size), size); }
static void at_end(void) { site_last(1); }
int main(int count, char** arguments) {
  (void)count;
  struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  atexit(at_end);
  at_quick_exit(at_end);
  for (int i = 0; i < 1000; ++i) give(site_last(10));
  site_last(20);
  switch (arguments[1][0]) {
    case '_': _exit(3);
    case 'q': quick_exit(4);
    case 'a': abort();
    case 'k': raise(SIGKILL); break;
    case 's': *(volatile int*)0 = 1; break;
    case 'g': syscall(SYS_exit_group, 7); break;
    case 'e': syscall(SYS_exit, 8); break;
    default: exit(5);
  }
}
C
for how in _exit quick_exit abort kill segv group exit_thread normal; do heap_truth --peak --unknown "atexit|new_exitfn" -- ./ends $how; done

# A child that allocates nothing before it forks: its child has what both have from the first.
cc_program idle_child <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  void* volatile inherited = malloc(1000);
  for (int i = 0; i < 2; ++i) if (fork() != 0) { wait(NULL); return 0; }
  free(inherited);
  return 0;
}
C
"$FLARESTACK" record --quiet -o t.flare -- ./idle_child
"$FLARESTACK" info --records t.flare | grep '^counter' >counters
grep -q 'process=3 name="inherited_frees" value=1' counters && ! grep -q ambiguous_frees counters || fail "$(cat counters)"
