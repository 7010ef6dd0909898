// SPDX-License-Identifier: Apache-2.0
// exit from a signal handler on an alternate stack, malloc'ed; both stacks hold blocks.
#include <signal.h>

#include "corpus.h"

void* stack;

SITE void* site_stack(void) { return malloc(1 << 16); }
SITE void* site_main(void) { return malloc(51); }
SITE void* site_handler(void) { return malloc(52); }

static void handler(int number) {
  void* volatile slot = site_handler();
  exit(slot == NULL ? 1 : number);
}

int main(void) {
  void* volatile slot = site_main();
  stack = site_stack();
  sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = 1 << 16}, NULL);
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  scrub();
  raise(SIGUSR1);
  return slot == NULL;
}
