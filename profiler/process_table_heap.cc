// SPDX-License-Identifier: Apache-2.0
// The part of ProcessTable that is about heap recording: when rings want to be drained, and what a fork's child has.
#include "profiler/process_table.h"

namespace flarestack {

uint64_t ProcessTable::heap_nap_ns() const {
  constexpr uint64_t kHeldUpNapNs = 100'000;
  for (const auto& [session_id, process] : processes_) {
    if (process.target->heap_held_up()) {
      return kHeldUpNapNs;
    }
  }
  constexpr uint64_t kNapNs = 20'000'000, kNapWithoutBellNs = 1'000'000;
  return doorbell_ != nullptr && doorbell_->is_supported() ? kNapNs : kNapWithoutBellNs;
}

void ProcessTable::forget(uint32_t session_id) {
  if (doorbell_ != nullptr) {
    doorbell_->remove(&processes_.at(session_id).target->region().view().page().doorbell);
  }
  processes_.erase(session_id);
}

// The blocks that a fork's child has from its parent.
void ProcessTable::inherit_heap(TargetProcess& child, const Hello& hello) {
  const auto parent = processes_.find(hello.parent_session_id);
  if (parent != processes_.end() && parent->second.target->heap() != nullptr && child.heap() != nullptr) {
    parent->second.target->drain();  // its word of the fork is there, and the child may be gone in a moment
    child.heap()->inherit(parent->second.target->heap()->fork_point(hello.fork_number));
  }
}

}  // namespace flarestack
