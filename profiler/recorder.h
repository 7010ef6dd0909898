// SPDX-License-Identifier: Apache-2.0
// record(): launches a program, drains the sessions of all its processes while they run, and writes the trace as it
// goes.
//
//   launch -> agents say Hello -> regions handed out -> drain, aggregate, flush a window a second -> last process gone
//   -> end
//
// One thread, one loop. Nothing of the target is trusted, and nothing that goes wrong here harms it: without a recorder
// the agents switch themselves off. Recorder side.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "profiler/sample_clock.h"
#include "trace/records.h"

namespace flarestack {

struct RecordOptions {
  std::vector<std::string> command;
  int32_t attach_pid = 0;   // not 0: a process that runs already, instead of a command
  std::string output_path;  // empty: flarestack.PROGRAM.PID.flare
  uint32_t cpu_hz = 1000;   // 0: no CPU sampling
  TimerWish timer = TimerWish::kAuto;
  std::optional<ClockKind> outside_clock;  // of a recording from outside alone
  bool wall_clock = false;
  HeapMode heap = HeapMode::kExact;
  uint64_t heap_sample_bytes = 512 * 1024;  // kSampled: between two samples, on average
  bool heap_is_asked_for = false;           // by name: a recording without it would not be what was asked for
  bool leak_check = true;                   // at the end of each process, where the heap is recorded exactly
  bool follow_children = true;
  bool wait_for_children = true;  // false: stop when the launched program ends
  uint64_t duration_ns = 0;       // 0: until the end
  // When the time is over, the stacks of all threads are taken, and what was started is ended: by SIGTERM, and by
  // SIGKILL five seconds later. 0: never.
  uint64_t timeout_ns = 0;
  struct RegionTimeout {
    std::string region;  // that a thread must not have open for longer
    uint64_t limit_ns = 0;
  };
  std::vector<RegionTimeout> region_timeouts;
  // Somebody reads the trace while it is written: after this time it has all there is to tell, at the price of its
  // size, which then grows with time. 0: nobody.
  uint64_t live_interval_ns = 0;
  bool starts_paused = false;        // until the program says otherwise (flarestack.h)
  std::function<void()> on_started;  // once everything is being recorded, and the trace has been begun
  int stop_descriptor = -1;          // stop when it can be read or has been hung up; borrowed; -1: none
  std::function<void(const std::string&)>
      tell;  // a sentence for the user, as long as nothing else runs on the terminal
};

struct RecordOutcome {
  // For the shell: the program's own, 128 + signal, 126 or 127; 124 if its time ran out, 137 if it had to be killed
  // then.
  int exit_status = 0;
  std::string trace_path;
  std::string problem;    // one sentence, empty if all went well: "the trace is incomplete: ..."
  bool recorded = false;  // at least one process had an agent
};

// Runs the whole recording. Error: flarestack failed before the program started.
Result<RecordOutcome> record(const RecordOptions& options);

}  // namespace flarestack
