// SPDX-License-Identifier: Apache-2.0
#include "trace/single_record.h"

#include <utility>

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "trace/format.h"

namespace flarestack {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
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

// A field with its wire type: a known number with another type is as unknown as a new number.
constexpr uint32_t number(uint32_t field) { return protozero::tag_and_type(field, pbf_wire_type::varint); }
constexpr uint32_t bytes(uint32_t field) { return protozero::tag_and_type(field, pbf_wire_type::length_delimited); }

std::string get_text(pbf_reader& message) {
  const protozero::data_view view = message.get_view();
  return std::string(view.data(), view.size());
}

template <typename Tag>
void get_id(pbf_reader& message, Id<Tag>& id, PayloadProblems& problems) {
  id.value = narrow_or_malformed(message.get_uint64(), problems);
}

bool get_field(pbf_reader& message, SessionRecord& record, PayloadProblems& problems) {
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
      record.clock = known_or(message.get_uint64(), ClockKind::kSnapshots, ClockKind::kNone, problems);
      return true;
    case number(8):
      record.requested_hz = narrow_or_malformed(message.get_uint64(), problems);
      return true;
    case number(9):
      record.wall_clock = message.get_uint64() != 0;
      return true;
    case number(10):
      record.heap = known_or(message.get_uint64(), HeapMode::kImported, HeapMode::kNone, problems);
      return true;
    case number(11):
      record.heap_sample_bytes = message.get_uint64();
      return true;
    case number(12):
      record.leak_checks = known_or(message.get_uint64(), LeakChecks::kAtEnd, LeakChecks::kNotSaid, problems);
      return true;
    case bytes(13):
      record.imported_from = get_text(message);
      return true;
    default:
      return false;
  }
}

bool get_field(pbf_reader& message, ProcessRecord& record, PayloadProblems& problems) {
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
    case number(8):
      record.sampling = known_or(message.get_uint64(), SamplingWay::kSnapshots, SamplingWay::kAgent, problems);
      return true;
    case number(9):
      record.stack_copy_bytes = narrow_or_malformed(message.get_uint64(), problems);
      return true;
    case bytes(10):
      record.no_agent_reason = get_text(message);
      return true;
    default:
      return false;
  }
}

