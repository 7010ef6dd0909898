// SPDX-License-Identifier: Apache-2.0
#include "report/view_rows.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "model/regions.h"
#include "model/runtime_leaks.h"

namespace flarestack {
namespace {

struct SampleRow {
  uint32_t slice = 0;
  uint32_t stack = 0;
  uint32_t thread = 0;
  bool is_waiting = false;
  uint64_t count = 0;
  uint64_t value = 0;
  auto place() const { return std::tuple(slice, thread, stack, is_waiting); }
  void add(const SampleRow& other) {
    count += other.count;
    value += other.value;
  }
};

// A damaged trace may hold anything.
int64_t wrapping_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

struct AllocationRow {
  uint32_t slice = 0;
  uint32_t stack = 0;
  RecordedAllocation counts;
  std::array<uint64_t, kLifetimeClasses> lifetimes{};
  auto place() const { return std::tuple(slice, counts.thread, stack, counts.kind, counts.size_class); }
  void add(const AllocationRow& other) {
    counts.allocations += other.counts.allocations;
    counts.allocated_bytes += other.counts.allocated_bytes;
    counts.deallocations += other.counts.deallocations;
    counts.deallocated_bytes += other.counts.deallocated_bytes;
    counts.temporary += other.counts.temporary;
    counts.peak_bytes = wrapping_sum(counts.peak_bytes, other.counts.peak_bytes);
    counts.peak_blocks = wrapping_sum(counts.peak_blocks, other.counts.peak_blocks);
    for (size_t i = 0; i < lifetimes.size(); ++i) lifetimes[i] += other.lifetimes[i];
  }
};

// By place, each place once: several addresses of a recording may be one place here.
template <typename Row>
void sort_and_merge(std::vector<Row>& rows) {
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.place() < b.place(); });
  size_t kept = 0;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].place() == rows[kept].place()) {
      rows[kept].add(rows[i]);
    } else {
      rows[++kept] = rows[i];
    }
  }
  if (!rows.empty()) rows.resize(kept + 1);
}

}  // namespace

ViewRows::ViewRows(const Profile* time, const Profile* heap)
    : time_(time), heap_(heap), recording_((time != nullptr ? time : heap)->recording) {
  find_passing();
  const Result<Selection> selection = Selection::make(recording_, (time != nullptr ? time : heap)->options);
  if (!selection.ok()) return;  // not of a profile: it would not have been built
  if (heap_ != nullptr) {
    choose_allocations(*selection);
    choose_leaks(*selection);
  }
  for (uint32_t i = 0; i < recording_.memory.size(); ++i) {
    if (selection->chooses_process(recording_.memory[i].process)) memory_.push_back(i);
  }
  collect_slices();
}

std::vector<bool> ViewRows::used_stacks() const {
  std::vector<bool> used(recording_.stacks.size(), false);
  const auto use = [&used](uint32_t stack) {
    if (stack < used.size()) used[stack] = true;
  };
  for (size_t i = 0; time_ != nullptr && i < time_->samples.size(); ++i) use(time_->samples[i].stack);
  for (const uint32_t each : allocations_) use(recording_.allocations[each].stack);
  for (const Leak& each : leaks_) {
    use(recording_.leaks[each.chosen.leak].stack);
    use(recording_.leaks[each.chosen.leak].holder_stack);
  }
  return used;
}

void ViewRows::write(const ViewTables& tables, ViewColumns& columns) const {
  columns.add("slice.start", ColumnCode::kDelta, column_of(slices_, [](const Slice& slice) { return slice.first; }));
  columns.add("slice.length", ColumnCode::kDelta, column_of(slices_, [](const Slice& slice) { return slice.second; }));
  write_samples(tables, columns);
  write_allocations(tables, columns);
  write_heap(columns);
  write_leaks(tables, columns);
  write_regions(columns);
  write_threads(tables, columns);
}

uint64_t ViewRows::leaked_bytes() const {
  uint64_t bytes = 0;
  for (const Leak& each : leaks_) bytes += each.is_counted ? each.chosen.amount.bytes : 0;
  return bytes;
}

