// SPDX-License-Identifier: Apache-2.0
// Whether and how the heap of this process is recorded, and its regions.
#pragma once

#include <atomic>
#include <cstdint>

namespace flarestack::agent {

// In a page of its own that a forked child finds zeroed, whoever made it (raw clone, _Fork): it then records nothing.
struct HeapSwitches {
  std::atomic<uint32_t> on;
  std::atomic<uint32_t> ordered;  // there has been a second thread
  std::atomic<uint32_t> sampled;  // only some allocations are recorded
  std::atomic<uint32_t> regions;  // what the program says of itself is recorded, with or without the heap
};
extern HeapSwitches* heap_switches;  // never nullptr

// Begins to record the heap, if it is wanted, and regions, after the session is there and the first thread entered.
// [init], and in a fork's child
void start_heap();
// Records nothing from here on: the recording is over, or a seccomp filter forbids what it needs. [signal]
void stop_heap();
// Before a thread starts. [hook]
void heap_expects_thread();

}  // namespace flarestack::agent
