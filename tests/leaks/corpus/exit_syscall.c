// SPDX-License-Identifier: Apache-2.0
// The program ends by syscall(SYS_exit_group).
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "corpus.h"

SITE void site_lost(void) { malloc(16); }

int main(void) {
  run(site_lost);
  lsan_check();
  syscall(SYS_exit_group, 9);
  return 0;
}
