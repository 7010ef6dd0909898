// SPDX-License-Identifier: Apache-2.0
// What one sample costs the thread it hits, seen from inside. A loop reads the time stamp counter without a pause:
// whatever interrupts it shows as a gap between two reads, the whole of it (interrupt, signal delivery, handler, ring,
// signal return). Signals are told from other interruptions (clock ticks, the hypervisor) by what the kernel's signal
// frame overwrites below the stack pointer. The median of thousands of gaps is steady where an A/B of run times drowns
// in noise.
//
//   sample_gaps SECONDS warm|cold OWN_EVENT PERIOD_NS
//
// cold: two megabytes of memory are walked through every 50 us, so that a sample finds the nearest caches full of other
// things. OWN_EVENT: `none`: somebody else samples this program, or nobody. `timer`: an event that fires each PERIOD_NS
// of CPU time and tells nobody; `signal`, `trap`: the same with an I/O signal, or perf's own SIGTRAP, whose handler
// returns at once. These are what the kernel (and the hypervisor below it) asks for, whoever the profiler is.
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "bench/self_account.h"
#include "bench/stack_walk.h"

namespace flarestack::bench {
namespace {

constexpr uint64_t kLeastGapTicks = 500;  // two reads are 20 to 40 apart
constexpr uint64_t kWatchTicks = 100'000;
constexpr size_t kMaxGaps = 1 << 20;
constexpr size_t kColdBytes = 2 << 20;

struct Gaps {
  std::vector<uint64_t> signals;
  std::vector<uint64_t> others;
  std::vector<uint64_t> cold_memory;
  uint64_t watched_ticks = 0;
};

// A pattern from beyond the red zone down to where a signal frame (siginfo, registers, 0.8 to 2.7 KB of vector
// registers) lies.
class StackMarks {
 public:
  [[gnu::always_inline]] StackMarks() { asm volatile("lea -256(%%rsp), %0" : "=r"(first_)); }
  [[gnu::always_inline]] void set() const {
    for (unsigned i = 0; i < kCount; ++i) {
      *(first_ - i * kSpacing) = kMark;
    }
  }
  [[gnu::always_inline]] bool overwritten() const {
    unsigned changed = 0;
    for (unsigned i = 0; i < kCount; ++i) {
      changed += *(first_ - i * kSpacing) != kMark;
    }
    return changed != 0;
  }

 private:
  static constexpr unsigned kCount = 32;
  static constexpr unsigned kSpacing = 8;  // words: one mark in each cache line
  static constexpr uint64_t kMark = 0x6b72616d'70616773;
  volatile uint64_t* first_;
};

// Calls nothing while the marks stand.
[[gnu::noinline]] void watch_clock(StackWalk& walk) {
  auto& gaps = *static_cast<Gaps*>(walk.extra);
  const StackMarks marks;
  marks.set();
  const uint64_t begin = __rdtsc();
  uint64_t last = begin;
  for (uint64_t now = begin; now - begin < kWatchTicks; last = now) {
    now = __rdtsc();
    if (now - last > kLeastGapTicks) [[unlikely]] {
      auto& list = marks.overwritten() ? gaps.signals : gaps.others;
      if (list.size() < kMaxGaps) {
        list.push_back(now - last);  // reserved: no allocation
      }
      marks.set();
      now = __rdtsc();
    }
  }
  gaps.watched_ticks += last - begin;
  for (size_t i = 0; i < gaps.cold_memory.size(); i += 8) {
    walk.sum += gaps.cold_memory[i]++;
  }
}

void add_quantiles(SelfAccount& account, const std::string& name, std::vector<uint64_t>& gaps, double ns_per_tick) {
  std::sort(gaps.begin(), gaps.end());
  account.add(name, static_cast<double>(gaps.size()));
  for (const auto& [suffix, share] :
       {std::pair{"_p10_ns", 0.1}, {"_p25_ns", 0.25}, {"_median_ns", 0.5}, {"_p75_ns", 0.75}, {"_p90_ns", 0.9}}) {
    const auto index = static_cast<size_t>(share * static_cast<double>(std::max<size_t>(gaps.size(), 1) - 1));
    account.add(name + suffix, gaps.empty() ? 0 : static_cast<double>(gaps[index]) * ns_per_tick);
  }
}

void return_at_once(int) {}

// The event stays open until the program ends. false: the kernel refuses it, errno says why.
bool start_own_event(const std::string& kind, uint64_t period_ns) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.sample_period = period_ns;
  attributes.wakeup_events = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.disabled = 1;
  if (kind == "trap") {
    attributes.sigtrap = attributes.remove_on_exec = 1;
    signal(SIGTRAP, return_at_once);
  }
  const long descriptor = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (descriptor < 0) {
    return false;
  }
  const int fd = static_cast<int>(descriptor);
  if (kind == "signal") {
    signal(SIGSTKFLT, return_at_once);
    const f_owner_ex owner{F_OWNER_TID, static_cast<pid_t>(syscall(SYS_gettid))};
    if (fcntl(fd, F_SETOWN_EX, &owner) != 0 || fcntl(fd, F_SETSIG, SIGSTKFLT) != 0 ||
        fcntl(fd, F_SETFL, O_ASYNC) != 0) {
      return false;
    }
  }
  return ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0;
}

int run(int argc, char** argv) {
  SelfAccount account;
  const double seconds = argc == 5 ? std::strtod(argv[1], nullptr) : 0;
  if (seconds <= 0) {
    std::fputs("usage: sample_gaps SECONDS warm|cold none|timer|signal|trap PERIOD_NS\n", stderr);
    return 2;
  }
  if (strcmp(argv[3], "none") != 0 && !start_own_event(argv[3], std::strtoull(argv[4], nullptr, 10))) {
    std::perror("perf_event_open");
    return 1;
  }
  Gaps gaps;
  gaps.signals.reserve(kMaxGaps);
  gaps.others.reserve(kMaxGaps);
  gaps.cold_memory.resize(strcmp(argv[2], "cold") == 0 ? kColdBytes / sizeof(uint64_t) : 0);
  StackWalk walk{.random = {42}, .step = watch_clock, .extra = &gaps};
  const double start_s = seconds_of(CLOCK_MONOTONIC);
  const uint64_t start_ticks = __rdtsc();
  while (seconds_of(CLOCK_MONOTONIC) - start_s < seconds) {
    walk.run(100);
  }
  const double ns_per_tick =
      (seconds_of(CLOCK_MONOTONIC) - start_s) * 1e9 / static_cast<double>(__rdtsc() - start_ticks);
  account.add("watched_s", static_cast<double>(gaps.watched_ticks) * ns_per_tick / 1e9);
  add_quantiles(account, "signals", gaps.signals, ns_per_tick);
  add_quantiles(account, "others", gaps.others, ns_per_tick);
  return account.write();
}

}  // namespace
}  // namespace flarestack::bench

int main(int argc, char** argv) { return flarestack::bench::run(argc, argv); }
