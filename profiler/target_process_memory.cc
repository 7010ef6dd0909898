// SPDX-License-Identifier: Apache-2.0
// The part of TargetProcess that looks at the target's memory as a whole.
#include <algorithm>

#include "profiler/target_process.h"

namespace flarestack {

std::pair<uint64_t, uint64_t> TargetProcess::own_memory() const {
  const uint64_t top = region_.view().page().own_memory_top;
  return {top > kOwnMemoryBytes ? top - kOwnMemoryBytes : 0, top};
}

void TargetProcess::look_at_memory() {
  MemoryOwners owners;
  owners.mapped = heap_.tracker().mapped_ranges();
  owners.own = own_memory();
  for (uint32_t i = 0; i < kSlotCount; ++i) {
    const SlotHeader& header = region_.view().slot(i);
    if (slots_[i].live && header.stack_high > header.stack_low) {
      owners.stacks.emplace_back(header.stack_low, header.stack_high);
    }
  }
  MemoryRecord record;
  record.process = identity_.id;
  record.heap_live_bytes = heap_.tracker().live_bytes();
  if (memory_.look(origin_.now(), owners, record)) {
    tables_.writer().add(record);
  }
}

}  // namespace flarestack
