#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Alternate signal stacks next to a guard page: a stack overflow is handled and recovered from on one, again and again in
# several threads, at 10 kHz. On one of 8 KiB a second signal frame may not fit, so the handler is not interrupted; on
# one of 64 KiB what it does is sampled, with its callers beyond the overflow.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static __thread sigjmp_buf back;
static __thread int overflows;
static volatile long sink;
static size_t alternate_bytes;
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) int deeper(volatile char* outer) {
  volatile char frame[512];
  frame[0] = outer[0];
  return deeper(frame) + frame[0];
}
__attribute__((noinline)) void hot_on_alternate(void) {
  struct timespec from, now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  do {
    for (int i = 0; i < 10000; ++i) sink += i;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while ((now.tv_sec - from.tv_sec) * 1000000000L + now.tv_nsec - from.tv_nsec < 20000000);
}
static void on_fault(int number, siginfo_t* info, void* context) {
  stack_t now;
  sigaltstack(NULL, &now);
  if (number == SIGSEGV && (now.ss_flags & SS_ONSTACK) && context != NULL && info->si_addr != NULL) ++overflows;
  hot_on_alternate();
  siglongjmp(back, 1);
}
static void* thread(void* argument) {
  char* memory = mmap(NULL, 4096 + alternate_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(memory, 4096, PROT_NONE);
  stack_t old, stack = {.ss_sp = memory + 4096, .ss_size = alternate_bytes};
  int result = sigaltstack(&stack, &old);
  for (int i = 0; i < 10; ++i) {
    char start = 1;
    if (sigsetjmp(back, 1) == 0) deeper(&start);
  }
  printf("%d %d overflows, before %p %d\n", result, overflows, old.ss_sp, old.ss_flags);
  return argument;
}
int main(int count, char** arguments) {
  alternate_bytes = atoi(arguments[count - 1]) * 1024;
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGSEGV, &action, NULL);
  pthread_t threads[3];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], &attributes, thread, NULL);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  thread(NULL);
  return 0;
}
C
for options in "--cpu 10000" "--cpu 1000 --timer posix"; do
  for size_kib in 8 64; do
    RECORD_OPTIONS="$options" same_with_and_without ./target "$size_kib"
    grep -q "0 10 overflows" bare.out || fail "$(cat bare.out)"
  done
done

RECORD_OPTIONS="--cpu 10000" same_with_and_without ./target 64
"$FLARESTACK" report --format json --threshold 0 t.flare >report.json
json_true report.json "sum(f['self'] for f in d['functions'] if f['name'] == 'hot_on_alternate') > 0.4 * d['total']" "hot code on the alternate stack"
"$FLARESTACK" export --format collapsed t.flare >t.collapsed
grep -q 'deeper;deeper;.*on_fault;hot_on_alternate' t.collapsed || fail "no callers beyond the overflow: $(head -c 2000 t.collapsed)"
