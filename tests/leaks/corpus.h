// SPDX-License-Identifier: Apache-2.0
// What the programs of the corpus share. A block belongs to the innermost function on its stack whose name begins with
// site_; what no such function is beneath belongs to the runtime (libc, the loader, libstdc++).
//
// Every checker has to see the same memory: work is done deeper in the stack than whatever runs at the end, and that
// part of the stack and the registers are then overwritten, as a value left there would be a pointer to some checkers
// only.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif
// LeakSanitizer checks in exit() only; programs that end otherwise ask for it first. Null without it.
void __lsan_do_leak_check(void) __attribute__((weak));
#ifdef __cplusplus
}
#endif

// Neither inlined nor cloned under another name.
#define SITE __attribute__((noipa))
#define HELPER __attribute__((noipa, unused)) static

// Overwrites 32 KiB of dead stack and all registers that a function may change.
HELPER void scrub(void) {
  volatile uint64_t dead[4096] __attribute__((unused));
  for (int i = 0; i < 4096; ++i) dead[i] = 0;
  __asm__ volatile(
      "xorl %%eax, %%eax\n xorl %%ecx, %%ecx\n xorl %%edx, %%edx\n xorl %%esi, %%esi\n xorl %%edi, %%edi\n"
      "xorl %%r8d, %%r8d\n xorl %%r9d, %%r9d\n xorl %%r10d, %%r10d\n xorl %%r11d, %%r11d\n"
      "pxor %%xmm0, %%xmm0\n pxor %%xmm1, %%xmm1\n pxor %%xmm2, %%xmm2\n pxor %%xmm3, %%xmm3\n"
      "pxor %%xmm4, %%xmm4\n pxor %%xmm5, %%xmm5\n pxor %%xmm6, %%xmm6\n pxor %%xmm7, %%xmm7\n"
      "pxor %%xmm8, %%xmm8\n pxor %%xmm9, %%xmm9\n pxor %%xmm10, %%xmm10\n pxor %%xmm11, %%xmm11\n"
      "pxor %%xmm12, %%xmm12\n pxor %%xmm13, %%xmm13\n pxor %%xmm14, %%xmm14\n pxor %%xmm15, %%xmm15\n" ::
          : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
            "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
}

// Calls body 8 KiB deeper than its caller and wipes what it leaves.
HELPER void run(void (*body)(void)) {
  volatile uint64_t room[1024];
  room[0] = 0;
  body();
  room[1023] = room[0];
  scrub();
}

// What is stored in an object that is lost is stored all the same.
HELPER void escape(const void* pointer) { __asm__ volatile("" ::"r"(pointer) : "memory"); }

// A pointer as no checker recognises it; hidden(hidden(p)) is p.
HELPER uintptr_t hidden(uintptr_t pointer) { return pointer ^ 0x5a5a5a5a5a5a5a5aULL; }

HELPER void lsan_check(void) {
  if (__lsan_do_leak_check) __lsan_do_leak_check();
}
