// SPDX-License-Identifier: Apache-2.0
// The columns of the blocks that tell of memory and of regions, each written down once for both directions:
// code_columns() names a record's fields in the order of the block's columns, from 2 on, and says what each is a
// difference to; ColumnsOut writes them and ColumnsIn reads them. Used by the payload encoder and decoder; one thread.
//
// The differences are chosen so that the usual record is mostly zeros: blocks that were freed in the slice that
// allocated them, within a millisecond, none of which was live at the peak; or none of which was freed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>

#include "trace/columns.h"
#include "trace/records.h"
#include "trace/single_record.h"

namespace flarestack {

// `columns` has raw(), delta(), difference() and choice() for one column each; `Record` is const for ColumnsOut.
template <typename Columns, typename Record>
requires std::is_same_v<std::remove_const_t<Record>, AllocationRecord>
void code_columns(Columns& columns, Record& record) {
  columns.delta(record.thread.value);
  columns.delta(record.stack.value);
  columns.choice(record.kind, MemoryKind::kPool);
  columns.raw(record.size_class);
  columns.delta(record.slice_start_ns);
  columns.delta(record.slice_length_ns);
  columns.raw(record.allocations);
  columns.raw(record.allocated_bytes);
  columns.difference(record.deallocations, record.allocations);
  columns.difference(record.deallocated_bytes, record.allocated_bytes);
  columns.raw(record.temporary);
  columns.difference(record.lifetimes[0], record.deallocations);
  for (size_t i = 1; i < kLifetimeClasses; ++i) columns.raw(record.lifetimes[i]);
  columns.difference(record.peak_bytes, record.allocated_bytes - record.deallocated_bytes);
  columns.difference(record.peak_blocks, record.allocations - record.deallocations);
  columns.raw(record.samples);
  columns.raw(record.variance_allocations);
  columns.raw(record.variance_kib2);
  columns.delta(record.region.value);
}
inline constexpr size_t kAllocationColumns = 17 + kLifetimeClasses;

template <typename Columns, typename Record>
requires std::is_same_v<std::remove_const_t<Record>, HeapSliceRecord>
void code_columns(Columns& columns, Record& record) {
  columns.delta(record.process.value);
  columns.delta(record.slice_start_ns);
  columns.delta(record.slice_length_ns);
  columns.delta(record.peak_bytes);
  columns.delta(record.peak_blocks);
  columns.difference(record.peak_time_ns, static_cast<uint64_t>(record.slice_start_ns));
  columns.delta(record.live_bytes);
  columns.delta(record.live_blocks);
}
inline constexpr size_t kHeapSliceColumns = 8;

template <typename Columns, typename Record>
requires std::is_same_v<std::remove_const_t<Record>, MemoryRecord>
void code_columns(Columns& columns, Record& record) {
  columns.delta(record.process.value);
  columns.delta(record.time_ns);
  columns.delta(record.rss_bytes);
  columns.delta(record.pss_bytes);
  columns.delta(record.allocator_bytes);
  columns.delta(record.stack_bytes);
  columns.delta(record.file_bytes);
  columns.delta(record.mapped_bytes);
  columns.delta(record.own_bytes);
  columns.delta(record.heap_live_bytes);
  columns.delta(record.minor_faults);
  columns.delta(record.major_faults);
}
inline constexpr size_t kMemoryColumns = 12;

template <typename Columns, typename Record>
requires std::is_same_v<std::remove_const_t<Record>, RegionTotalsRecord>
void code_columns(Columns& columns, Record& record) {
  columns.delta(record.thread.value);
  columns.delta(record.region.value);
  columns.raw(record.calls);
  columns.raw(record.wall_ns);
  columns.difference(record.self_wall_ns, record.wall_ns);
  columns.difference(record.longest_ns, record.wall_ns);
  columns.raw(record.allocations);
  columns.raw(record.allocated_bytes);
  columns.difference(record.deallocations, record.allocations);
  columns.difference(record.deallocated_bytes, record.allocated_bytes);
  columns.raw(record.peak_bytes);
  columns.raw(record.unfinished);
}
inline constexpr size_t kRegionTotalsColumns = 12;

template <typename Columns, typename Record>
requires std::is_same_v<std::remove_const_t<Record>, RegionSpanRecord>
void code_columns(Columns& columns, Record& record) {
  columns.delta(record.thread.value);
  columns.delta(record.region.value);
  columns.delta(record.start_ns);
  columns.difference(record.end_ns, static_cast<uint64_t>(record.start_ns));
  columns.raw(record.calls);
  columns.difference(record.busy_ns, static_cast<uint64_t>(record.end_ns - record.start_ns));
}
inline constexpr size_t kRegionSpanColumns = 6;

template <typename Columns, typename Record>
requires std::is_same_v<std::remove_const_t<Record>, RegionValueRecord>
void code_columns(Columns& columns, Record& record) {
  columns.delta(record.thread.value);
  columns.delta(record.region.value);
  columns.raw(record.count);
  columns.difference(record.sum, 0);
  columns.difference(record.smallest, 0);
  columns.difference(record.largest, 0);
  columns.difference(record.last, 0);
}
inline constexpr size_t kRegionValueColumns = 7;

// The records of one block on their way out.
template <size_t Count>
struct ColumnBlock {
  uint64_t count = 0;
  std::array<ColumnWriter, Count> columns;

