// SPDX-License-Identifier: Apache-2.0
// PerfRecord: one record of a perf ring (perf_event_open(2), "Layout of the ring buffer"), and PerfBytes, which reads
// it. Part of PerfRings. Recorder side.
#pragma once

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "profiler/outside_sample.h"
#include "profiler/process_maps.h"

namespace flarestack {

// What PerfBytes understands, which all events must ask for.
inline constexpr uint64_t kPerfSampleType = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
                                            PERF_SAMPLE_TIME | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER |
                                            PERF_SAMPLE_STACK_USER;
// asm/perf_regs.h of x86: ax, bx, cx, dx, si, di, bp, sp and ip, r8 to r15.
inline constexpr uint64_t kPerfUserRegisters = 0xff01ff;

struct PerfRecord {
  enum class Kind : uint8_t {
    kOther,
    kSample,
    kMapping,   // code was mapped: `mapping`
    kName,      // of a thread: `name`; is_exec: by an exec, which also empties the process's memory
    kFork,      // of `tid` by `parent_tid`: a thread if `pid` is `parent_pid`, else a process
    kExit,      // of a thread
    kLost,      // `lost` records, for want of room
    kThrottle,  // the kernel stopped sampling for the rest of a tick, since it took too long
  };
  Kind kind = Kind::kOther;
  int32_t pid = 0;
  int32_t tid = 0;
  uint64_t time_monotonic_ns = 0;
  int32_t parent_pid = 0;
  int32_t parent_tid = 0;
  bool is_exec = false;
  std::string_view name;  // borrowed until the next record
  ProcessMaps::Mapping mapping;
  uint64_t lost = 0;
  OutsideSample sample;
};

// The bytes of one record, borrowed.
class PerfBytes {
 public:
  explicit PerfBytes(const std::byte* bytes);

  uint64_t size_bytes() const { return header_.size; }
  uint64_t time_monotonic_ns() const;
  // Fills `record`, which borrows from the bytes, and the id of the event that wrote it. false: it makes no sense.
  bool parse(PerfRecord& record, uint64_t& event_id) const;

 private:
  bool parse_sample(PerfRecord& record) const;
  bool parse_mapping(PerfRecord& record) const;
  template <typename Value>
  Value at(uint64_t offset) const;  // 0 beyond the end
  std::string_view text_at(uint64_t offset) const;
  // What ends all records but samples: pid, tid, time and id.
  static constexpr uint64_t kTrailerBytes = 24;

  const std::byte* bytes_;
  perf_event_header header_{};
};

}  // namespace flarestack
