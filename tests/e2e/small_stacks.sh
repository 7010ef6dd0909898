#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Stacks too small for any signal frame, as the Go runtime's goroutines have: the program handles every signal on an
# alternate stack and counts on nothing ever being written below the stack pointer of the small one.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

enum { kSmallBytes = 1024, kBelowBytes = 65536 };
static volatile long sink;
static void on_signal(int number) { (void)number; }
__attribute__((noinline)) static void hot_on_small_stack(void) {
  for (long i = 0; i < 20000000; ++i) sink += i;
}
static void run(void) { hot_on_small_stack(); }
static void* thread(void* argument) {
  stack_t stack = {.ss_sp = malloc(32768), .ss_size = 32768};
  sigaltstack(&stack, NULL);
  unsigned char* memory = malloc(kBelowBytes + kSmallBytes);
  memset(memory, 0x5a, kBelowBytes);
  ucontext_t here, there;
  getcontext(&there);
  there.uc_stack.ss_sp = memory + kBelowBytes;
  there.uc_stack.ss_size = kSmallBytes;
  there.uc_link = &here;
  makecontext(&there, run, 0);
  swapcontext(&here, &there);
  long written = 0;
  for (int i = 0; i < kBelowBytes; ++i) written += memory[i] != 0x5a;
  printf("%ld bytes below the small stack were written\n", written);
  return argument;
}
int main(void) {
  for (int number = 1; number < 65; ++number) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
    if (number != SIGKILL && number != SIGSTOP) sigaction(number, &action, NULL);
  }
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, thread, NULL);
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  return 0;
}
C
for options in "--cpu 10000" "--cpu 1000 --timer posix"; do
  RECORD_OPTIONS="$options" same_with_and_without ./target
  grep -q '^0 bytes' bare.out || fail "$(cat bare.out)"
  "$FLARESTACK" report --format json t.flare >report.json
  json_true report.json "sum(f['self'] for f in d['functions'] if f['name'] == 'hot_on_small_stack') > 0.5 * d['total']" \
    "the small stack is sampled"
done
