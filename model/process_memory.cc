// SPDX-License-Identifier: Apache-2.0
#include "model/process_memory.h"

#include <algorithm>

#include "model/selection.h"

namespace flarestack {

std::vector<ProcessMemory> process_memory(const Profile& profile) {
  const Recording& recording = profile.recording;
  const Result<Selection> selection = Selection::make(recording, profile.options);
  if (!selection.ok()) return {};  // not of a profile: it would not have been built
  std::vector<ProcessMemory> all(recording.processes.size());
  const auto add = [&](std::vector<MemoryLevel> ProcessMemory::*line, uint32_t process, MemoryLevel level) {
    if (process >= all.size() || !selection->chooses_process(process)) return;
    if (level.time_ns >= selection->from_ns() && level.time_ns < selection->to_ns())
      (all[process].*line).push_back(level);
  };
  for (const RecordedHeapSlice& each : recording.heap_slices) {
    const HeapSliceRecord& slice = each.slice;
    add(&ProcessMemory::live_heap, each.process, {slice.peak_time_ns, slice.peak_bytes});
    add(&ProcessMemory::live_heap, each.process, {slice.slice_start_ns + slice.slice_length_ns, slice.live_bytes});
  }
  for (const RecordedMemory& each : recording.memory)
    add(&ProcessMemory::resident, each.process, {each.memory.time_ns, each.memory.rss_bytes});
  std::vector<ProcessMemory> found;
  for (uint32_t i = 0; i < all.size(); ++i) {
    if (all[i].live_heap.empty() && all[i].resident.empty()) continue;
    all[i].process = i;
    for (auto* line : {&all[i].live_heap, &all[i].resident}) {
      std::stable_sort(line->begin(), line->end(),
                       [](const MemoryLevel& a, const MemoryLevel& b) { return a.time_ns < b.time_ns; });
    }
    found.push_back(std::move(all[i]));
  }
  return found;
}

}  // namespace flarestack
