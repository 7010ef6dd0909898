#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program that allows itself a few system calls, on pain of death, then forks, starts threads and another program: it
# lives on as without us, since what its filter forbids is not done any more. A filter that forbids nothing of ours changes nothing.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#define _GNU_SOURCE
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile long sink;
static volatile int stop;
__attribute__((noinline)) void burn(void) {
  for (int i = 0; i < 150000000; ++i) sink += i;
}
static void* thread(void* argument) { burn(); return argument; }
static void* spinner(void* argument) { while (!stop) sink++; return argument; }
static void on_signal(int number) { sink += number; }
// Kills at `killed` calls, and, if `strict`, at all but what a small program needs (clock_gettime is not among it).
static int restrict_calls(const int* killed, int count, int strict, int by_syscall) {
  static const int allowed[] = {SYS_read, SYS_write, SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_mmap,
    SYS_munmap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_clone, SYS_clone3, SYS_futex, SYS_set_robust_list, SYS_rseq, SYS_wait4, SYS_fstat,
    SYS_newfstatat, SYS_getpid, SYS_gettid, SYS_tgkill, SYS_execve, SYS_openat, SYS_close, SYS_pread64, SYS_arch_prctl, SYS_set_tid_address,
    SYS_prlimit64, SYS_getrandom, SYS_access, SYS_process_vm_readv, SYS_kill, SYS_vfork, SYS_getrlimit, SYS_readlink, SYS_ioctl};
  struct sock_filter code[100];
  int n = 0;
  code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < count; ++i) {
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, killed[i], 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  }
  for (size_t i = 0; strict && i < sizeof allowed / sizeof *allowed; ++i) {
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, strict ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ALLOW);
  struct sock_fprog program = {n, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return by_syscall ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program)
                    : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
int main(int count, char** arguments) {
  const char* how = arguments[1];
  const int ours[] = {SYS_socket, SYS_perf_event_open, SYS_timer_create};
  pthread_t early, id;
  if (count > 2) { burn(); puts("executed"); return 3; }
  burn();
  signal(SIGUSR1, on_signal);
  if (strcmp(how, "strict") != 0) pthread_create(&early, NULL, spinner, NULL);
  int result = 0;
  if (strcmp(how, "none") == 0) result = restrict_calls(NULL, 0, 0, 0);
  if (strcmp(how, "ours") == 0) result = restrict_calls(ours, 3, 0, 0);
  if (strcmp(how, "small") == 0) result = restrict_calls(NULL, 0, 1, 1);
  if (strcmp(how, "strict") == 0) {
    write(1, "strict\n", 7);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    burn();
    write(1, "done\n", 5);
    syscall(SYS_exit_group, 9);  // is not allowed
  }
  printf("installed: %d\n", result);
  burn();
  raise(SIGUSR1);
  pthread_create(&id, NULL, thread, NULL);
  pthread_join(id, NULL);
  fflush(stdout);
  int status;
  if (fork() == 0) { pthread_create(&id, NULL, thread, NULL); pthread_join(id, NULL); puts("child"); fflush(stdout); _exit(4); }
  wait(&status);
  printf("child %d\n", WEXITSTATUS(status));
  fflush(stdout);
  if (vfork() == 0) { execl("./target", "./target", how, "again", NULL); _exit(1); }
  wait(&status);
  printf("program %d\n", status);
  stop = 1;
  pthread_join(early, NULL);
  return 5;
}
C
for how in none ours small strict; do
  same_with_and_without ./target $how
  "$FLARESTACK" report --format json t.flare >t.json
  "$FLARESTACK" info --format json t.flare >info.json
  json_true t.json 'sum(f["self"] for f in d["functions"] if f["name"] == "burn") > 0.02e9' "burn is seen before the filter ($how)"
  case $how in
    none) json_true info.json 'len(d["processes"]) == 3 and "sandboxed" not in d["quality"]["counters"]' "nothing is lost" ;;
    *) json_true info.json 'd["quality"]["counters"]["sandboxed"] > 0' "the report tells of the filter ($how)" ;;
  esac
done
grep -qx done bare.out || fail "$(cat bare.out)"