// Of the stacks that have samples or blocks, those that the profiles' filters by function let through.
void ViewRows::find_passing() {
  const ProfileOptions& options = (time_ != nullptr ? time_ : heap_)->options;
  if (options.focus.empty() && options.ignore.empty()) return;
  passing_.resize(recording_.stacks.size(), false);
  const auto pass = [this](const auto& each) {
    if (each.stack < passing_.size()) passing_[each.stack] = true;
  };
  if (time_ != nullptr) std::for_each(time_->samples.begin(), time_->samples.end(), pass);
  if (heap_ != nullptr) std::for_each(heap_->heap.cells.begin(), heap_->heap.cells.end(), pass);
}

void ViewRows::choose_allocations(const Selection& selection) {
  for (uint32_t i = 0; i < recording_.allocations.size(); ++i) {
    const RecordedAllocation& each = recording_.allocations[i];
    if (selection.chooses(each) && passes(each.stack)) allocations_.push_back(i);
  }
  for (uint32_t i = 0; i < recording_.heap_slices.size(); ++i) {
    if (selection.chooses_process(recording_.heap_slices[i].process)) heap_slices_.push_back(i);
  }
}

void ViewRows::choose_leaks(const Selection& selection) {
  RuntimeLeaks of_runtimes(*heap_);
  for (const ChosenLeak& chosen : chosen_leaks(recording_, selection).leaks) {
    const RecordedLeak& leak = recording_.leaks[chosen.leak];
    if (chosen.owner == LeakOwner::kParent || !passes(leak.stack)) continue;
    leaks_.push_back({chosen, is_lost(leak.leak.verdict) && !of_runtimes.contain(leak.stack)});
  }
}

void ViewRows::collect_slices() {
  for (size_t i = 0; time_ != nullptr && i < time_->samples.size(); ++i)
    slices_.emplace_back(time_->samples[i].slice_start_ns, time_->samples[i].slice_length_ns);
  for (const uint32_t each : allocations_)
    slices_.emplace_back(recording_.allocations[each].slice_start_ns, recording_.allocations[each].slice_length_ns);
  std::sort(slices_.begin(), slices_.end());
  slices_.erase(std::unique(slices_.begin(), slices_.end()), slices_.end());
}

uint32_t ViewRows::slice_number(int64_t start_ns, int64_t length_ns) const {
  const auto found = std::lower_bound(slices_.begin(), slices_.end(), Slice(start_ns, length_ns));
  return static_cast<uint32_t>(found - slices_.begin());
}

void ViewRows::write_samples(const ViewTables& tables, ViewColumns& columns) const {
  if (time_ == nullptr) return;
  std::vector<SampleRow> rows;
  rows.reserve(time_->samples.size());
  for (const ProfileSample& each : time_->samples) {
    rows.push_back({slice_number(each.slice_start_ns, each.slice_length_ns), tables.stack(each.stack), each.thread,
                    each.is_waiting, each.count, each.value});
  }
  sort_and_merge(rows);
  const auto add = [&](const char* name, ColumnCode code, const auto& value_of) {
    columns.add(name, code, column_of(rows, value_of));
  };
  add("sample.slice", ColumnCode::kDelta, [](const SampleRow& row) { return row.slice; });
  add("sample.thread", ColumnCode::kUleb, [](const SampleRow& row) { return row.thread; });
  add("sample.stack", ColumnCode::kDelta, [](const SampleRow& row) { return row.stack; });
  add("sample.waiting", ColumnCode::kUleb, [](const SampleRow& row) { return row.is_waiting; });
  add("sample.count", ColumnCode::kUleb, [](const SampleRow& row) { return row.count; });
  add("sample.value", ColumnCode::kUleb, [](const SampleRow& row) { return row.value; });
}

