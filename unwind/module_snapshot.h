// SPDX-License-Identifier: Apache-2.0
// ModuleSnapshot: the executable segments of a process at one moment, and where their CFI lies. Immutable once
// published, its cache apart; the agent swaps whole snapshots, so handlers only read. In the target and in the
// recorder. [signal]
#pragma once

#include <cstdint>

namespace flarestack {

// Where an FDE is and what it begins with.
struct FrameIndexEntry {
  uint64_t code_start = 0;
  uint64_t fde = 0;
};

// One executable segment of a module. Addresses are runtime addresses of the process that is unwound.
struct UnwindModule {
  uint64_t text_start = 0;  // [text_start, text_end): the executable segment
  uint64_t text_end = 0;
  uint64_t eh_frame_hdr = 0;  // of PT_GNU_EH_FRAME; 0: the module has no CFI, or an index
  uint64_t eh_frame_hdr_size = 0;
  // [read_start, read_end): what may be read with local_delta: the module's image as its segments are mapped, or, where
  // only the file is mapped, the segment of its .eh_frame. CFI is never followed out of it. Code is read if it lies
  // inside.
  uint64_t read_start = 0;
  uint64_t read_end = 0;
  int64_t local_delta = 0;  // added to a runtime address gives a pointer this process may read; 0 in the target itself
  bool is_loader = false;   // code of the loader without CFI is where the kernel starts a process: the root
  // In place of eh_frame_hdr, where no linker made one (unwind/frame_index.h): sorted by code_start; borrowed, memory
  // of this process.
  const FrameIndexEntry* index = nullptr;
  uint64_t index_count = 0;
  uint64_t index_bias = 0;  // added to its addresses gives runtime addresses
};

class RowCache;  // unwind/packed_row.h

struct ModuleSnapshot {
  uint64_t generation = 0;  // changes whenever a module came or went; 0 is never used
  uint64_t count = 0;
  const UnwindModule* modules = nullptr;  // sorted by text_start, disjoint; borrowed for the life of the snapshot
  // What has been found out of these modules so far, for all who unwind with this snapshot: zeroed to begin with, and
  // gone with the snapshot. nullptr: each Unwinder keeps its own, which costs memory and a cold start a thread.
  RowCache* rows = nullptr;

  // The segment that covers `address`, or nullptr. [signal]
  const UnwindModule* find(uint64_t address) const {
    uint64_t low = 0;
    uint64_t high = count;
    while (low < high) {
      const uint64_t middle = (low + high) / 2;
      if (modules[middle].text_end <= address) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < count && modules[low].text_start <= address ? &modules[low] : nullptr;
  }
};

}  // namespace flarestack
