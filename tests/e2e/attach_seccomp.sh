#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# attach PID of a process that filters its system calls: a filter that denies some of the agent's calls by an error, as
# those of containers do, is suspended while the agent comes and goes, and holds for the program at all times; one that
# would kill for such a call keeps the agent out, and the program unharmed. Needs ptrace and root.
source "$(dirname "$0")/lib.sh"

cc_program works <<'C'
#include <errno.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
static volatile int stop;
static volatile long rounds[3], denied;
__attribute__((noinline)) void* site_lost(size_t size) { return memset(malloc(size), 1, size); }
__attribute__((noinline)) void site_busy(void) { for (volatile int i = 0; i < 3000; ++i) {} }
static void filter(int call, unsigned verdict) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, verdict),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {4, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) exit(9);
}
static int killing;
static void* works(void* argument) {
  const long number = (long)argument;
  if (killing && number == 2) filter(SYS_socket, SECCOMP_RET_KILL_PROCESS);  // of this thread alone
  while (!stop) {
    struct perf_event_attr attributes = {.type = 77, .size = sizeof attributes};
    site_busy();
    free(malloc(100));
    // It holds at any time: otherwise the kernel would say EINVAL or ENOENT of such an event.
    if (syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0) != -1 || errno != EMFILE) ++denied;
    ++rounds[number];
  }
  return argument;
}
int main(int count, char** arguments) {
  pthread_t ids[3];
  killing = count > 1 && arguments[1][0] == 'k';
  filter(SYS_perf_event_open, SECCOMP_RET_ERRNO | EMFILE);
  for (long i = 0; i < 3; ++i) pthread_create(&ids[i], NULL, works, (void*)i);
  char line[20];
  while (fgets(line, sizeof line, stdin) != NULL) {
    for (int i = 0; i < 3; ++i) {
      const long before = rounds[i];
      while (rounds[i] < before + 50) usleep(1000);
    }
    if (line[0] == 'x') for (int i = 0; i < 3; ++i) site_lost(70);
    printf("%c %ld\n", line[0], denied);
    fflush(stdout);
  }
  stop = 1;
  for (int i = 0; i < 3; ++i) pthread_join(ids[i], NULL);
  return 3;
}
C

ends() {
  end 3
  ! grep -v ' 0$' out || fail "its filter did not hold: $(cat out)"
}

begin ./works
ask a
for round in 1 2 3; do
  begin_attach "$target" --quiet -o t.flare
  ask x
  timeout 60 "$FLARESTACK" leaks --now "$target" --format json >now.json || fail "leaks --now: round $round"
  json_true now.json '[(s["blocks"], s["bytes"]) for s in d["sites"] if s["verdict"] == "definitely_lost" and any(f["function"] == "site_lost" for f in s["stack"])] == [(3, 210)]' "leaks"
  end_attach "$target"
  [ ! -s recorder.err ] || fail "$(cat recorder.err)"
  ask b
  "$FLARESTACK" report --format json t.flare >report.json
  json_true report.json 'sum(f["self"] for f in d["functions"] if f["name"] == "site_busy") > 0.5 * d["total"] > 0' "where the time goes"
done
ends

begin ./works kill
ask a
timeout 60 "$FLARESTACK" attach "$target" --heap exact --duration 200ms --quiet -o t.flare 2>attach.err && fail "it was attached to"
grep -q "seccomp.*system call 41" attach.err || fail "no reason: $(cat attach.err)"
ask b
ends
