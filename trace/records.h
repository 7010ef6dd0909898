// SPDX-License-Identifier: Apache-2.0
// What a trace holds, as values: the seam between recording and analysis (docs/trace-format.md). The writer takes these
// structs, the reader gives them back; nobody else knows the bytes. Recorder and offline side.
//
// Ids are dense, given out by the recorder from 1, and defined before they are used. After damage a reader may meet an
// id whose definition was lost; it counts that and goes on (TraceDamage).
// Times are nanoseconds of CLOCK_MONOTONIC since the start of the recording, unless the name says otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/ids.h"

namespace flarestack {

enum class ClockKind : uint8_t { kNone = 0, kPerfTaskClock = 1, kPosixCpuTimer = 2 };

// Once, first.
struct SessionRecord {
  std::vector<std::string> command;
  std::string working_directory;
  std::string host;
  std::string kernel;             // uname -r
  std::string version;            // of flarestack
  int64_t start_realtime_ns = 0;  // CLOCK_REALTIME at time 0
  ClockKind clock = ClockKind::kNone;
  uint32_t requested_hz = 0;
  bool wall_clock = false;  // --clock wall: off-CPU samples were taken as well
  bool operator==(const SessionRecord&) const = default;
};

struct StringRecord {
  StringId id;
  std::string text;
  bool operator==(const StringRecord&) const = default;
};

enum class ProcessOrigin : uint8_t { kLaunch = 0, kFork = 1, kExec = 2, kAttach = 3 };

// One program image: an exec ends one process of the trace and begins another one with the same pid.
struct ProcessRecord {
  ProcessId id;
  ProcessId parent;  // forked from, or the image before the exec; none for the launched one
  ProcessOrigin origin = ProcessOrigin::kLaunch;
  int32_t pid = 0;
  std::string executable;  // path
  std::vector<std::string> arguments;
  int64_t start_ns = 0;
  bool operator==(const ProcessRecord&) const = default;
};

enum class ExitKind : uint8_t { kUnknown = 0, kExited = 1, kSignaled = 2, kReplacedByExec = 3, kStillRunning = 4 };

struct ProcessEndRecord {
  ProcessId id;
  ExitKind kind = ExitKind::kUnknown;
  int32_t code = 0;  // exit status, or signal number
  int64_t end_ns = 0;
  uint64_t cpu_ns = 0;  // user + system, as the kernel accounts it
  bool operator==(const ProcessEndRecord&) const = default;
};

// Repeated when a name changes; the last one wins.
struct ThreadRecord {
  ThreadId id;
  ProcessId process;
  int32_t tid = 0;
  std::string name;
  int64_t start_ns = 0;
  bool operator==(const ThreadRecord&) const = default;
};

struct ModuleRecord {
  ModuleId id;
  std::string path;               // as the target saw it; "[vdso]" for the vdso
  std::vector<uint8_t> build_id;  // empty: none
  bool operator==(const ModuleRecord&) const = default;
};

enum class FrameKind : uint8_t {
  kNative = 0,       // module + offset; module 0: no module covered the address, offset is a runtime address
  kKernel = 1,       // name
  kJit = 2,          // name, from a JIT's own symbol file
  kInterpreter = 3,  // name, file, line
  kMarker = 4,       // name: ours, such as "[startup]" or "[12345 frames elided]"
};

// Repeated when a name is learnt later (JIT code, named by a file that is complete only at the end); the last one wins.
struct FrameRecord {
  FrameId id;
  FrameKind kind = FrameKind::kNative;
  AddressKind address_kind = AddressKind::kReturnAddress;
  ModuleId module;
  ModuleOffset offset;
  StringId name;  // other kinds than native
  bool operator==(const FrameRecord&) const = default;
};

// A node of the call tree: `frame` called from `parent` (none: a root).
struct StackRecord {
  StackId id;
  StackId parent;
  FrameId frame;
  bool operator==(const StackRecord&) const = default;
};

enum class SampleMetric : uint8_t {
  kCpu = 0,     // weight: ns of CPU time
  kOffCpu = 1,  // weight: ns of wall time not on a CPU; with kCpu together: the wall clock
};

// All samples of one thread with one stack in one time slice.
struct SampleRecord {
  ThreadId thread;
  StackId stack;
  SampleMetric metric = SampleMetric::kCpu;
  int64_t slice_start_ns = 0;
  int64_t slice_length_ns = 0;
  uint64_t count = 0;  // signals taken; 0 for weights that were derived, such as kernel time
  uint64_t weight_ns = 0;
  bool operator==(const SampleRecord&) const = default;
};

// A named count of something good or lost (docs/trace-format.md lists them); values of one name and process add up.
struct CounterRecord {
  ProcessId process;  // none: of the recording as a whole
  std::string name;   // "samples", "samples_dropped", "stacks_truncated", "stacks_heuristic", ...
  uint64_t value = 0;
  bool operator==(const CounterRecord&) const = default;
};

// A process that belongs to the run and was not recorded.
struct UnrecordedRecord {
  int32_t pid = 0;  // 0: unknown, or several
  ProcessId parent;
  std::string command;
  std::string reason;
  bool operator==(const UnrecordedRecord&) const = default;
};

// Once, last. A trace without it was cut short, and says so.
struct EndRecord {
  int64_t duration_ns = 0;
  bool operator==(const EndRecord&) const = default;
};

using TraceRecord =
    std::variant<SessionRecord, StringRecord, ProcessRecord, ProcessEndRecord, ThreadRecord, ModuleRecord, FrameRecord,
                 StackRecord, SampleRecord, CounterRecord, UnrecordedRecord, EndRecord>;

}  // namespace flarestack
