#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The handler takes at most 1 KiB of the interrupted thread's stack, beside the kernel's signal frame: in a first sample of a
# thread and in later ones, in code of the program, of the C library and through a signal frame. Stacks are painted, and
# looked at afterwards.
source "$(dirname "$0")/lib.sh"

cc_program painter -fno-omit-frame-pointer <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAINTED = 32768, RED_ZONE = 128, PAINT = 0xa5 };
static int own;  // samples come from this program's own handler, which does nothing
static size_t deepest;
static double cpu_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
}
static void ignore(int number) { (void)number; }
// Calls nothing while it is looked at: below its red zone is only what interrupts it, or in own mode what it sends itself.
__attribute__((noinline)) static void spin_on_painted_stack(unsigned long ticks) {
  unsigned char* sp;
  asm volatile("mov %%rsp, %0" : "=r"(sp));
  volatile unsigned char* top = sp - RED_ZONE;
  for (int i = 1; i <= PAINTED; ++i) top[-i] = PAINT;
  if (own) {  // kill(getpid(), SIGUSR2), inline
    long result, pid;
    asm volatile("syscall" : "=a"(pid) : "0"(39L) : "rcx", "r11", "memory");
    asm volatile("syscall" : "=a"(result) : "0"(62L), "D"(pid), "S"((long)SIGUSR2) : "rcx", "r11", "memory");
  } else {
    for (unsigned long end = __builtin_ia32_rdtsc() + ticks; __builtin_ia32_rdtsc() < end;) {}
  }
  int used = PAINTED;
  while (used > 0 && top[-used] == PAINT) --used;
  if ((size_t)used > deepest) deepest = used;
}
// The kernel aligns its frame: it begins at the same place of a page each time, or the sizes could not be compared.
__attribute__((noinline)) static void at_same_alignment(unsigned long ticks) {
  asm volatile("mov %%rsp, %%r12\n and $-4096, %%rsp\n mov %0, %%rdi\n call *%1\n mov %%r12, %%rsp"
               : : "r"(ticks), "r"(spin_on_painted_stack) : "r12", "rdi", "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
}
static unsigned long slice;
static int compare(const void* a, const void* b) { if (*(const int*)a == 3) at_same_alignment(slice); return *(const int*)a - *(const int*)b; }
static void in_handler(int number) { (void)number; at_same_alignment(slice); }
static void* thread(void* argument) {
  int values[] = {5, 3, 4};
  at_same_alignment(slice);
  qsort(values, 3, sizeof values[0], compare);
  raise(SIGUSR1);
  return argument;
}
int main(int count, char** arguments) {
  own = count > 1 && strcmp(arguments[1], "own") == 0;
  signal(SIGUSR1, in_handler);
  signal(SIGUSR2, ignore);
  unsigned long start = __builtin_ia32_rdtsc();
  for (double end = cpu_ms() + 20; cpu_ms() < end;) {}
  slice = __builtin_ia32_rdtsc() - start;  // 20 ms or more
  for (int i = 0; i < 8; ++i) {
    pthread_t id;
    pthread_create(&id, NULL, thread, NULL);
    pthread_join(id, NULL);
  }
  thread(NULL);
  printf("%zu\n", deepest);
  return 0;
}
C
frame="$(timeout 60 ./painter own)"
[ "$frame" -gt 500 ] || fail "a signal frame of $frame bytes"
for options in "--cpu 10000" "--cpu 1000 --timer posix"; do
  timeout 60 "$FLARESTACK" record --quiet $options -o t.flare -- ./painter >used
  "$FLARESTACK" report --format json --threshold 0 t.flare >t.json
  json_true t.json 'sum(f["samples"] for f in d["functions"] if f["name"] == "spin_on_painted_stack") > 50' "$options: it was sampled"
  json_true t.json 'd["quality"]["stacks_truncated"] + d["quality"]["stacks_heuristic"] < 5' "$options: stacks are followed to their roots"
  [ "$(cat used)" -le $((frame + 1024)) ] || fail "$options: $(($(cat used) - frame)) bytes beside a signal frame of $frame"
  [ "$(cat used)" -ge $((frame + 100)) ] || fail "$options: no sample was taken on a painted stack"
done
