// SPDX-License-Identifier: Apache-2.0
// A handler of the program's for SIGSEGV that calls _exit.
#include <signal.h>
#include <unistd.h>

#include "corpus.h"

SITE void* site_slot(void) { return malloc(25); }
SITE void* site_handler(void) { return malloc(26); }
SITE void site_lost(void) { malloc(27); }

static void handler(int number) {
  void* volatile slot = site_handler();
  lsan_check();
  _exit(slot ? number : 1);
}

int main(void) {
  void* volatile slot = site_slot();
  run(site_lost);
  signal(SIGSEGV, handler);
  *(int* volatile)NULL = slot != NULL;
  return 0;
}
