// SPDX-License-Identifier: Apache-2.0
// LiveView: a LiveProfile at one moment, as values: what `flarestack top` shows. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/call_tree.h"

namespace flarestack {

struct LiveFunction {
  uint32_t id = 0;  // in LiveProfile::functions()
  const Function* function = nullptr;
  uint64_t self_ns = 0;  // of LiveView::total_ns
  uint64_t total_ns = 0;
  uint64_t now_self_ns = 0;  // of LiveView::now_total_ns
  uint64_t now_total_ns = 0;
};

// A place in the program's own code that allocates, by the call path that leads there.
struct LiveSite {
  uint32_t id = 0;
  const Function* function = nullptr;  // of the place
  std::string file;                    // empty: unknown
  uint32_t line = 0;
  int64_t live_bytes = 0;
  int64_t live_blocks = 0;
  double growth_bytes_per_s = 0;  // now, as the next two
  double allocations_per_s = 0;
  double allocated_bytes_per_s = 0;
  uint64_t allocations = 0;  // in the whole
};

struct LiveThread {
  uint32_t id = 0;  // in Recording::threads
  int32_t pid = 0;
  int32_t tid = 0;
  std::string name;
  double cpu = 0;  // now, of one processor
  uint64_t cpu_ns = 0;
  double allocations_per_s = 0;  // now
  double allocated_bytes_per_s = 0;
  uint64_t allocations = 0;
  char state = 0;  // of /proc: R, S, D, T...; 0: unknown, or it has ended
};

struct LiveProcess {
  int32_t pid = 0;
  std::string name;
  bool ended = false;
};

struct LiveFrame {
  std::string function;
  std::string file;
  uint32_t line = 0;
};

struct LiveView {
  std::string command;  // as it was recorded
  std::vector<LiveProcess> processes;
  bool ended = false;       // the recording
  int64_t recorded_ns = 0;  // since it began
  int64_t whole_ns = 0;     // what the whole is of; shorter after a reset
  int64_t now_ns = 0;       // what "now" is of
  bool has_cpu = false;
  bool has_heap = false;
  bool is_wall_clock = false;    // times are of threads, running or waiting
  bool is_heap_sampled = false;  // its numbers are estimates
  uint64_t total_ns = 0;
  uint64_t now_total_ns = 0;
  uint64_t now_samples = 0;
  uint64_t nameless_ns = 0;  // of total_ns: in code whose names have yet to be read; in no function
  double cpu = 0;            // now, of one processor
  uint64_t live_bytes = 0;
  uint64_t live_blocks = 0;
  uint64_t peak_bytes = 0;  // the sum of what each process held at its own peak
  double allocations_per_s = 0;
  double allocated_bytes_per_s = 0;
  double growth_bytes_per_s = 0;
  uint64_t rss_bytes = 0;  // 0: unknown
  uint64_t samples = 0;    // of the recording, as all that follow
  uint64_t samples_dropped = 0;
  uint64_t stacks_truncated = 0;
  uint64_t heap_events = 0;
  uint64_t heap_events_lost = 0;
  uint64_t damaged_chunks = 0;          // of the trace
  std::vector<std::string> notes;       // what else limits it; one sentence each
  std::vector<LiveFunction> functions;  // in no order, as the next two
  std::vector<LiveSite> sites;
  std::vector<LiveThread> threads;
};

}  // namespace flarestack
