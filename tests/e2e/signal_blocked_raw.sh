#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Threads that block our signal by a system call of their own, past all that is hooked: one for nearly all its life, one every other
# while. They are sampled from outside meanwhile: shares are what the program does, times are what its clocks say, and nothing is
# counted twice. By record and by attach. Needs perf_event.
source "$(dirname "$0")/lib.sh"

cc_program works -I"$SOURCE_DIR/tests/e2e/programs" <<'C'
#define _GNU_SOURCE
#include "three_to_one.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static volatile int stop;
static void set_all(long how) {
  const uint64_t all = ~UINT64_C(0);
  register long size __asm__("r10") = sizeof all;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_rt_sigprocmask), "D"(how), "S"(&all), "d"(NULL), "r"(size) : "rcx", "r11", "memory");
}
static long used_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1000000L + time.tv_nsec / 1000;
}
__attribute__((noinline)) void once(long n) { both(10000 + n); ++sink; }
__attribute__((noinline)) void blocks(void) {
  set_all(SIG_BLOCK);
  for (long n = 0; !stop; n = next(n)) once((n >> 8) % 20000);
  set_all(SIG_UNBLOCK);
  once(10);
}
__attribute__((noinline)) void toggles(void) {
  for (long n = 0, i = 0; !stop; n = next(n), ++i) {
    if (i % 200 == 0) set_all(SIG_BLOCK);
    if (i % 200 == 100) set_all(SIG_UNBLOCK);
    once((n >> 8) % 20000);
  }
  set_all(SIG_UNBLOCK);
}
__attribute__((noinline)) void plain(void) { for (long n = 0; !stop; n = next(n)) once((n >> 8) % 20000); ++sink; }
static void (*const kinds[])(void) = {blocks, toggles, plain};
static long times_us[3];
static void* works(void* argument) {
  const long kind = (long)argument, before_us = used_us();
  kinds[kind]();
  times_us[kind] = used_us() - before_us;
  return argument;
}
int main(int count, char** arguments) {
  pthread_t ids[3];
  for (long i = 0; i < 3; ++i) pthread_create(&ids[i], NULL, works, (void*)i);
  if (count > 1) usleep(atoi(arguments[1]) * 1000); else while (getchar() != EOF) {}
  stop = 1;
  for (int i = 0; i < 3; ++i) pthread_join(ids[i], NULL);
  printf("%ld %ld %ld %.0f\n", times_us[0], times_us[1], times_us[2], used() * 1e6);
  return 0;
}
C

# is_right TRACE WHAT [TIMES]: the CPU time of each thread, in us, as the program said.
is_right() {
  "$FLARESTACK" info --format json "$1" >info.json
  json_true info.json 'd["quality"]["complete"] and d["quality"]["counters"]["threads_blocking_signal"] >= 1' "$2"
  json_true info.json 'abs(d["quality"]["cpu_ns"] / d["quality"]["accounted_cpu_ns"] - 1) < 0.02' "$2: the total"
  "$FLARESTACK" report "$1" | tr -s '\n ' ' ' | grep -q "blocked our signal by a system call of their own, and were sampled from outside" ||
    fail "$2: the quality panel"
  "$FLARESTACK" report --threshold 0 --format json "$1" >report.json
  "$FLARESTACK" export "$1" --format collapsed -o stacks
  python3 - "${@:3}" <<'PY' || fail "$2: shares"
import json, sys
kinds = ("blocks", "toggles", "plain")
functions = {function["name"]: function for function in json.load(open("report.json"))["functions"]}
parts = {}
for line in open("stacks"):
    stack, _, weight = line.rstrip().rpartition(" ")
    names = [frame.split(" [")[0] for frame in stack.split(";")]
    for kind in kinds:
        if kind in names:
            leaf = next((name for name in names if name in ("heavy", "light")), "elsewhere")
            parts[kind, leaf] = parts.get((kind, leaf), 0) + int(weight)
for number, kind in enumerate(kinds):
    heavy, light, elsewhere = (parts.get((kind, leaf), 0) for leaf in ("heavy", "light", "elsewhere"))
    tid = functions[kind]["threads"][0]["tid"]
    selves = {name: thread["self"] for name, function in functions.items() for thread in function["threads"] if thread["tid"] == tid}
    seen, kernel = sum(selves.values()), selves.get("[kernel]", 0)
    print(kind, heavy / (heavy + light), elsewhere / (heavy + light), seen, kernel / seen, *sys.argv[1:])
    assert 0.70 < heavy / (heavy + light) < 0.80 and elsewhere < 0.05 * (heavy + light), kind
    assert kernel < 0.25 * seen, kind  # until it is noticed it runs for a tenth of a second or two
    if len(sys.argv) > 1:
        said = int(sys.argv[1 + number]) * 1000
        assert abs(seen - said) < 0.02 * said + 3e6, (kind, seen, said)
PY
}

timeout 60 "$FLARESTACK" record --quiet -o r.flare -- ./works 4000 >said
read -ra times <said
is_right r.flare record "${times[@]}"

begin ./works
begin_attach "$target" --quiet -o a.flare
burn "$target" 300
end_attach "$target"
end 0
is_right a.flare attach
