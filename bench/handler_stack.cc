// SPDX-License-Identifier: Apache-2.0
// How much of a thread's stack a sample takes. The stack below a function that only spins is painted; after some time
// what is not paint any more was used by whoever interrupted it: the kernel's signal frame (which bench/start.py
// measures by the same program's own handler) and the profiler's handler below it.
//
//   handler_stack SECONDS            somebody else samples this program
//   handler_stack SECONDS own        by its own handler, which does nothing, from a timer of the same kind
//
// Its account of itself has "stack_bytes", below the red zone.
#include <signal.h>
#include <sys/time.h>

#include <cstddef>

#include "bench/self_account.h"

namespace flarestack::bench {
namespace {

constexpr size_t kPaintedBytes = 64 * 1024;
constexpr size_t kRedZoneBytes = 128;
constexpr unsigned char kPaint = 0xa5;
volatile unsigned long spins = 0;

void return_at_once(int) {}

// Calls nothing: its frame and red zone are the last that the program itself uses of the stack.
[[gnu::noinline]] size_t spin_on_painted_stack(const volatile double* seconds, uint64_t ticks_per_second) {
  unsigned char* sp;
  asm volatile("mov %%rsp, %0" : "=r"(sp));
  volatile unsigned char* top = sp - kRedZoneBytes;
  for (size_t i = 1; i <= kPaintedBytes; ++i) {
    top[-static_cast<ptrdiff_t>(i)] = kPaint;
  }
  const uint64_t end = __builtin_ia32_rdtsc() + static_cast<uint64_t>(*seconds * static_cast<double>(ticks_per_second));
  while (__builtin_ia32_rdtsc() < end) {
    spins = spins + 1;
  }
  size_t deepest = kPaintedBytes;
  while (deepest > 0 && top[-static_cast<ptrdiff_t>(deepest)] == kPaint) {
    --deepest;
  }
  return deepest;
}

uint64_t measure_ticks_per_second() {
  const double start_s = seconds_of(CLOCK_MONOTONIC);
  const uint64_t start = __builtin_ia32_rdtsc();
  while (seconds_of(CLOCK_MONOTONIC) - start_s < 0.05) {
  }
  return (__builtin_ia32_rdtsc() - start) * 20;
}

int run(int argc, char** argv) {
  SelfAccount account;
  const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 0;
  if (seconds <= 0) {
    std::fputs("usage: handler_stack SECONDS [own]\n", stderr);
    return 2;
  }
  const uint64_t ticks_per_second = measure_ticks_per_second();
  if (argc > 2) {
    signal(SIGPROF, return_at_once);
    const itimerval times{{0, 5000}, {0, 5000}};
    setitimer(ITIMER_PROF, &times, nullptr);
  }
  account.add("stack_bytes", static_cast<double>(spin_on_painted_stack(&seconds, ticks_per_second)));
  return account.write();
}

}  // namespace
}  // namespace flarestack::bench

int main(int argc, char** argv) { return flarestack::bench::run(argc, argv); }
