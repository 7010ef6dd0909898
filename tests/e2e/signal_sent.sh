#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The signals that we may sample by (SIGTRAP, SIGSTKFLT) still work for a program that uses it: default action, handlers of all kinds, ignored,
# blocked and pending, waited for, read from a signalfd, sent to a thread; while it is being sampled.
source "$(dirname "$0")/lib.sh"

cat >target.c <<'C'
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
  sigaddset(&set, OURS);
  setvbuf(stdout, NULL, _IONBF, 0);
  burn();
  if (strcmp(what, "default") == 0) { raise(OURS); return 1; }
  if (strcmp(what, "sigdefault") == 0) { signal(OURS, plain); signal(OURS, SIG_DFL); kill(getpid(), OURS); return 1; }
  if (strcmp(what, "reset") == 0) { action.sa_flags |= SA_RESETHAND; sigaction(OURS, &action, NULL); raise(OURS); printf("%ld\n", runs); raise(OURS); return 1; }
  signal(OURS, SIG_IGN);
  raise(OURS);
  sigaction(OURS, &action, NULL);
  sigqueue(getpid(), OURS, (union sigval){.sival_int = 5});
  printf("queued: %ld %d %d\n", runs, code, value);
  signal(OURS, plain);
  raise(OURS);
  printf("raised: %ld %d\n", runs, value);
  sigprocmask(SIG_BLOCK, &set, NULL);
  burn();
  raise(OURS);
  sigset_t pending;
  sigpending(&pending);
  printf("blocked: %ld pending %d\n", runs, sigismember(&pending, OURS));
  burn();
  int number = 0;
  sigwait(&set, &number);
  printf("waited for: %d\n", number);
  siginfo_t info;
  struct timespec little = {0, 20000000};
  burn();
  printf("none: %d %d\n", sigtimedwait(&set, &info, &little), errno == EAGAIN);
  if (fork() == 0) { burn(); kill(getppid(), OURS); _exit(0); }
  printf("from the child: %d", sigwaitinfo(&set, &info));
  printf(" %d\n", info.si_code == SI_USER);
  if (strcmp(what, "signalfd") == 0) {
    int descriptor = signalfd(-1, &set, 0);
    struct signalfd_siginfo seen;
    raise(OURS);
    printf("signalfd: %zd", read(descriptor, &seen, sizeof seen));
    printf(" %d\n", seen.ssi_signo);
  }
  raise(OURS);
  burn();
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  printf("unblocked: %ld\n", runs);
  burn();
  pthread_t thread;
  pthread_create(&thread, NULL, spin, NULL);
  for (int i = 0; runs < 100; ++i) pthread_kill(thread, OURS);
  pthread_join(thread, NULL);
  wait(NULL);
  return 0;
}
C
for choice in "auto SIGTRAP" "auto SIGSTKFLT" "perf-io SIGSTKFLT" "posix SIGSTKFLT"; do
  read -r timer ours <<<"$choice"
  RECORD_OPTIONS="--timer $timer"
  cc_program target "-DOURS=$ours" <target.c
  ways="default sigdefault reset all"
  [ $timer = posix ] || ways+=" signalfd"  # where it is not sure to be the program's, it is not read from descriptors
  for how in $ways; do same_with_and_without ./target $how; done
  "$FLARESTACK" report --format json t.flare >t.json
  json_true t.json 'sum(f["self"] for f in d["functions"] if f["name"] == "burn") > 0.1e9' "burn is sampled where the signal is open"
done
