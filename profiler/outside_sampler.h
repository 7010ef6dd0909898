// SPDX-License-Identifier: Apache-2.0
// OutsideSampler: CPU samples of processes that no agent is in, taken from outside, and of what they fork and exec from
// then on. Nothing is changed in them, and nothing stays when the recorder ends, however it does. Made by the recorder;
// one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "profiler/clock.h"
#include "profiler/outside_modules.h"
#include "profiler/outside_process.h"
#include "profiler/perf_rings.h"
#include "profiler/process_exit.h"
#include "profiler/recording_tables.h"
#include "profiler/snapshot_sampler.h"

namespace flarestack {

// Whether the kernel allows it for the process as it is now; opens what it takes, and closes it.
bool may_sample_from_outside(int32_t pid);

class OutsideSampler {
 public:
  struct Options {
    uint64_t period_ns = 0;
    bool follow_children = true;
  };
  // Borrows the tables.
  OutsideSampler(const Options& options, RecordingTables& tables, TimeOrigin origin)
      : options_(options), tables_(tables), origin_(origin) {}

  struct Target {
    int32_t pid = 0;
    ProcessId parent;
    ProcessOrigin origin = ProcessOrigin::kAttach;
    std::string no_agent_reason;  // as of ProcessRecord
    std::string executable;       // of a program that has yet to be executed, as the next; empty: looked up
    std::vector<std::string> arguments;
    PerfRings::Start start = PerfRings::Start::kNow;
  };
  // By perf_event, or by snapshots where that is refused. Error: the kernel refuses both, or the process is gone.
  Result<void> add(const Target& target);

  // Readable when there is much to drain.
  std::vector<int> descriptors() const;
  // Takes what the kernel has sampled, and snapshots.
  void drain();
  // As ProcessTable's.
  void write_so_far();
  // When to drain next, if all others could wait for that long.
  uint64_t nap_ns(uint64_t longest_ns);
  // Ends those that are gone; `spared` excepted (0: none), whose end its caller tells with end_process().
  void end_exited(int32_t spared);
  void end_process(int32_t pid, ExitStatus exit, uint64_t total_cpu_ns);
  // The recording ends while processes run.
  void end_all();
  bool empty() const { return processes_.empty(); }
  // Whether a process was sampled at all.
  bool recorded() const { return recorded_; }

  // "perf_event with stack copies of 16 KiB".
  std::string method_of(int32_t pid) const;

 private:
  struct Entry {
    std::unique_ptr<OutsideProcess> process;
    std::unique_ptr<SnapshotSampler> snapshots;  // nullptr: perf_event samples it
    bool awaits_exec = false;                    // its program is the one that it is going to exec
    Fd pidfd;                                    // none: it was gone before it could be opened
    uint64_t last_cpu_ns = 0;
  };

  Result<void> add_to_rings(const Target& target);
  Entry& begin(const Target& target, OutsideModules modules, uint64_t earlier_cpu_ns, SamplingWay way);
  void write_process(const Target& target, ProcessId id, SamplingWay way);
  static void take_snapshots(Entry& entry, bool look_at_maps);
  void take(const PerfRecord& record);
  void take_fork(const PerfRecord& record);
  void take_exec(const PerfRecord& record);
  void drain_until(uint64_t before_monotonic_ns);
  void end(int32_t pid, ExitStatus exit, KernelAccount account);

  Options options_;
  RecordingTables& tables_;
  TimeOrigin origin_;
  std::unique_ptr<PerfRings> rings_;  // nullptr: perf_event is refused, or nothing was sampled yet
  CodeFiles files_;
  std::map<int32_t, Entry> processes_;  // by pid
  bool recorded_ = false;
  uint64_t last_settled_ns_ = 0;
  std::minstd_rand random_;
};

}  // namespace flarestack
