// SPDX-License-Identifier: Apache-2.0
// The system calls that the agent makes in a program, and what they are for: a filter of the program's that does not
// let one of them pass in silence would harm the program, or show us to it. Both sides.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>

namespace flarestack {

enum class Deed : uint32_t {
  kSample = 1,  // what the handler of an armed thread does; also being recorded at all
  kArm = 2,     // to arm another thread
  kReach = 4,   // to reach the recorder, or to look at a file: a session for a child, a note about it
  kName = 16,   // to give our memory a name, for whoever looks at /proc/PID/maps
  kHeap = 8,    // to record the heap: to wait for room in a ring, and to wake the recorder
};

struct OwnCall {
  Deed deed;
  int32_t number;
  uint64_t arguments[4];
};

struct OwnCalls {
  const OwnCall* begin_;
  const OwnCall* end_;
  const OwnCall* begin() const { return begin_; }
  const OwnCall* end() const { return end_; }
};

// All of them. [signal]
OwnCalls own_calls();

// Whether the filter lets the call pass, made at `instruction_pointer`. An error is as good as the call to us; a trap,
// a notification or a tracer would show the call to somebody. [signal]
bool passes_in_silence(const sock_filter* code, size_t count, const OwnCall& call, uint64_t instruction_pointer);

}  // namespace flarestack
