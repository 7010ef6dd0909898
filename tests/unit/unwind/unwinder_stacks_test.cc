// SPDX-License-Identifier: Apache-2.0
// Stacks that are not the thread's own, or are too deep: alternate stacks, coroutines, deep recursion, bad memory.
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include <catch2/catch.hpp>

#include "tests/unit/unwind/against_libunwind.h"
#include "unwind/unwinder.h"

namespace flarestack::test {
namespace {

struct Place {
  SelfModules modules;
  OwnedUnwinder unwinder;
  Trace mine;
  std::vector<uint64_t> theirs;

  [[gnu::noinline]] void compare() {
    FLARESTACK_COMPARE_HERE(unwinder, modules, mine, theirs);
    asm volatile("" ::: "memory");
  }
  // What an interrupted thread looks like.
  void compare_interrupted(ucontext_t* context) {
    mine = our_trace(unwinder, modules, *context, AddressKind::kInstruction);
    theirs = libunwind_trace(context, AddressKind::kInstruction);
  }
};

Place* place = nullptr;
void (*in_handler)(ucontext_t*) = nullptr;

void handler(int, siginfo_t*, void* context) { in_handler(static_cast<ucontext_t*>(context)); }

class AlternateStack {
 public:
  static constexpr size_t kSize = 1 << 16;
  AlternateStack()
      : memory_(static_cast<unsigned char*>(
            mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    stack_t stack = {memory_, 0, kSize};
    sigaltstack(&stack, nullptr);
    struct sigaction action = {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGUSR1, &action, nullptr);
  }
  ~AlternateStack() {
    stack_t stack = {nullptr, SS_DISABLE, 0};
    sigaltstack(&stack, nullptr);
    signal(SIGUSR1, SIG_DFL);
    munmap(memory_, kSize);
  }
  unsigned char* memory() const { return memory_; }

 private:
  unsigned char* memory_;
};

[[gnu::noinline]] void raise_here() {
  raise(SIGUSR1);
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] void recurse(unsigned depth, const std::function<void()>& at_the_bottom) {
  if (depth == 0) {
    at_the_bottom();
  } else {
    recurse(depth - 1, at_the_bottom);
  }
  asm volatile("" ::: "memory");
}

ucontext_t main_context;
ucontext_t coroutine_context;

void coroutine() {
  for (int i = 0;; ++i) {
    recurse(static_cast<unsigned>(i % 3), [] { place->compare(); });
    swapcontext(&coroutine_context, &main_context);
  }
}

}  // namespace

TEST_CASE("from an interrupted instruction the interrupted stack unwinds") {
  Place p;
  place = &p;
  AlternateStack stack;
  in_handler = [](ucontext_t* context) { place->compare_interrupted(context); };
  for (int i = 0; i < 3; ++i) {
    raise_here();
    REQUIRE(p.mine.addresses == p.theirs);
    REQUIRE(p.mine.info.end == UnwindEnd::kRoot);
  }
  REQUIRE(p.mine.info.kept == p.mine.info.count);
}

TEST_CASE("from inside a handler on an alternate stack the trace crosses the signal frame to the thread's stack") {
  Place p;
  place = &p;
  AlternateStack stack;
  in_handler = [](ucontext_t*) { place->compare(); };
  for (int i = 0; i < 3; ++i) {
    raise_here();
    REQUIRE(p.mine.addresses == p.theirs);
    REQUIRE(p.mine.info.end == UnwindEnd::kRoot);
    REQUIRE(p.mine.addresses.size() > 10);
  }
  // The interrupted frame is an exact instruction, which the frames tell.
  unsigned exact = 0;
  for (uint32_t i = 0; i < p.mine.info.count; ++i) {
    exact += p.mine.info.frames[i].kind() == AddressKind::kInstruction;
  }
  REQUIRE(exact == 1);
}

TEST_CASE("a coroutine on a mapped stack unwinds, in turn with the thread that resumes it") {
  Place p;
  place = &p;
  constexpr size_t kSize = 1 << 16;
  void* stack = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  getcontext(&coroutine_context);
  coroutine_context.uc_stack = {stack, 0, kSize};
  coroutine_context.uc_link = nullptr;
  makecontext(&coroutine_context, coroutine, 0);
  for (int i = 0; i < 6; ++i) {
    swapcontext(&main_context, &coroutine_context);
    REQUIRE(p.mine.addresses == p.theirs);
    REQUIRE(p.mine.addresses.size() >= 3);
    REQUIRE(p.mine.addresses.size() < 12);
    p.compare();
    REQUIRE(p.mine.addresses == p.theirs);
    REQUIRE(p.mine.info.end == UnwindEnd::kRoot);
  }
  munmap(stack, kSize);
}

TEST_CASE("a recursion of 100 000 frames keeps root and leaf and counts what is missing") {
  Place p;
  std::vector<uint64_t> root_part;
  p.compare();
  const auto above = p.mine.addresses;
  bool was_elided = false;
  for (unsigned depth : {100000u, 100000u, 100100u, 99000u, 5000u, 4000u, 100000u, 4000u, 100000u, 10u}) {
    recurse(depth, [&] { p.compare(); });
    const StackTrace& trace = p.mine.info;
    // What is told of a stack as kept includes its gap.
    REQUIRE((was_elided == (trace.elided != 0) || trace.kept <= Unwinder::kRootFrames));
    was_elided = trace.elided != 0;
    REQUIRE(trace.end == UnwindEnd::kRoot);
    REQUIRE(uint64_t{trace.count} + trace.elided == p.theirs.size());
    REQUIRE(trace.count <= Unwinder::kMaxFrames);
    if (p.theirs.size() <= Unwinder::kMaxFrames) {
      REQUIRE(p.mine.addresses == p.theirs);
    } else {
      const size_t leaf_frames = trace.count - Unwinder::kRootFrames;
      REQUIRE(std::equal(p.mine.addresses.begin(), p.mine.addresses.begin() + static_cast<long>(leaf_frames),
                         p.theirs.begin()));
      REQUIRE(std::equal(p.mine.addresses.end() - Unwinder::kRootFrames, p.mine.addresses.end(),
                         p.theirs.end() - Unwinder::kRootFrames));
    }
  }
}

TEST_CASE("a thread interrupted in the vdso unwinds") {
  Place p;
  place = &p;
  AlternateStack stack;
  static uint64_t vdso_start = 0;
  static uint64_t vdso_end = 0;
  static volatile unsigned seen = 0;
  const auto vdso = static_cast<uint64_t>(getauxval(AT_SYSINFO_EHDR));
  for (const UnwindModule& module : p.modules.modules()) {
    if (module.read_start == vdso) {
      vdso_start = module.text_start;
      vdso_end = module.text_end;
    }
  }
  REQUIRE(vdso_start != 0);
  in_handler = [](ucontext_t* context) {
    const auto pc = static_cast<uint64_t>(context->uc_mcontext.gregs[REG_RIP]);
    if (pc >= vdso_start && pc < vdso_end) {
      place->compare_interrupted(context);
      seen = seen + 1;
    }
  };
  // One shot at a time, by wall time, from a thread that does little else than ask the time.
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  timer_t timer;
  REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  for (unsigned shot = 0; shot < 5000 && seen < 20; ++shot) {
    const itimerspec when = {{0, 0}, {0, 20000 + static_cast<long>(shot % 64) * 100}};
    timer_settime(timer, 0, &when, nullptr);
    timespec now = {};
    for (unsigned i = 0; i < 5000; ++i) {
      clock_gettime(CLOCK_MONOTONIC, &now);
    }
    if (seen != 0) {
      REQUIRE(p.mine.addresses == p.theirs);
      REQUIRE(p.mine.info.end == UnwindEnd::kRoot);
    }
  }
  timer_delete(timer);
  REQUIRE(seen != 0);
}

TEST_CASE("an unreadable stack ends the trace, and nothing faults") {
  Place p;
  void* hole = mmap(nullptr, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MachineRegisters registers;
  registers.value[MachineRegisters::kRip] = reinterpret_cast<uint64_t>(&raise_here);
  for (uint64_t sp : {reinterpret_cast<uint64_t>(hole), uint64_t{0}, uint64_t{8}, ~uint64_t{0}, uint64_t{1} << 63}) {
    registers.value[MachineRegisters::kRsp] = sp;
    registers.value[MachineRegisters::kRbp] = sp;
    const StackTrace trace =
        p.unwinder->unwind(registers, AddressKind::kInstruction, p.modules.snapshot(), StackBounds{sp, 0});
    REQUIRE(trace.count == 1);
    REQUIRE(trace.end == UnwindEnd::kBadMemory);
  }
  munmap(hole, 8192);
}

TEST_CASE("a chain of frame pointers that ends in zero is a whole trace, one that never began is not") {
  Place p;
  const auto code = reinterpret_cast<uint64_t>(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  uint64_t stack[8] = {};
  stack[0] = reinterpret_cast<uint64_t>(&stack[4]);
  stack[1] = stack[5] = code + 64;
  MachineRegisters registers;
  registers.value[MachineRegisters::kRip] = code;
  registers.value[MachineRegisters::kRsp] = reinterpret_cast<uint64_t>(stack) - 16;
  registers.value[MachineRegisters::kRbp] = reinterpret_cast<uint64_t>(stack);
  const auto end = reinterpret_cast<uint64_t>(std::end(stack));
  const StackBounds on_stack = {reinterpret_cast<uint64_t>(stack), end};
  const StackBounds elsewhere = {end, end, reinterpret_cast<uint64_t>(stack)};
  for (const StackBounds bounds : {on_stack, elsewhere}) {
    const StackTrace trace = p.unwinder->unwind(registers, AddressKind::kInstruction, p.modules.snapshot(), bounds);
    REQUIRE(trace.count == 3);
    REQUIRE(trace.heuristic);
    REQUIRE(trace.end == UnwindEnd::kRoot);
  }
  registers.value[MachineRegisters::kRbp] = 0;
  const StackTrace trace = p.unwinder->unwind(registers, AddressKind::kInstruction, p.modules.snapshot(), on_stack);
  REQUIRE(trace.count == 1);
  REQUIRE(trace.end == UnwindEnd::kNoCode);
  munmap(reinterpret_cast<void*>(code), 4096);
}

}  // namespace flarestack::test
