// SPDX-License-Identifier: Apache-2.0
// Quality: how far the numbers of a profile can be trusted, of the recording as a whole whatever the filters.
// Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/recording.h"
#include "symbolizer/symbolizer.h"

namespace flarestack {

// What kept a module that the profile's time was spent in from being symbolized in full.
struct SymbolProblem {
  std::string path;
  ModuleSymbols::Level level = ModuleSymbols::Level::kNone;
  std::string problem;  // one sentence
  std::string remedy;   // a command; empty: unknown
  uint64_t self = 0;    // of the profile's values
  // Functions of it have no name, or another one's.
  bool names_missing() const { return level < ModuleSymbols::Level::kSymbolTable; }
};

struct Quality {
  ClockKind clock = ClockKind::kNone;
  uint32_t requested_hz = 0;
  double achieved_hz = 0;  // samples per second of CPU time outside the kernel, which signals cannot reach
  uint64_t samples = 0;
  uint64_t samples_dropped = 0;
  uint64_t stacks_truncated = 0;
  uint64_t stacks_heuristic = 0;
  uint64_t cpu_ns = 0;            // CPU time in the trace
  uint64_t accounted_cpu_ns = 0;  // CPU time of the processes that ended, as the kernel accounts it; 0: unknown
  uint64_t kernel_ns = 0;         // of cpu_ns, in the kernel
  uint64_t unsampled_ns = 0;      // of cpu_ns, under a marker such as "[startup]" without a stack
  uint64_t unknown_code_ns = 0;   // of the profile's values, innermost frame in no module
  uint64_t lost_ns = 0;           // of the profile's values, with a frame or thread whose definition was lost
  uint64_t heap_events = 0;       // allocations and deallocations recorded
  uint64_t heap_events_lost = 0;  // not recorded; what is live and who allocated it may be wrong
  uint64_t foreign_frees = 0;     // of blocks whose allocation was not recorded
  std::vector<SymbolProblem> symbol_problems;  // by time, most first
  bool complete = false;                       // the trace has its end and no damage, and no event of the heap was lost
  std::vector<std::string> damage;             // one sentence each
};

struct Profile;
Quality assess_quality(const Profile& profile, const std::vector<ModuleSymbols>& modules);
const char* symbol_level_name(ModuleSymbols::Level level);  // "none", "exported_symbols", "symbol_table", "lines"
const char* sampling_way_name(SamplingWay way);             // "agent", "perf_rings", "snapshots"
const char* clock_kind_name(ClockKind kind);                // "perf_task_clock", "posix_cpu_timer", "snapshots"

}  // namespace flarestack
