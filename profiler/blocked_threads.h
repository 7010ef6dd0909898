// SPDX-License-Identifier: Apache-2.0
// BlockedThreads: threads of a process with an agent that block the sample signal past the agent's view of it, by a
// system call of their own. Their ticks wait, and their time would be taken for the kernel's when the agent hears of it
// at last, or at the end. So they are found from outside, by /proc, and sampled from outside until they let the signal
// in again: by perf events into rings of the recorder, user mode only.
//
// The agent's own account stays what counts: of the ticks that it writes of, by the thread's CPU clock, those that a
// sample from here tells of are no longer the kernel's, nor a sample of where the signal was let in. A sample that no
// such tick stands behind is dropped.
//
// Part of a TargetProcess. Recorder side.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "profiler/live_modules.h"
#include "profiler/perf_rings.h"
#include "profiler/recording_tables.h"
#include "unwind/remote_unwind.h"

namespace flarestack {

class BlockedThreads {
 public:
  // What is needed of the process, borrowed.
  struct Target {
    int32_t pid = 0;
    uint64_t period_ns = 0;
    uint32_t signal = 0;
    const ModuleMap* modules = nullptr;
    std::function<StackId(StackId parent, FrameAddress frame)> push_frame;                 // of the present modules
    std::function<void(uint32_t slot, uint64_t monotonic_ns, StackId stack)> give_sample;  // of one period
  };
  explicit BlockedThreads(Target target) : target_(std::move(target)), modules_(target_.modules) {}

  struct Thread {
    uint32_t slot = 0;
    int32_t tid = 0;  // as we see it
  };
  // Looks for threads that block the signal, among these: at some of them each time, so that it takes a fraction of a
  // millisecond however many they are. A few times a second.
  void look(const std::vector<Thread>& threads);
  // Takes what the kernel has sampled, before settle() is called for what the agent has written up to now.
  void take_samples();
  // The agent has written of the thread in that slot at that time, which had so many ticks since it did so last, its
  // sample's own (if any) included. Returns how many of them no sample from here tells of.
  uint64_t settle(uint32_t slot, uint64_t monotonic_ns, uint64_t ticks);
  // The thread of the slot has ended; all that the agent wrote of it has been settled.
  void forget(uint32_t slot);
  // Gives what is left, at the end.
  void finish();

  uint64_t threads() const { return threads_; }  // that were sampled from outside
  uint64_t samples() const { return samples_; }
  uint64_t lost() const { return lost_; }
  uint64_t heuristic() const { return heuristic_; }
  uint64_t truncated() const { return truncated_; }

 private:
  struct Sample {
    uint64_t monotonic_ns = 0;
    StackId stack;
  };
  struct Watched {
    int32_t tid = 0;  // 0: not seen yet
    bool is_sampled = false;
    uint32_t looks_blocked = 0;
    uint64_t run_ns = 0;              // CPU time at the last look
    uint64_t records = 0, ticks = 0;  // by the agent, since then
    uint32_t looks_open = 0;          // in a row
    uint64_t unheard_ns = 0;          // CPU time of which the agent has not written, as far as looks tell
    uint64_t ahead = 0;               // samples given of ticks that the agent has yet to write of
    uint64_t last_record_ns = 0;
    uint64_t untold = 0;          // ticks before that, which are the kernel's
    std::vector<Sample> samples;  // since then, not given yet
  };

  Watched& watched(uint32_t slot);
  void look_at(const Thread& thread);
  void begin(uint32_t slot);
  void end(Watched& thread);
  bool blocks_signal(int32_t tid) const;
  bool keeps_blocking_signal(int32_t tid);
  void take(const OutsideSample& sample);
  void give(uint32_t slot, const Sample& sample);
  void give_ahead(uint32_t slot);

  Target target_;
  LiveModules modules_;
  RemoteUnwinder unwinder_;
  std::unique_ptr<PerfRings> rings_;             // with the first thread
  bool is_refused_ = false;                      // by the kernel
  std::vector<Watched> watched_;                 // by slot
  std::unordered_map<int32_t, uint32_t> slots_;  // of sampled threads, by tid
  size_t next_look_ = 0;
  size_t rows_ = 0;  // of looks at one thread, this time
  uint64_t threads_ = 0, samples_ = 0, lost_ = 0, heuristic_ = 0, truncated_ = 0;
};

}  // namespace flarestack
