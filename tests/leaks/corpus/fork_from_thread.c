// SPDX-License-Identifier: Apache-2.0
// A thread forks: in the child its stack is the only one that lives.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

SITE void* site_thread(void) { return malloc(210); }
SITE void site_child(void) { malloc(220); }

static void* thread(void* argument) {
  void* volatile slot = site_thread();
  scrub();
  const pid_t child = fork();
  if (child == 0) {
    run(site_child);
    exit(slot == argument);
  }
  waitpid(child, NULL, 0);
  free(slot);
  return NULL;
}
static void body(void) {
  pthread_t id;
  pthread_create(&id, NULL, thread, NULL);
  pthread_join(id, NULL);
}

int main(void) {
  run(body);
  return 0;
}
