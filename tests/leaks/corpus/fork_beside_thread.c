// SPDX-License-Identifier: Apache-2.0
// What another thread's stack and thread-local variable hold at a fork: that thread is gone in the child.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

static __thread void* local;
static pthread_barrier_t barrier;
SITE void* site_stack(void) { return malloc(310); }
SITE void* site_local(void) { return malloc(320); }

static void* thread(void* argument) {
  void* volatile slot = site_stack();
  local = site_local();
  scrub();
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  free(slot);
  free(local);
  return NULL;
}
static void body(void) {
  pthread_t id;
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&id, NULL, thread, NULL);
  pthread_barrier_wait(&barrier);
  const pid_t child = fork();
  if (child == 0) exit(0);
  waitpid(child, NULL, 0);
  pthread_barrier_wait(&barrier);
  pthread_join(id, NULL);
}

int main(void) {
  run(body);
  return 0;
}
