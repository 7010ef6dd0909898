#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent never allocates from the program's heap: a program with an allocator of its own, which counts, states the same
# numbers of calls and bytes bare and recorded, at its start, over threads, libraries loaded and unloaded, fork and exec.
source "$(dirname "$0")/lib.sh"

cc_program counting.o -c -fPIC -fno-builtin <<'C'
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// Never reuses: addresses and counts depend on nothing but the calls.
static char pool[64 << 20] __attribute__((aligned(16)));
static atomic_size_t used;
static atomic_long mallocs, callocs, reallocs, frees, aligned, bytes;
static void* take(size_t size, size_t alignment) {
  size_t before = used, from;
  do {
    from = (before + 16 + alignment - 1) / alignment * alignment;
    if (from + size > sizeof pool) return NULL;
  } while (!atomic_compare_exchange_weak(&used, &before, (from + size + 15) / 16 * 16));
  memcpy(pool + from - sizeof size, &size, sizeof size);
  bytes += (long)size;
  return pool + from;
}
void* malloc(size_t size) { ++mallocs; return take(size, 16); }
void* calloc(size_t count, size_t size) { ++callocs; return take(count * size, 16); }
void free(void* block) { frees += block != NULL; }
void* aligned_alloc(size_t alignment, size_t size) { ++aligned; return take(size, alignment < 16 ? 16 : alignment); }
void* memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }
int posix_memalign(void** block, size_t alignment, size_t size) { *block = aligned_alloc(alignment, size); return *block == NULL ? 12 : 0; }
void* realloc(void* block, size_t size) {
  ++reallocs;
  void* next = take(size, 16);
  size_t before = 0;
  if (block != NULL) memcpy(&before, (char*)block - sizeof before, sizeof before);
  if (block != NULL && next != NULL) memcpy(next, block, before < size ? before : size);
  return next;
}
void state_counts(const char* when) {
  char line[200];
  int length = snprintf(line, sizeof line, "%s: %ld malloc, %ld calloc, %ld realloc, %ld free, %ld aligned, %ld bytes\n", when, mallocs,
                        callocs, reallocs, frees, aligned, bytes);
  extern long write(int, const void*, size_t);
  if (write(1, line, (size_t)length) != length) __builtin_trap();
}
C
gcc -shared -fPIC -o libplugin.so -x c - <<<'#include <stdlib.h>
void* plugin(void) { return malloc(77); }'

cat >target.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
void state_counts(const char* when);
extern char** environ;
static volatile unsigned long sink;
static void on_signal(int number) { sink += (unsigned long)number; }
static void burn(long ms) {
  struct timespec from, now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  do {
    for (int i = 0; i < 5000; ++i) sink = sink * 31 + 7;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 < ms);
}
static void* thread(void* argument) {
  for (int i = 0; i < 100; ++i) free(malloc(100));
  burn(10);
  return argument;
}
int main(int argc, char** argv) {
  state_counts("at start");
  if (argc > 1 && strcmp(argv[1], "again") == 0) return 6;
  burn(100);
  state_counts("after work");
  signal(SIGUSR1, on_signal);
  raise(SIGUSR1);
  sigset_t set;
  sigfillset(&set);
  pthread_sigmask(SIG_BLOCK, &set, &set);
  pthread_sigmask(SIG_SETMASK, &set, NULL);
  state_counts("after signals");
  // One at a time: how often glibc finds a dead thread's stack to use again must not depend on the timing.
  for (int i = 0; i < 20; ++i) {
    pthread_t id;
    pthread_create(&id, NULL, thread, NULL);
    pthread_join(id, NULL);
  }
  state_counts("after threads");
  for (int i = 0; i < 20; ++i) {
    void* library = dlopen("./libplugin.so", RTLD_NOW);
    if (library == NULL) return 1;
    free(((void* (*)(void))dlsym(library, "plugin"))());
    burn(2);
    dlclose(library);
  }
  state_counts("after dlopen");
  int status;
  if (fork() == 0) {
    burn(20);
    state_counts("in the child");
    execl(argv[0], argv[0], "again", NULL);
    return 2;
  }
  wait(&status);
  printf("child %d\n", WEXITSTATUS(status));
  state_counts("after fork");
  pid_t pid;
  char* arguments[] = {argv[0], "again", NULL};
  if (posix_spawnp(&pid, argv[0], NULL, NULL, arguments, environ) != 0) return 3;
  waitpid(pid, &status, 0);
  if (system("exit 4") != 4 << 8) return 4;
  state_counts("at the end");
  return 7;
}
C
gcc -O1 -g -pthread -rdynamic -o inside target.c counting.o -ldl  # the allocator is the program's own
gcc -shared -o libcounting.so counting.o
gcc -O1 -g -pthread -o linked target.c -L. -lcounting -Wl,-rpath,"$PWD" -ldl

for program in ./inside ./linked; do
  for options in "--cpu 10000" "--timer posix" "--clock wall"; do
    RECORD_OPTIONS="$options" same_with_and_without "$program"
    [ "$(grep -c 'malloc, ' bare.out)" = 10 ] && grep -q '^child 6' bare.out || fail "$(cat bare.out)"
  done
done
# As a preloaded library it stands before ours or behind it in every process.
same_with_and_without env LD_PRELOAD="$PWD/libcounting.so" ./linked
