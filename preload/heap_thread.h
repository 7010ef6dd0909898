// SPDX-License-Identifier: Apache-2.0
// What heap recording knows of one thread. Part of ThreadState; zeroed memory is a valid one. Written by its thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "unwind/module_snapshot.h"
#include "unwind/unwinder.h"

namespace flarestack::agent {

struct HeapThread {
  std::atomic<uint64_t>* ring = nullptr;  // nullptr: no event so far of the thread that has this state
  uint64_t ring_bytes = 0;
  uint64_t reserved = 0;    // bytes of the ring ever written or being written
  uint64_t known_tail = 0;  // the reader has come at least so far
  uint64_t bell_at = 0;     // wake the reader when `reserved` is past it

  uint64_t mark = 0;  // stack pointer of the hook under way; 0: none, or it is stale
  // Where operator new, under way in this thread, was called from, for the malloc that it calls; 0: none is.
  uint64_t relay_stack_pointer = 0;
  uint64_t relay_return_address = 0;
  uint64_t relay_frame_pointer = 0;
  uint64_t relay_size_bytes = 0;
  bool writing = false;  // an event is being written: whoever comes now is a signal handler

  Unwinder* unwinder = nullptr;  // in memory that stays with the slot
  MachineRegisters registers;    // of the call under way; only those of Unwinder::kCallRegisters are ever set
  uint64_t generation = 0;       // of the modules that the ring was last told of
  // The snapshot being read, which is then not freed (a hazard pointer).
  std::atomic<const ModuleSnapshot*> snapshot{nullptr};

  // Sampled mode.
  int64_t until_sample_bytes = 0;
  uint64_t random = 0;
  uint64_t allocations = 0;
  uint64_t sampled_block = 0;       // the latest one
  uint64_t sampled_allocation = 0;  // its number among `allocations`

  uint64_t last_order = 0;
  std::atomic<uint64_t> time_ns{0};  // by the sample handler: CLOCK_MONOTONIC of about now
  uint64_t told_time_ns = 0;
  uint64_t gap_events = 0;   // that found no room; no more waiting until there is
  uint64_t fork_number = 0;  // of the fork under way
};

}  // namespace flarestack::agent
