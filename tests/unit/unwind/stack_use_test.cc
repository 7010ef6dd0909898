// SPDX-License-Identifier: Apache-2.0
// How much of the interrupted thread's stack an unwinding takes: the stack is painted, then looked at.
#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/unit/unwind/against_libunwind.h"
#include "tests/unit/unwind/odd_frames.h"

namespace flarestack::test {
namespace {

constexpr size_t kPainted = 8192;
constexpr unsigned char kPaint = 0xa5;

struct Measurement {
  SelfModules modules;
  OwnedUnwinder unwinder;
  ucontext_t context;
  AddressKind kind = AddressKind::kReturnAddress;
  StackBounds bounds;
  StackTrace trace;
  size_t used = 0;
  size_t worst = 0;
};

// Below this function's frame there is nothing but the unwinder's.
[[gnu::noinline]] void paint_and_unwind(Measurement* m, const MachineRegisters* registers) {
  auto* top = static_cast<volatile unsigned char*>(__builtin_frame_address(0)) - 256;
  for (size_t i = 1; i <= kPainted; ++i) {
    top[-static_cast<ptrdiff_t>(i)] = kPaint;
  }
  m->trace = m->unwinder->unwind(*registers, m->kind, m->modules.snapshot(), m->bounds);
  size_t untouched = 0;
  while (untouched < kPainted && top[-static_cast<ptrdiff_t>(kPainted - untouched)] == kPaint) {
    ++untouched;
  }
  volatile char* sp;
  asm("mov %%rsp, %0" : "=r"(sp));
  m->used =
      static_cast<size_t>(sp - static_cast<volatile char*>(static_cast<volatile void*>(top - kPainted + untouched)));
}

void measure(Measurement* m) {
  const MachineRegisters registers = registers_of(m->context);
  const uint64_t sp = registers.value[MachineRegisters::kRsp];
  for (const bool cold : {true, false}) {
    for (const StackBounds bounds : {StackBounds{sp, 0}, thread_stack_bounds(sp)}) {
      if (cold) {
        m->modules.refresh();
      }
      m->bounds = bounds;
      paint_and_unwind(m, &registers);
      REQUIRE(m->trace.end == UnwindEnd::kRoot);
      m->worst = std::max(m->worst, m->used);
    }
  }
}

Measurement* measurement = nullptr;

void measure_here(void* self) {
  auto* m = static_cast<Measurement*>(self);
  m->kind = AddressKind::kReturnAddress;
  unw_getcontext(&m->context);
  measure(m);
  asm volatile("" ::: "memory");  // no tail call: the context is of this frame
}

void measure_interrupted(int, siginfo_t*, void* context) {
  measurement->context = *static_cast<ucontext_t*>(context);
  measurement->kind = AddressKind::kInstruction;
  measure(measurement);
  measure_here(measurement);  // and across the signal frame
}

void in_rbx(void* m) { odd_cfa_in_rbx(measure_here, m); }
void in_value_rules(void* m) { odd_value_rules(in_rbx, m); }

[[gnu::noinline]] void deep(unsigned depth, Measurement* m) {
  if (depth == 0) {
    odd_arithmetic(measure_here, m);
  } else {
    deep(depth - 1, m);
  }
  asm volatile("" ::: "memory");
}

}  // namespace

TEST_CASE("an unwinding takes at most 512 bytes of stack, whatever the frames") {
  if (kInstrumented) {
    WARN("left out: instrumented frames are larger");
    return;
  }
  Measurement m;
  measurement = &m;
  measure_here(&m);
  for (const auto function : {odd_cfa_in_rbx, odd_cfa_in_r12, odd_cfa_deref, odd_saved_by_expression, odd_value_rules,
                              odd_arithmetic, odd_remember, odd_no_cfi}) {
    function(measure_here, &m);
    function(in_value_rules, &m);
  }
  deep(10, &m);
  deep(5000, &m);
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_sigaction = measure_interrupted;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &action, &before);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &before, nullptr);
  INFO("bytes of stack: " << m.worst);
  REQUIRE(m.worst > 100);
  REQUIRE(m.worst <= 512);
}

}  // namespace flarestack::test
