// SPDX-License-Identifier: Apache-2.0
#include "profiler/blocked_threads.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/thread_choice.h"

namespace flarestack {
namespace {

constexpr size_t kMostLooks = 32;         // at threads, each time
constexpr size_t kMostSampled = 64;       // threads, each of which takes a descriptor for each processor
constexpr uint64_t kSuspiciousTicks = 4;  // that a thread should have told of since the last look
constexpr uint64_t kKernelShare = 4;      // of its ticks: so many in the kernel are worth a look
constexpr uint32_t kSureLooks = 2;        // of a thread that is sampled
// One look may meet our handler, in which all signals are blocked. It leaves at least half of the time to the program
// (preload/sampler.cc), so that so many in a row do not: one time in 4000, of those that are suspicious at all.
constexpr uint32_t kLooksInARow = 12;
constexpr useconds_t kBetweenLooksUs = 150;
constexpr size_t kMostRows = 2;      // of looks, each time
constexpr uint32_t kLooksOpen = 20;  // until a thread that lets the signal in is the agent's alone again
constexpr size_t kMostKept = 4096;   // samples of a thread that wait for what the agent says

// Of a thread so far; 0: it is gone.
uint64_t run_ns_of(int32_t pid, int32_t tid) {
  const Result<std::string> times = read_file(fmt::format("/proc/{}/task/{}/schedstat", pid, tid));
  return times.ok() ? std::strtoull(times->c_str(), nullptr, 10) : 0;
}

}  // namespace

BlockedThreads::Watched& BlockedThreads::watched(uint32_t slot) {
  if (slot >= watched_.size()) {
    watched_.resize(slot + 1);
  }
  return watched_[slot];
}

bool BlockedThreads::blocks_signal(int32_t tid) const {
  const std::string mask = thread_status_field(target_.pid, tid, "SigBlk");
  return (std::strtoull(mask.c_str(), nullptr, 16) >> (target_.signal - 1) & 1) != 0;
}

bool BlockedThreads::keeps_blocking_signal(int32_t tid) {
  if (rows_ == kMostRows) {
    return false;  // the next time
  }
  ++rows_;
  for (uint32_t look = 0; look < kLooksInARow; ++look) {
    if (!blocks_signal(tid)) {
      return false;
    }
    usleep(kBetweenLooksUs);
  }
  return true;
}

void BlockedThreads::look(const std::vector<Thread>& threads) {
  if (is_refused_) {
    return;
  }
  rows_ = 0;
  size_t looks = 0;
  for (const Thread& thread : threads) {
    if (watched(thread.slot).is_sampled) {
      look_at(thread);
    }
  }
  for (size_t i = 0; i < threads.size() && looks < kMostLooks; ++i) {
    next_look_ = (next_look_ + 1) % threads.size();
    if (!watched(threads[next_look_].slot).is_sampled) {
      ++looks;
      look_at(threads[next_look_]);
    }
  }
}

void BlockedThreads::look_at(const Thread& thread) {
  Watched& known = watched(thread.slot);
  const uint64_t run_ns = run_ns_of(target_.pid, thread.tid);
  const bool is_new = known.tid != thread.tid || run_ns < known.run_ns;
  if (is_new) {
    forget(thread.slot);
    known.tid = thread.tid;
  }
  const uint64_t ran_ns = is_new ? 0 : run_ns - known.run_ns;
  const uint64_t records = std::exchange(known.records, 0);
  const uint64_t ticks = std::exchange(known.ticks, 0);
  known.run_ns = run_ns;
  known.unheard_ns += ran_ns;
  if (known.is_sampled) {
    known.looks_open = blocks_signal(thread.tid) ? 0 : known.looks_open + 1;
    if (known.looks_open == 0) {
      ++known.looks_blocked;
      threads_ += known.looks_blocked == kSureLooks ? 1 : 0;
      give_ahead(thread.slot);
    } else if (known.looks_open > kLooksOpen) {
      end(known);
    }
    return;
  }
  const bool is_suspicious = records == 0 || ticks - records > ticks / kKernelShare;
  if (is_suspicious && ran_ns > kSuspiciousTicks * target_.period_ns && blocks_signal(thread.tid) &&
      keeps_blocking_signal(thread.tid)) {
    begin(thread.slot);
  }
}

void BlockedThreads::begin(uint32_t slot) {
  if (slots_.size() == kMostSampled) {
    return;
  }
  if (rings_ == nullptr) {
    Result<std::unique_ptr<PerfRings>> rings = PerfRings::create({target_.period_ns, false, true});
    is_refused_ = !rings.ok();
    if (is_refused_) {
      return;
    }
    rings_ = std::move(*rings);
  }
  Watched& thread = watched(slot);
  if (!rings_->add_thread(thread.tid).ok()) {
    return;  // it has ended, or there is no descriptor left
  }
  slots_[thread.tid] = slot;
  thread.is_sampled = true;
  thread.looks_open = 0;
  thread.unheard_ns = 0;
}

void BlockedThreads::end(Watched& thread) {
  if (std::exchange(thread.is_sampled, false)) {
    rings_->remove_thread(thread.tid);
    slots_.erase(thread.tid);
    thread.samples.clear();  // which the agent has taken as well
  }
}

void BlockedThreads::forget(uint32_t slot) {
  Watched& thread = watched(slot);
  end(thread);
  thread = Watched{};
}

void BlockedThreads::take_samples() {
  if (slots_.empty()) {
    return;
  }
  modules_.refresh();
  rings_->drain(UINT64_MAX, [this](const PerfRecord& record) {
    if (record.kind == PerfRecord::Kind::kSample) {
      take(record.sample);
    } else if (record.kind == PerfRecord::Kind::kLost) {
      lost_ += record.lost;
    }
  });
}

void BlockedThreads::take(const OutsideSample& sample) {
  const auto found = slots_.find(sample.tid);
  if (found == slots_.end() || sample.code != OutsideSample::Code::k64Bit) {
    return;
  }
  Watched& thread = watched_[found->second];
  const bool is_late = sample.time_monotonic_ns <= thread.last_record_ns;
  if (is_late ? thread.untold == 0 : thread.samples.size() == kMostKept) {
    return;
  }
  RemoteThreadState state;
  state.registers = sample.registers;
  state.known = RegisterMask::all();
  state.stack = sample.stack;
  state.stack_address = sample.registers.value[MachineRegisters::kRsp];
  const RemoteTrace trace = unwinder_.unwind(state, modules_.snapshot());
  heuristic_ += trace.heuristic ? 1 : 0;
  truncated_ += trace.end != UnwindEnd::kRoot ? 1 : 0;
  Sample taken{sample.time_monotonic_ns, {}};
  for (const FrameAddress frame : trace.frames) {
    taken.stack = target_.push_frame(taken.stack, frame);
  }
  if (is_late) {  // the ticks went to the kernel: less of the next ones will
    --thread.untold;
    ++thread.ahead;
    give(found->second, taken);
  } else {
    thread.samples.push_back(taken);
  }
}

void BlockedThreads::give(uint32_t slot, const Sample& sample) {
  ++samples_;
  target_.give_sample(slot, sample.monotonic_ns, sample.stack);
}

// While the thread blocks the signal nobody will tell of its time soon: as much as it has run is given out. (perf's
// clock goes on while a hypervisor has the processor, so there may be more samples than that.)
void BlockedThreads::give_ahead(uint32_t slot) {
  Watched& thread = watched_[slot];
  const size_t count = std::min<size_t>(thread.samples.size(), thread.unheard_ns / target_.period_ns);
  for (size_t i = 0; i < count; ++i) {
    give(slot, thread.samples[i]);
  }
  thread.samples.erase(thread.samples.begin(), thread.samples.begin() + static_cast<ptrdiff_t>(count));
  thread.ahead += count;
  thread.unheard_ns -= count * target_.period_ns;
}

uint64_t BlockedThreads::settle(uint32_t slot, uint64_t monotonic_ns, uint64_t ticks) {
  Watched& thread = watched(slot);
  ++thread.records;
  thread.ticks += ticks;
  const uint64_t told_ahead = std::min(thread.ahead, ticks);
  thread.ahead -= told_ahead;
  uint64_t left = ticks - told_ahead;
  const auto later = std::find_if(thread.samples.begin(), thread.samples.end(),
                                  [&](const Sample& sample) { return sample.monotonic_ns > monotonic_ns; });
  for (auto sample = thread.samples.begin(); sample != later && left != 0; ++sample, --left) {
    give(slot, *sample);
  }
  thread.samples.erase(thread.samples.begin(), later);
  thread.last_record_ns = monotonic_ns;
  thread.untold = left;
  thread.unheard_ns = 0;
  return left;
}

void BlockedThreads::finish() {
  for (uint32_t slot = 0; slot < watched_.size(); ++slot) {
    if (watched_[slot].is_sampled) {
      const uint64_t run_ns = run_ns_of(target_.pid, watched_[slot].tid);
      watched_[slot].unheard_ns += run_ns > watched_[slot].run_ns ? run_ns - watched_[slot].run_ns : 0;
      give_ahead(slot);
    }
  }
}

}  // namespace flarestack
