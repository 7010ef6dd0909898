// SPDX-License-Identifier: Apache-2.0
#include "trace/payload_decoder.h"

#include <limits>
#include <string>
#include <utility>

#include <protozero/exception.hpp>

#include "trace/format.h"

namespace flarestack {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using Problems = PayloadDecoder::Problems;

// A field with its wire type: a known number with another type is as unknown as a new number.
constexpr uint32_t number(uint32_t field) { return protozero::tag_and_type(field, pbf_wire_type::varint); }
constexpr uint32_t bytes(uint32_t field) { return protozero::tag_and_type(field, pbf_wire_type::length_delimited); }

std::string get_text(pbf_reader& message) {
  const protozero::data_view view = message.get_view();
  return std::string(view.data(), view.size());
}

uint32_t narrow_or_malformed(uint64_t value, Problems& problems) {
  if (value > std::numeric_limits<uint32_t>::max()) problems.malformed = true;
  return static_cast<uint32_t>(value);
}

template <typename Tag>
void get_id(pbf_reader& message, Id<Tag>& id, Problems& problems) {
  id.value = narrow_or_malformed(message.get_uint64(), problems);
}

// A value of a newer version counts as unknown and reads as `otherwise`.
template <typename Enum>
Enum known_or(uint64_t value, Enum last, Enum otherwise, Problems& problems) {
  if (value <= static_cast<uint64_t>(last)) return static_cast<Enum>(value);
  ++problems.unknown_records;
  return otherwise;
}

bool get_field(pbf_reader& message, SessionRecord& record, Problems& problems) {
  switch (static_cast<uint32_t>(message.tag_and_type())) {
    case bytes(1):
      record.command.push_back(get_text(message));
      return true;
    case bytes(2):
      record.working_directory = get_text(message);
      return true;
    case bytes(3):
      record.host = get_text(message);
      return true;
    case bytes(4):
      record.kernel = get_text(message);
      return true;
    case bytes(5):
      record.version = get_text(message);
      return true;
    case number(6):
      record.start_realtime_ns = message.get_int64();
      return true;
    case number(7):
      record.clock = known_or(message.get_uint64(), ClockKind::kPosixCpuTimer, ClockKind::kNone, problems);
      return true;
    case number(8):
      record.requested_hz = narrow_or_malformed(message.get_uint64(), problems);
      return true;
    case number(9):
      record.wall_clock = message.get_uint64() != 0;
      return true;
    default:
      return false;
  }
}

bool get_field(pbf_reader& message, ProcessRecord& record, Problems& problems) {
  switch (static_cast<uint32_t>(message.tag_and_type())) {
    case number(1):
      get_id(message, record.id, problems);
      return true;
    case number(2):
      get_id(message, record.parent, problems);
      return true;
    case number(3):
      record.origin = known_or(message.get_uint64(), ProcessOrigin::kAttach, ProcessOrigin::kLaunch, problems);
      return true;
    case number(4):
      record.pid = message.get_int32();
      return true;
    case bytes(5):
      record.executable = get_text(message);
      return true;
    case bytes(6):
      record.arguments.push_back(get_text(message));
      return true;
    case number(7):
      record.start_ns = message.get_int64();
      return true;
    default:
      return false;
  }
}

bool get_field(pbf_reader& message, ProcessEndRecord& record, Problems& problems) {
  switch (static_cast<uint32_t>(message.tag_and_type())) {
    case number(1):
      get_id(message, record.id, problems);
      return true;
    case number(2):
      record.kind = known_or(message.get_uint64(), ExitKind::kStillRunning, ExitKind::kUnknown, problems);
      return true;
    case number(3):
      record.code = message.get_int32();
      return true;
    case number(4):
      record.end_ns = message.get_int64();
      return true;
    case number(5):
      record.cpu_ns = message.get_uint64();
      return true;
    default:
      return false;
  }
}

bool get_field(pbf_reader& message, ThreadRecord& record, Problems& problems) {
  switch (static_cast<uint32_t>(message.tag_and_type())) {
    case number(1):
      get_id(message, record.id, problems);
      return true;
    case number(2):
      get_id(message, record.process, problems);
      return true;
    case number(3):
      record.tid = message.get_int32();
      return true;
    case bytes(4):
      record.name = get_text(message);
      return true;
    case number(5):
      record.start_ns = message.get_int64();
      return true;
    default:
      return false;
  }
}

bool get_field(pbf_reader& message, CounterRecord& record, Problems& problems) {
  switch (static_cast<uint32_t>(message.tag_and_type())) {
    case number(1):
      get_id(message, record.process, problems);
      return true;
    case bytes(2):
      record.name = get_text(message);
      return true;
    case number(3):
      record.value = message.get_uint64();
      return true;
    default:
      return false;
  }
}

bool get_field(pbf_reader& message, UnrecordedRecord& record, Problems& problems) {
  switch (static_cast<uint32_t>(message.tag_and_type())) {
    case number(1):
      record.pid = message.get_int32();
      return true;
    case number(2):
      get_id(message, record.parent, problems);
      return true;
    case bytes(3):
      record.command = get_text(message);
      return true;
    case bytes(4):
      record.reason = get_text(message);
      return true;
    default:
      return false;
  }
}

bool get_field(pbf_reader& message, EndRecord& record, Problems&) {
  if (static_cast<uint32_t>(message.tag_and_type()) != number(1)) return false;
  record.duration_ns = message.get_int64();
  return true;
}

template <typename Record>
std::optional<TraceRecord> decode_single(std::string_view encoded, Problems& problems) {
  Record record;
  pbf_reader message(encoded.data(), encoded.size());
  while (message.next()) {
    if (get_field(message, record, problems)) continue;
    ++problems.unknown_records;
    message.skip();
  }
  if (problems.malformed) return std::nullopt;
  return TraceRecord(std::move(record));
}

std::optional<TraceRecord> decode_single(uint32_t field, std::string_view encoded, Problems& problems) {
  switch (field) {
    case trace_format::kSession:
      return decode_single<SessionRecord>(encoded, problems);
    case trace_format::kProcess:
      return decode_single<ProcessRecord>(encoded, problems);
    case trace_format::kProcessEnd:
      return decode_single<ProcessEndRecord>(encoded, problems);
    case trace_format::kThread:
      return decode_single<ThreadRecord>(encoded, problems);
    case trace_format::kCounter:
      return decode_single<CounterRecord>(encoded, problems);
    case trace_format::kUnrecorded:
      return decode_single<UnrecordedRecord>(encoded, problems);
    case trace_format::kEnd:
      return decode_single<EndRecord>(encoded, problems);
    default:
      ++problems.unknown_records;
      return std::nullopt;
  }
}

// The number of the block's last column; 0 for a block of a newer version.
uint32_t last_column(uint32_t block) {
  switch (block) {
    case trace_format::kStrings:
      return 4;
    case trace_format::kModules:
      return 6;
    case trace_format::kFrames:
      return 6;
    case trace_format::kStacks:
      return 4;
    case trace_format::kSamples:
      return 8;
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
    } else if (tag <= last && message.wire_type() == pbf_wire_type::length_delimited) {
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
      record.kind = known_or(kind >> 1, FrameKind::kMarker, FrameKind::kMarker, problems_);
      record.address_kind = static_cast<AddressKind>(kind & 1);
      record.module.value = narrow(columns_[4].next_delta());
      record.offset.value = columns_[5].next_delta();
      record.name.value = narrow(columns_[6].next_delta());
      return record;
    }
    case trace_format::kStacks: {
      StackRecord record;
      record.id.value = narrow(columns_[2].next_id());
      record.parent.value = narrow(apply_zigzag_delta(uint64_t{record.id.value} - 1, columns_[3].next()));
      record.frame.value = narrow(columns_[4].next_id());
      return record;
    }
    default: {  // kSamples: open_block() lets no other pass
      SampleRecord record;
      record.thread.value = narrow(columns_[2].next_delta());
      record.stack.value = narrow(columns_[3].next_delta());
      const uint64_t metric = columns_[4].next();
      record.slice_start_ns = static_cast<int64_t>(columns_[5].next_delta());
      record.slice_length_ns = static_cast<int64_t>(columns_[6].next_delta());
      record.count = columns_[7].next();
      record.weight_ns = apply_zigzag_delta(record.count * constant_, columns_[8].next());
      if (metric > static_cast<uint64_t>(SampleMetric::kOffCpu)) {
        ++problems_.unknown_records;  // a weight in an unknown unit must not be added to the known ones
        return std::nullopt;
      }
      record.metric = static_cast<SampleMetric>(metric);
      return record;
    }
  }
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
