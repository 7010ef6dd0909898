// SPDX-License-Identifier: Apache-2.0
#include "preload/sampler.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <cerrno>

#include "preload/agent.h"
#include "preload/modules.h"
#include "preload/sample_timer.h"
#include "preload/sandbox.h"
#include "preload/signal_view.h"
#include "preload/system.h"
#include "wire/records.h"
#include "wire/ring.h"

namespace flarestack::agent {
namespace {

MachineRegisters registers_of(const mcontext_t& context) {
  const greg_t* registers = context.gregs;
  MachineRegisters result;
  // DWARF order (System V ABI, AMD64 supplement, figure 3.36) from the kernel's.
  constexpr int kOrder[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
                            REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  for (unsigned i = 0; i < MachineRegisters::kCount; ++i) {
    result.value[i] = static_cast<uint64_t>(registers[kOrder[i]]);
  }
  return result;
}

StackBounds bounds_of(const ThreadState& thread, uint64_t stack_pointer) {
  if (stack_pointer >= thread.stack_low && stack_pointer < thread.stack_high) {
    return {stack_pointer, thread.stack_high, 0};
  }
  return {thread.stack_high, thread.stack_high, thread.stack_low};
}

void write_sample(ThreadState& thread, SlotHeader& slot, const StackTrace& trace, uint64_t generation, uint64_t now_ns,
                  uint64_t missed_ticks) {
  RingWriter ring(the_agent.session.ring(thread.slot), kRingBytes, slot.head, slot.tail);
  const uint32_t added = trace.count - trace.kept;
  const uint32_t words = kSampleHeaderWords + added;
  if (!ring.begin(words)) {
    slot.dropped_samples.fetch_add(1 + missed_ticks, std::memory_order_relaxed);
    thread.unwinder->reset();  // the recorder does not know this stack: the next one is told whole
    return;
  }
  uint8_t flags = trace.heuristic ? kSampleHeuristic : 0;
  if (trace.end != UnwindEnd::kRoot) {
    flags |= kSampleTruncated;
    slot.bad_stacks.fetch_add(1, std::memory_order_relaxed);
  }
  ring.put(
      RecordHeader{RecordKind::kSample, flags, static_cast<uint16_t>(words), static_cast<uint32_t>(generation)}.pack());
  ring.put(now_ns);
  ring.put((missed_ticks & 0xffffffff) << 32 | trace.kept);
  ring.put(uint64_t{thread.region.innermost.load(std::memory_order_relaxed)} << 32 | trace.elided);
  for (uint32_t i = trace.kept; i < trace.count; ++i) {
    ring.put(trace.frames[i].bits());
  }
  ring.commit();
}

enum class FirstTick : uint8_t { kReady, kNotNow, kNoMemory };

// The first sample of a thread: its unwinder, its name, and the timer with the full period.
FirstTick prepare_first(ThreadState& thread, SlotHeader& slot) {
  if (thread.unwinder == nullptr) {
    void* memory = map_memory(Unwinder::memory_bytes());
    if (memory == nullptr) {
      return FirstTick::kNoMemory;
    }
    thread.unwinder = Unwinder::create(memory);
  }
  if (!rearm(thread)) {
    return FirstTick::kNotNow;
  }
  thread.first_tick_pending = false;
  thread.unwinder->reset();
  raw_syscall(SYS_prctl, PR_GET_NAME, raw_pointer(slot.name));
  return FirstTick::kReady;
}

// Periods of the thread's CPU time that ended before this tick's own, without a signal. The next one ends a period
// after that. Not a POSIX timer's si_overrun: it is looked at by the kernel's tick, whatever part of it the thread ran.
uint64_t missed_ticks_of(ThreadState& thread, uint64_t cpu_ns) {
  const uint64_t period_ns = the_agent.session.page().sample_period_ns;
  const uint64_t late_ns = cpu_ns > thread.next_tick_cpu_ns ? cpu_ns - thread.next_tick_cpu_ns : 0;
  const uint64_t missed_ticks = (late_ns + period_ns / 2) / period_ns;
  thread.next_tick_cpu_ns += (missed_ticks + 1) * period_ns;
  return missed_ticks;
}

// Whether the thread has not run for as long as its ticks say: perf's clock goes on while a hypervisor or an interrupt
// has the processor, and what they took is nobody's time.
bool is_ahead(const ThreadState& thread, uint64_t cpu_ns) {
  return thread.next_tick_cpu_ns > cpu_ns + the_agent.session.page().sample_period_ns;
}

// Where traces take as long as the period, the next tick is due when the handler returns, and the program would get
// nowhere. So after two in a row that took more than half a period each, ticks are dropped for four times as long. (One
// alone may be the first through much new code.)
void hold_costly_traces(ThreadState& thread, uint64_t start_cpu_ns, uint64_t start_ns) {
  const uint64_t bearable_ns = the_agent.session.page().sample_period_ns / 2;
  const bool was_costly = thread.costly_trace;
  thread.costly_trace = false;
  if (clock_ns(CLOCK_MONOTONIC) - start_ns < bearable_ns) {
    return;
  }
  const uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  const uint64_t cost_ns = cpu_ns > start_cpu_ns ? cpu_ns - start_cpu_ns : 0;
  thread.costly_trace = cost_ns > bearable_ns;
  if (thread.costly_trace && was_costly) {
    thread.resume_cpu_ns = cpu_ns + 4 * cost_ns;
  }
}

void take_sample(ThreadState& thread, const ucontext_t& context) {
  SlotHeader& slot = the_agent.session.slot(thread.slot);
  const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  thread.heap.time_ns.store(now_ns, std::memory_order_relaxed);
  if (recording_is_over(now_ns)) {
    disarm(thread);
    return;
  }
  if (thread.first_tick_pending) {
    const FirstTick first = prepare_first(thread, slot);
    if (first == FirstTick::kNoMemory) {
      disarm(thread);
    }
    if (first != FirstTick::kReady) {
      return;
    }
  }
  const uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  if (is_ahead(thread, cpu_ns)) {
    return;
  }
  const uint64_t missed_ticks = missed_ticks_of(thread, cpu_ns);
  if (recording_paused()) {
    the_agent.session.page().paused_ticks.fetch_add(1 + missed_ticks, std::memory_order_relaxed);
    return;
  }
  if (cpu_ns < thread.resume_cpu_ns) {
    slot.dropped_samples.fetch_add(1 + missed_ticks, std::memory_order_relaxed);
    return;
  }
  const MachineRegisters registers = registers_of(context.uc_mcontext);
  const SnapshotReader snapshot;
  if (thread.unwinder_generation != (*snapshot).generation) {
    thread.unwinder->reset();
    thread.unwinder_generation = (*snapshot).generation;
  }
  const StackTrace trace = thread.unwinder->unwind(registers, AddressKind::kInstruction, *snapshot,
                                                   bounds_of(thread, registers.value[MachineRegisters::kRsp]));
  write_sample(thread, slot, trace, (*snapshot).generation, now_ns, missed_ticks);
  constexpr uint32_t kManyFrames = 64;  // walked anew; what is kept costs little, unless it is deep
  if (trace.count - trace.kept > kManyFrames || trace.elided != 0) {
    hold_costly_traces(thread, cpu_ns, now_ns);
  }
}

}  // namespace

// Whether the stack goes on for as long as the handler needs. A program may recover from the overflow of its stack; a
// fault of ours, with all signals blocked, would end it.
[[gnu::noinline]] static bool has_room(const ThreadState& thread) {
  constexpr uint64_t kNeededBytes = 1536;
  const auto here = reinterpret_cast<uint64_t>(__builtin_frame_address(0));
  if (here >= thread.stack_low + 2 * kNeededBytes && here < thread.stack_high) {
    return true;
  }
  char byte;
  if (safe_read(&byte, reinterpret_cast<const void*>(here - kNeededBytes), 1)) {
    return true;
  }
  the_agent.session.slot(thread.slot).dropped_samples.fetch_add(1, std::memory_order_relaxed);
  return false;
}

// For whoever detaches while the handler runs.
class InterruptedMask {
 public:
  InterruptedMask(ThreadState* thread, ucontext_t& context) : thread_(thread) { set(context.uc_sigmask.__val); }
  ~InterruptedMask() { set(nullptr); }
  InterruptedMask(const InterruptedMask&) = delete;
  InterruptedMask& operator=(const InterruptedMask&) = delete;

