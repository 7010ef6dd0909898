// SPDX-License-Identifier: Apache-2.0
// ThreadTimeline: a profile's samples thread by thread, in an order in which they may have happened; for formats that
// show time. Offline side.
//
// A trace says what a thread did in a time slice, not in which order. Within a slice samples are in the order of the
// call tree, every other slice backwards, so that stacks with the same callers are neighbours.
#pragma once

#include <cstdint>
#include <vector>

#include "model/profile.h"

namespace flarestack {

struct TimelineEntry {
  uint32_t sample = 0;   // in Profile::samples
  int64_t start_ns = 0;  // no earlier than its slice and the start of the one before; of a metric of time, than its end
};

struct ThreadTimeline {
  uint32_t thread = 0;  // in Recording::threads, or kLostIndex
  uint64_t total = 0;
  std::vector<TimelineEntry> entries;
};

// Of the threads with a sample above zero, in order of Recording::threads.
std::vector<ThreadTimeline> thread_timelines(const Profile& profile);

}  // namespace flarestack
