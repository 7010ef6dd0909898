// SPDX-License-Identifier: Apache-2.0
#include "trace/payload_encoder.h"

#include <initializer_list>
#include <utility>
#include <variant>

#include <protozero/pbf_writer.hpp>

#include "trace/format.h"
#include "trace/single_record.h"

namespace flarestack {
namespace {

using protozero::pbf_writer;

// The columns of a block are its fields from 2 on, in the order given here.
// `constant` has the field behind them, and `later` the one behind that.
void put_block(pbf_writer& payload, uint32_t field, uint64_t count, std::initializer_list<const std::string*> columns,
               uint64_t constant = 0, const std::string& later = {}) {
  if (count == 0) return;
  pbf_writer block(payload, field);
  block.add_uint64(trace_format::kBlockCount, count);
  uint32_t column_field = trace_format::kBlockCount;
  for (const std::string* column : columns) {
    ++column_field;
    if (!column->empty()) block.add_bytes(column_field, *column);
  }
  if (constant != 0) block.add_uint64(column_field + 1, constant);
  if (!later.empty()) block.add_bytes(column_field + 2, later);
}

template <size_t Count>
void put_block(pbf_writer& payload, uint32_t field, const ColumnBlock<Count>& block) {
  if (block.count == 0) return;
  pbf_writer message(payload, field);
  message.add_uint64(trace_format::kBlockCount, block.count);
  uint32_t column_field = trace_format::kBlockCount;
  for (const ColumnWriter& column : block.columns) {
    ++column_field;
    if (!column.bytes().empty()) message.add_bytes(column_field, column.bytes());
  }
}

size_t total_size_bytes(std::initializer_list<const ColumnWriter*> columns) {
  size_t total = 0;
  for (const ColumnWriter* column : columns) total += column->size_bytes();
  return total;
}

}  // namespace

void PayloadEncoder::add(const TraceRecord& record) {
  std::visit([this](const auto& kind) { add_record(kind); }, record);
}

template <typename Single>
void PayloadEncoder::add_record(const Single& record) {
  std::string encoded;
  const uint32_t field = encode_single(record, encoded);
  if (encoded.size() > trace_format::kMaxRecordBytes) {
    ++dropped_;
    return;
  }
  // The end stays the last record of its payload, and leaks and timeouts come behind the stacks that they name.
  const bool names_stacks = field == trace_format::kLeakCheck || field == trace_format::kLeak ||
                            field == trace_format::kTimeout || field == trace_format::kTimeoutStack;
  pbf_writer payload(field == trace_format::kEnd ? end_ : names_stacks ? leaks_ : singles_);
  payload.add_message(field, encoded);
}

void PayloadEncoder::add_record(const StringRecord& record) {
  if (record.text.size() > trace_format::kMaxRecordBytes) {
    ++dropped_;
    return;
  }
  ++strings_.count;
  strings_.id.push_id(record.id.value);
  strings_.length.push(record.text.size());
  strings_.text += record.text;
}

void PayloadEncoder::add_record(const ModuleRecord& record) {
  if (record.path.size() + record.build_id.size() > trace_format::kMaxRecordBytes) {
    ++dropped_;
    return;
  }
  ++modules_.count;
  modules_.id.push_id(record.id.value);
  modules_.path_length.push(record.path.size());
  modules_.paths += record.path;
  modules_.build_id_length.push(record.build_id.size());
  modules_.build_ids.append(record.build_id.begin(), record.build_id.end());
}

void PayloadEncoder::add_record(const FrameRecord& record) {
  ++frames_.count;
  frames_.id.push_id(record.id.value);
  frames_.kind.push(static_cast<uint64_t>(record.kind) << 1 | static_cast<uint64_t>(record.address_kind));
  frames_.module.push_delta(record.module.value);
  frames_.offset.push_delta(record.offset.value);
  frames_.name.push_delta(record.name.value);
  frames_.file.push_delta(record.file.value);
  frames_.line.push(record.line);
  frames_.function_line.push(record.function_line);
  frames_.inlined_into.push(record.inlined_into ? record.id.value - record.inlined_into.value : 0);
}

void PayloadEncoder::add_record(const StackRecord& record) {
  ++stacks_.count;
  stacks_.id.push_id(record.id.value);
  // Relative to the record's own predecessor: 0 where a path grows by a frame that was just defined.
  stacks_.parent.push(zigzag_delta(record.parent.value, uint64_t{record.id.value} - 1));
  stacks_.frame.push_id(record.frame.value);
}

void PayloadEncoder::add_record(const SampleRecord& record) {
  // Once a block: the samples before it have a count of 0, for which it does not matter.
  if (!samples_.weight_per_sample_ns && record.count != 0) {
    samples_.weight_per_sample_ns = record.weight_ns / record.count;
  }
  ++samples_.count;
  samples_.thread.push_delta(record.thread.value);
  samples_.stack.push_delta(record.stack.value);
  samples_.metric.push(static_cast<uint64_t>(record.metric));
  samples_.slice_start.push_delta(static_cast<uint64_t>(record.slice_start_ns));
  samples_.slice_length.push_delta(static_cast<uint64_t>(record.slice_length_ns));
  samples_.sample_count.push(record.count);
  samples_.weight.push(zigzag_delta(record.weight_ns, record.count * samples_.weight_per_sample_ns.value_or(0)));
  samples_.region.push_delta(record.region.value);
}

size_t PayloadEncoder::size_bytes() const {
  return singles_.size() + leaks_.size() + end_.size() + strings_.text.size() + modules_.paths.size() +
         modules_.build_ids.size() + allocations_.size_bytes() + heap_slices_.size_bytes() + memory_.size_bytes() +
         region_totals_.size_bytes() + region_spans_.size_bytes() + region_values_.size_bytes() +
         total_size_bytes({&strings_.id,
                           &strings_.length,
                           &modules_.id,
                           &modules_.path_length,
                           &modules_.build_id_length,
                           &frames_.id,
                           &frames_.kind,
                           &frames_.module,
                           &frames_.offset,
                           &frames_.name,
                           &frames_.file,
                           &frames_.line,
                           &frames_.function_line,
                           &frames_.inlined_into,
                           &stacks_.id,
                           &stacks_.parent,
                           &stacks_.frame,
                           &samples_.thread,
                           &samples_.stack,
                           &samples_.metric,
                           &samples_.slice_start,
                           &samples_.slice_length,
                           &samples_.sample_count,
                           &samples_.weight,
                           &samples_.region});
}

std::string PayloadEncoder::take() {
  if (const uint64_t dropped = std::exchange(dropped_, 0); dropped != 0) {
    add_record(CounterRecord{.process = {}, .name = "trace_records_dropped", .value = dropped});
  }
  std::string bytes = std::move(singles_);
  pbf_writer payload(bytes);
  put_block(payload, trace_format::kStrings, strings_.count,
            {&strings_.id.bytes(), &strings_.length.bytes(), &strings_.text});
  put_block(payload, trace_format::kModules, modules_.count,
            {&modules_.id.bytes(), &modules_.path_length.bytes(), &modules_.build_id_length.bytes(), &modules_.paths,
             &modules_.build_ids});
  put_block(payload, trace_format::kFrames, frames_.count,
            {&frames_.id.bytes(), &frames_.kind.bytes(), &frames_.module.bytes(), &frames_.offset.bytes(),
             &frames_.name.bytes(), &frames_.file.bytes(), &frames_.line.bytes(), &frames_.function_line.bytes(),
             &frames_.inlined_into.bytes()});
  put_block(payload, trace_format::kStacks, stacks_.count,
            {&stacks_.id.bytes(), &stacks_.parent.bytes(), &stacks_.frame.bytes()});
  put_block(payload, trace_format::kSamples, samples_.count,
            {&samples_.thread.bytes(), &samples_.stack.bytes(), &samples_.metric.bytes(), &samples_.slice_start.bytes(),
             &samples_.slice_length.bytes(), &samples_.sample_count.bytes(), &samples_.weight.bytes()},
            samples_.weight_per_sample_ns.value_or(0), samples_.region.bytes());
  put_block(payload, trace_format::kAllocations, allocations_);
  put_block(payload, trace_format::kHeapSlices, heap_slices_);
  put_block(payload, trace_format::kMemory, memory_);
  put_block(payload, trace_format::kRegionTotals, region_totals_);
  put_block(payload, trace_format::kRegionSpans, region_spans_);
  put_block(payload, trace_format::kRegionValues, region_values_);
  bytes += leaks_;
  bytes += end_;
  *this = PayloadEncoder();
  return bytes;
}

}  // namespace flarestack