void ViewRows::write_allocations(const ViewTables& tables, ViewColumns& columns) const {
  if (heap_ == nullptr) return;
  std::vector<AllocationRow> rows;
  rows.reserve(allocations_.size());
  for (const uint32_t index : allocations_) {
    const RecordedAllocation& each = recording_.allocations[index];
    rows.push_back({slice_number(each.slice_start_ns, each.slice_length_ns), tables.stack(each.stack), each,
                    recording_.detail_of(each).lifetimes});
  }
  sort_and_merge(rows);
  const auto add = [&](const char* name, ColumnCode code, const auto& value_of) {
    columns.add(name, code, column_of(rows, value_of));
  };
  using Row = AllocationRow;
  add("allocation.slice", ColumnCode::kDelta, [](const Row& row) { return row.slice; });
  add("allocation.thread", ColumnCode::kUleb, [](const Row& row) { return row.counts.thread; });
  add("allocation.stack", ColumnCode::kDelta, [](const Row& row) { return row.stack; });
  add("allocation.kind", ColumnCode::kUleb, [](const Row& row) { return static_cast<uint8_t>(row.counts.kind); });
  add("allocation.size_class", ColumnCode::kUleb, [](const Row& row) { return row.counts.size_class; });
  add("allocation.allocations", ColumnCode::kUleb, [](const Row& row) { return row.counts.allocations; });
  add("allocation.allocated_bytes", ColumnCode::kUleb, [](const Row& row) { return row.counts.allocated_bytes; });
  add("allocation.deallocations", ColumnCode::kUleb, [](const Row& row) { return row.counts.deallocations; });
  add("allocation.deallocated_bytes", ColumnCode::kUleb, [](const Row& row) { return row.counts.deallocated_bytes; });
  add("allocation.temporary", ColumnCode::kUleb, [](const Row& row) { return row.counts.temporary; });
  add("allocation.peak_bytes", ColumnCode::kDelta, [](const Row& row) { return row.counts.peak_bytes; });
  add("allocation.peak_blocks", ColumnCode::kDelta, [](const Row& row) { return row.counts.peak_blocks; });
  static constexpr std::array<const char*, kLifetimeClasses - 1> kLifetimes = {
      "allocation.lifetime1", "allocation.lifetime2", "allocation.lifetime3", "allocation.lifetime4",
      "allocation.lifetime5", "allocation.lifetime6", "allocation.lifetime7"};
  for (size_t i = 0; i < kLifetimes.size(); ++i)
    add(kLifetimes[i], ColumnCode::kUleb, [i](const Row& row) { return row.lifetimes[i + 1]; });
}

void ViewRows::write_heap(ViewColumns& columns) const {
  const auto add_slices = [&](const char* name, const auto& value_of) {
    columns.add(name, ColumnCode::kDelta,
                column_of(heap_slices_, [&](uint32_t each) { return value_of(recording_.heap_slices[each].slice); }));
  };
  columns.add("heap_slice.process", ColumnCode::kUleb,
              column_of(heap_slices_, [this](uint32_t each) { return recording_.heap_slices[each].process; }));
  add_slices("heap_slice.start", [](const HeapSliceRecord& slice) { return slice.slice_start_ns; });
  add_slices("heap_slice.length", [](const HeapSliceRecord& slice) { return slice.slice_length_ns; });
  add_slices("heap_slice.peak_bytes", [](const HeapSliceRecord& slice) { return slice.peak_bytes; });
  add_slices("heap_slice.peak_time", [](const HeapSliceRecord& slice) { return slice.peak_time_ns; });
  add_slices("heap_slice.live_bytes", [](const HeapSliceRecord& slice) { return slice.live_bytes; });

  const auto add_looks = [&](const char* name, const auto& value_of) {
    columns.add(name, ColumnCode::kDelta,
                column_of(memory_, [&](uint32_t each) { return value_of(recording_.memory[each].memory); }));
  };
  columns.add("memory.process", ColumnCode::kUleb,
              column_of(memory_, [this](uint32_t each) { return recording_.memory[each].process; }));
  add_looks("memory.time", [](const MemoryRecord& look) { return look.time_ns; });
  add_looks("memory.rss", [](const MemoryRecord& look) { return look.rss_bytes; });
  add_looks("memory.pss", [](const MemoryRecord& look) { return look.pss_bytes; });
  add_looks("memory.allocator", [](const MemoryRecord& look) { return look.allocator_bytes; });
  add_looks("memory.stack", [](const MemoryRecord& look) { return look.stack_bytes; });
  add_looks("memory.file", [](const MemoryRecord& look) { return look.file_bytes; });
  add_looks("memory.mapped", [](const MemoryRecord& look) { return look.mapped_bytes; });
  add_looks("memory.own", [](const MemoryRecord& look) { return look.own_bytes; });
  add_looks("memory.heap_live", [](const MemoryRecord& look) { return look.heap_live_bytes; });
}

