// SPDX-License-Identifier: Apache-2.0
// HeapCells: what a selection of a recording says of each allocating call path, size class by size class; the material
// of the heap's metrics, histograms and advice. Made by build_profile() and summarize_heap(). Offline side.
//
// Counts are of the range [--from, --to): a slice that lies partly inside counts with that part, as CPU samples do.
// What is live is of a moment instead. At the end: all slices that start before --to. At the peak: among the peaks that
// lie in the range the process's greatest one, that is what was live at the start of its slice plus what the slice's
// records say of its peak; where the heap was greater at the range's start than at any of these, it is that instant.
// Each process is at its own peak, and what several processes held at theirs is summed.
#pragma once

#include <cstdint>
#include <vector>

#include "model/recording.h"
#include "model/selection.h"

namespace flarestack {

// Of one thread, stack, kind and size class. There may be millions: what most do not need is apart.
struct HeapCell {
  uint32_t thread = kLostIndex;
  uint32_t stack = kLostIndex;
  uint32_t node = 0;           // in Profile::tree; the root where the cell belongs to no profile
  uint32_t location = 0;       // in Profile::locations: its innermost frame
  uint32_t detail = kNoIndex;  // in HeapCells::details, as in RecordedAllocation
  MemoryKind kind = MemoryKind::kHeap;
  uint8_t size_class = 0;  // as in AllocationRecord
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t deallocations = 0;
  uint64_t deallocated_bytes = 0;
  uint64_t temporary = 0;
  uint64_t live_bytes = 0;
  uint64_t live_blocks = 0;
  uint64_t peak_bytes = 0;
  uint64_t peak_blocks = 0;
  // Definitely or indirectly lost, of all sizes of this thread and stack in one of its cells; blocks whose first and
  // last were allocated at the ends of a time that lies partly in the range count with that part.
  uint64_t leaked_bytes = 0;
  uint64_t leaked_blocks = 0;
};
static_assert(sizeof(HeapCell) == 112);

// The instant that stands for a process's peak.
struct HeapPeak {
  bool known = false;
  int64_t before_ns = 0;  // slices that start before this count with what they left live,
  int64_t until_ns = 0;   // those from there to here with what they had live at their peak, later ones not at all
  int64_t time_ns = 0;
  uint64_t bytes = 0;  // of the whole process
  uint64_t blocks = 0;
};

struct HeapCells {
  std::vector<HeapCell> cells;  // in the order that the recording first met them
  std::vector<AllocationDetail> details;
  std::vector<HeapPeak> peaks;  // by process, in Recording::processes
  uint64_t negative_sums = 0;   // more freed than allocated, as only a damaged trace has it; they count as 0
  AllocationDetail detail_of(const HeapCell& cell) const;
  // Of detail_of().
  uint64_t samples_of(const HeapCell& cell) const {
    return cell.detail < details.size() ? details[cell.detail].samples : 0;
  }
};

HeapCells select_heap(const Recording& recording, const Selection& selection);

// What of a record's counts is in the range; its peak, class, slice and detail are not touched.
RecordedAllocation counts_in_range(const RecordedAllocation& recorded, const Selection& selection);

}  // namespace flarestack
