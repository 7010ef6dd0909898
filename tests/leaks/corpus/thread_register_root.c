// SPDX-License-Identifier: Apache-2.0
// Held by a register that a call keeps, of a thread that waits in the kernel.
#include "ends.h"

uintptr_t key = 0x5a5a5a5a5a5a5a5aULL, encrypted;

SITE void* site_register(void) { return malloc(45); }

static void encrypt(void) { encrypted = hidden((uintptr_t)site_register()); }
static void* thread(void* argument) {
  run(encrypt);
  __asm__ volatile(
      "movq %1, %%rbx\n xorq %2, %%rbx\n lock incl %0\n"
      "1: movl $34, %%eax\n syscall\n jmp 1b\n"  // pause()
      : "+m"(waiting)
      : "m"(encrypted), "m"(key)
      : "rax", "rbx", "rcx", "r11", "memory");
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
