#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program's own breakpoint instructions: handled, deadly by default, ignored or blocked; while SIGTRAP is what samples it.
# And a program that is traced: its tracer is told of none of our signals, and the process is listed as not recorded.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>
static volatile long sink, traps;
static void burn(void) { for (long i = 0; i < 200000000; ++i) sink += i; }
static void on_trap(int number, siginfo_t* info, void* context) {
  unsigned char* behind = (unsigned char*)((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP];
  traps += number == SIGTRAP && info->si_code == SI_KERNEL && behind[-1] == 0xcc;
}
int main(int count, char** arguments) {
  const char* how = arguments[count - 1];
  struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  setvbuf(stdout, NULL, _IONBF, 0);
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTRAP);
  if (strcmp(how, "handled") == 0) sigaction(SIGTRAP, &action, NULL);
  if (strcmp(how, "ignored") == 0) signal(SIGTRAP, SIG_IGN);
  if (strcmp(how, "blocked") == 0) { sigaction(SIGTRAP, &action, NULL); sigprocmask(SIG_BLOCK, &set, NULL); }
  burn();
  printf("before\n");
  for (int i = 0; i < 1000; ++i) __asm__ volatile("int3");
  burn();
  printf("%ld traps\n", traps);
  return 0;
}
C
for timer in auto perf-io; do
  for how in handled default ignored blocked; do RECORD_OPTIONS="--timer $timer" same_with_and_without ./target $how; done
done
RECORD_OPTIONS="" same_with_and_without ./target handled
grep -q "^1000 traps" bare.out || fail "$(cat bare.out)"
"$FLARESTACK" report --format json t.flare >t.json
json_true t.json 'sum(f["self"] for f in d["functions"] if f["name"] == "burn") > 0.6 * d["total"]' "burn is sampled"

cc_program tracer <<'C'
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char** arguments) {
  (void)count;
  int status, stops = 0, signals = 0;
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    for (volatile long i = 0; i < 50000000; ++i) continue;
    execv(arguments[1], arguments + 1);
    _exit(127);
  }
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    const int number = WSTOPSIG(status);
    signals += stops++ != 0;  // the first one is the exec's
    ptrace(PTRACE_CONT, child, 0, stops == 1 ? 0 : number);
  }
  printf("%d signals, status %d\n", signals, status);
  return 0;
}
C
same_with_and_without ./tracer ./target handled
grep -q "^1000 signals, status 0" bare.out || fail "$(cat bare.out)"
"$FLARESTACK" info --format json t.flare >i.json
json_true i.json 'any("target" in p["command"] and "debugger" in p["reason"] for p in d["not_recorded"])' "not listed"
