// SPDX-License-Identifier: Apache-2.0
#include "model/heap_cells.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "model/leak_choice.h"

namespace flarestack {
namespace {

struct CellKey {
  uint64_t path;  // thread and stack
  uint32_t sort;  // kind and size class
  bool operator==(const CellKey&) const = default;
};
struct CellKeyHash {
  size_t operator()(const CellKey& key) const {
    uint64_t hash = (key.path ^ (uint64_t{key.sort} << 56)) * 0x9E3779B97F4A7C15;
    return static_cast<size_t>(hash ^ (hash >> 29));
  }
};

// Sums that wrap around instead of overflowing, whatever a damaged trace says.
struct Level {
  uint64_t live_bytes = 0, live_blocks = 0, peak_bytes = 0, peak_blocks = 0;
};

std::vector<HeapPeak> find_peaks(const Recording& recording, const Selection& selection) {
  std::vector<HeapPeak> peaks(recording.processes.size());
  std::vector<int64_t> start_of_range(recording.processes.size(), INT64_MIN);  // latest slice that ends before it
  const auto take = [](HeapPeak& best, const HeapPeak& candidate) {
    const bool better =
        candidate.bytes > best.bytes || (candidate.bytes == best.bytes && candidate.time_ns < best.time_ns);
    if (!best.known || better) best = candidate;
  };
  for (const RecordedHeapSlice& each : recording.heap_slices) {
    const HeapSliceRecord& slice = each.slice;
    if (each.process >= peaks.size()) continue;
    const int64_t end_ns = slice.slice_start_ns + slice.slice_length_ns;
    if (slice.peak_time_ns >= selection.from_ns() && slice.peak_time_ns < selection.to_ns()) {
      take(peaks[each.process], {true, slice.slice_start_ns, std::max(end_ns, slice.slice_start_ns + 1),
                                 slice.peak_time_ns, slice.peak_bytes, slice.peak_blocks});
    }
    if (end_ns <= selection.from_ns()) {
      start_of_range[each.process] = std::max(start_of_range[each.process], slice.slice_start_ns);
    }
  }
  for (const RecordedHeapSlice& each : recording.heap_slices) {
    const HeapSliceRecord& slice = each.slice;
    if (each.process >= peaks.size() || slice.slice_start_ns != start_of_range[each.process]) continue;
    const int64_t end_ns = slice.slice_start_ns + slice.slice_length_ns;
    take(peaks[each.process], {true, end_ns, end_ns, selection.from_ns(), slice.live_bytes, slice.live_blocks});
  }
  return peaks;
}

void add_counts(const AllocationRecord& counts, HeapCell& cell) {
  cell.allocations += counts.allocations;
  cell.allocated_bytes += counts.allocated_bytes;
  cell.deallocations += counts.deallocations;
  cell.deallocated_bytes += counts.deallocated_bytes;
  cell.temporary += counts.temporary;
  for (size_t i = 0; i < kLifetimeClasses; ++i) cell.lifetimes[i] += counts.lifetimes[i];
  cell.samples += counts.samples;
  cell.variance_allocations += counts.variance_allocations;
  cell.variance_kib2 += counts.variance_kib2;
}

void add_levels(const AllocationRecord& record, const HeapPeak& peak, int64_t to_ns, Level& level) {
  const uint64_t bytes = record.allocated_bytes - record.deallocated_bytes;
  const uint64_t blocks = record.allocations - record.deallocations;
  if (record.slice_start_ns < to_ns) {
    level.live_bytes += bytes;
    level.live_blocks += blocks;
  }
  if (!peak.known) return;
  if (record.slice_start_ns < peak.before_ns) {
    level.peak_bytes += bytes;
    level.peak_blocks += blocks;
  } else if (record.slice_start_ns < peak.until_ns) {
    level.peak_bytes += static_cast<uint64_t>(record.peak_bytes);
    level.peak_blocks += static_cast<uint64_t>(record.peak_blocks);
  }
}

uint64_t not_negative(uint64_t sum, uint64_t& negative_sums) {
  if (static_cast<int64_t>(sum) >= 0) return sum;
  ++negative_sums;
  return 0;
}

bool is_empty(const HeapCell& cell) {
  return cell.allocations == 0 && cell.deallocations == 0 && cell.live_blocks == 0 && cell.peak_blocks == 0 &&
         cell.live_bytes == 0 && cell.peak_bytes == 0 && cell.allocated_bytes == 0 && cell.deallocated_bytes == 0 &&
         cell.leaked_bytes == 0 && cell.leaked_blocks == 0;
}

uint64_t scaled(uint64_t count, double part) {
  return part >= 1 ? count : static_cast<uint64_t>(std::llround(static_cast<double>(count) * part));
}

void add_leaks(const Recording& recording, const Selection& selection, std::vector<HeapCell>& cells) {
  const std::vector<ChosenLeak> chosen = chosen_leaks(recording, selection).leaks;
  if (chosen.empty()) return;
  std::unordered_map<uint64_t, uint32_t> cell_of_path;
  for (uint32_t i = 0; i < cells.size(); ++i) {
    if (cells[i].kind == MemoryKind::kHeap)
      cell_of_path.try_emplace(uint64_t{cells[i].thread} << 32 | cells[i].stack, i);
  }
  for (const ChosenLeak& lost : chosen) {
    const RecordedLeak& each = recording.leaks[lost.leak];
    if (lost.owner == LeakOwner::kParent || !is_lost(each.leak.verdict)) continue;
    const int64_t length_ns = std::max<int64_t>(each.leak.last_ns - each.leak.first_ns, 0);
    const double part = selection.part_of(each.leak.first_ns, length_ns);
    if (part <= 0) continue;
    const auto next = static_cast<uint32_t>(cells.size());
    const auto [entry, added] = cell_of_path.try_emplace(uint64_t{each.thread} << 32 | each.stack, next);
    if (added) {
      HeapCell& cell = cells.emplace_back();
      cell.thread = each.thread;
      cell.stack = each.stack;
    }
    cells[entry->second].leaked_bytes += scaled(lost.amount.bytes, part);
    cells[entry->second].leaked_blocks += scaled(lost.amount.blocks, part);
  }
}

}  // namespace

AllocationRecord counts_in_range(const AllocationRecord& record, const Selection& selection) {
  const double part = selection.part_of(record.slice_start_ns, record.slice_length_ns);
  if (part >= 1) return record;
  AllocationRecord counts = record;
  for (uint64_t* each : {&counts.allocations, &counts.allocated_bytes, &counts.deallocations, &counts.deallocated_bytes,
                         &counts.temporary, &counts.samples, &counts.variance_allocations, &counts.variance_kib2})
    *each = scaled(*each, part);
  for (uint64_t& each : counts.lifetimes) each = scaled(each, part);
  return counts;
}

HeapCells select_heap(const Recording& recording, const Selection& selection) {
  HeapCells result;
  result.peaks = find_peaks(recording, selection);
  std::vector<Level> levels;
  std::unordered_map<CellKey, uint32_t, CellKeyHash> index;
  const HeapPeak no_peak;
  for (const RecordedAllocation& each : recording.allocations) {
    if (!selection.chooses_thread(each.thread)) continue;
    const AllocationRecord& record = each.counts;
    const CellKey key{uint64_t{each.thread} << 32 | each.stack,
                      static_cast<uint32_t>(record.kind) << 8 | record.size_class};
    const auto [entry, added] = index.try_emplace(key, static_cast<uint32_t>(result.cells.size()));
    if (added) {
      HeapCell& cell = result.cells.emplace_back();
      cell.thread = each.thread;
      cell.stack = each.stack;
      cell.kind = record.kind;
      cell.size_class = record.size_class;
      levels.emplace_back();
    }
    add_counts(counts_in_range(record, selection), result.cells[entry->second]);
    const uint32_t process = recording.process_of_thread(each.thread);
    const HeapPeak& peak = process < result.peaks.size() ? result.peaks[process] : no_peak;
    add_levels(record, peak, selection.to_ns(), levels[entry->second]);
  }
  for (size_t i = 0; i < levels.size(); ++i) {
    HeapCell& cell = result.cells[i];
    cell.live_bytes = not_negative(levels[i].live_bytes, result.negative_sums);
    cell.live_blocks = not_negative(levels[i].live_blocks, result.negative_sums);
    cell.peak_bytes = not_negative(levels[i].peak_bytes, result.negative_sums);
    cell.peak_blocks = not_negative(levels[i].peak_blocks, result.negative_sums);
  }
  add_leaks(recording, selection, result.cells);
  std::erase_if(result.cells, is_empty);
  return result;
}

}  // namespace flarestack
