// SPDX-License-Identifier: Apache-2.0
// The records of a trace that tell of what the program named itself, and of a run whose time ran out: part of
// trace/records.h, which says what all records have in common.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"

namespace flarestack {

enum class RegionKind : uint8_t {
  kRegion = 0,
  kTag = 1,      // a number told of the region that is its parent
  kCounter = 2,  // a number told of the process
};

// A region that the program named (docs/regions.md), or a number that it told: `name` within `parent` (none: an
// outermost one).
struct RegionRecord {
  RegionId id;
  RegionId parent;
  RegionKind kind = RegionKind::kRegion;
  std::string name;
  bool operator==(const RegionRecord&) const = default;
};

// What happened in one thread while the region was its innermost one, since the previous record of the two: these add
// up, but for the two greatest ones. Calls count where they end, and `wall_ns` holds what is nested as well.
struct RegionTotalsRecord {
  ThreadId thread;
  RegionId region;
  uint64_t calls = 0;
  uint64_t wall_ns = 0;
  uint64_t self_wall_ns = 0;  // without what is nested
  uint64_t longest_ns = 0;    // the longest call
  uint64_t allocations = 0;   // by the thread
  uint64_t allocated_bytes = 0;
  uint64_t deallocations = 0;  // by the thread, of whatever block
  uint64_t deallocated_bytes = 0;
  uint64_t peak_bytes =
      0;  // the most that a call had allocated beyond what it had freed, at any moment, with what is nested
  uint64_t unfinished = 0;  // of the calls: they were left without an end
  bool operator==(const RegionTotalsRecord&) const = default;
};

// When a region was open in a thread; where they would be too many, several calls with little between them.
struct RegionSpanRecord {
  ThreadId thread;
  RegionId region;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  uint64_t calls = 0;
  uint64_t busy_ns = 0;  // that it was open
  bool operator==(const RegionSpanRecord&) const = default;
};

// The numbers that one thread told, of a tag or a counter, since the previous record of the two; smallest, largest and
// last are of all so far.
struct RegionValueRecord {
  ThreadId thread;
  RegionId region;
  uint64_t count = 0;
  int64_t sum = 0;
  int64_t smallest = 0;
  int64_t largest = 0;
  int64_t last = 0;
  bool operator==(const RegionValueRecord&) const = default;
};

// The time that the recording was given ran out, and the program was ended. Followed by what its threads were doing.
struct TimeoutRecord {
  int64_t time_ns = 0;
  uint64_t limit_ns = 0;
  std::string region;  // that was open for so long; empty: the limit is the program's
  bool operator==(const TimeoutRecord&) const = default;
};

enum class ThreadState : uint8_t {
  kRunning = 0,
  kSleeping = 1,  // in a system call that a signal ends
  kBlocked = 2,   // in the kernel, where none does
  kStopped = 3,   // by job control or a debugger
  kOther = 4,
};

// Of one thread, at that moment.
struct TimeoutStackRecord {
  ThreadId thread;
  StackId stack;  // none: it could not be had
  ThreadState state = ThreadState::kRunning;
  bool truncated = false;  // its root was not reached
  bool operator==(const TimeoutStackRecord&) const = default;
};

}  // namespace flarestack
