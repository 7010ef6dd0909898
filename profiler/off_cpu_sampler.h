// SPDX-License-Identifier: Apache-2.0
// OffCpuSampler: where the threads of one process wait, for the wall clock. Sleeping threads are never signalled: the
// kernel tells their program counter and stack pointer (/proc/PID/task/TID/syscall), and a copy of their stack is
// unwound here.
//
// How long a thread was off the CPU is exact, from its schedstat (time on CPU, time waiting for one); how that time is
// divided among the places where it waited is sampled at random moments: each pass over the threads sees where a thread
// sleeps now. A thread that did not run since the last pass is still where it was, which costs one small read.
// Recorder side.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "profiler/live_modules.h"
#include "profiler/module_map.h"
#include "profiler/recording_tables.h"
#include "unwind/remote_unwind.h"

namespace flarestack {

class OffCpuSampler {
 public:
  // What the sampler needs of its process, borrowed.
  struct Target {
    int32_t pid = 0;
    RecordingTables* tables = nullptr;
    const ModuleMap* modules = nullptr;
    std::function<ThreadId(int32_t tid)> thread_of;                         // made if it is not known yet
    std::function<StackId(StackId parent, FrameAddress frame)> push_frame;  // of the present modules
  };

  explicit OffCpuSampler(Target target) : target_(std::move(target)), modules_(target_.modules) {}

  // Looks at every thread once. `time_ns` is of the recording, for the weights.
  void pass(int64_t time_ns);
  // Gives out what is not yet divided; after the last pass.
  void finish(int64_t time_ns);

  uint64_t samples() const { return samples_; }      // stacks seen asleep
  uint64_t heuristic() const { return heuristic_; }  // of the unwound ones
  uint64_t truncated() const { return truncated_; }

 private:
  struct SchedulerTimes {
    uint64_t run_ns = 0;
    uint64_t wait_ns = 0;  // runnable, without a CPU
    uint64_t slices = 0;
    bool operator==(const SchedulerTimes&) const = default;
  };
  struct Thread {
    ThreadId id;
    Fd schedstat;
    Fd syscall;
    SchedulerTimes times;
    uint64_t last_pass_ns = 0;  // CLOCK_MONOTONIC
    uint64_t last_given_ns = 0;
    bool asleep = false;
    StackId stack;  // where it sleeps
    uint64_t stack_pointer = 0;
    uint64_t program_counter = 0;
    // Not yet given out. Below zero where the kernel has only afterwards told of a time that the thread ran or waited.
    int64_t off_ns = 0;
    uint64_t waiting_ns = 0;                      // for a CPU; not yet given out
    std::unordered_map<uint32_t, uint64_t> seen;  // passes, by StackId
  };

  void find_threads();
  bool look_at(Thread& thread, uint64_t now_ns);
  void give_out(Thread& thread, int64_t time_ns);
  StackId unwind(Thread& thread);

  Target target_;
  std::map<int32_t, Thread> threads_;
  uint64_t last_listing_ns_ = 0;

  LiveModules modules_;
  RemoteUnwinder unwinder_;
  std::vector<std::byte> stack_copy_;
  uint64_t samples_ = 0, heuristic_ = 0, truncated_ = 0;
};

}  // namespace flarestack
