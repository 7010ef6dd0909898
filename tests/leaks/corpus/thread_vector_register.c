// SPDX-License-Identifier: Apache-2.0
// A pointer in a vector register only, of a thread that waits in the kernel.
#include "ends.h"

uintptr_t key = 0x5a5a5a5a5a5a5a5aULL, encrypted;

SITE void* site_vector(void) { return malloc(45); }

static void encrypt(void) { encrypted = hidden((uintptr_t)site_vector()); }
static void* thread(void* argument) {
  run(encrypt);
  __asm__ volatile(
      "movq %1, %%xmm9\n movq %2, %%xmm10\n pxor %%xmm10, %%xmm9\n pxor %%xmm10, %%xmm10\n lock incl %0\n"
      "1: movl $34, %%eax\n syscall\n jmp 1b\n"  // pause()
      : "+m"(waiting)
      : "m"(encrypted), "m"(key)
      : "rax", "rcx", "r11", "xmm9", "xmm10", "memory");
  return argument;
}
static void body(void) {
  pthread_t id;
  pthread_create(&id, NULL, thread, NULL);
  await_waiting(1);
}

int main(void) {
  run(body);
  return 0;
}
