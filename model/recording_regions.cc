// SPDX-License-Identifier: Apache-2.0
// The part of RecordingBuilder that takes in regions, and what was going on when the time ran out.
#include "model/recording.h"

namespace flarestack {
namespace {

constexpr uint64_t kMaxCount = uint64_t{1} << 60;

template <typename... Counts>
bool sensible_counts(Counts... counts) {
  return ((counts < kMaxCount) && ...);
}

}  // namespace

uint16_t RecordingBuilder::resolve_region(RegionId region) {
  const uint32_t index = resolve(regions_, region.value);
  return index < recording_.regions.size() ? static_cast<uint16_t>(index) : kNoRegion;
}

void RecordingBuilder::add_record(const RegionRecord& record) {
  if (recording_.regions.size() >= kNoRegion) {
    ++recording_.absurd_records;
    return;
  }
  const uint16_t parent = resolve_region(record.parent);
  regions_.set(record.id.value, static_cast<uint32_t>(recording_.regions.size()));
  recording_.regions.push_back({parent, record.kind, record.name});
}

void RecordingBuilder::add_record(const RegionTotalsRecord& record) {
  if (!sensible_counts(record.calls, record.wall_ns, record.self_wall_ns, record.longest_ns, record.allocations,
                       record.allocated_bytes, record.deallocations, record.deallocated_bytes, record.peak_bytes,
                       record.unfinished)) {
    ++recording_.absurd_records;
    return;
  }
  recording_.region_totals.push_back({resolve(threads_, record.thread.value), resolve_region(record.region), record});
}

void RecordingBuilder::add_record(const RegionSpanRecord& record) {
  if (!sensible_time(record.start_ns) || !sensible_time(record.end_ns)) return;
  if (record.end_ns < record.start_ns || !sensible_counts(record.calls, record.busy_ns)) {
    ++recording_.absurd_records;
    return;
  }
  recording_.region_spans.push_back({resolve(threads_, record.thread.value), resolve_region(record.region), record});
  saw_time(record.end_ns);
}

void RecordingBuilder::add_record(const RegionValueRecord& record) {
  if (!sensible_counts(record.count)) {
    ++recording_.absurd_records;
    return;
  }
  recording_.region_values.push_back({resolve(threads_, record.thread.value), resolve_region(record.region), record});
}

void RecordingBuilder::add_record(const TimeoutRecord& record) {
  if (!sensible_time(record.time_ns)) return;
  recording_.timeout = record;
  saw_time(record.time_ns);
}

void RecordingBuilder::add_record(const TimeoutStackRecord& record) {
  recording_.timeout_stacks.push_back(
      {resolve(threads_, record.thread.value), resolve(stacks_, record.stack.value), record.state, record.truncated});
}

}  // namespace flarestack
