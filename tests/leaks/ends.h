// SPDX-License-Identifier: Apache-2.0
// Threads that wait when the program ends, and threads that are known to be gone.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "corpus.h"

__attribute__((unused)) static volatile int waiting;      // threads in wait_for_ever
__attribute__((unused)) static volatile pid_t announced;  // the thread whose end is waited for

// The thread is in the kernel from here on; its caller's frames are live.
HELPER void wait_for_ever(void) {
  scrub();
  __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
  for (;;) pause();
}

// Returns when so many threads wait: pause() is the next that they do.
HELPER void await_waiting(int count) {
  while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < count) sched_yield();
}

HELPER void announce_thread(void) { announced = gettid(); }

HELPER void await_thread_end(void) {
  while (announced == 0) sched_yield();
  while (tgkill(getpid(), announced, 0) == 0 || errno != ESRCH) usleep(200);
}
