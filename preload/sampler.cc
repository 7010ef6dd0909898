// SPDX-License-Identifier: Apache-2.0
#include "preload/sampler.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <ucontext.h>

#include <cerrno>

#include "preload/agent.h"
#include "preload/modules.h"
#include "preload/next.h"
#include "preload/signal_view.h"
#include "preload/system.h"
#include "wire/records.h"
#include "wire/ring.h"

namespace flarestack::agent {
namespace {

constexpr size_t kPerfPageBytes = 4096;
constexpr uint64_t kRecorderSilentNs = 5'000'000'000;
char timer_cookie;  // its address marks our POSIX timers' signals

uint64_t random_below(uint64_t limit) {
  // splitmix64 (Vigna, 2015) of the time stamp counter and the thread: enough to spread first ticks evenly.
  uint64_t value = __builtin_ia32_rdtsc() + static_cast<uint64_t>(thread_id()) * 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return (value ^ (value >> 31)) % limit;
}

// Opens the event, sets its signal, starts it, and keeps it by a mapping of its first page. 0 or a negative errno.
long open_perf_event(ThreadState& thread, uint64_t period_ns) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.sample_period = period_ns;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.wakeup_events = 1;
  const long descriptor = raw_syscall(SYS_perf_event_open, raw_pointer(&attributes), 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (raw_failed(descriptor)) {
    return descriptor;
  }
  const f_owner_ex owner{F_OWNER_TID, thread.tid};
  long result = raw_syscall(SYS_fcntl, descriptor, F_SETOWN_EX, raw_pointer(&owner));
  if (!raw_failed(result)) {
    result = raw_syscall(SYS_fcntl, descriptor, F_SETSIG, static_cast<long>(the_agent.session.page().sample_signal));
  }
  if (!raw_failed(result)) {
    result = raw_syscall(SYS_fcntl, descriptor, F_SETFL, O_ASYNC);
  }
  if (!raw_failed(result)) {
    result = raw_syscall(SYS_mmap, 0, kPerfPageBytes, PROT_READ, MAP_SHARED, descriptor, 0);
  }
  if (!raw_failed(result)) {
    thread.perf_page = reinterpret_cast<void*>(result);
    thread.perf_descriptor = static_cast<int32_t>(descriptor);
    thread.next_tick_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) + period_ns;
    // ENABLE, not REFRESH, which hangs Linux 6.16 and 6.17 with this event (async-profiler#1578).
    result = raw_syscall(SYS_ioctl, descriptor, PERF_EVENT_IOC_ENABLE, 0);
  }
  raw_syscall(SYS_close, descriptor);
  return raw_failed(result) ? result : 0;
}

long start_posix_timer(ThreadState& thread, uint64_t first_ns, uint64_t period_ns) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = static_cast<int>(the_agent.session.page().sample_signal);
  event.sigev_value.sival_ptr = &timer_cookie;
  event._sigev_un._tid = thread.tid;
  int timer = -1;
  long result = raw_syscall(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, raw_pointer(&event), raw_pointer(&timer));
  if (raw_failed(result)) {
    return result;
  }
  const auto time_of = [](uint64_t ns) {
    return timespec{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  };
  const itimerspec times{time_of(period_ns), time_of(first_ns)};
  thread.posix_timer = timer;
  result = raw_syscall(SYS_timer_settime, timer, 0, raw_pointer(&times), 0);
  return raw_failed(result) ? result : 0;
}

bool is_ours(const siginfo_t& info, const ThreadState& thread) {
  return (info.si_code == SI_TIMER && info.si_value.sival_ptr == &timer_cookie) ||
         (info.si_code == POLL_IN && info.si_fd == thread.perf_descriptor);
}

// Of an event or timer, ours or not any more: never the program's business.
bool is_timer_signal(const siginfo_t& info) {
  return info.si_code == SI_TIMER || (info.si_code >= POLL_IN && info.si_code <= POLL_HUP);
}

// Whether the recorder is gone. Asked about once a second at most: a heartbeat that stopped, and no such process.
bool recorder_is_gone(const SessionPage& page, uint64_t now_ns) {
  const uint64_t heartbeat_ns = page.heartbeat_ns.load(std::memory_order_relaxed);
  return now_ns > heartbeat_ns && now_ns - heartbeat_ns > kRecorderSilentNs &&
         raw_syscall(SYS_kill, static_cast<long>(page.recorder_pid), 0) == -ESRCH;
}

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
    return {stack_pointer, thread.stack_high};
  }
  return {stack_pointer, 0};
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
  ring.put(RecordHeader{RecordKind::kSample, flags, static_cast<uint16_t>(words), static_cast<uint32_t>(generation)}.pack());
  ring.put(now_ns);
  ring.put((missed_ticks & 0xffffffff) << 32 | trace.kept);
  ring.put(trace.elided);
  for (uint32_t i = trace.kept; i < trace.count; ++i) {
    ring.put(trace.frames[i].bits());
  }
  ring.commit();
}

// The first sample of a thread: its unwinder, its name, and the event with the full period. False: no memory.
bool prepare_first(ThreadState& thread, SlotHeader& slot, uint64_t period_ns) {
  thread.first_tick_pending = false;
  if (thread.unwinder == nullptr) {
    void* memory = map_memory(Unwinder::memory_bytes());
    if (memory == nullptr) {
      return false;
    }
    thread.unwinder = Unwinder::create(memory);
  }
  thread.unwinder->reset();
  constexpr long kGetName = 16;  // PR_GET_NAME
  raw_syscall(SYS_prctl, kGetName, raw_pointer(slot.name));
  if (thread.perf_page != nullptr) {
    disarm(thread);
    if (!raw_failed(open_perf_event(thread, period_ns))) {
      return true;
    }
    disarm(thread);
    slot.clock = SampleClock::kPosixCpuTimer;
    if (raw_failed(start_posix_timer(thread, period_ns, period_ns))) {
      slot.clock = SampleClock::kNone;
      the_agent.session.page().threads_without_timer.fetch_add(1, std::memory_order_relaxed);
    }
  }
  return true;
}

