// SPDX-License-Identifier: Apache-2.0
// HeapSites: a profile's heap by the places in the program's own code that cause its allocations: the innermost frame
// that is no allocator, no standard container and no other code of a library's header. For reports and heap_advice().
// Offline side.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/profile.h"
#include "model/stack_place.h"

namespace flarestack {

struct HeapSite {
  std::vector<uint32_t> path;  // in Profile::locations: the place and its callers, of its heaviest stack
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t temporary = 0;
  uint64_t samples = 0;
  uint64_t peak_bytes = 0;
  uint64_t peak_blocks = 0;
  uint64_t live_bytes = 0;
  uint64_t live_blocks = 0;
  uint64_t leaked_bytes = 0;      // of a profile of Metric::kLeaked
  bool through_library = false;   // some of it by library code that the place calls
  uint64_t tiny_allocations = 0;  // of at most 32 bytes
  uint64_t tiny_bytes = 0;
  uint64_t tiny_temporary = 0;
  GrowthKind growth = GrowthKind::kNone;  // of most of what follows
  uint64_t grown_allocations = 0;         // by stacks that grow something
  uint64_t grown_bytes = 0;
  uint64_t grown_samples = 0;
  uint64_t greatest_grown_bytes = 0;          // upper bound of the size, by its class
  std::array<uint64_t, 65> grown_by_class{};  // allocations of those stacks
  int grown_classes() const;
  uint64_t value(Metric metric) const;  // of a heap metric
};

// Those with any allocation in the profile, in no order. `profile` is of a heap metric.
std::vector<HeapSite> heap_sites(const Profile& profile);
// The same by the profile's metric, most first, without those that have nothing of it.
std::vector<HeapSite> heap_sites_by_value(const Profile& profile);

}  // namespace flarestack
