// SPDX-License-Identifier: Apache-2.0
#include "trace/payload_decoder.h"

#include <utility>

#include <protozero/exception.hpp>

#include "trace/format.h"

namespace flarestack {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// The number of the block's last column; 0 for a block of a newer version.
uint32_t last_column(uint32_t block) {
  switch (block) {
    case trace_format::kStrings:
    case trace_format::kStacks:
      return 4;
    case trace_format::kModules:
      return 6;
    case trace_format::kFrames:
      return 10;
    case trace_format::kSamples:
      return 8;  // and the region, behind the constant
    case trace_format::kAllocations:
      return trace_format::kBlockCount + kAllocationColumns;
    case trace_format::kHeapSlices:
      return trace_format::kBlockCount + kHeapSliceColumns;
    case trace_format::kMemory:
      return trace_format::kBlockCount + kMemoryColumns;
    case trace_format::kRegionTotals:
      return trace_format::kBlockCount + kRegionTotalsColumns;
    case trace_format::kRegionSpans:
      return trace_format::kBlockCount + kRegionSpanColumns;
    case trace_format::kRegionValues:
      return trace_format::kBlockCount + kRegionValueColumns;
    default:
      return 0;
  }
}

}  // namespace

PayloadDecoder::PayloadDecoder(std::string_view payload)
    : payload_(payload.data(), payload.size()), block_records_left_(trace_format::kMaxBlockRecords) {}

std::optional<TraceRecord> PayloadDecoder::next() {
  if (problems_.malformed) return std::nullopt;
  try {
    return next_or_throw();
  } catch (const protozero::exception&) {
    problems_.malformed = true;
    return std::nullopt;
  }
}

std::optional<TraceRecord> PayloadDecoder::next_or_throw() {
  while (!problems_.malformed) {
    if (left_ != 0) {
      --left_;
      std::optional<TraceRecord> record = next_of_block();
      if (problems_.malformed) return std::nullopt;
      if (record) return record;
      continue;  // of a newer version
    }
    if (!payload_.next()) return std::nullopt;
    if (payload_.wire_type() != pbf_wire_type::length_delimited) {
      ++problems_.unknown_records;
      payload_.skip();
      continue;
    }
    const uint32_t field = payload_.tag();
    const protozero::data_view view = payload_.get_view();
    if (field >= trace_format::kFirstBlock) {
      open_block(field, {view.data(), view.size()});
    } else if (std::optional<TraceRecord> record = decode_single(field, {view.data(), view.size()}, problems_)) {
      return record;
    }
  }
  return std::nullopt;
}

void PayloadDecoder::open_block(uint32_t field, std::string_view block) {
  block_ = field;
  left_ = 0;
  constant_ = 0;
  columns_.fill(ColumnReader());
  texts_.fill(std::string_view());
  const uint32_t last = last_column(field);
  pbf_reader message(block.data(), block.size());
  while (message.next()) {
    const uint32_t tag = message.tag();
    const bool is_number = message.wire_type() == pbf_wire_type::varint;
    if (tag == trace_format::kBlockCount && is_number) {
      left_ = message.get_uint64();
    } else if (last == 0) {
      message.skip();  // the count says what is lost
    } else if ((tag <= last || (field == trace_format::kSamples && tag == last + 2)) &&
               message.wire_type() == pbf_wire_type::length_delimited) {
      const protozero::data_view view = message.get_view();
      texts_[tag] = {view.data(), view.size()};
      columns_[tag] = ColumnReader(texts_[tag]);
    } else if (field == trace_format::kSamples && tag == last + 1 && is_number) {
      constant_ = message.get_uint64();
    } else {
      ++problems_.unknown_records;
      message.skip();
    }
  }
  // Columns may be shorter than their block, so the count alone decides how many records there are: it is held to what
  // the writer may put in a chunk, or a few bytes could announce 2^64 of them.
  if (left_ > block_records_left_) {
    problems_.malformed = true;
    return;
  }
  block_records_left_ -= left_;
  if (last == 0) problems_.unknown_records += std::exchange(left_, 0);
}

