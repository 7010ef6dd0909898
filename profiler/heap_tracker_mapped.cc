// SPDX-License-Identifier: Apache-2.0
// The part of HeapTracker that is about memory which the program maps itself.
#include <algorithm>
#include <memory>

#include "profiler/heap_tracker.h"

namespace flarestack {

void HeapTracker::map(Origin origin, uint64_t address, uint64_t size_bytes, int64_t time_ns) {
  if (size_bytes == 0 || address + size_bytes < address) {
    return;
  }
  unmap(address, size_bytes, time_ns);  // MAP_FIXED, or an unmapping that went unseen
  const uint32_t site_index = site_of(key_of(origin, MemoryKind::kMapped, size_class_of(size_bytes), {}));
  mapped_[address] = {address + size_bytes, std::make_shared<Mapping>(Mapping{site_index, size_bytes, time_ns})};
  Site& site = change(site_index);
  ++site.allocations;
  site.allocated_bytes += size_bytes;
  site.live_bytes += static_cast<int64_t>(size_bytes);
  ++site.live_blocks;
  mapped_bytes_ += size_bytes;
}

void HeapTracker::unmap(uint64_t address, uint64_t size_bytes, int64_t time_ns) {
  const uint64_t end = address + size_bytes;
  auto piece = mapped_.upper_bound(address);
  if (piece != mapped_.begin()) {
    --piece;
  }
  while (piece != mapped_.end() && piece->first < end) {
    const uint64_t start = piece->first;
    const MappedPiece whole = piece->second;
    const uint64_t cut_start = std::max(start, address);
    const uint64_t cut_end = std::min(whole.end, end);
    if (cut_start >= cut_end) {
      ++piece;
      continue;
    }
    piece = mapped_.erase(piece);
    if (start < cut_start) {
      mapped_[start] = {cut_start, whole.mapping};
    }
    if (cut_end < whole.end) {
      piece = mapped_.insert_or_assign(cut_end, MappedPiece{whole.end, whole.mapping}).first;
    }
    Mapping& mapping = *whole.mapping;
    const uint64_t cut_bytes = cut_end - cut_start;
    Site& site = change(mapping.site);
    site.deallocated_bytes += cut_bytes;
    site.live_bytes -= static_cast<int64_t>(cut_bytes);
    mapped_bytes_ -= cut_bytes;
    mapping.left_bytes -= cut_bytes;
    if (mapping.left_bytes == 0) {
      ++site.deallocations;
      ++site.lifetimes[lifetime_class(time_ns - mapping.birth_ns)];
      --site.live_blocks;
    }
  }
}

}  // namespace flarestack