void ViewRows::write_leaks(const ViewTables& tables, ViewColumns& columns) const {
  const auto add = [&](const char* name, ColumnCode code, const auto& value_of) {
    columns.add(name, code, column_of(leaks_, [&](const Leak& each) {
                  return value_of(each, recording_.leaks[each.chosen.leak]);
                }));
  };
  using Recorded = RecordedLeak;
  add("leak.process", ColumnCode::kUleb, [](const Leak&, const Recorded& leak) { return leak.process; });
  add("leak.verdict", ColumnCode::kUleb,
      [](const Leak&, const Recorded& leak) { return static_cast<uint8_t>(leak.leak.verdict); });
  add("leak.thread", ColumnCode::kUleb, [](const Leak&, const Recorded& leak) { return leak.thread; });
  add("leak.stack", ColumnCode::kDelta, [&](const Leak&, const Recorded& leak) { return tables.stack(leak.stack); });
  add("leak.blocks", ColumnCode::kUleb, [](const Leak& each, const Recorded&) { return each.chosen.amount.blocks; });
  add("leak.bytes", ColumnCode::kUleb, [](const Leak& each, const Recorded&) { return each.chosen.amount.bytes; });
  add("leak.first", ColumnCode::kDelta, [](const Leak&, const Recorded& leak) { return leak.leak.first_ns; });
  add("leak.last", ColumnCode::kDelta, [](const Leak&, const Recorded& leak) { return leak.leak.last_ns; });
  add("leak.counted", ColumnCode::kUleb, [](const Leak& each, const Recorded&) { return each.is_counted; });
}

void ViewRows::write_regions(ViewColumns& columns) const {
  const std::vector<RegionSpan> spans = regions_of(recording_, (time_ != nullptr ? time_ : heap_)->options).spans;
  const auto add = [&](const char* name, ColumnCode code, const auto& value_of) {
    columns.add(name, code, column_of(spans, value_of));
  };
  add("region_span.region", ColumnCode::kUleb, [](const RegionSpan& span) { return span.region; });
  add("region_span.thread", ColumnCode::kUleb, [](const RegionSpan& span) { return span.thread; });
  add("region_span.start", ColumnCode::kDelta, [](const RegionSpan& span) { return span.start_ns; });
  add("region_span.end", ColumnCode::kDelta, [](const RegionSpan& span) { return span.end_ns; });
  add("region_span.busy", ColumnCode::kUleb, [](const RegionSpan& span) { return span.busy_ns; });
}

void ViewRows::write_threads(const ViewTables& tables, ViewColumns& columns) const {
  const std::vector<Thread>& threads = recording_.threads;
  columns.add("thread.process", ColumnCode::kUleb, column_of(threads, [](const Thread& each) { return each.process; }));
  columns.add("thread.tid", ColumnCode::kDelta, column_of(threads, [](const Thread& each) { return each.tid; }));
  columns.add("thread.name", ColumnCode::kUleb,
              column_of(threads, [&](const Thread& each) { return tables.string(each.name); }));
  columns.add("thread.start", ColumnCode::kDelta, column_of(threads, [](const Thread& each) { return each.start_ns; }));
}

}  // namespace flarestack