  template <typename Record>
  void add(const Record& record);
  // An upper bound.
  size_t size_bytes() const {
    size_t total = 0;
    for (const ColumnWriter& column : columns) total += column.size_bytes();
    return total;
  }
};

class ColumnsOut {
 public:
  explicit ColumnsOut(std::span<ColumnWriter> columns) : columns_(columns) {}
  template <typename Value>
  void raw(Value value) {
    next().push(static_cast<uint64_t>(value));
  }
  template <typename Value>
  void delta(Value value) {
    next().push_delta(static_cast<uint64_t>(value));
  }
  template <typename Value>
  void difference(Value value, uint64_t base) {
    next().push(zigzag_delta(static_cast<uint64_t>(value), base));
  }
  template <typename Enum>
  void choice(Enum value, Enum) {
    raw(value);
  }

 private:
  ColumnWriter& next() { return columns_[next_++]; }
  std::span<ColumnWriter> columns_;
  size_t next_ = 0;
};

template <size_t Count>
template <typename Record>
void ColumnBlock<Count>::add(const Record& record) {
  ++count;
  ColumnsOut out(columns);
  code_columns(out, record);
}

// Reads one record; a value that its field has no room for is malformed.
class ColumnsIn {
 public:
  // `columns`: of the block, from field 2 on.
  ColumnsIn(std::span<ColumnReader> columns, PayloadProblems& problems) : columns_(columns), problems_(problems) {}
  template <typename Value>
  void raw(Value& value) {
    set(value, next().next());
  }
  template <typename Value>
  void delta(Value& value) {
    set(value, next().next_delta());
  }
  template <typename Value>
  void difference(Value& value, uint64_t base) {
    set(value, apply_zigzag_delta(base, next().next()));
  }
  template <typename Enum>
  void choice(Enum& value, Enum last) {
    const uint64_t number = next().next();
    if (number > static_cast<uint64_t>(last)) {
      unknown_ = true;
    } else {
      value = static_cast<Enum>(number);
    }
  }
  // A choice() is one of a newer version: the record must not be added to the known ones.
  bool unknown() const { return unknown_; }

 private:
  ColumnReader& next() { return columns_[next_++]; }
  template <typename Value>
  void set(Value& value, uint64_t number) {
    if constexpr (sizeof(Value) < sizeof(number)) {
      if (number > std::numeric_limits<Value>::max()) problems_.malformed = true;
    }
    value = static_cast<Value>(number);
  }

  std::span<ColumnReader> columns_;
  PayloadProblems& problems_;
  size_t next_ = 0;
  bool unknown_ = false;
};

}  // namespace flarestack
