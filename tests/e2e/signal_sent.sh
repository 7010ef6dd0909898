#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The signal that we sample by still works for a program that uses it: default action, handlers of all kinds, ignored,
# blocked and pending, waited for, read from a signalfd, sent to a thread; while it is being sampled.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile long sink, runs;
static volatile int code, value;
static void burn(void) {
  for (int i = 0; i < 100000000; ++i) sink += i;
}
static void on_signal(int number, siginfo_t* info, void* context) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  ++runs;
  code = info->si_code;
  value = info->si_value.sival_int + 10 * sigismember(&mask, SIGUSR1) + 100 * sigismember(&mask, number) + (context != NULL ? 1000 : 0);
}
static void plain(int number) { ++runs; value = number; }
static void* spin(void* argument) {
  while (runs < 100) sink += runs;
  return argument;
}
int main(int count, char** arguments) {
  const char* what = count > 1 ? arguments[1] : "";
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  action.sa_mask = set;
  sigaddset(&set, SIGSTKFLT);
  setvbuf(stdout, NULL, _IONBF, 0);
  burn();
  if (strcmp(what, "default") == 0) { raise(SIGSTKFLT); return 1; }
  if (strcmp(what, "sigdefault") == 0) { signal(SIGSTKFLT, plain); signal(SIGSTKFLT, SIG_DFL); kill(getpid(), SIGSTKFLT); return 1; }
  if (strcmp(what, "reset") == 0) { action.sa_flags |= SA_RESETHAND; sigaction(SIGSTKFLT, &action, NULL); raise(SIGSTKFLT); printf("%ld\n", runs); raise(SIGSTKFLT); return 1; }
  signal(SIGSTKFLT, SIG_IGN);
  raise(SIGSTKFLT);
  sigaction(SIGSTKFLT, &action, NULL);
  sigqueue(getpid(), SIGSTKFLT, (union sigval){.sival_int = 5});
  printf("queued: %ld %d %d\n", runs, code, value);
  signal(SIGSTKFLT, plain);
  raise(SIGSTKFLT);
  printf("raised: %ld %d\n", runs, value);
  sigprocmask(SIG_BLOCK, &set, NULL);
  burn();
  raise(SIGSTKFLT);
  sigset_t pending;
  sigpending(&pending);
  printf("blocked: %ld pending %d\n", runs, sigismember(&pending, SIGSTKFLT));
  burn();
  int number = 0;
  sigwait(&set, &number);
  printf("waited for: %d\n", number);
  siginfo_t info;
  struct timespec little = {0, 20000000};
  burn();
  printf("none: %d %d\n", sigtimedwait(&set, &info, &little), errno == EAGAIN);
  if (fork() == 0) { burn(); kill(getppid(), SIGSTKFLT); _exit(0); }
  printf("from the child: %d", sigwaitinfo(&set, &info));
  printf(" %d\n", info.si_code == SI_USER);
  if (strcmp(what, "signalfd") == 0) {
    int descriptor = signalfd(-1, &set, 0);
    struct signalfd_siginfo seen;
    raise(SIGSTKFLT);
    printf("signalfd: %zd", read(descriptor, &seen, sizeof seen));
    printf(" %d\n", seen.ssi_signo);
  }
  raise(SIGSTKFLT);
  burn();
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  printf("unblocked: %ld\n", runs);
  burn();
  pthread_t thread;
  pthread_create(&thread, NULL, spin, NULL);
  for (int i = 0; runs < 100; ++i) pthread_kill(thread, SIGSTKFLT);
  pthread_join(thread, NULL);
  wait(NULL);
  return 0;
}
C
for timer in auto posix; do
  RECORD_OPTIONS="--timer $timer"
  ways="default sigdefault reset all"
  [ $timer = posix ] || ways+=" signalfd"  # where it is not sure to be the program's, it is not read from descriptors
  for how in $ways; do same_with_and_without ./target $how; done
  "$FLARESTACK" report --format json t.flare >t.json
  json_true t.json 'sum(f["self"] for f in d["functions"] if f["name"] == "burn") > 0.1e9' "burn is sampled where the signal is open"
done