bool get_field(pbf_reader& message, ProcessEndRecord& record, PayloadProblems& problems) {
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

bool get_field(pbf_reader& message, ThreadRecord& record, PayloadProblems& problems) {
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

bool get_field(pbf_reader& message, BundledFileRecord& record, PayloadProblems& problems) {
  switch (static_cast<uint32_t>(message.tag_and_type())) {
    case number(1):
      record.kind = known_or(message.get_uint64(), BundledKind::kSource, BundledKind::kSource, problems);
      return true;
    case bytes(2):
      record.path = get_text(message);
      return true;
    case bytes(3): {
      const std::string id = get_text(message);
      record.id.assign(id.begin(), id.end());
      return true;
    }
    case number(4):
      record.size_bytes = message.get_uint64();
      return true;
    case number(5):
      record.checksum = message.get_uint64();
      return true;
    case number(6):
      record.part_offsets.push_back(message.get_uint64());
      return true;
    default:
      return false;
  }
}

bool get_field(pbf_reader& message, CounterRecord& record, PayloadProblems& problems) {
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

bool get_field(pbf_reader& message, UnrecordedRecord& record, PayloadProblems& problems) {
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

bool get_field(pbf_reader& message, EndRecord& record, PayloadProblems&) {
  if (static_cast<uint32_t>(message.tag_and_type()) != number(1)) return false;
  record.duration_ns = message.get_int64();
  return true;
}

template <typename Record>
std::optional<TraceRecord> decode_as(std::string_view encoded, PayloadProblems& problems) {
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

}  // namespace

uint32_t encode_single(const SessionRecord& record, std::string& encoded) {
  pbf_writer message(encoded);
  put_all(message, 1, record.command);
  put(message, 2, record.working_directory);
  put(message, 3, record.host);
  put(message, 4, record.kernel);
  put(message, 5, record.version);
  put(message, 6, record.start_realtime_ns);
  put_unsigned(message, 7, static_cast<uint64_t>(record.clock));
  put_unsigned(message, 8, record.requested_hz);
  put_unsigned(message, 9, record.wall_clock ? 1 : 0);
  put_unsigned(message, 10, static_cast<uint64_t>(record.heap));
  put_unsigned(message, 11, record.heap_sample_bytes);
  put_unsigned(message, 12, static_cast<uint64_t>(record.leak_checks));
  put(message, 13, record.imported_from);
  return trace_format::kSession;
}

uint32_t encode_single(const ProcessRecord& record, std::string& encoded) {
  pbf_writer message(encoded);
  put_unsigned(message, 1, record.id.value);
  put_unsigned(message, 2, record.parent.value);
  put_unsigned(message, 3, static_cast<uint64_t>(record.origin));
  put(message, 4, int64_t{record.pid});
  put(message, 5, record.executable);
  put_all(message, 6, record.arguments);
  put(message, 7, record.start_ns);
  put_unsigned(message, 8, static_cast<uint64_t>(record.sampling));
  put_unsigned(message, 9, record.stack_copy_bytes);
  put(message, 10, record.no_agent_reason);
  return trace_format::kProcess;
}

uint32_t encode_single(const ProcessEndRecord& record, std::string& encoded) {
  pbf_writer message(encoded);
  put_unsigned(message, 1, record.id.value);
  put_unsigned(message, 2, static_cast<uint64_t>(record.kind));
  put(message, 3, int64_t{record.code});
  put(message, 4, record.end_ns);
  put_unsigned(message, 5, record.cpu_ns);
  return trace_format::kProcessEnd;
}

uint32_t encode_single(const ThreadRecord& record, std::string& encoded) {
  pbf_writer message(encoded);
  put_unsigned(message, 1, record.id.value);
  put_unsigned(message, 2, record.process.value);
  put(message, 3, int64_t{record.tid});
  put(message, 4, record.name);
  put(message, 5, record.start_ns);
  return trace_format::kThread;
}

uint32_t encode_single(const BundledFileRecord& record, std::string& encoded) {
  pbf_writer message(encoded);
  put_unsigned(message, 1, static_cast<uint64_t>(record.kind));
  put(message, 2, record.path);
  put(message, 3, std::string(record.id.begin(), record.id.end()));
  put_unsigned(message, 4, record.size_bytes);
  put_unsigned(message, 5, record.checksum);
  for (const uint64_t offset : record.part_offsets) {
    message.add_uint64(6, offset);
  }
  return trace_format::kBundledFile;
}

uint32_t encode_single(const CounterRecord& record, std::string& encoded) {
  pbf_writer message(encoded);
  put_unsigned(message, 1, record.process.value);
  put(message, 2, record.name);
  put_unsigned(message, 3, record.value);
  return trace_format::kCounter;
}

uint32_t encode_single(const UnrecordedRecord& record, std::string& encoded) {
  pbf_writer message(encoded);
  put(message, 1, int64_t{record.pid});
  put_unsigned(message, 2, record.parent.value);
  put(message, 3, record.command);
  put(message, 4, record.reason);
  return trace_format::kUnrecorded;
}

uint32_t encode_single(const EndRecord& record, std::string& encoded) {
  pbf_writer message(encoded);
  put(message, 1, record.duration_ns);
  return trace_format::kEnd;
}

std::optional<TraceRecord> decode_single(uint32_t field, std::string_view encoded, PayloadProblems& problems) {
  switch (field) {
    case trace_format::kSession:
      return decode_as<SessionRecord>(encoded, problems);
    case trace_format::kProcess:
      return decode_as<ProcessRecord>(encoded, problems);
    case trace_format::kProcessEnd:
      return decode_as<ProcessEndRecord>(encoded, problems);
    case trace_format::kThread:
      return decode_as<ThreadRecord>(encoded, problems);
    case trace_format::kLeakCheck:
      return decode_leak_check(encoded, problems);
    case trace_format::kLeak:
      return decode_leak(encoded, problems);
    case trace_format::kRegion:
      return decode_region(encoded, problems);
    case trace_format::kTimeout:
      return decode_timeout(encoded, problems);
    case trace_format::kTimeoutStack:
      return decode_timeout_stack(encoded, problems);
    case trace_format::kNote:
      return decode_note(encoded, problems);
    case trace_format::kCounter:
      return decode_as<CounterRecord>(encoded, problems);
    case trace_format::kBundledFile:
      return decode_as<BundledFileRecord>(encoded, problems);
    case trace_format::kUnrecorded:
      return decode_as<UnrecordedRecord>(encoded, problems);
    case trace_format::kEnd:
      return decode_as<EndRecord>(encoded, problems);
    default:
      ++problems.unknown_records;
      return std::nullopt;
  }
}

}  // namespace flarestack
