// SPDX-License-Identifier: Apache-2.0
// Regions inside the target: what the program says of itself through the two functions that the agent exports for that
// (preload/hooks_region.cc, flarestack.h): parts of its run, numbers, its own pools, and when to record.
//
// The regions that a thread has open are a stack of its own, which samples and the recorder's reading of its heap ring
// follow. An end names its region by the token of the begin and ends what is open above it as well: so an exception or
// a longjmp that left regions open costs nothing but their time. A signal handler in the middle of an event has none.
#pragma once

#include <atomic>
#include <cstdint>

#include "wire/regions.h"

namespace flarestack::agent {

// Part of ThreadState; zeroed memory is a valid one. Written by its thread.
struct RegionThread {
  struct Open {
    uint32_t node;
    uint32_t serial;
  };
  std::atomic<uint32_t> innermost{0};  // a node; 0: none is open
  uint32_t depth = 0;
  uint32_t serial = 0;  // of the latest begin
  Open open[kMaxRegionDepth];
};

// The token of a region that begins; 0: it is not recorded. [hook]
uint64_t begin_region(const char* name);
// [hook]
void end_region(uint64_t token);
// A number of the innermost region (kTag), or of the process (kCounter). [hook]
void tell_value(RegionNodeKind kind, const char* name, uint64_t value);
// The node of a pool; 0: there is no room for its name. [hook]
uint32_t pool_node(const char* name);
// Neither samples nor allocations are recorded from here on, or again. [hook]
void pause_recording(bool paused);
bool recording_paused();

// In a fork's child: the tokens of its parent end nothing here. [hook]
void reset_regions();

}  // namespace flarestack::agent
