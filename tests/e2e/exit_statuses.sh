#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every exit status and every death by signal is passed on, a core is dumped or not as before, and a program whose reader
# has gone dies of it.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <stdio.h>
int main(int count, char** arguments) {
  int number = atoi(arguments[2]);
  if (arguments[1][0] == 'e') exit(number);
  if (arguments[1][0] == 'k') { raise(number); return 250; }
  struct rlimit core = {RLIM_INFINITY, RLIM_INFINITY};  // children: what wait() tells of each
  setrlimit(RLIMIT_CORE, &core);
  for (int i = 1; i < 32; ++i) {
    int status = 0;
    if (i == SIGSTOP || i == SIGTSTP || i == SIGTTIN || i == SIGTTOU) continue;
    pid_t child = fork();
    if (child == 0) { raise(i); _exit(77); }
    waitpid(child, &status, 0);
    printf("%d: %x\n", i, status);
  }
  return count;
}
C
record() { timeout 20 "$FLARESTACK" record --quiet -o t.flare -- "$@"; }
for number in 0 1 2 77 124 125 126 127 128 130 200 255; do
  status=0; record ./target exit $number || status=$?
  [ $status = $number ] || fail "exit $number became $status"
done
ulimit -c 0
for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 24 25 26 27 29 30 31; do
  status=0; record ./target kill $number || status=$?
  [ $status = $((128 + number)) ] || fail "signal $number became $status"
done
same_with_and_without ./target wait 0
status=0; { record seq 1 1000000 || echo $? >piped; } | head -1 >/dev/null
[ "$(cat piped)" = 141 ] || fail "seq into a closed pipe: $(cat piped)"
