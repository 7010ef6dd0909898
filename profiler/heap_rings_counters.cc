// SPDX-License-Identifier: Apache-2.0
// The part of HeapRings that counts what was recorded and what was lost.
#include "profiler/heap_rings.h"

namespace flarestack {

uint64_t HeapRings::lost_events() const {
  uint64_t lost = lost_ + parts_.session.page().heap_events_lost.load(std::memory_order_relaxed);
  for (uint32_t i = 0; i < kSlotCount; ++i) {
    lost += parts_.session.slot(i).heap_lost.load(std::memory_order_relaxed);
  }
  return lost;
}

int64_t HeapRings::last_loss_ns() {
  if (const uint64_t losses = lost_events() + damaged_; losses != timed_losses_) {
    timed_losses_ = losses;
    last_loss_ns_ = parts_.origin.now();
  }
  return last_loss_ns_;
}

void HeapRings::add_counters(std::map<std::string, uint64_t>& counters) const {
  const uint64_t lost = lost_events();
  uint64_t waits = 0;
  for (uint32_t i = 0; i < kSlotCount; ++i) {
    waits += parts_.session.slot(i).heap_waits.load(std::memory_order_relaxed);
  }
  counters["heap_events"] = events_;
  counters["heap_events_lost"] = lost;
  counters["heap_waits"] = waits;
  // A forked child may have got what another thread of its parent had in its hands; after a gap anything is possible.
  const bool ambiguous = forked_ || lost != 0;
  counters[ambiguous ? "ambiguous_frees" : "foreign_frees"] = tracker_.unknown_frees();
  counters["inherited_frees"] = tracker_.inherited_frees();
  counters["unseen_frees"] = tracker_.unseen_frees();
  counters["heap_damaged_records"] = damaged_;
  counters["heap_stacks_heuristic"] = heuristic_;
  counters["heap_stacks_truncated"] = truncated_;
  counters["heap_stacks_elided"] = elided_;
}

}  // namespace flarestack
