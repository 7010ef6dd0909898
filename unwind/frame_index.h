// SPDX-License-Identifier: Apache-2.0
// The index of an .eh_frame that came without .eh_frame_hdr: linkers leave that out of static programs, which find
// their FDEs otherwise. Made once, where the module is met; searched as the linker's table is. Both sides.
#pragma once

#include <cstdint>

#include "unwind/module_snapshot.h"

namespace flarestack {

// Fills `entries` from the section at [eh_frame, eh_frame + size_bytes), runtime addresses, sorted by code_start: FDEs
// of the module's text. Returns how many there are; what is beyond `capacity` is left out. Malformed: up to there.
// [hook]
uint64_t index_frames(const UnwindModule& module, uint64_t eh_frame, uint64_t size_bytes, FrameIndexEntry* entries,
                      uint64_t capacity);

}  // namespace flarestack
