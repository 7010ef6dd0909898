// SPDX-License-Identifier: Apache-2.0
// The part of TargetProcess that accounts for CPU time: what a sample weighs, and what there is beside the samples.
#include <algorithm>
#include <thread>

#include "profiler/target_process.h"

namespace flarestack {

// A POSIX timer fires at the kernel's ticks only. With a period shorter than the tick every tick is a sample: of the
// time since the one before, and a thread's first one of half a tick before it and, for the thread's end, half a tick
// behind. So threads too short to see many of them are counted right on average, and long ones exactly, even where the
// thread has only a part of each tick (a busy machine, a hypervisor).
uint64_t TargetProcess::posix_weight_ns(const Slot& slot, uint64_t missed_ticks) const {
  const uint64_t passed_ns = (1 + missed_ticks) * period_ns_;
  return slot.sampled || period_ns_ >= kernel_tick_ns_ ? passed_ns : std::max(passed_ns, kernel_tick_ns_);
}

void TargetProcess::add_kernel_time(const Slot& slot, int64_t time_ns, uint64_t ticks, uint32_t region_node) {
  if (ticks == 0) {
    return;
  }
  kernel_ticks_ += ticks;
  accounted_cpu_ns_ += ticks * period_ns_;
  const StackId stack = tables_.stack({}, tables_.named_frame(FrameKind::kKernel, "[kernel]"));
  tables_.add_weight(slot.thread, stack, SampleMetric::kCpu, time_ns, 0, ticks * period_ns_,
                     regions_.region_of(region_node));
}

// CPU time without a sample, on the first thread.
void TargetProcess::add_derived_time(FrameKind kind, const char* name, int64_t time_ns, uint64_t weight_ns) {
  if (weight_ns == 0) {
    return;
  }
  accounted_cpu_ns_ += weight_ns;
  tables_.add_weight(first_thread_, tables_.stack({}, tables_.named_frame(kind, name)), SampleMetric::kCpu, time_ns, 0,
                     weight_ns);
}

BlockedThreads::Target TargetProcess::blocked_target() {
  BlockedThreads::Target target;
  target.pid = identity_.pid;
  target.period_ns = period_ns_;
  target.signal = region_.view().page().sample_signal;
  target.modules = &modules_;
  target.push_frame = [this](StackId parent, FrameAddress frame) {
    return frames_.child(parent, frame.bits(), last_generation_);
  };
  target.give_sample = [this](uint32_t slot, uint64_t monotonic_ns, StackId stack) {
    ++samples_;
    accounted_cpu_ns_ += period_ns_;
    tables_.add_weight(slots_[slot].thread, stack, SampleMetric::kCpu, past_time(monotonic_ns), 1, period_ns_,
                       regions_.region_of(region_.view().slot(slot).region.load(std::memory_order_relaxed)));
  };
  return target;
}

void TargetProcess::look_for_blocked_threads() {
  constexpr uint64_t kIntervalNs = 100'000'000;
  const uint64_t now_ns = monotonic_now_ns();
  if (period_ns_ == 0 || now_ns - last_blocked_look_ns_ < kIntervalNs) {
    return;
  }
  last_blocked_look_ns_ = now_ns;
  std::vector<BlockedThreads::Thread> threads;
  for (uint32_t slot = 0; slot < kSlotCount; ++slot) {
    if (slots_[slot].live && !slots_[slot].gone && region_.view().slot(slot).clock != SampleClock::kNone) {
      threads.push_back({slot, slots_[slot].tid});
    }
  }
  blocked_.look(threads);
}

void TargetProcess::account_startup() {
  const SessionPage& page = region_.view().page();
  if (startup_accounted_ || !first_thread_ || page.startup_cpu_ns == 0 || period_ns_ == 0) {
    return;
  }
  startup_accounted_ = true;
  if (identity_.is_attached) {
    earlier_cpu_ns_ = accounted_cpu_ns_ = page.startup_cpu_ns;  // all before is not ours
    return;
  }
  if (page.startup_cpu_ns > accounted_cpu_ns_) {
    add_derived_time(FrameKind::kMarker, "[startup]", origin_.since(page.startup_monotonic_ns),
                     page.startup_cpu_ns - accounted_cpu_ns_);
  }
}

// Of a process that was reaped before anybody looked, the last look, its own word from its end and its samples tell.
uint64_t TargetProcess::total_cpu_ns(KernelAccount account) const {
  if (account.final_ns != 0) {
    return account.final_ns;
  }
  const uint64_t said_ns = region_.view().page().ended_cpu_ns.load(std::memory_order_relaxed);
  const uint64_t possible_ns = static_cast<uint64_t>(origin_.now()) * std::max(std::thread::hardware_concurrency(), 1U);
  return std::max({account.seen_ns, said_ns <= possible_ns ? said_ns : 0, accounted_cpu_ns_});
}

// What the kernel counted and no sample or tick tells of: of threads without a timer, of samples that were dropped, and
// otherwise the tail: kernel time after each thread's last sample, and the teardown of the process.
void TargetProcess::account_remainder(KernelAccount account) {
  const uint64_t total_cpu_ns = this->total_cpu_ns(account);
  image_cpu_ns_ = total_cpu_ns > earlier_cpu_ns_ ? total_cpu_ns - earlier_cpu_ns_ : 0;
  // What the program used while it had the recording paused is nobody's.
  const uint64_t most_ticks = total_cpu_ns / std::max<uint64_t>(period_ns_, 1);
  accounted_cpu_ns_ +=
      std::min(region_.view().page().paused_ticks.load(std::memory_order_relaxed), most_ticks) * period_ns_;
  if (total_cpu_ns <= accounted_cpu_ns_ || period_ns_ == 0) {
    return;
  }
  const bool no_thread = !first_thread_;  // not one was seen: the agent's own start failed, or the process died in it
  if (no_thread) {
    thread_of(identity_.pid);
  }
  const SessionPage& page = region_.view().page();
  const bool unsampled_threads = page.threads_without_slot.load(std::memory_order_relaxed) != 0 ||
                                 page.threads_without_timer.load(std::memory_order_relaxed) != 0 ||
                                 !unsampled_tids_.empty() || no_thread ||
                                 perf_threads_ < threads_;  // a POSIX timer's samples have their kernel time in them
  const uint64_t remainder_ns = total_cpu_ns - accounted_cpu_ns_;
  const uint64_t unsampled_ns = unsampled_threads ? remainder_ns : std::min(remainder_ns, dropped_ * period_ns_);
  add_derived_time(FrameKind::kMarker, "[not sampled]", origin_.now(), unsampled_ns);
  add_derived_time(FrameKind::kKernel, "[kernel]", origin_.now(), remainder_ns - unsampled_ns);
}

}  // namespace flarestack