void take_sample(ThreadState& thread, const siginfo_t& info, const ucontext_t& context) {
  SessionPage& page = the_agent.session.page();
  SlotHeader& slot = the_agent.session.slot(thread.slot);
  const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  if (page.off.load(std::memory_order_relaxed) == 0 && recorder_is_gone(page, now_ns)) {
    page.off.store(1, std::memory_order_relaxed);
  }
  if (page.off.load(std::memory_order_relaxed) != 0) {
    disarm(thread);
    return;
  }
  const uint64_t period_ns = page.sample_period_ns;
  uint64_t missed_ticks = 0;
  if (info.si_code == SI_TIMER) {
    missed_ticks = static_cast<uint64_t>(info.si_overrun);
  } else {
    const uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (cpu_ns > thread.next_tick_cpu_ns) {
      missed_ticks = (cpu_ns - thread.next_tick_cpu_ns + period_ns / 2) / period_ns;
    }
    thread.next_tick_cpu_ns = cpu_ns + period_ns;
  }
  if (thread.first_tick_pending && !prepare_first(thread, slot, period_ns)) {
    disarm(thread);
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
}

// All signals are blocked while it runs, so it is not re-entered and needs no guard.
void handle_sample_signal(int signal, siginfo_t* info, void* context) {
  ThreadState* thread = the_agent.session ? this_thread() : nullptr;
  if (thread != nullptr && is_ours(*info, *thread)) {
    take_sample(*thread, *info, *static_cast<const ucontext_t*>(context));
  } else if (!is_timer_signal(*info)) {
    deliver_to_program(signal, info, context);
  }
}

}  // namespace

uint64_t sample_signal_bit() {
  return the_agent.session ? uint64_t{1} << (the_agent.session.page().sample_signal - 1) : 0;
}

bool install_handler() {
  struct sigaction action {};
  action.sa_sigaction = handle_sample_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  for (auto& word : action.sa_mask.__val) {
    word = ~0UL;
  }
  return next().sigaction != nullptr &&
         next().sigaction(static_cast<int>(the_agent.session.page().sample_signal), &action, program_action()) == 0;
}

void arm(ThreadState& thread) {
  SessionPage& page = the_agent.session.page();
  if (page.sample_clock == SampleClock::kNone || page.sample_period_ns == 0) {
    return;
  }
  SlotHeader& slot = the_agent.session.slot(thread.slot);
  const uint64_t first_ns = 1 + random_below(page.sample_period_ns);
  thread.first_tick_pending = true;
  long result = -EINVAL;
  slot.clock = SampleClock::kPerfTaskClock;
  if (page.sample_clock == SampleClock::kPerfTaskClock) {
    result = open_perf_event(thread, first_ns);
    if (raw_failed(result)) {
      page.timer_errno.store(static_cast<uint32_t>(-result), std::memory_order_relaxed);
      disarm(thread);
    }
  }
  if (raw_failed(result)) {
    slot.clock = SampleClock::kPosixCpuTimer;
    // A period shorter than the kernel's tick: each tick is a sample, and its phase is random enough.
    const uint64_t posix_first_ns = page.sample_period_ns < page.kernel_tick_ns ? 1 : first_ns;
    result = start_posix_timer(thread, posix_first_ns, page.sample_period_ns);
  }
  if (raw_failed(result)) {
    slot.clock = SampleClock::kNone;
    page.threads_without_timer.fetch_add(1, std::memory_order_relaxed);
  }
}

void disarm(ThreadState& thread) {
  if (thread.perf_page != nullptr) {
    unmap_memory(thread.perf_page, kPerfPageBytes);
    thread.perf_page = nullptr;
    thread.perf_descriptor = -1;
  }
  if (thread.posix_timer >= 0) {
    raw_syscall(SYS_timer_delete, thread.posix_timer);
    thread.posix_timer = -1;
  }
}

void record_thread_end(ThreadState& thread) {
  SlotHeader& slot = the_agent.session.slot(thread.slot);
  const uint64_t period_ns = the_agent.session.page().sample_period_ns;
  const uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  slot.ended_cpu_ns.store(cpu_ns, std::memory_order_relaxed);
  if (slot.clock != SampleClock::kPerfTaskClock || period_ns == 0 || cpu_ns < thread.next_tick_cpu_ns) {
    return;
  }
  const uint64_t missed_ticks = 1 + (cpu_ns - thread.next_tick_cpu_ns) / period_ns;
  thread.next_tick_cpu_ns += missed_ticks * period_ns;
  RingWriter ring(the_agent.session.ring(thread.slot), kRingBytes, slot.head, slot.tail);
  if (!ring.begin(kThreadEndWords)) {
    slot.dropped_samples.fetch_add(missed_ticks, std::memory_order_relaxed);
    return;
  }
  ring.put(RecordHeader{RecordKind::kThreadEnd, 0, kThreadEndWords, 0}.pack());
  ring.put(clock_ns(CLOCK_MONOTONIC));
  ring.put(missed_ticks);
  ring.commit();
}

}  // namespace flarestack::agent
