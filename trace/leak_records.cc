// SPDX-License-Identifier: Apache-2.0
// LeakCheckRecord and LeakRecord as messages.
#include <concepts>
#include <type_traits>

#include "trace/format.h"
#include "trace/message_fields.h"

namespace flarestack {

template <typename Record, typename Visit>
requires std::same_as<std::remove_const_t<Record>, LeakCheckRecord>
static void visit_fields(Record& record, Visit visit) {
  visit(1, record.process);
  visit(2, record.number);
  visit(3, record.cause, LeakCheckCause::kOnDemand);
  visit(4, record.time_ns);
  visit(5, record.pause_ns);
  visit(6, record.blocks);
  visit(7, record.bytes);
  visit(8, record.root_bytes);
  visit(9, record.problem);
}

template <typename Record, typename Visit>
requires std::same_as<std::remove_const_t<Record>, LeakRecord>
static void visit_fields(Record& record, Visit visit) {
  visit(1, record.process);
  visit(2, record.check);
  visit(3, record.verdict, LeakVerdict::kStillReachable);
  visit(4, record.inherited);
  visit(5, record.thread);
  visit(6, record.stack);
  visit(7, record.blocks);
  visit(8, record.bytes);
  visit(9, record.smallest_bytes);
  visit(10, record.largest_bytes);
  visit(11, record.first_ns);
  visit(12, record.last_ns);
  visit(13, record.holder, LeakHolder::kBlock);
  visit(14, record.holder_module);
  visit(15, record.holder_offset);
  visit(16, record.holder_thread);
  visit(17, record.holder_stack);
}

uint32_t encode_single(const LeakCheckRecord& record, std::string& encoded) {
  encode_message(record, encoded);
  return trace_format::kLeakCheck;
}

uint32_t encode_single(const LeakRecord& record, std::string& encoded) {
  encode_message(record, encoded);
  return trace_format::kLeak;
}

std::optional<TraceRecord> decode_leak_check(std::string_view encoded, PayloadProblems& problems) {
  return decode_message<LeakCheckRecord>(encoded, problems);
}

std::optional<TraceRecord> decode_leak(std::string_view encoded, PayloadProblems& problems) {
  return decode_message<LeakRecord>(encoded, problems);
}

}  // namespace flarestack
