// SPDX-License-Identifier: Apache-2.0
// The part of HeapRings that is about what the program says of itself (docs/regions.md): its regions, and its pools.
#include <algorithm>
#include <climits>

#include "profiler/heap_rings.h"

namespace flarestack {

int64_t HeapRings::past_time(uint64_t monotonic_ns) const {
  return std::clamp<int64_t>(parts_.origin.since(monotonic_ns), 0, std::max<int64_t>(now_ns_, 0));
}

// False: it is none, and is not consumed.
bool HeapRings::take_region(Cursor& cursor, uint64_t word0) {
  if (cursor.head - cursor.position < kRegionWords * 8) {
    return false;
  }
  const RegionWord region = RegionWord::unpack(word0);
  const uint64_t second = word(cursor, 1);
  Slot& slot = *slots_[cursor.slot];
  if (region.deed == RegionDeed::kPool) {
    slot.pool = region.node;
  } else if (parts_.regions != nullptr) {
    tracker_.settle();  // what was allocated so far is of the regions that are open so far
    if (slot.regions == nullptr) {
      slot.regions = std::make_unique<RegionRecorder::Thread>(*parts_.regions, slot.thread);
    }
    switch (region.deed) {
      case RegionDeed::kBegin:
        slot.regions->begin(region.node, region.depth, past_time(ticks_.monotonic_ns(second)));
        break;
      case RegionDeed::kEnd:
        slot.regions->end(region.depth, past_time(ticks_.monotonic_ns(second)));
        break;
      case RegionDeed::kValue:
        slot.regions->tell(region.node, static_cast<int64_t>(second));
        break;
      default:
        ++damaged_;
    }
  }
  cursor.position += kRegionWords * 8;
  return true;
}

HeapTracker& HeapRings::pools() {
  if (pools_ == nullptr) {
    pools_ = std::make_unique<HeapTracker>(parts_.process, *parts_.writer, 0, MemoryKind::kPool);
  }
  return *pools_;
}

// Blocks of all pools have addresses of their own, whatever the heap has there. An allocation's stack ends in its
// pool's name.
void HeapRings::take_pool_event(uint32_t pool, HeapWord0 head, HeapTracker::Origin origin, uint64_t size_bytes) {
  const int64_t time_ns = now_ns_;
  if (head.kind == HeapKind::kFree) {
    pools().free(head.block, {}, time_ns);
  } else if (head.kind == HeapKind::kAllocate && parts_.regions != nullptr) {
    const std::string name = parts_.regions->pool_name(pool);
    origin.stack = parts_.frames->marker_child(origin.stack, "[pool " + name + "]");
    pools().allocate(origin, head.block, size_bytes, time_ns);
  } else {
    ++damaged_;
  }
}

void HeapRings::end_slice(bool always) {
  const int64_t now_ns = parts_.origin.now();
  tracker_.end_slice(now_ns, always);
  if (pools_ != nullptr) {
    pools_->end_slice(now_ns, always);
  }
}

void HeapRings::leave_regions() {
  tracker_.settle();
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot != nullptr && slot->regions != nullptr) {
      slot->regions->leave(parts_.origin.now());
    }
  }
}

int64_t HeapRings::region_open_since(const std::string& name) const {
  int64_t since_ns = INT64_MAX;
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot != nullptr && slot->regions != nullptr) {
      since_ns = std::min(since_ns, slot->regions->open_since(name));
    }
  }
  return since_ns;
}

}  // namespace flarestack
