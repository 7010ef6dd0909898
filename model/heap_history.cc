// SPDX-License-Identifier: Apache-2.0
#include "model/heap_history.h"

#include <algorithm>
#include <map>
#include <utility>

#include "model/selection.h"

namespace flarestack {
namespace {

// By process and start of the slice.
using PeakTimes = std::map<std::pair<uint32_t, int64_t>, int64_t>;

PeakTimes peak_times(const Recording& recording) {
  PeakTimes times;
  for (const RecordedHeapSlice& each : recording.heap_slices)
    times[{each.process, each.slice.slice_start_ns}] = each.slice.peak_time_ns;
  return times;
}

// Stacks that --focus and --ignore let through, by index; two more: those without one, and those that lost it.
std::vector<bool> stacks_of_cells(const Profile& profile) {
  const size_t known = profile.recording.stacks.size();
  std::vector<bool> chosen(known + 2, false);
  for (const HeapCell& cell : profile.heap.cells)
    chosen[cell.stack < known ? cell.stack : cell.stack == kNoIndex ? known : known + 1] = true;
  return chosen;
}

}  // namespace

std::vector<HeapChange> heap_history(const Profile& profile) {
  const Recording& recording = profile.recording;
  const Result<Selection> selection = Selection::make(recording, profile.options);
  if (!selection.ok()) return {};  // not of a profile: it would not have been built
  const PeakTimes peaks = peak_times(recording);
  const std::vector<bool> stacks = stacks_of_cells(profile);
  const size_t known = recording.stacks.size();
  std::vector<HeapChange> changes;
  for (const RecordedAllocation& each : recording.allocations) {
    if (each.kind != MemoryKind::kHeap || !selection->chooses(each)) continue;
    if (!stacks[each.stack < known ? each.stack : each.stack == kNoIndex ? known : known + 1]) continue;
    if (each.slice_start_ns >= selection->to_ns()) continue;
    const int64_t end_ns = each.slice_start_ns + each.slice_length_ns;
    const auto peak = peaks.find({recording.process_of_thread(each.thread), each.slice_start_ns});
    const bool has_peak = each.peak_bytes != 0 && peak != peaks.end() && peak->second <= end_ns;
    const int64_t by_peak = has_peak ? each.peak_bytes : 0;
    // Wraps around instead of overflowing, whatever a damaged trace says.
    const auto by_end = static_cast<int64_t>(each.allocated_bytes - each.deallocated_bytes);
    const auto rest = static_cast<int64_t>(static_cast<uint64_t>(by_end) - static_cast<uint64_t>(by_peak));
    if (by_peak != 0) changes.push_back({std::max(peak->second, each.slice_start_ns), each.stack, by_peak});
    if (rest != 0) changes.push_back({end_ns, each.stack, rest});
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const HeapChange& a, const HeapChange& b) { return a.time_ns < b.time_ns; });
  return changes;
}

}  // namespace flarestack
