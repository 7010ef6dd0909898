// SPDX-License-Identifier: Apache-2.0
// What a program calls that knows of us (flarestack.h): the two functions that the agent exports beside those that it
// stands in front of. A program finds them, or finds that nothing is recorded.
#include <cstdint>

#include "preload/heap.h"
#include "preload/hook.h"
#include "preload/regions.h"

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

// With a name: begins a region, and gives its token. Without one: ends the region of `token`.
FLARESTACK_HOOK uint64_t flarestack_region(const char* name, uint64_t token) noexcept {
  if (name != nullptr) {
    return begin_region(name);
  }
  end_region(token);
  return 0;
}

// All else, by number (FLARESTACK_TELL_... of flarestack.h); unknown ones do nothing.
FLARESTACK_HOOK void flarestack_tell(uint64_t what, const char* name, uint64_t first, uint64_t second) noexcept {
  switch (what) {
    case 1:
      return tell_value(flarestack::RegionNodeKind::kTag, name, first);
    case 2:
      return tell_value(flarestack::RegionNodeKind::kCounter, name, first);
    case 3:
      return pause_recording(true);
    case 4:
      return pause_recording(false);
    case 5: {
      const HeapCall call(heap_caller());
      return call.pool_allocated(name, HiddenBlock(first), second);
    }
    case 6: {
      const HeapCall call(heap_caller());
      return call.pool_freeing(name, HiddenBlock(first));
    }
    default:
      return;
  }
}
