#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program's own POSIX timers: all expirations arrive, in the thread or by the notification asked for, while threads come and go.
source "$(dirname "$0")/lib.sh"

cat >target.c <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_int by_signal, by_thread, by_cpu;
static volatile long sink;
static void on_signal(int number, siginfo_t* info, void* context) {
  (void)context;
  if (info->si_code == SI_TIMER && info->si_value.sival_int == 41) by_signal += 1 + info->si_overrun;
  if (info->si_code == SI_TIMER && info->si_value.sival_int == 42 && number == OURS) ++by_cpu;
}
static void on_thread(union sigval value) { by_thread += value.sival_int == 43; }
static void* short_thread(void* argument) { for (int i = 0; i < 100000; ++i) sink += i; return argument; }
static timer_t make(clockid_t clock, int notify, int number, int value, long ns) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = notify;
  event.sigev_signo = number;
  event.sigev_value.sival_int = value;
  event.sigev_notify_function = on_thread;
  timer_t timer;
  if (timer_create(clock, &event, &timer) != 0) perror("timer_create");
  struct itimerspec times = {{0, ns}, {0, ns}};
  timer_settime(timer, 0, &times, NULL);
  return timer;
}
int main(void) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGRTMIN + 1, &action, NULL);
  sigaction(OURS, &action, NULL);
  timer_t timers[] = {make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 1, 41, 2000000), make(CLOCK_MONOTONIC, SIGEV_THREAD, 0, 43, 20000000),
                      make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, OURS, 42, 50000000)};
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    pthread_t id;
    pthread_create(&id, NULL, short_thread, NULL);
    pthread_join(id, NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 1000);
  printf("%d %d %d\n", by_signal >= 480, by_thread >= 20, by_cpu >= 2);
  for (int i = 0; i < 3; ++i) printf("%d\n", timer_delete(timers[i]));
  return 0;
}
C
for choice in "auto SIGTRAP" "posix SIGSTKFLT"; do
  read -r timer ours <<<"$choice"
  cc_program target "-DOURS=$ours" <target.c
  RECORD_OPTIONS="--timer $timer" same_with_and_without ./target
done
grep -qx "1 1 1" bare.out || fail "$(cat bare.out)"
