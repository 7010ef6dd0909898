// SPDX-License-Identifier: Apache-2.0
// NoteRecord, RegionRecord, TimeoutRecord and TimeoutStackRecord as messages.
#include <concepts>
#include <type_traits>

#include "trace/format.h"
#include "trace/message_fields.h"

namespace flarestack {

template <typename Record, typename Visit>
requires std::same_as<std::remove_const_t<Record>, NoteRecord>
static void visit_fields(Record& record, Visit visit) {
  visit(1, record.process);
  visit(2, record.text);
}

template <typename Record, typename Visit>
requires std::same_as<std::remove_const_t<Record>, RegionRecord>
static void visit_fields(Record& record, Visit visit) {
  visit(1, record.id);
  visit(2, record.parent);
  visit(3, record.kind, RegionKind::kCounter);
  visit(4, record.name);
}

template <typename Record, typename Visit>
requires std::same_as<std::remove_const_t<Record>, TimeoutRecord>
static void visit_fields(Record& record, Visit visit) {
  visit(1, record.time_ns);
  visit(2, record.limit_ns);
  visit(3, record.region);
}

template <typename Record, typename Visit>
requires std::same_as<std::remove_const_t<Record>, TimeoutStackRecord>
static void visit_fields(Record& record, Visit visit) {
  visit(1, record.thread);
  visit(2, record.stack);
  visit(3, record.state, ThreadState::kOther);
  visit(4, record.truncated);
}

uint32_t encode_single(const NoteRecord& record, std::string& encoded) {
  encode_message(record, encoded);
  return trace_format::kNote;
}

uint32_t encode_single(const RegionRecord& record, std::string& encoded) {
  encode_message(record, encoded);
  return trace_format::kRegion;
}

uint32_t encode_single(const TimeoutRecord& record, std::string& encoded) {
  encode_message(record, encoded);
  return trace_format::kTimeout;
}

uint32_t encode_single(const TimeoutStackRecord& record, std::string& encoded) {
  encode_message(record, encoded);
  return trace_format::kTimeoutStack;
}

std::optional<TraceRecord> decode_note(std::string_view encoded, PayloadProblems& problems) {
  return decode_message<NoteRecord>(encoded, problems);
}

std::optional<TraceRecord> decode_region(std::string_view encoded, PayloadProblems& problems) {
  return decode_message<RegionRecord>(encoded, problems);
}

std::optional<TraceRecord> decode_timeout(std::string_view encoded, PayloadProblems& problems) {
  return decode_message<TimeoutRecord>(encoded, problems);
}

std::optional<TraceRecord> decode_timeout_stack(std::string_view encoded, PayloadProblems& problems) {
  return decode_message<TimeoutStackRecord>(encoded, problems);
}

}  // namespace flarestack
