// SPDX-License-Identifier: Apache-2.0
// The verified cache against itself without memory: a seeded random program calls, returns, jumps, throws, switches
// stacks and takes signals; at random moments the stack is unwound by one Unwinder that keeps its cache (F) and by one
// that is reset before each trace (E). They must agree on every one. FLARESTACK_UNWIND_TRACES makes it longer than the
// default.
#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <catch2/catch.hpp>

#include "tests/unit/unwind/against_libunwind.h"
#include "tests/unit/unwind/odd_frames.h"

namespace flarestack::test {
namespace {

constexpr unsigned kCoroutines = 3;  // and the thread itself, which is number 0
constexpr size_t kCoroutineStack = 1 << 18;
constexpr unsigned kMaxDepth = 60;  // of calls by act(): each is one to three frames
constexpr unsigned kShapes = 16;

struct Flow {  // the thread, or a coroutine
  ucontext_t context;
  unsigned char* stack = nullptr;
  jmp_buf jumps[kMaxDepth + 8];
  unsigned jump_count = 0;
};

struct RandomProgram {
  uint64_t random_state = 0;
  uint64_t traces_left = 0;
  uint64_t traces = 0;
  uint64_t frames = 0;
  uint64_t kept = 0;
  uint64_t differences = 0;
  uint64_t wrong_kept = 0;
  uint64_t not_to_root = 0;
  bool in_signal = false;
  unsigned flow = 0;
  Flow flows[kCoroutines + 1];
  StackBounds thread_bounds;
  SelfModules modules;
  OwnedUnwinder incremental;
  OwnedUnwinder full;
  std::vector<FrameAddress> previous;

