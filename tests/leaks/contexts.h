// SPDX-License-Identifier: Apache-2.0
// One context besides the program's own stack.
#pragma once

#include <ucontext.h>

#include "corpus.h"

static ucontext_t caller, context;

// Runs function on the stack until it calls leave().
HELPER void enter(void* stack, size_t size, void (*function)(void)) {
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = size;
  context.uc_link = &caller;
  makecontext(&context, function, 0);
  swapcontext(&caller, &context);
}

HELPER void leave(void) { swapcontext(&context, &caller); }
