// SPDX-License-Identifier: Apache-2.0
// The records that are a protobuf message each: few in a trace, so that clear fields matter more than bytes. Used by
// the payload encoder and decoder; pure functions. (The bulk kinds lie in columns.)
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "trace/records.h"

namespace flarestack {

// What of a payload could not be taken over.
struct PayloadProblems {
  bool malformed = false;        // no record behind this point is given out
  uint64_t unknown_records = 0;  // records, and fields and values in known records, that only a newer version knows
};

// Appends the message to `encoded` and returns its field in the payload.
uint32_t encode_single(const SessionRecord& record, std::string& encoded);
uint32_t encode_single(const ProcessRecord& record, std::string& encoded);
uint32_t encode_single(const ProcessEndRecord& record, std::string& encoded);
uint32_t encode_single(const ThreadRecord& record, std::string& encoded);
uint32_t encode_single(const LeakCheckRecord& record, std::string& encoded);
uint32_t encode_single(const LeakRecord& record, std::string& encoded);
uint32_t encode_single(const NoteRecord& record, std::string& encoded);
uint32_t encode_single(const CounterRecord& record, std::string& encoded);
uint32_t encode_single(const UnrecordedRecord& record, std::string& encoded);
uint32_t encode_single(const BundledFileRecord& record, std::string& encoded);
uint32_t encode_single(const RegionRecord& record, std::string& encoded);
uint32_t encode_single(const TimeoutRecord& record, std::string& encoded);
uint32_t encode_single(const TimeoutStackRecord& record, std::string& encoded);
uint32_t encode_single(const EndRecord& record, std::string& encoded);

// The record of the payload's field `field`; none where it is unknown or malformed, which `problems` says. Throws
// protozero::exception on bytes that are no message.
std::optional<TraceRecord> decode_single(uint32_t field, std::string_view encoded, PayloadProblems& problems);

// Of leak_records.cc.
std::optional<TraceRecord> decode_leak_check(std::string_view encoded, PayloadProblems& problems);
std::optional<TraceRecord> decode_leak(std::string_view encoded, PayloadProblems& problems);
// Of region_records.cc.
std::optional<TraceRecord> decode_note(std::string_view encoded, PayloadProblems& problems);
std::optional<TraceRecord> decode_region(std::string_view encoded, PayloadProblems& problems);
std::optional<TraceRecord> decode_timeout(std::string_view encoded, PayloadProblems& problems);
std::optional<TraceRecord> decode_timeout_stack(std::string_view encoded, PayloadProblems& problems);

inline uint32_t narrow_or_malformed(uint64_t value, PayloadProblems& problems) {
  if (value > std::numeric_limits<uint32_t>::max()) problems.malformed = true;
  return static_cast<uint32_t>(value);
}

// A value of a newer version counts as unknown and reads as `otherwise`.
template <typename Enum>
Enum known_or(uint64_t value, Enum last, Enum otherwise, PayloadProblems& problems) {
  if (value <= static_cast<uint64_t>(last)) return static_cast<Enum>(value);
  ++problems.unknown_records;
  return otherwise;
}

}  // namespace flarestack
