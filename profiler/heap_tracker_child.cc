// SPDX-License-Identifier: Apache-2.0
// The part of HeapTracker that is about forks.
#include "profiler/heap_tracker.h"

namespace flarestack {

HeapTracker::Inheritance HeapTracker::for_child() {
  settle();
  Inheritance inheritance;
  const auto own = static_cast<uint32_t>(sites_.size());
  inheritance.blocks = blocks_.copy(
      [&](uint32_t site) { return kInherited | (is_inherited(site) ? own + (site & ~kInherited) : site); });
  for (const Site& site : sites_) {
    inheritance.origins.push_back(site.origin);
  }
  inheritance.origins.insert(inheritance.origins.end(), inherited_.begin(), inherited_.end());
  return inheritance;
}

}  // namespace flarestack
