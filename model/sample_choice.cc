// SPDX-License-Identifier: Apache-2.0
#include "model/sample_choice.h"

#include <algorithm>
#include <cmath>

namespace flarestack {
namespace {

void add(SampleChoice& choice, const ProfileSample& sample) {
  if (sample.value != 0 || sample.count != 0) choice.samples.push_back(sample);
}

void choose_time(const Recording& recording, const Selection& selection, Metric metric, SampleChoice& choice) {
  choice.samples.reserve(recording.samples.size());
  for (const RecordedSample& sample : recording.samples) {
    if (metric == Metric::kCpu && sample.metric != SampleMetric::kCpu) continue;
    if (!selection.chooses(sample)) continue;
    const double part = selection.part_of(sample.slice_start_ns, sample.slice_length_ns);
    if (part <= 0) continue;
    ProfileSample chosen;
    chosen.stack = sample.stack;
    chosen.thread = sample.thread;
    chosen.is_waiting = sample.metric == SampleMetric::kOffCpu;
    chosen.slice_start_ns = sample.slice_start_ns;
    chosen.slice_length_ns = sample.slice_length_ns;
    const auto scaled = [part](uint64_t value) {
      return part >= 1 ? value : static_cast<uint64_t>(std::llround(static_cast<double>(value) * part));
    };
    chosen.count = scaled(sample.count);
    chosen.value = scaled(sample.weight_ns);
    add(choice, chosen);
  }
}

// What was allocated, slice by slice.
void choose_events(const Recording& recording, const Selection& selection, Metric metric, SampleChoice& choice) {
  choice.samples.reserve(recording.allocations.size());
  for (const RecordedAllocation& each : recording.allocations) {
    if (each.kind != MemoryKind::kHeap || !selection.chooses(each)) continue;
    const RecordedAllocation counts = counts_in_range(each, selection);
    ProfileSample chosen;
    chosen.stack = each.stack;
    chosen.thread = each.thread;
    chosen.slice_start_ns = counts.slice_start_ns;
    chosen.slice_length_ns = counts.slice_length_ns;
    chosen.count = metric == Metric::kTemporary ? counts.temporary : counts.allocations;
    chosen.value = metric == Metric::kAllocated ? counts.allocated_bytes : chosen.count;
    add(choice, chosen);
  }
}

// What is live at a moment.
void choose_levels(const Recording& recording, const Selection& selection, Metric metric, SampleChoice& choice) {
  const int64_t end_ns = std::max<int64_t>(std::min(selection.to_ns(), recording.duration_ns), 1) - 1;
  for (const HeapCell& cell : choice.heap.cells) {
    if (cell.kind != MemoryKind::kHeap) continue;
    ProfileSample chosen;
    chosen.stack = cell.stack;
    chosen.thread = cell.thread;
    const uint32_t process = recording.process_of_thread(cell.thread);
    const bool at_peak = metric == Metric::kPeak && process < choice.heap.peaks.size();
    chosen.slice_start_ns = at_peak ? choice.heap.peaks[process].time_ns : end_ns;
    chosen.count = metric == Metric::kPeak     ? cell.peak_blocks
                   : metric == Metric::kLeaked ? cell.leaked_blocks
                                               : cell.live_blocks;
    chosen.value = metric == Metric::kPeak     ? cell.peak_bytes
                   : metric == Metric::kLeaked ? cell.leaked_bytes
                                               : cell.live_bytes;
    add(choice, chosen);
  }
}

}  // namespace

SampleChoice choose_samples(const Recording& recording, const Selection& selection, Metric metric) {
  SampleChoice choice;
  if (!is_heap_metric(metric)) {
    choose_time(recording, selection, metric, choice);
    return choice;
  }
  choice.heap = select_heap(recording, selection);
  if (is_level_metric(metric)) {
    choose_levels(recording, selection, metric, choice);
  } else {
    choose_events(recording, selection, metric, choice);
  }
  return choice;
}

}  // namespace flarestack
