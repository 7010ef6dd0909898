// SPDX-License-Identifier: Apache-2.0
// A pointer in a register that setjmp saved: the buffer holds it.
#include <setjmp.h>

#include "corpus.h"

jmp_buf buffer;
uintptr_t key = 0x5a5a5a5a5a5a5a5aULL, encrypted;

SITE void* site_saved(void) { return malloc(66); }

static void body(void) {
  encrypted = hidden((uintptr_t)site_saved());
  scrub();
  __asm__ volatile("movq %1, %%r12\n xorq %2, %%r12\n leaq %0, %%rdi\n call _setjmp@PLT\n xorl %%r12d, %%r12d\n"
                   : "=m"(buffer)
                   : "m"(encrypted), "m"(key)
                   : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "memory");
}

int main(void) {
  run(body);
  return 0;
}