 private:
  void set(uint64_t* mask) const {
    if (thread_ != nullptr) {
      thread_->interrupted_mask = mask;
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
  }
  ThreadState* thread_;
};

// A thread that was stopped in a wait (nanosleep, poll, futex with a timeout) goes on with it by the instruction that
// it came with, and the number of restart_syscall. A tick right before that instruction would have it fail with EINTR:
// to return from a handler is to forget the wait (arch/x86/kernel/signal_64.c, restore_sigcontext). So it goes on here,
// under the thread's own mask, and is over when the handler returns.
static void go_on_waiting(ucontext_t& context) {
  constexpr uint8_t kSystemCall[2] = {0x0f, 0x05};
  uint8_t code[sizeof(kSystemCall)] = {};
  auto& registers = context.uc_mcontext.gregs;
  if (registers[REG_RAX] != SYS_restart_syscall ||
      !safe_read(code, reinterpret_cast<const void*>(registers[REG_RIP]), sizeof(code)) || code[0] != kSystemCall[0] ||
      code[1] != kSystemCall[1]) {
    return;
  }
  const uint64_t ours = set_signal_mask(SIG_SETMASK, context.uc_sigmask.__val[0] | sample_signal_bit());
  registers[REG_RAX] = raw_syscall(SYS_restart_syscall);
  set_signal_mask(SIG_SETMASK, ours);
  registers[REG_RIP] += sizeof(kSystemCall);
  registers[REG_RCX] = registers[REG_RIP];  // as the instruction leaves them
  registers[REG_R11] = registers[REG_EFL];
}

// All signals are blocked while it runs, so it is not re-entered and needs no guard.
void handle_sample_signal(int signal, siginfo_t* info, void* context) {
  ThreadState* thread = the_agent.session ? this_thread() : nullptr;
  if (is_tick(*info)) {
    const InterruptedMask interrupted(thread, *static_cast<ucontext_t*>(context));
    {
      const CallScope scope;
      if (sandbox_allows(Deed::kSample) && thread != nullptr && is_tick_of(*info, *thread) && has_room(*thread)) {
        take_sample(*thread, *static_cast<const ucontext_t*>(context));
      }
    }
    go_on_waiting(*static_cast<ucontext_t*>(context));
  } else if (is_deadly_trap(signal, *info, thread)) {
    die_by_trap(signal, *static_cast<ucontext_t*>(context));
  } else if (thread != nullptr && thread->signal_blocked) {
    surrender_signal(*thread, *info, *static_cast<ucontext_t*>(context));
  } else {
    deliver_to_program(signal, info, context);
  }
}

uint64_t sample_signal_bit() {
  return the_agent.session ? uint64_t{1} << (the_agent.session.page().sample_signal - 1) : 0;
}

void settle_timers_for_sandbox() {
  const uint64_t mask = set_signal_mask(SIG_SETMASK, kAllSignals);
  const ThreadState* self = this_thread();
  for (uint32_t i = 0; i < kSlotCount && thread_of_slot(i) != nullptr; ++i) {
    ThreadState& thread = *thread_of_slot(i);
    SlotHeader& slot = the_agent.session.slot(i);
    if (!thread.first_tick_pending || thread.perf_page.load(std::memory_order_relaxed) == nullptr ||
        (&thread == self && prepare_first(thread, slot) == FirstTick::kReady)) {
      continue;
    }
    disarm(thread);
    the_agent.session.page().threads_without_timer.fetch_add(1, std::memory_order_relaxed);
  }
  set_signal_mask(SIG_SETMASK, mask);
}

void record_unsampled_ticks(ThreadState& thread) {
  SlotHeader& slot = the_agent.session.slot(thread.slot);
  const uint64_t period_ns = the_agent.session.page().sample_period_ns;
  const uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  if (period_ns == 0 || cpu_ns < thread.next_tick_cpu_ns) {
    return;
  }
  const uint64_t missed_ticks = 1 + (cpu_ns - thread.next_tick_cpu_ns) / period_ns;
  thread.next_tick_cpu_ns += missed_ticks * period_ns;
  RingWriter ring(the_agent.session.ring(thread.slot), kRingBytes, slot.head, slot.tail);
  if (!ring.begin(kKernelTicksWords)) {
    slot.dropped_samples.fetch_add(missed_ticks, std::memory_order_relaxed);
    return;
  }
  ring.put(RecordHeader{RecordKind::kKernelTicks, 0, kKernelTicksWords, 0}.pack());
  ring.put(clock_ns(CLOCK_MONOTONIC));
  ring.put(uint64_t{thread.region.innermost.load(std::memory_order_relaxed)} << 32 | (missed_ticks & 0xffffffff));
  ring.commit();
}

void record_routine_end(ThreadState& thread) {
  const SlotHeader& slot = the_agent.session.slot(thread.slot);
  if (slot.clock == SampleClock::kPerfTaskClock) {
    record_unsampled_ticks(thread);
  }
}

}  // namespace flarestack::agent
