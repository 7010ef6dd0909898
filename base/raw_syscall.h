// SPDX-License-Identifier: Apache-2.0
// A system call without libc: no errno, no cancellation point, nothing that could be interposed. [signal]
#pragma once

namespace flarestack {

// The kernel's return value: -errno on failure (Linux x86-64 ABI: rcx and r11 are clobbered).
[[gnu::always_inline]] inline long raw_syscall(long number, long a0 = 0, long a1 = 0, long a2 = 0, long a3 = 0,
                                               long a4 = 0, long a5 = 0) {
  long result;
  register long r10 asm("r10") = a3;
  register long r8 asm("r8") = a4;
  register long r9 asm("r9") = a5;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

[[gnu::always_inline]] inline bool raw_failed(long result) { return result < 0 && result > -4096; }

// A pointer as a system call argument.
template <typename T>
[[gnu::always_inline]] inline long raw_pointer(T* pointer) {
  return static_cast<long>(reinterpret_cast<unsigned long>(pointer));
}

}  // namespace flarestack
