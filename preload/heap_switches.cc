// SPDX-License-Identifier: Apache-2.0
#include "preload/heap_switches.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "preload/agent.h"
#include "preload/heap_sampling.h"
#include "preload/system.h"

namespace flarestack::agent {
namespace {

constinit HeapSwitches switched_off{};

}  // namespace

constinit HeapSwitches* heap_switches = &switched_off;

void start_heap() {
  if (heap_switches == &switched_off) {
    void* page = map_memory(kPageBytes);
    if (page == nullptr) {
      return;
    }
    raw_syscall(SYS_madvise, raw_pointer(page), kPageBytes, MADV_WIPEONFORK);
    heap_switches = static_cast<HeapSwitches*>(page);
  }
  heap_switches->regions.store(1, std::memory_order_release);
  const SessionPage& session = the_agent.session.page();
  if (session.heap == HeapRecording::kOff) {
    return;
  }
  heap_switches->sampled.store(0, std::memory_order_relaxed);  // an earlier attach may have been otherwise
  if (session.heap == HeapRecording::kSampled) {
    if (session.heap_sample_bytes == 0 || !start_heap_sampling(session.heap_sample_bytes)) {
      return;
    }
    heap_switches->sampled.store(1, std::memory_order_relaxed);
  }
  heap_switches->on.store(1, std::memory_order_release);
}

void stop_heap() {
  heap_switches->on.store(0, std::memory_order_relaxed);
  heap_switches->regions.store(0, std::memory_order_relaxed);
}

void heap_expects_thread() {
  if (heap_switches != &switched_off) {
    heap_switches->ordered.store(1, std::memory_order_seq_cst);
  }
}

}  // namespace flarestack::agent
