// SPDX-License-Identifier: Apache-2.0
#include "model/heap_summary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

namespace flarestack {
namespace {

void add_cells(const Recording& recording, const HeapCells& heap, HeapSummary& summary) {
  std::map<uint8_t, SizeClassUse> sizes;
  std::vector<bool> has_heap(recording.processes.size(), false);
  double variance_allocations = 0;
  double variance_kib2 = 0;
  for (const HeapCell& cell : heap.cells) {
    if (cell.kind == MemoryKind::kMapped) {
      summary.mapped.allocations += cell.allocations;
      summary.mapped.allocated_bytes += cell.allocated_bytes;
      summary.mapped.live_bytes_at_end += cell.live_bytes;
      summary.mapped.peak_bytes += cell.peak_bytes;
      continue;
    }
    summary.allocations += cell.allocations;
    summary.deallocations += cell.deallocations;
    summary.allocated_bytes += cell.allocated_bytes;
    summary.deallocated_bytes += cell.deallocated_bytes;
    summary.temporary_allocations += cell.temporary;
    summary.peak_bytes += cell.peak_bytes;
    summary.peak_blocks += cell.peak_blocks;
    summary.live_bytes_at_end += cell.live_bytes;
    summary.live_blocks_at_end += cell.live_blocks;
    const AllocationDetail detail = heap.detail_of(cell);
    for (size_t i = 0; i < kLifetimeClasses; ++i) summary.lifetimes[i] += detail.lifetimes[i];
    variance_allocations += static_cast<double>(detail.variance_allocations);
    variance_kib2 += static_cast<double>(detail.variance_kib2);
    SizeClassUse& size = sizes[cell.size_class];
    size.allocations += cell.allocations;
    size.allocated_bytes += cell.allocated_bytes;
    const uint32_t process = recording.process_of_thread(cell.thread);
    if (process < has_heap.size()) has_heap[process] = true;
  }
  constexpr double kTwoSided95 = 1.96;  // of the normal distribution
  summary.allocations_confidence = kTwoSided95 * std::sqrt(variance_allocations);
  summary.allocated_bytes_confidence = kTwoSided95 * std::sqrt(variance_kib2) * 1024;
  for (auto& [size_class, use] : sizes) {
    if (use.allocations == 0 && use.allocated_bytes == 0) continue;
    use.least_bytes = least_size_of_class(size_class);
    use.most_bytes = greatest_size_of_class(size_class);
    summary.sizes.push_back(use);
  }
  summary.processes = static_cast<uint32_t>(std::count(has_heap.begin(), has_heap.end(), true));
}

// The processes' own account of their peak is exact where no filter parts a process.
void add_peaks(const Profile& profile, const Selection& selection, const HeapCells& heap, HeapSummary& summary) {
  const ProfileOptions& options = profile.options;
  const bool whole_processes = options.thread.empty() && options.focus.empty() && options.ignore.empty();
  uint64_t bytes = 0;
  uint64_t blocks = 0;
  uint64_t greatest = 0;
  for (uint32_t i = 0; i < heap.peaks.size(); ++i) {
    const HeapPeak& peak = heap.peaks[i];
    if (!peak.known || !selection.chooses_process(i)) continue;
    bytes += peak.bytes;
    blocks += peak.blocks;
    if (peak.bytes <= greatest) continue;
    greatest = peak.bytes;
    summary.peak_time_ns = peak.time_ns;
  }
  if (!whole_processes) return;
  summary.peak_bytes = bytes;
  summary.peak_blocks = blocks;
}

// Mappings have no peak of their own in the trace: what was mapped at the ends of the time slices stands for it. (By
// function it is what was mapped at the heap's peak.)
void add_mapped_peak(const Recording& recording, const Selection& selection, HeapSummary& summary) {
  std::map<std::pair<uint32_t, int64_t>, uint64_t> change;  // by process and end of slice
  for (const RecordedAllocation& each : recording.allocations) {
    if (each.kind != MemoryKind::kMapped || !selection.chooses(each)) continue;
    if (each.slice_start_ns >= selection.to_ns()) continue;
    change[{recording.process_of_thread(each.thread), each.slice_start_ns + each.slice_length_ns}] +=
        each.allocated_bytes - each.deallocated_bytes;
  }
  summary.mapped.peak_bytes = 0;
  uint32_t process = kNoIndex;
  uint64_t mapped = 0;
  uint64_t most = 0;
  for (const auto& [key, bytes] : change) {
    if (key.first != process) {
      summary.mapped.peak_bytes += std::exchange(most, 0);
      mapped = 0;
    }
    process = key.first;
    mapped += bytes;
    if (static_cast<int64_t>(mapped) > 0 && key.second > selection.from_ns()) most = std::max(most, mapped);
  }
  summary.mapped.peak_bytes += most;
}

void add_memory(const Recording& recording, const Selection& selection, MemoryUse& memory) {
  std::map<uint32_t, std::pair<uint64_t, uint64_t>> faults;  // by process: the latest are the most
  for (const RecordedMemory& each : recording.memory) {
    if (!selection.chooses_process(each.process)) continue;
    auto& [minor, major] = faults[each.process];
    minor = std::max(minor, each.memory.minor_faults);
    major = std::max(major, each.memory.major_faults);
    if (each.memory.time_ns < selection.from_ns() || each.memory.time_ns >= selection.to_ns()) continue;
    memory.timeline.push_back(each);
    if (!memory.known || each.memory.rss_bytes > memory.peak.memory.rss_bytes) memory.peak = each;
    memory.known = true;
  }
  std::stable_sort(
      memory.timeline.begin(), memory.timeline.end(),
      [](const RecordedMemory& a, const RecordedMemory& b) { return a.memory.time_ns < b.memory.time_ns; });
  for (const auto& [process, counts] : faults) {
    memory.minor_faults += counts.first;
    memory.major_faults += counts.second;
  }
  const MemoryRecord& peak = memory.peak.memory;
  // Live blocks need not be resident, so the difference may be negative.
  memory.allocator_overhead_bytes = peak.allocator_bytes - std::min(peak.heap_live_bytes, peak.allocator_bytes);
}

void add_counters(const Recording& recording, const Selection& selection, HeapSummary& summary) {
  const auto sum = [&](const std::string& name) {
    uint64_t total = 0;
    for (auto each = recording.process_counters.lower_bound({name, 0});
         each != recording.process_counters.end() && each->first.first == name; ++each) {
      if (selection.chooses_process(each->first.second)) total += each->second;
    }
    return total;
  };
  summary.heap_events = sum("heap_events");
  summary.heap_events_lost = sum("heap_events_lost");
  summary.foreign_frees = sum("foreign_frees");
  summary.ambiguous_frees = sum("ambiguous_frees");
  summary.heap_stacks_truncated = sum("heap_stacks_truncated");
  summary.heap_stacks_heuristic = sum("heap_stacks_heuristic");
  summary.heap_stacks_elided = sum("heap_stacks_elided");
}

}  // namespace

HeapSummary summarize_heap(const Profile& profile) {
  const Recording& recording = profile.recording;
  HeapSummary summary;
  summary.mode = recording.session.heap;
  summary.sample_bytes = recording.session.heap_sample_bytes;
  const Result<Selection> selection = Selection::make(recording, profile.options);
  if (!selection.ok()) return summary;  // not of a profile: it would not have been built
  const bool has_cells = is_heap_metric(profile.options.metric);
  const HeapCells own = has_cells ? HeapCells() : select_heap(recording, *selection);
  const HeapCells& heap = has_cells ? profile.heap : own;
  add_cells(recording, heap, summary);
  add_peaks(profile, *selection, heap, summary);
  if (profile.options.focus.empty() && profile.options.ignore.empty()) add_mapped_peak(recording, *selection, summary);
  add_memory(recording, *selection, summary.memory);
  add_counters(recording, *selection, summary);
  summary.negative_sums = heap.negative_sums;
  return summary;
}

uint64_t least_size_of_class(uint8_t size_class) {
  return size_class == 0 ? 0 : uint64_t{1} << (std::min<uint8_t>(size_class, 64) - 1);
}

uint64_t greatest_size_of_class(uint8_t size_class) {
  if (size_class >= 64) return UINT64_MAX;
  return (uint64_t{1} << size_class) - 1;
}

}  // namespace flarestack
