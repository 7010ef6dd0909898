// SPDX-License-Identifier: Apache-2.0
#include "preload/sample_timer.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>

#include "preload/agent.h"
#include "preload/sampler.h"
#include "preload/sandbox.h"
#include "preload/system.h"

namespace flarestack::agent {
namespace {

constexpr size_t kPerfPageBytes = 4096;
// A first tick that is due earlier comes this late. In the kernel ticks only take time and tell nobody, and the kernel
// repeats them down to every 10 us: where an interrupt itself takes longer than that, as in a virtual machine (12 us
// measured), the thread would not come back to its own code for as long as a second.
constexpr uint64_t kMinFirstPeriodNs = 30'000;
char timer_cookie = 1;  // its address marks our POSIX timers' signals; not 0, so as to be in the file's own mapping

// In the upper half of a perf event's sig_data, with a number of its own below.
constexpr uint64_t kMarkMagic = uint64_t{0x464c'5354} << 32;
constinit std::atomic<uint32_t> last_mark{0};

bool by_trap() { return the_agent.session.page().perf_signal == PerfSignal::kTrap; }

// si_perf_data of a TRAP_PERF signal (include/uapi/asm-generic/siginfo.h, since Linux 5.13): behind si_addr. The C
// library may not name it.
uint64_t perf_data(const siginfo_t& info) {
  uint64_t data;
  __builtin_memcpy(&data, reinterpret_cast<const char*>(&info) + offsetof(siginfo_t, si_addr) + sizeof(void*),
                   sizeof data);
  return data;
}

// A perf event has a descriptor for some microseconds. A fork in another thread would copy it, and the child would keep
// it: so forks wait for the threads that are opening one, and no thread opens one meanwhile.
constinit std::atomic<uint32_t> opening{0};
constinit std::atomic<uint32_t> forking{0};
constexpr timespec kForkNap{0, 50'000};
constexpr int kMaxForkNaps = 2000;  // 100 ms; beyond that something is stuck, and it is not made worse here

void nap() { raw_syscall(SYS_nanosleep, raw_pointer(&kForkNap), 0); }

// Holds off forks while it lives, if it is entered().
class OpeningScope {
 public:
  // `naps`: how often to wait for a fork to end; 0 in a handler, which may have interrupted what the fork waits for.
  explicit OpeningScope(int naps) {
    while (true) {
      opening.fetch_add(1, std::memory_order_seq_cst);
      // Pairs with the store in hold_timers(): one of the two sees the other.
      entered_ = forking.load(std::memory_order_seq_cst) == 0;
      if (entered_) {
        return;
      }
      opening.fetch_sub(1, std::memory_order_seq_cst);
      if (naps-- <= 0) {
        return;
      }
      nap();
    }
  }
  ~OpeningScope() {
    if (entered_) {
      opening.fetch_sub(1, std::memory_order_seq_cst);
    }
  }
  OpeningScope(const OpeningScope&) = delete;
  OpeningScope& operator=(const OpeningScope&) = delete;
  bool entered() const { return entered_; }

 private:
  bool entered_ = false;
};

uint64_t random_below(uint64_t limit) {
  // splitmix64 (Vigna, 2015) of the time and the thread: enough to spread first ticks evenly.
  uint64_t value = clock_ns(CLOCK_MONOTONIC) + static_cast<uint64_t>(thread_id()) * 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return (value ^ (value >> 31)) % limit;
}

enum class EventStart : uint8_t {
  kAtNextTick,  // a first tick when the next one is due
  kNow,         // a tick each period from now
};

// Has the kernel send the thread our signal whenever the file would be ready. 0 or a negative errno.
long set_io_signal(long descriptor, int32_t tid) {
  const f_owner_ex owner{F_OWNER_TID, tid};
  long result = raw_syscall(SYS_fcntl, descriptor, F_SETOWN_EX, raw_pointer(&owner));
  if (!raw_failed(result)) {
    result = raw_syscall(SYS_fcntl, descriptor, F_SETSIG, static_cast<long>(the_agent.session.page().sample_signal));
  }
  return raw_failed(result) ? result : raw_syscall(SYS_fcntl, descriptor, F_SETFL, O_ASYNC);
}

// Until the tick that is due next.
uint64_t first_period_of(const ThreadState& thread, uint64_t period_ns) {
  const uint64_t first_ns = thread.next_tick_cpu_ns - clock_ns(thread_cpu_clock(thread.tid));
  const bool too_soon = first_ns < kMinFirstPeriodNs || first_ns > period_ns;  // or it has just passed
  return too_soon ? kMinFirstPeriodNs : first_ns;
}

// Opens the event, sets its signal, starts it, and keeps it by a mapping of its first page. 0 or a negative errno.
// That of a thread that stands still runs at once, with the period that it is to have: to set either by ioctl has the
// kernel interrupt the processor on which the thread was last, for 50 us each if that has nothing to do.
long open_perf_event(ThreadState& thread, EventStart start, int naps) {
  const uint64_t period_ns = the_agent.session.page().sample_period_ns;
  const OpeningScope scope(naps);
  if (!scope.entered()) {
    return -EAGAIN;
  }
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  const bool stands_still = start == EventStart::kAtNextTick && thread.tid != thread_id();
  attributes.sample_period = stands_still ? first_period_of(thread, period_ns) : period_ns;
  attributes.disabled = stands_still ? 0 : 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.wakeup_events = 1;
  if (by_trap()) {
    attributes.sigtrap = attributes.remove_on_exec = 1;
    attributes.sig_data = kMarkMagic | (last_mark.fetch_add(1, std::memory_order_relaxed) + 1);
  }
  const long descriptor =
      raw_syscall(SYS_perf_event_open, raw_pointer(&attributes), thread.tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (raw_failed(descriptor)) {
    return descriptor;
  }
  long result = by_trap() ? 0 : set_io_signal(descriptor, thread.tid);
  if (!raw_failed(result)) {
    result = map_apart(kPerfPageBytes, PROT_READ, MAP_SHARED, static_cast<int>(descriptor));
  }
  if (!raw_failed(result)) {
    thread.perf_page.store(reinterpret_cast<void*>(result), std::memory_order_relaxed);
    thread.perf_mark = by_trap() ? attributes.sig_data : static_cast<uint64_t>(descriptor);
  }
  if (!raw_failed(result) && !stands_still) {
    if (start == EventStart::kAtNextTick) {
      record_unsampled_ticks(thread);  // opening it has taken its time
      const uint64_t first_period_ns = first_period_of(thread, period_ns);
      raw_syscall(SYS_ioctl, descriptor, PERF_EVENT_IOC_PERIOD, raw_pointer(&first_period_ns));
    }
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
  long result = raw_syscall(SYS_timer_create, thread_cpu_clock(thread.tid), raw_pointer(&event), raw_pointer(&timer));
  if (raw_failed(result)) {
    return result;
  }
  const auto time_of = [](uint64_t ns) {
    return timespec{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  };
  const itimerspec times{time_of(period_ns), time_of(first_ns)};
  thread.posix_timer.store(timer + 1, std::memory_order_relaxed);
  result = raw_syscall(SYS_timer_settime, timer, 0, raw_pointer(&times), 0);
  return raw_failed(result) ? result : 0;
}

}  // namespace

// Linux, include/linux/posix-timers.h: the thread's number negated, CPUCLOCK_PERTHREAD_MASK and CPUCLOCK_SCHED.
clockid_t thread_cpu_clock(int32_t tid) { return static_cast<clockid_t>(~static_cast<uint32_t>(tid) << 3 | 4 | 2); }

void arm(ThreadState& thread, uint64_t counted_from_cpu_ns) {
  SessionPage& page = the_agent.session.page();
  if (page.sample_clock == SampleClock::kNone || page.sample_period_ns == 0) {
    return;
  }
  if (!sandbox_allows(Deed::kArm)) {
    page.threads_without_timer.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  SlotHeader& slot = the_agent.session.slot(thread.slot);
  const uint64_t first_ns = 1 + random_below(page.sample_period_ns);
  thread.next_tick_cpu_ns = counted_from_cpu_ns + first_ns;
  thread.first_tick_pending = true;
  long result = -EINVAL;
  slot.clock = SampleClock::kPerfTaskClock;
  if (page.sample_clock == SampleClock::kPerfTaskClock) {
    result = open_perf_event(thread, EventStart::kAtNextTick, kMaxForkNaps);
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

bool rearm(ThreadState& thread) {
  SessionPage& page = the_agent.session.page();
  SlotHeader& slot = the_agent.session.slot(thread.slot);
  if (thread.perf_page.load(std::memory_order_relaxed) == nullptr) {
    return true;  // a POSIX timer has its first and its other intervals at once
  }
  void* first_page = thread.perf_page.exchange(nullptr, std::memory_order_relaxed);
  const uint64_t first_mark = thread.perf_mark;
  const long result = open_perf_event(thread, EventStart::kNow, 0);
  if (result == -EAGAIN) {
    thread.perf_page.store(first_page, std::memory_order_relaxed);
    thread.perf_mark = first_mark;
    return false;
  }
  unmap_memory(first_page, kPerfPageBytes);
  if (raw_failed(result)) {
    disarm(thread);
    slot.clock = SampleClock::kPosixCpuTimer;
    if (raw_failed(start_posix_timer(thread, page.sample_period_ns, page.sample_period_ns))) {
      slot.clock = SampleClock::kNone;
      page.threads_without_timer.fetch_add(1, std::memory_order_relaxed);
    }
  }
  return true;
}

void disarm(ThreadState& thread) {
  if (void* page = thread.perf_page.exchange(nullptr, std::memory_order_relaxed)) {
    unmap_memory(page, kPerfPageBytes);
  }
  if (const int32_t timer = thread.posix_timer.exchange(0, std::memory_order_relaxed); timer != 0) {
    raw_syscall(SYS_timer_delete, timer - 1);
  }
}

void disarm_all() {
  for (uint32_t slot = 0; slot < kSlotCount && thread_of_slot(slot) != nullptr; ++slot) {
    disarm(*thread_of_slot(slot));
  }
}

bool is_tick(const siginfo_t& info) {
  if (info.si_code == SI_TIMER) {
    return info.si_value.sival_ptr == &timer_cookie;
  }
  return info.si_signo == SIGTRAP ? info.si_code == kTrapPerf && (perf_data(info) & ~uint64_t{UINT32_MAX}) == kMarkMagic
                                  : info.si_code >= POLL_IN && info.si_code <= POLL_HUP;
}

bool is_tick_of(const siginfo_t& info, const ThreadState& thread) {
  if (info.si_code == SI_TIMER || !is_tick(info)) {
    return is_tick(info);
  }
  return thread.perf_mark == (info.si_signo == SIGTRAP ? perf_data(info) : static_cast<uint64_t>(info.si_fd));
}

void hold_timers() {
  forking.fetch_add(1, std::memory_order_seq_cst);
  for (int i = 0; opening.load(std::memory_order_seq_cst) != 0 && i < kMaxForkNaps; ++i) {
    nap();
  }
}

void release_timers() { forking.fetch_sub(1, std::memory_order_seq_cst); }

void forget_other_threads_timers() {
  opening.store(0, std::memory_order_relaxed);
  forking.store(0, std::memory_order_relaxed);
}

}  // namespace flarestack::agent
