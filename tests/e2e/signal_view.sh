#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a program can ask about signals is what it set itself, the hidden one included: actions, masks, what a child of
# fork, vfork, posix_spawn, system, popen and exec inherits, and what a vfork child changes for itself only. The same by
# system calls through syscall(), by which Chromium resets all signals in a forked child that then works on.
source "$(dirname "$0")/lib.sh"

cat >target.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;
static char* self[] = {"./target", "show", NULL};
static void handler(int number) { (void)number; }
static void show(const char* when) {
  sigset_t mask;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  printf("%s: blocked", when);
  for (int i = 1; i <= 64; ++i) printf(" %d", sigismember(&mask, i));
  printf("\n");
  for (int i = 1; i <= 64; ++i) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    int result = sigaction(i, NULL, &action);
    const char* name = action.sa_handler == SIG_DFL ? "default" : action.sa_handler == SIG_IGN ? "ignored" : action.sa_handler == handler ? "ours" : "?";
    if (strcmp(name, "default") != 0 || result != 0 || action.sa_flags != 0)
      printf("%d: %d %s flags %x restorer %d mask %lx\n", i, result, name, action.sa_flags, action.sa_restorer != NULL, *(long*)&action.sa_mask);
  }
  fflush(stdout);
}
static void show_in_children(void) {
  int status;
  pid_t pid;
  if (fork() == 0) { show("fork"); execv(self[0], self); _exit(1); }
  wait(&status);
  if (vfork() == 0) { execv(self[0], self); _exit(1); }
  wait(&status);
  posix_spawn(&pid, self[0], NULL, NULL, self, environ);
  wait(&status);
  if (system("./target show") != 0) abort();
  FILE* pipe = popen("./target show", "r");
  char line[1000];
  while (fgets(line, sizeof line, pipe)) printf("popen: %s", line);
  pclose(pipe);
}
// As the kernel has it.
struct raw_action { void* handler; unsigned long flags; void* restorer; unsigned long mask; };
static void show_raw(const char* when, int number) {
  struct raw_action action = {0};
  long result = syscall(SYS_rt_sigaction, number, NULL, &action, 8);
  const char* name = action.handler == SIG_DFL ? "default" : action.handler == SIG_IGN ? "ignored" : action.handler == handler ? "ours" : "?";
  printf("%s: %ld %s flags %lx restorer %d mask %lx\n", when, result, name, action.flags, action.restorer != NULL, action.mask);
}
static void raw_actions(void) {
  struct sigaction none = {.sa_handler = SIG_DFL, .sa_flags = SA_RESTART}, old;
  for (int i = 0; i < 3; ++i) {  // a default action with flags, of a signal that ends the program
    sigaction(SIGTERM, &none, &old);
    printf("%d: flags %x, default %d\n", i, old.sa_flags, old.sa_handler == SIG_DFL);
    none.sa_flags = i == 0 ? SA_NODEFER : 0;
  }
  signal(OURS, handler);
  show_raw("a handler", OURS);
  errno = 0;
  printf("wrong size: %ld %d\n", syscall(SYS_rt_sigaction, OURS, NULL, NULL, 4), errno);
  errno = 0;
  printf("no memory: %ld %d\n", syscall(SYS_rt_sigaction, OURS, (void*)8, NULL, 8), errno);
  errno = 0;
  printf("nowhere: %ld %d\n", syscall(SYS_rt_sigaction, OURS, NULL, (void*)8, 8), errno);
  struct raw_action action = {SIG_IGN, 0, NULL, 4}, before;
  syscall(SYS_rt_sigaction, OURS, &action, &before, 8);
  printf("before: %d\n", before.handler == handler);
  show_raw("ignored", OURS);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    action.handler = SIG_DFL;
    for (int i = 1; i <= 64; ++i) syscall(SYS_rt_sigaction, i, &action, NULL, 8);
    show_raw("child", OURS);
    for (clock_t end = clock() + CLOCKS_PER_SEC / 5; clock() < end;) {}
    show("child");
    execv(self[0], self);
    _exit(1);
  }
  int status;
  waitpid(pid, &status, 0);
  printf("child's status: %x\n", status);
  show("after the child");
}
static void* thread(void* argument) { show("thread"); return argument; }
int main(int count, char** arguments) {
  if (count > 1) { show(arguments[1]); return 0; }
  pthread_t id;
  sigset_t set, old;
  show("at first");
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_NODEFER | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  for (int i = 1; i <= 64; i += 3) sigaction(i, &action, NULL);
  show("handlers");
  for (int i = 2; i <= 64; i += 2) signal(i, i % 4 ? SIG_IGN : handler);
  show("signal()");
  show_in_children();
  raw_actions();
  signal(OURS, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  show_in_children();
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, &old);
  show("all blocked");
  show_in_children();
  pthread_create(&id, NULL, thread, NULL);
  pthread_join(id, NULL);
  if (vfork() == 0) {  // what it does to its signals is its own affair
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    for (int i = 1; i <= 64; ++i) signal(i, SIG_DFL);
    execv(self[0], self);
    _exit(1);
  }
  wait(NULL);
  show("after vfork");
  execl("/no/such/file", "file", NULL);
  show("after a failed exec");
  sigsetmask(0);
  show("sigsetmask");
  sigset(OURS, SIG_HOLD);
  siginterrupt(OURS, 1);
  show("sigset");
  execl(self[0], self[0], "exec", NULL);
}
C
for choice in "auto TRAP 5" "auto STKFLT 16" "perf-io STKFLT 16"; do
  read -r timer ours number <<<"$choice"
  RECORD_OPTIONS="--timer $timer"
  cc_program target -Wno-deprecated-declarations "-DOURS=SIG$ours" <target.c
  same_with_and_without ./target
  [ "$(wc -l <bare.out)" -gt 100 ] || fail "$(cat bare.out)"
  (trap '' "$ours" INT && same_with_and_without ./target show)  # ignored from the start
  grep -q "^$number: 0 ignored" bare.out || fail "$(cat bare.out)"
done
