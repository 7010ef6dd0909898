// SPDX-License-Identifier: Apache-2.0
#include "trace/payload_encoder.h"

#include <initializer_list>
#include <utility>
#include <variant>

#include <protozero/pbf_writer.hpp>

#include "trace/format.h"

namespace flarestack {
namespace {

using protozero::pbf_writer;

// As in proto3, a field that holds its default is left out.
void put(pbf_writer& message, uint32_t field, const std::string& text) {
  if (!text.empty()) message.add_bytes(field, text);
}
void put(pbf_writer& message, uint32_t field, int64_t number) {
  if (number != 0) message.add_int64(field, number);
}
void put_unsigned(pbf_writer& message, uint32_t field, uint64_t number) {
  if (number != 0) message.add_uint64(field, number);
}
void put_all(pbf_writer& message, uint32_t field, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) message.add_bytes(field, text);
}

uint32_t encode(pbf_writer& message, const SessionRecord& record) {
  put_all(message, 1, record.command);
  put(message, 2, record.working_directory);
  put(message, 3, record.host);
  put(message, 4, record.kernel);
  put(message, 5, record.version);
  put(message, 6, record.start_realtime_ns);
  put_unsigned(message, 7, static_cast<uint64_t>(record.clock));
  put_unsigned(message, 8, record.requested_hz);
  put_unsigned(message, 9, record.wall_clock ? 1 : 0);
  return trace_format::kSession;
}

uint32_t encode(pbf_writer& message, const ProcessRecord& record) {
  put_unsigned(message, 1, record.id.value);
  put_unsigned(message, 2, record.parent.value);
  put_unsigned(message, 3, static_cast<uint64_t>(record.origin));
  put(message, 4, int64_t{record.pid});
  put(message, 5, record.executable);
  put_all(message, 6, record.arguments);
  put(message, 7, record.start_ns);
  return trace_format::kProcess;
}

uint32_t encode(pbf_writer& message, const ProcessEndRecord& record) {
  put_unsigned(message, 1, record.id.value);
  put_unsigned(message, 2, static_cast<uint64_t>(record.kind));
  put(message, 3, int64_t{record.code});
  put(message, 4, record.end_ns);
  put_unsigned(message, 5, record.cpu_ns);
  return trace_format::kProcessEnd;
}

uint32_t encode(pbf_writer& message, const ThreadRecord& record) {
  put_unsigned(message, 1, record.id.value);
  put_unsigned(message, 2, record.process.value);
  put(message, 3, int64_t{record.tid});
  put(message, 4, record.name);
  put(message, 5, record.start_ns);
  return trace_format::kThread;
}

uint32_t encode(pbf_writer& message, const CounterRecord& record) {
  put_unsigned(message, 1, record.process.value);
  put(message, 2, record.name);
  put_unsigned(message, 3, record.value);
  return trace_format::kCounter;
}

uint32_t encode(pbf_writer& message, const UnrecordedRecord& record) {
  put(message, 1, int64_t{record.pid});
  put_unsigned(message, 2, record.parent.value);
  put(message, 3, record.command);
  put(message, 4, record.reason);
  return trace_format::kUnrecorded;
}

uint32_t encode(pbf_writer& message, const EndRecord& record) {
  put(message, 1, record.duration_ns);
  return trace_format::kEnd;
}

// The columns of a block are its fields from 2 on, in the order given here.
void put_block(pbf_writer& payload, uint32_t field, uint64_t count, std::initializer_list<const std::string*> columns,
               uint64_t constant = 0) {
  if (count == 0) return;
  pbf_writer block(payload, field);
  block.add_uint64(trace_format::kBlockCount, count);
  uint32_t column_field = trace_format::kBlockCount;
  for (const std::string* column : columns) put(block, ++column_field, *column);
  put_unsigned(block, ++column_field, constant);
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
  pbf_writer message(encoded);
  const uint32_t field = encode(message, record);
  if (encoded.size() > trace_format::kMaxRecordBytes) {
    ++dropped_;
    return;
  }
  // The end stays the last record of its payload.
  pbf_writer payload(field == trace_format::kEnd ? end_ : singles_);
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
}

size_t PayloadEncoder::size_bytes() const {
  return singles_.size() + end_.size() + strings_.text.size() + modules_.paths.size() + modules_.build_ids.size() +
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
                           &stacks_.id,
                           &stacks_.parent,
                           &stacks_.frame,
                           &samples_.thread,
                           &samples_.stack,
                           &samples_.metric,
                           &samples_.slice_start,
                           &samples_.slice_length,
                           &samples_.sample_count,
                           &samples_.weight});
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
             &frames_.name.bytes()});
  put_block(payload, trace_format::kStacks, stacks_.count,
            {&stacks_.id.bytes(), &stacks_.parent.bytes(), &stacks_.frame.bytes()});
  put_block(payload, trace_format::kSamples, samples_.count,
            {&samples_.thread.bytes(), &samples_.stack.bytes(), &samples_.metric.bytes(), &samples_.slice_start.bytes(),
             &samples_.slice_length.bytes(), &samples_.sample_count.bytes(), &samples_.weight.bytes()},
            samples_.weight_per_sample_ns.value_or(0));
  bytes += end_;
  *this = PayloadEncoder();
  return bytes;
}

}  // namespace flarestack
