// SPDX-License-Identifier: Apache-2.0
// Held by System V shared memory.
#include <sys/shm.h>

#include "corpus.h"

SITE void* site_block(void) { return malloc(100); }

static void body(void) {
  const int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  void** shared = shmat(id, NULL, 0);
  shmctl(id, IPC_RMID, NULL);
  shared[4] = site_block();
}

int main(void) {
  run(body);
  return 0;
}