std::optional<TraceRecord> PayloadDecoder::next_of_block() {
  switch (block_) {
    case trace_format::kStrings: {
      StringRecord record{.id = {narrow(columns_[2].next_id())}, .text = {}};
      record.text = take_text(4, columns_[3].next());
      return record;
    }
    case trace_format::kModules: {
      ModuleRecord record{.id = {narrow(columns_[2].next_id())}, .path = {}, .build_id = {}};
      record.path = take_text(5, columns_[3].next());
      const std::string_view build_id = take_text(6, columns_[4].next());
      record.build_id.assign(build_id.begin(), build_id.end());
      return record;
    }
    case trace_format::kFrames: {
      FrameRecord record;
      record.id.value = narrow(columns_[2].next_id());
      const uint64_t kind = columns_[3].next();
      record.kind = known_or(kind >> 1, FrameKind::kSymbolized, FrameKind::kMarker, problems_);
      record.address_kind = static_cast<AddressKind>(kind & 1);
      record.module.value = narrow(columns_[4].next_delta());
      record.offset.value = columns_[5].next_delta();
      record.name.value = narrow(columns_[6].next_delta());
      record.file.value = narrow(columns_[7].next_delta());
      record.line = narrow(columns_[8].next());
      record.function_line = narrow(columns_[9].next());
      const uint32_t distance = narrow(columns_[10].next());
      if (distance != 0) record.inlined_into.value = record.id.value - distance;
      return record;
    }
    case trace_format::kStacks: {
      StackRecord record;
      record.id.value = narrow(columns_[2].next_id());
      record.parent.value = narrow(apply_zigzag_delta(uint64_t{record.id.value} - 1, columns_[3].next()));
      record.frame.value = narrow(columns_[4].next_id());
      return record;
    }
    case trace_format::kAllocations:
      return next_in_columns<AllocationRecord>();
    case trace_format::kHeapSlices:
      return next_in_columns<HeapSliceRecord>();
    case trace_format::kMemory:
      return next_in_columns<MemoryRecord>();
    case trace_format::kRegionTotals:
      return next_in_columns<RegionTotalsRecord>();
    case trace_format::kRegionSpans:
      return next_in_columns<RegionSpanRecord>();
    case trace_format::kRegionValues:
      return next_in_columns<RegionValueRecord>();
    default: {  // kSamples: open_block() lets no other pass
      SampleRecord record;
      record.thread.value = narrow(columns_[2].next_delta());
      record.stack.value = narrow(columns_[3].next_delta());
      const uint64_t metric = columns_[4].next();
      record.slice_start_ns = static_cast<int64_t>(columns_[5].next_delta());
      record.slice_length_ns = static_cast<int64_t>(columns_[6].next_delta());
      record.count = columns_[7].next();
      record.weight_ns = apply_zigzag_delta(record.count * constant_, columns_[8].next());
      record.region.value = narrow(columns_[10].next_delta());
      if (metric > static_cast<uint64_t>(SampleMetric::kOffCpu)) {
        ++problems_.unknown_records;  // a weight in an unknown unit must not be added to the known ones
        return std::nullopt;
      }
      record.metric = static_cast<SampleMetric>(metric);
      return record;
    }
  }
}

template <typename Record>
std::optional<TraceRecord> PayloadDecoder::next_in_columns() {
  Record record;
  const std::span<ColumnReader> by_field = columns_;
  ColumnsIn in(by_field.subspan(trace_format::kBlockCount + 1), problems_);
  code_columns(in, record);
  if (!in.unknown()) return record;
  ++problems_.unknown_records;
  return std::nullopt;
}

std::string_view PayloadDecoder::take_text(uint32_t field, uint64_t size_bytes) {
  std::string_view& rest = texts_[field];
  if (size_bytes > rest.size()) {
    problems_.malformed = true;
    return {};
  }
  const std::string_view text = rest.substr(0, size_bytes);
  rest.remove_prefix(size_bytes);
  return text;
}

uint32_t PayloadDecoder::narrow(uint64_t value) { return narrow_or_malformed(value, problems_); }

}  // namespace flarestack