  unsigned random(unsigned below) {  // xorshift64*
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return static_cast<unsigned>((random_state * 0x2545F4914F6CDD1Dull) >> 33) % below;
  }
};

RandomProgram* program = nullptr;

void act(unsigned depth);

StackBounds bounds_of(uint64_t sp) {
  const StackBounds& thread = program->thread_bounds;
  if (sp >= thread.low && sp < thread.high) {
    return {sp, thread.high};
  }
  const auto coroutine = reinterpret_cast<uint64_t>(program->flows[program->flow].stack);
  const bool known = coroutine != 0 && sp >= coroutine && sp < coroutine + kCoroutineStack && program->random(16) != 0;
  return known ? StackBounds{sp, coroutine + kCoroutineStack} : StackBounds{thread.high, thread.high, thread.low};
}

void compare(const StackTrace& f, const StackTrace& e) {
  const uint32_t both = std::min(f.count, e.count);
  const bool same_size = f.count + f.elided == e.count + e.elided;
  bool same = same_size && f.end == e.end && f.heuristic == e.heuristic;
  if (f.elided == 0 && e.elided == 0) {
    same = same && memcmp(f.frames, e.frames, both * sizeof(FrameAddress)) == 0;
  } else if (same) {  // how many leaf frames are left may differ
    const uint32_t leaf = both - Unwinder::kRootFrames;
    same = f.elided != 0 && e.elided != 0 &&
           memcmp(f.frames, e.frames, Unwinder::kRootFrames * sizeof(FrameAddress)) == 0 &&
           memcmp(f.frames + f.count - leaf, e.frames + e.count - leaf, leaf * sizeof(FrameAddress)) == 0;
  }
  if (!same && program->differences++ < 3) {
    std::fprintf(stderr, "trace %lu: F %u frames, kept %u, elided %u, end %d; E %u frames, elided %u, end %d\n",
                 program->traces, f.count, f.kept, f.elided, static_cast<int>(f.end), e.count, e.elided,
                 static_cast<int>(e.end));
    for (uint32_t i = 0; i < both; ++i) {
      if (f.frames[i] != e.frames[i]) {
        std::fprintf(stderr, "  first difference from the root: %u: %lx %lx\n", i, f.frames[i].bits(),
                     e.frames[i].bits());
        break;
      }
    }
  }
}

void take_trace(const ucontext_t& context) {
  const MachineRegisters registers = registers_of(context);
  const StackBounds bounds = bounds_of(registers.value[MachineRegisters::kRsp]);
  const StackTrace f =
      program->incremental->unwind(registers, AddressKind::kReturnAddress, program->modules.snapshot(), bounds);
  program->full->reset();
  const StackTrace e =
      program->full->unwind(registers, AddressKind::kReturnAddress, program->modules.snapshot(), bounds);
  compare(f, e);
  auto& previous = program->previous;
  program->wrong_kept += f.kept > previous.size() || f.kept > f.count ||
                         memcmp(previous.data(), f.frames, f.kept * sizeof(FrameAddress)) != 0;
  previous.assign(f.frames, f.frames + f.count);
  program->traces++;
  program->frames += f.count;
  program->kept += f.kept;
  program->not_to_root += f.end != UnwindEnd::kRoot;
  program->traces_left -= program->traces_left != 0;
}

[[gnu::noinline]] void trace_here() {
  ucontext_t context;
  unw_getcontext(&context);
  take_trace(context);
  asm volatile("" ::: "memory");
}

// Sixteen functions of four kinds. The volatile stores keep them from being folded into one.
template <int N>
[[gnu::noinline]] void shape(unsigned depth) {
  if constexpr (N % 4 == 0) {
    act(depth);
  } else if constexpr (N % 4 == 1) {
    auto* memory = static_cast<volatile char*>(alloca(program->random(700) + 1));
    memory[0] = N;
    act(depth);
    memory[0] = N;
  } else if constexpr (N % 4 == 2) {
    alignas(64) volatile char memory[128];
    memory[0] = N;
    act(depth);
    memory[0] = N;
  } else {
    volatile int local = N;
    act(depth + static_cast<unsigned>(local - N));
    local = N;
    act(depth + static_cast<unsigned>(local - N));
  }
  asm volatile("" : : "i"(N) : "memory");
}

template <size_t... N>
void call_shape(std::index_sequence<N...>, unsigned which, unsigned depth) {
  static constexpr void (*kFunctions[])(unsigned) = {shape<static_cast<int>(N)>...};
  kFunctions[which](depth);
}

struct OddCall {
  unsigned depth;
  static void run(void* self) { act(static_cast<OddCall*>(self)->depth); }
};

[[gnu::noinline]] void call_odd(unsigned depth) {
  static constexpr void (*kFunctions[])(Callback, void*) = {odd_cfa_in_rbx, odd_cfa_in_r12,  odd_cfa_deref,
                                                            odd_remember,   odd_value_rules, odd_saved_by_expression,
                                                            odd_arithmetic, odd_no_cfi};
  OddCall call = {depth};
  kFunctions[program->random(std::size(kFunctions))](OddCall::run, &call);
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] void throw_from(unsigned depth) {
  if (depth == 0) {
    throw 1;
  }
  throw_from(depth - 1);
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] void throw_and_catch() {
  struct AtUnwinding {
    ~AtUnwinding() { trace_here(); }
  };
  try {
    AtUnwinding at_unwinding;
    throw_from(program->random(10));
  } catch (int) {
    trace_here();
  }
}

void switch_flow() {
  const unsigned from = program->flow;
  const unsigned to = program->random(kCoroutines + 1);
  if (to != from) {
    program->flow = to;
    swapcontext(&program->flows[from].context, &program->flows[to].context);
  }
}

[[gnu::noinline]] void deep(unsigned frames, unsigned depth) {
  if (frames == 0) {
    act(depth);
  } else {
    deep(frames - 1, depth);
  }
  asm volatile("" ::: "memory");
}

void on_signal(int) {
  act(kMaxDepth - 10);
  program->in_signal = false;
}

[[gnu::noinline]] void set_jump_and_act(unsigned depth) {
  Flow& flow = program->flows[program->flow];
  const unsigned index = flow.jump_count;
  if (index == std::size(flow.jumps)) {
    return;
  }
  flow.jump_count = index + 1;
  if (setjmp(flow.jumps[index]) == 0) {
    act(depth);
  }
  program->flows[program->flow].jump_count = index;
}

// One node of the random call tree.
[[gnu::noinline]] void act(unsigned depth) {
  while (program->traces_left != 0) {
    const unsigned choice = program->random(1000);
    if (choice < 350) {
      trace_here();
    } else if (choice < 600 && depth < kMaxDepth) {
      call_shape(std::make_index_sequence<kShapes>(), program->random(kShapes), depth + 1);
    } else if (choice < 610 && depth < kMaxDepth) {
      call_odd(depth + 1);
    } else if (choice < 635 && depth < kMaxDepth) {
      set_jump_and_act(depth + 1);
    } else if (choice < 645 && program->flows[program->flow].jump_count > 0 && !program->in_signal) {
      Flow& flow = program->flows[program->flow];
      longjmp(flow.jumps[program->random(flow.jump_count)], 1);
    } else if (choice < 653) {
      throw_and_catch();
    } else if (choice < 660 && !program->in_signal) {
      switch_flow();
    } else if (choice < 664 && !program->in_signal && program->flow == 0) {
      program->in_signal = true;
      raise(SIGUSR1);
    } else if (choice == 664 && program->flow == 0 && depth < 10 && program->random(20) == 0) {
      deep(program->random(9000), kMaxDepth - 8);
    } else if (choice >= 690) {
      break;
    }
  }
}

void coroutine_main() {
  for (;;) {
    act(0);
    const unsigned self = program->flow;
    program->flow = 0;
    swapcontext(&program->flows[self].context, &program->flows[0].context);
  }
}

uint64_t wanted_traces() {
  const char* text = std::getenv("FLARESTACK_UNWIND_TRACES");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 60000;
}

// Makes the stacks and the handler, and runs until the traces are used up.
void run_program() {
  program->thread_bounds = thread_stack_bounds(reinterpret_cast<uint64_t>(__builtin_frame_address(0)) - 4096);
  program->thread_bounds.low = program->thread_bounds.high - (8 << 20) + (1 << 16);
  for (unsigned i = 1; i <= kCoroutines; ++i) {
    Flow& flow = program->flows[i];
    flow.stack = static_cast<unsigned char*>(
        mmap(nullptr, kCoroutineStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    getcontext(&flow.context);
    flow.context.uc_stack = {flow.stack, 0, kCoroutineStack};
    flow.context.uc_link = nullptr;
    makecontext(&flow.context, coroutine_main, 0);
  }
  static unsigned char alternate[1 << 17];
  stack_t stack = {alternate, 0, sizeof alternate};
  sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK | SA_NODEFER;
  sigaction(SIGUSR1, &action, nullptr);

  while (program->traces_left != 0) {
    act(0);
  }

  signal(SIGUSR1, SIG_DFL);
  stack = {nullptr, SS_DISABLE, 0};
  sigaltstack(&stack, nullptr);
  for (unsigned i = 1; i <= kCoroutines; ++i) {
    munmap(program->flows[i].stack, kCoroutineStack);
  }
}

}  // namespace

TEST_CASE("incremental and full unwinding agree at every moment of a random program") {
  if (kInstrumented) {
    WARN("left out: jumps between stacks are not for instrumented code");
    return;
  }
  const uint64_t seed = GENERATE(1, 2, 3);
  RandomProgram p;
  program = &p;
  p.random_state = seed * 0x9E3779B97F4A7C15ull;
  p.traces_left = wanted_traces();
  run_program();
  std::fprintf(stderr, "seed %lu: %lu traces, %.1f frames each, %.1f kept, %lu not to the root\n", seed, p.traces,
               double(p.frames) / double(p.traces), double(p.kept) / double(p.traces), p.not_to_root);
  REQUIRE(p.differences == 0);
  REQUIRE(p.wrong_kept == 0);
  REQUIRE(p.traces >= wanted_traces());
  REQUIRE(p.kept > p.frames / 2);
}

}  // namespace flarestack::test
