#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The total of a recording is the CPU time that the kernel states (wait4) within 2 %, and [kernel] has its share of system
# time: user work, half kernel work, threads of one millisecond (99 % at least), more threads than cores, children.
source "$(dirname "$0")/lib.sh"

cc_program worker <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double cpu_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
}
__attribute__((noinline)) void compute(double ms) {
  for (double end = cpu_ms() + ms; cpu_ms() < end;) for (volatile int i = 0; i < 100000; ++i) {}
}
__attribute__((noinline)) void call_kernel(double ms) {
  static char buffer[1 << 18];
  int zero = open("/dev/zero", O_RDONLY);
  for (double end = cpu_ms() + ms; cpu_ms() < end;) {
    if (read(zero, buffer, sizeof buffer) < 0) abort();
    for (int i = 0; i < 50; ++i) syscall(SYS_getppid);
    char* memory = mmap(NULL, 1 << 17, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 1 << 17; i += 4096) memory[i] = 1;
    munmap(memory, 1 << 17);
  }
  close(zero);
}
// Begins at any moment between two ticks of the scheduler: on a busy machine a new thread first runs right behind one, and
// would be over before the next, which is when a CPU timer fires.
static void* thread(void* ms) {
  static _Atomic unsigned number;
  struct timespec pause = {0, number++ * 2654435761u % 4000000};
  nanosleep(&pause, NULL);
  compute((long)ms);
  return NULL;
}
static void run_threads(int count, int at_once, long ms) {
  pthread_t threads[8];
  for (int i = 0; i < count; i += at_once) {
    for (int k = 0; k < at_once; ++k) pthread_create(&threads[k], NULL, thread, (void*)ms);
    for (int k = 0; k < at_once; ++k) pthread_join(threads[k], NULL);
  }
}
int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "user") == 0) compute(2000);
  if (strcmp(what, "kernel") == 0) for (int i = 0; i < 60; ++i) { compute(20); call_kernel(20); }
  if (strcmp(what, "short_threads") == 0) run_threads(300, 2, 1);
  if (strcmp(what, "eight_threads") == 0) run_threads(8, 8, 300);
  if (strcmp(what, "children") == 0) {
    for (int i = 0; i < 20; ++i) if (fork() == 0) { compute(100); _exit(0); } else if (i % 2) { wait(NULL); wait(NULL); }
  }
  return 0;
}
C
# Runs a program and prints the nanoseconds that it and its children took, and this program itself: user, system.
cc_program state <<'C'
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
static double ns(struct timeval a, struct timeval b) { return (a.tv_sec + b.tv_sec) * 1e9 + (a.tv_usec + b.tv_usec) * 1e3; }
int main(int argc, char** argv) {
  struct rusage own, child;
  int status = argc;
  if (vfork() == 0) { execv(argv[1], argv + 1); _exit(127); }
  wait4(-1, &status, 0, &child);
  getrusage(RUSAGE_SELF, &own);
  printf("%.0f %.0f\n", ns(own.ru_utime, child.ru_utime), ns(own.ru_stime, child.ru_stime));
  return status != 0;
}
C

for timer in auto posix; do
  for what in user kernel short_threads eight_threads children; do
    timeout 60 "$FLARESTACK" record --quiet --timer "$timer" -o t.flare -- ./state ./worker "$what" >stated
    read -r user system <stated
    "$FLARESTACK" report --format json --threshold 0 t.flare >t.json
    # A CPU timer meets one in four threads of a millisecond, which counts for four: a standard error of a tenth.
    most="$([ "$timer $what" = "posix short_threads" ] && echo 1.4 || echo 1.02)"
    json_true t.json "0.98 < d['total'] / ($user + $system) < $most" "$timer, $what: not the $user + $system ns of the kernel"
    [ "$what" != short_threads ] || json_true t.json "d['total'] > 0.99 * ($user + $system)" "$timer: short threads"
    # A CPU timer's samples have their kernel time in them. The kernel's own split goes by ticks, too few in short threads.
    if [[ "$timer $what" =~ auto\ (user|kernel) ]] && [ "$(json t.json '"threads_perf_clock" in d["quality"]["counters"]')" = True ]; then
      json_true t.json "abs(sum(f['self'] for f in d['functions'] if f['name'] == '[kernel]') / d['total'] - $system / ($user + $system)) < 0.05" \
        "$what: the share of [kernel] is not $system of $user + $system"
    fi
    # 300 times a millisecond, less what the first sample of each takes.
    [ "$what" != short_threads ] ||
      json_true t.json "sum(f['self'] for f in d['functions'] if f['name'] == 'compute') > $([ "$timer" = auto ] && echo 0.24e9 || echo 0.1e9)" \
        "$timer: the work of short threads"
  done
done
