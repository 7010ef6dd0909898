// SPDX-License-Identifier: Apache-2.0
// PayloadEncoder: collects records and gives them out as one chunk's payload, a protobuf message. Recorder side, used
// by TraceWriter; one thread. Records of the bulk kinds lie in columns; within a payload definitions stand before their
// use: single records in the order they came, strings, modules, frames, stacks, samples, memory, the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trace/columns.h"
#include "trace/heap_columns.h"
#include "trace/records.h"

namespace flarestack {

class PayloadEncoder {
 public:
  // A record whose own encoding is above trace_format::kMaxRecordBytes is dropped and counted: the next payload carries
  // a counter "trace_records_dropped".
  void add(const TraceRecord& record);

  // An upper bound of what take() would give, at least one byte per record.
  size_t size_bytes() const;
  // The payload; empty if there is none. Starts the next one.
  std::string take();

 private:
  struct Strings {
    uint64_t count = 0;
    ColumnWriter id, length;
    std::string text;
  };
  struct Modules {
    uint64_t count = 0;
    ColumnWriter id, path_length, build_id_length;
    std::string paths, build_ids;
  };
  struct Frames {
    uint64_t count = 0;
    ColumnWriter id, kind, module, offset, name, file, line, function_line, inlined_into;
  };
  struct Stacks {
    uint64_t count = 0;
    ColumnWriter id, parent, frame;
  };
  struct Samples {
    uint64_t count = 0;
    // Of the block's first record that counts samples; weights are differences to their count times this.
    std::optional<uint64_t> weight_per_sample_ns;
    ColumnWriter thread, stack, metric, slice_start, slice_length, sample_count, weight, region;
  };

  void add_record(const StringRecord& record);
  void add_record(const ModuleRecord& record);
  void add_record(const FrameRecord& record);
  void add_record(const StackRecord& record);
  void add_record(const SampleRecord& record);
  void add_record(const AllocationRecord& record) { allocations_.add(record); }
  void add_record(const HeapSliceRecord& record) { heap_slices_.add(record); }
  void add_record(const MemoryRecord& record) { memory_.add(record); }
  void add_record(const RegionTotalsRecord& record) { region_totals_.add(record); }
  void add_record(const RegionSpanRecord& record) { region_spans_.add(record); }
  void add_record(const RegionValueRecord& record) { region_values_.add(record); }
  template <typename Single>
  void add_record(const Single& record);

  std::string singles_;
  std::string leaks_;
  std::string end_;
  Strings strings_;
  Modules modules_;
  Frames frames_;
  Stacks stacks_;
  Samples samples_;
  ColumnBlock<kAllocationColumns> allocations_;
  ColumnBlock<kHeapSliceColumns> heap_slices_;
  ColumnBlock<kMemoryColumns> memory_;
  ColumnBlock<kRegionTotalsColumns> region_totals_;
  ColumnBlock<kRegionSpanColumns> region_spans_;
  ColumnBlock<kRegionValueColumns> region_values_;
  uint64_t dropped_ = 0;
};

}  // namespace flarestack
