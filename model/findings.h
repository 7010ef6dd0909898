// SPDX-License-Identifier: Apache-2.0
// Findings: what costs a run most, across CPU time, waiting, allocations, memory and leaks, each with its place, its
// reason and what to try; grouped by what is being done and ordered by what could be won at most. Offline side.
//
// Time. A sample belongs to the innermost code outside of libraries (StackPlace); what a library or the kernel does
// for that place is grouped by its kind (Activity), the rest is the place's own. Shares are of the CPU time without
// what recording itself cost. What could be won of the time that went by is such a share times how much of it any
// thread ran; of a wait, the longest that one thread spent in it, and no more than the time in which nothing ran: what
// others wait for while a thread works costs nothing. That assumes that time without a running thread could be avoided,
// and is so an upper bound.
// Memory: the advice of heap_advice(), a share of the peak; leaks by their share of the peak; growth as find_growth().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/activity.h"
#include "model/confidence.h"
#include "model/leaks.h"
#include "model/profile.h"
#include "model/work_hints.h"

namespace flarestack {

enum class FindingGain : uint8_t { kTime, kMemory };

struct FindingPlace {
  std::vector<uint32_t> path;  // in the profile's locations: the place, its callers along the heaviest stack; or empty
  uint64_t amount = 0;         // as Finding::amount
  std::string call;            // what of a library it calls for this: "malloc"; empty: nothing
  std::string matter;          // more about it, with numbers; empty: nothing
  std::string remedy;          // for this place; empty: the finding's holds
};

struct Finding {
  std::string id;     // stable, for scripts: "cpu.function", "cpu.allocation", "wait.lock", "memory.peak", "leak"
  std::string title;  // "memory allocation"; of a function its name
  const Profile* profile = nullptr;  // whose locations its places are; borrowed
  FindingGain gain = FindingGain::kTime;
  Confidence confidence = Confidence::kSure;
  double share =
      0;  // of the CPU time, the time that went by (waiting), the allocations or the peak: against the threshold
  double win = 0;        // at most, of the time that went by or of the peak: the order
  uint64_t amount = 0;   // ns or bytes
  uint64_t samples = 0;  // that say so; 0: it is counted, not sampled
  std::string why;
  std::string remedy;
  std::vector<FindingPlace> places;  // most first
  uint32_t function = kNoIndex;      // in the profile's functions, of "cpu.function": the one that it is about
  std::vector<WorkHint> hints;       // what its instructions say, surest and greatest first; explain_findings()
};

// What is a guess may as well be nothing: a thread that waits for work, memory that is needed.
double expected_win(const Finding& finding);

struct Findings {
  std::vector<Finding> list;  // by expected_win(), greatest first
  double threshold = 0;
  uint64_t elapsed_ns = 0;
  uint64_t cpu_ns = 0;        // without what recording cost
  uint64_t recording_ns = 0;  // that
  double busy = 1;            // share of the elapsed time in which at least one thread ran, at most
  bool knows_waiting = false;
  bool has_time = false;
  bool has_heap = false;
};

struct FindingSources {
  const Profile* time = nullptr;  // of the wall clock, if that was recorded, else of CPU time; null: neither was
  const Profile* heap = nullptr;  // of Metric::kAllocated; null: there is none
  LeakOptions leaks;
};

// Of findings with at least `threshold` (0.05: 5 %) as their share. The profiles are borrowed for as long as the
// findings live; without filters by function, for the shares to be meant as they are.
Findings find_bottlenecks(const FindingSources& sources, double threshold);

// Asks the instructions of the first few functions among them what kind of work they do.
void explain_findings(Findings& findings, const AnnotationSources& sources);

}  // namespace flarestack
