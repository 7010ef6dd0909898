// SPDX-License-Identifier: Apache-2.0
// Waits again and again while its child stops and continues it by ptrace, so that the kernel goes on with each wait by
// restart_syscall; says how many waits were interrupted.
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int stop_often(pid_t whom, int ready, int stops) {
  char byte;
  if (read(ready, &byte, 1) != 1 || ptrace(PTRACE_SEIZE, whom, 0, 0) != 0) return 1;
  for (int i = 0; i < stops; ++i) {
    int status = 0;
    ptrace(PTRACE_INTERRUPT, whom, 0, 0);
    if (waitpid(whom, &status, __WALL) != whom || !WIFSTOPPED(status)) return 2;
    ptrace(PTRACE_CONT, whom, 0, status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status));
  }
  return 0;
}

int main(int count, char** arguments) {
  int ends[2], status = 0, interrupted = 0, word = 0;
  if (count < 2 || pipe(ends) != 0) return 9;
  const pid_t child = fork();
  if (child == 0) _exit(stop_often(getppid(), ends[0], atoi(arguments[1])));
  prctl(PR_SET_PTRACER, child, 0, 0, 0);
  if (write(ends[1], "x", 1) != 1) return 9;
  while (waitpid(child, &status, WNOHANG) == 0) {
    const struct timespec nap = {0, 5000000};
    interrupted += nanosleep(&nap, NULL) != 0;
    interrupted += poll(NULL, 0, 5) != 0;
    interrupted += syscall(SYS_futex, &word, FUTEX_WAIT, 0, &nap, NULL, 0) != -1 || errno != ETIMEDOUT;
  }
  printf("%d interrupted, status %d\n", interrupted, status);
  return 0;
}
