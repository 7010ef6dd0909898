// SPDX-License-Identifier: Apache-2.0
#include "model/heap_cells.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "model/index_table.h"
#include "model/leak_choice.h"

namespace flarestack {
namespace {

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

uint64_t scaled(uint64_t count, double part) {
  return part >= 1 ? count : static_cast<uint64_t>(std::llround(static_cast<double>(count) * part));
}

void add_detail(const AllocationDetail& detail, double part, AllocationDetail& sum) {
  for (size_t i = 0; i < kLifetimeClasses; ++i) sum.lifetimes[i] += scaled(detail.lifetimes[i], part);
  sum.samples += scaled(detail.samples, part);
  sum.variance_allocations += scaled(detail.variance_allocations, part);
  sum.variance_kib2 += scaled(detail.variance_kib2, part);
}

void add_counts(const Recording& recording, const RecordedAllocation& recorded, const Selection& selection,
                HeapCells& result, HeapCell& cell) {
  if (cell.detail == kNoIndex && recorded.detail != kNoIndex) {
    const AllocationDetail so_far = result.detail_of(cell);
    cell.detail = static_cast<uint32_t>(result.details.size());
    result.details.push_back(so_far);
  }
  if (cell.detail != kNoIndex) {
    const double part = selection.part_of(recorded.slice_start_ns, recorded.slice_length_ns);
    add_detail(recording.detail_of(recorded), part, result.details[cell.detail]);
  }
  const RecordedAllocation counts = counts_in_range(recorded, selection);
  cell.allocations += counts.allocations;
  cell.allocated_bytes += counts.allocated_bytes;
  cell.deallocations += counts.deallocations;
  cell.deallocated_bytes += counts.deallocated_bytes;
  cell.temporary += counts.temporary;
}

// The levels of a cell are sums that wrap around instead of overflowing, whatever a damaged trace says.
void add_levels(const RecordedAllocation& recorded, const HeapPeak& peak, int64_t to_ns, HeapCell& cell) {
  const uint64_t bytes = recorded.allocated_bytes - recorded.deallocated_bytes;
  const uint64_t blocks = recorded.allocations - recorded.deallocations;
  if (recorded.slice_start_ns < to_ns) {
    cell.live_bytes += bytes;
    cell.live_blocks += blocks;
  }
  if (!peak.known) return;
  if (recorded.slice_start_ns < peak.before_ns) {
    cell.peak_bytes += bytes;
    cell.peak_blocks += blocks;
  } else if (recorded.slice_start_ns < peak.until_ns) {
    cell.peak_bytes += static_cast<uint64_t>(recorded.peak_bytes);
    cell.peak_blocks += static_cast<uint64_t>(recorded.peak_blocks);
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

AllocationDetail HeapCells::detail_of(const HeapCell& cell) const {
  if (cell.detail < details.size()) return details[cell.detail];
  AllocationDetail detail;
  detail.lifetimes[0] = cell.deallocations;
  return detail;
}

RecordedAllocation counts_in_range(const RecordedAllocation& recorded, const Selection& selection) {
  const double part = selection.part_of(recorded.slice_start_ns, recorded.slice_length_ns);
  RecordedAllocation counts = recorded;
  for (uint64_t* each : {&counts.allocations, &counts.allocated_bytes, &counts.deallocations, &counts.deallocated_bytes,
                         &counts.temporary})
    *each = scaled(*each, part);
  return counts;
}

HeapCells select_heap(const Recording& recording, const Selection& selection) {
  HeapCells result;
  result.peaks = find_peaks(recording, selection);
  result.cells.reserve(recording.allocations.size());
  IndexTable index;
  const HeapPeak no_peak;
  for (const RecordedAllocation& each : recording.allocations) {
    if (!selection.chooses(each)) continue;
    const auto next = static_cast<uint32_t>(result.cells.size());
    const uint32_t sort = static_cast<uint32_t>(each.kind) << 8 | each.size_class;
    const uint32_t found = index.find_or_add(hash_of(each.stack, each.thread << 9 ^ sort), next, [&](uint32_t number) {
      const HeapCell& cell = result.cells[number];
      return cell.stack == each.stack && cell.thread == each.thread && cell.kind == each.kind &&
             cell.size_class == each.size_class;
    });
    if (found == next) {
      HeapCell& cell = result.cells.emplace_back();
      cell.thread = each.thread;
      cell.stack = each.stack;
      cell.kind = each.kind;
      cell.size_class = each.size_class;
    }
    HeapCell& cell = result.cells[found];
    add_counts(recording, each, selection, result, cell);
    const uint32_t process = recording.process_of_thread(each.thread);
    const HeapPeak& peak = process < result.peaks.size() ? result.peaks[process] : no_peak;
    add_levels(each, peak, selection.to_ns(), cell);
  }
  for (HeapCell& cell : result.cells) {
    for (uint64_t* level : {&cell.live_bytes, &cell.live_blocks, &cell.peak_bytes, &cell.peak_blocks})
      *level = not_negative(*level, result.negative_sums);
  }
  add_leaks(recording, selection, result.cells);
  std::erase_if(result.cells, is_empty);
  return result;
}

}  // namespace flarestack
