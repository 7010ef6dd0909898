// SPDX-License-Identifier: Apache-2.0
// Regions: the parts of a run that the program named itself (docs/regions.md), as a tree by nesting: what each cost, in
// all threads and in each; the numbers and the memory pools that it told of; when they were open; and, of a recording
// whose time ran out, what the threads were doing. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/profile.h"

namespace flarestack {

// Figures of a region, alone or with what is nested in it. By the threads that were in it.
struct RegionFigures {
  uint64_t wall_ns = 0;
  uint64_t cpu_ns = 0;  // weights of the samples taken in it; 0 where no CPU time was recorded
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t deallocations = 0;  // of whatever blocks
  uint64_t deallocated_bytes = 0;
  // What it left more than it found; negative: it freed what was there before.
  int64_t live_delta_bytes() const { return static_cast<int64_t>(allocated_bytes - deallocated_bytes); }
  int64_t live_delta_blocks() const { return static_cast<int64_t>(allocations - deallocations); }
};

// All but the wall time, which has what is nested in it already.
void add_figures(const RegionFigures& figures, RegionFigures& sum);

struct RegionUse {
  uint64_t calls = 0;
  uint64_t unfinished = 0;  // of the calls: left without an end
  uint64_t longest_ns = 0;  // the longest call
  uint64_t peak_bytes = 0;  // the most that one call held at once of what it had allocated, less what it had freed
  RegionFigures total;      // with what is nested
  RegionFigures self;
};

// Of a tag, or a counter.
struct RegionValue {
  std::string name;
  uint64_t count = 0;
  int64_t sum = 0;
  int64_t smallest = 0;
  int64_t largest = 0;
  int64_t last = 0;  // of the thread that told it last in the trace
};

struct RegionThreadUse {
  uint32_t thread = kLostIndex;  // in Recording::threads
  RegionUse use;
};

struct Region {
  std::string name;
  std::string path;               // "load/parse"
  uint32_t parent = kNoIndex;     // in Regions::regions
  uint32_t depth = 0;             // 0: an outermost one
  uint16_t recorded = kNoRegion;  // in Recording::regions
  RegionUse use;
  std::vector<RegionThreadUse> threads;  // that were in it
  std::vector<RegionValue> tags;
};

// A memory pool of the program's own; its blocks are no part of the heap, their arena is.
struct RegionPool {
  std::string name;
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t live_bytes_at_end = 0;
  uint64_t live_blocks_at_end = 0;
  uint64_t peak_bytes = 0;  // when all pools together held most, in the time slice where that was most for this one
};

// When a region was open in a thread: once, or `calls` times with little between them.
struct RegionSpan {
  uint32_t region = 0;  // in Regions::regions
  uint32_t thread = kLostIndex;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  uint64_t calls = 0;
  uint64_t busy_ns = 0;  // that it was open
};

struct Regions {
  std::vector<Region> regions;  // a parent before what is nested in it, which follows it; siblings by wall time
  std::vector<RegionValue> counters;
  std::vector<RegionPool> pools;
  std::vector<RegionSpan> spans;  // by start
  bool empty() const { return regions.empty() && counters.empty() && pools.empty(); }
};

// Of the threads that the profile's filters choose, over the whole time: what a region costs is not told by time.
Regions regions_of(const Recording& recording, const ProfileOptions& options = {});

}  // namespace flarestack
