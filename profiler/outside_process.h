// SPDX-License-Identifier: Apache-2.0
// OutsideProcess: one program image that is sampled from outside: its threads, the stacks of its samples, and what the
// kernel says it used beyond them. Made by OutsideSampler. Recorder side.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "profiler/clock.h"
#include "profiler/frame_resolver.h"
#include "profiler/outside_modules.h"
#include "profiler/outside_sample.h"
#include "profiler/recording_tables.h"
#include "profiler/target_process.h"
#include "unwind/remote_unwind.h"

namespace flarestack {

class OutsideProcess {
 public:
  struct Identity {
    ProcessId id;
    int32_t pid = 0;
    uint64_t earlier_cpu_ns = 0;  // that the process had used before
    // What CPU time without a sample is: in the kernel where that is not sampled, else lost.
    bool samples_kernel = true;
  };
  OutsideProcess(const Identity& identity, OutsideModules modules, RecordingTables& tables, TimeOrigin origin);

  const Identity& identity() const { return identity_; }
  OutsideModules& modules() { return modules_; }

  void take(const OutsideSample& sample);
  void see_thread(int32_t tid) { thread_of(tid); }  // that was there before
  void begin_thread(int32_t tid, int32_t creator_tid);
  void name_thread(int32_t tid, std::string_view name);
  void end_thread(int32_t tid) { threads_.erase(tid); }
  void add_lost(uint64_t samples) { lost_ += samples; }
  void add_throttle() { ++throttles_; }
  // Gives each thread the CPU time that it has used beyond its samples, and has the next ones weigh less where they
  // told of more.
  void settle();

  // What the kernel says was used beyond all that.
  void finish(KernelAccount account);
  uint64_t accounted_cpu_ns() const { return accounted_cpu_ns_; }  // earlier images included
  uint64_t image_cpu_ns() const { return image_cpu_ns_; }          // after finish()
  Counters counters() const;

 private:
  struct Thread {
    ThreadId id;
    std::string name;
    uint64_t run_ns_before = 0;  // as settle() has it
    uint64_t given_ns = 0;
    uint64_t excess_ns = 0;  // given, and not used: time that a hypervisor took
  };

  Thread& thread_of(int32_t tid);
  void describe(const Thread& thread, int32_t tid);
  StackId user_stack(const OutsideSample& sample);
  RemoteTrace unwind(const OutsideSample& sample);
  StackId chained_stack(const OutsideSample& sample);
  uint64_t hidden_caller(const OutsideSample& sample);
  void add_unsampled(ThreadId thread, uint64_t weight_ns);

  Identity identity_;
  OutsideModules modules_;
  RecordingTables& tables_;
  TimeOrigin origin_;
  FrameResolver frames_;
  RemoteUnwinder unwinder_;
  std::map<int32_t, Thread> threads_;
  ThreadId first_thread_;
  uint64_t accounted_cpu_ns_;
  uint64_t image_cpu_ns_ = 0;
  uint64_t samples_ = 0, lost_ = 0, throttles_ = 0, heuristic_ = 0, truncated_ = 0, thread_count_ = 0;
};

}  // namespace flarestack
