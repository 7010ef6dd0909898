#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# attach PID of programs whose threads block all signals, by their mask or in calls with a mask of their own: they are sampled all
# the same, believe what they did before, and have it again when they are detached from. Needs ptrace.
source "$(dirname "$0")/lib.sh"

cc_program works -I"$SOURCE_DIR/tests/e2e/programs" <<'C'
#define _GNU_SOURCE
#include "works.h"
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
enum { kWays = 5 };
static __thread volatile long sink;
static volatile long rounds[kWays], closed[kWays], really_closed[kWays];
static volatile int woken, alone;
static void on_wake(int signal) { (void)signal; ++woken; }
static void spin(void) { for (int i = 0; i < 2000000; ++i) sink += i; }
__attribute__((noinline)) void mask(void) { spin(); ++sink; }
__attribute__((noinline)) void by_ppoll(void) { spin(); ++sink; }
__attribute__((noinline)) void by_pselect(void) { spin(); ++sink; }
__attribute__((noinline)) void by_epoll(void) { spin(); ++sink; }
__attribute__((noinline)) void by_suspend(void) { spin(); ++sink; }
static int blocks_all(uint64_t mask) {
  for (int signal = 1; signal < 32; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP && (mask >> (signal - 1) & 1) == 0) return 0;
  }
  return 1;
}
// Past all who could hide something.
static uint64_t real_mask(void) {
  uint64_t mask = 0;
  register long size __asm__("r10") = sizeof mask;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_rt_sigprocmask), "D"(SIG_BLOCK), "S"(NULL), "d"(&mask), "r"(size) : "rcx", "r11", "memory");
  return result == 0 ? mask : 0;
}
static void* works(void* argument) {
  const long way = (long)argument;
  const struct timespec limit = {0, 30000000};
  struct epoll_event event;
  const int descriptor = epoll_create1(0);
  sigset_t all, during, now;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  sigfillset(&during);
  sigdelset(&during, SIGUSR1);
  while (!stop) {
    if (way == 0) mask();
    if (way == 1) { if (ppoll(NULL, 0, &limit, &during) != 0) printf("ppoll: %d\n", errno); by_ppoll(); }
    if (way == 2) { if (pselect(0, NULL, NULL, NULL, &limit, &during) != 0) printf("pselect: %d\n", errno); by_pselect(); }
    if (way == 3) { if (epoll_pwait(descriptor, &event, 1, 30, &during) != 0) printf("epoll_pwait: %d\n", errno); by_epoll(); }
    if (way == 4) { const int before = woken; sigsuspend(&during); if (woken == before) puts("sigsuspend: nothing"); by_suspend(); }
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    closed[way] = blocks_all(now.__val[0]);
    really_closed[way] = blocks_all(real_mask());
    sigpending(&now);
    for (int signal = 1; signal < 32; ++signal) if (signal != SIGUSR1 && sigismember(&now, signal)) printf("%d waits\n", signal);
    ++rounds[way];
    if (alone && access("end", F_OK) == 0) stop = 1;
  }
  return argument;
}
int main(int count, char** arguments) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_wake;
  sigaction(SIGUSR1, &action, NULL);
  if (count > 1) {  // the only thread
    alone = 1;
    works((void*)(long)atoi(arguments[1]));
    printf("%d\n", blocks_all(real_mask()));
    return 4;
  }
  pthread_t ids[kWays];
  for (long i = 0; i < kWays; ++i) pthread_create(&ids[i], NULL, works, (void*)i);
  char line[20];
  while (fgets(line, sizeof line, stdin) != NULL) {
    long then[kWays];
    for (int i = 0; i < kWays; ++i) then[i] = rounds[i];
    for (int tries = 0, moved = 0; tries < 2000 && moved < kWays; ++tries) {
      pthread_kill(ids[4], SIGUSR1);
      usleep(5000);
      moved = 0;
      for (int i = 0; i < kWays; ++i) moved += rounds[i] > then[i] + 3;
    }
    int all = 0, moved = 0;
    for (int i = 0; i < kWays; ++i) { all += line[0] == 'r' ? really_closed[i] : closed[i]; moved += rounds[i] > then[i] + 3; }
    printf("%d%s block all, %d go on\n", all, line[0] == 'r' ? " really" : "", moved);
    fflush(stdout);
  }
  stop = 1;
  for (int i = 0; i < kWays; ++i) {
    if (i == 4) pthread_kill(ids[4], SIGUSR1);
    pthread_join(ids[i], NULL);
  }
  return 4;
}
C
begin ./works
ask a
for round in 1 2 3; do
  begin_attach "$target" --quiet -o t.flare
  for _ in 1 2 3 4 5; do ask b; done
  end_attach "$target"
  ask r
  "$FLARESTACK" info --format json t.flare >info.json
  "$FLARESTACK" report --format json --threshold 0 t.flare >report.json
  json_true info.json 'd["quality"]["complete"] and d["quality"]["heap_events_lost"] == 0' "round $round"
  for name in mask by_ppoll by_pselect by_epoll by_suspend; do
    json_true report.json "sum(f['total'] for f in d['functions'] if f['name'] == '$name') > 0.02 * d['total']" "round $round: $name is sampled"
  done
  json_true report.json 'sum(f["self"] for f in d["functions"] if f["name"] == "[kernel]") < 0.2 * d["total"]' "round $round: what the kernel says nobody sampled"
done
end 4
[ "$(sort -u out | tr '\n' ' ')" = "5 block all, 5 go on 5 really block all, 5 go on " ] || fail "it noticed: $(sort -u out)"

# Of one thread, which is then the one that is borrowed.
for way in 0 1 3; do
  begin ./works $way
  for _ in $(seq 500); do grep -q 'SigBlk:.*ff$' "/proc/$target/status" && break; read -rt 0.01 <> <(:) || true; done
  timeout 60 "$FLARESTACK" attach "$target" --quiet --duration 500ms -o t.flare 2>recorder.err || fail "way $way: $(cat recorder.err)"
  "$FLARESTACK" report --format json --threshold 0 t.flare >report.json
  json_true report.json 'sum(f["self"] for f in d["functions"] if f["name"] == "spin") > 0.7 * d["total"] > 0' "way $way: sampled"
  touch end
  end 4
  rm end
  [ "$(cat out)" = 1 ] || fail "way $way: it noticed: $(cat out)"
done
