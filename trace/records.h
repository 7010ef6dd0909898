// SPDX-License-Identifier: Apache-2.0
// What a trace holds, as values: the seam between recording and analysis (docs/trace-format.md). The writer takes these
// structs, the reader gives them back; nobody else knows the bytes. Recorder and offline side.
//
// Ids are dense, given out by the recorder from 1, and defined before they are used. After damage a reader may meet an
// id whose definition was lost; it counts that and goes on (TraceDamage).
// Times are nanoseconds of CLOCK_MONOTONIC since the start of the recording, unless the name says otherwise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/bundled_kind.h"
#include "base/ids.h"
#include "trace/region_records.h"

namespace flarestack {

enum class ClockKind : uint8_t {
  kNone = 0,
  kPerfTaskClock = 1,
  kPosixCpuTimer = 2,
  kSnapshots = 3,  // a look from outside now and then, weighted by what the kernel says of the thread
};

enum class HeapMode : uint8_t {
  kNone = 0,
  kExact = 1,     // every allocation and deallocation
  kSampled = 2,   // Poisson by bytes: an allocation of s bytes is seen with probability 1 - exp(-s / heap_sample_bytes)
  kImported = 3,  // as another tool counted it: only totals, when what was freed is unknown
};

// Whether processes were to be looked at for leaks when they end.
enum class LeakChecks : uint8_t {
  kNotSaid = 0,  // a recorder that did not say it yet, or no exact heap
  kNone = 1,     // --no-leak-check
  kAtEnd = 2,
};

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
  HeapMode heap = HeapMode::kNone;
  uint64_t heap_sample_bytes = 0;  // kSampled: bytes between two samples, on average
  LeakChecks leak_checks = LeakChecks::kNotSaid;
  // Another tool's output that this was made from, such as "perf script": what it does not say (samples lost, stacks
  // cut, exits) is unknown. Empty: recorded by flarestack.
  std::string imported_from = {};
  bool operator==(const SessionRecord&) const = default;
};

struct StringRecord {
  StringId id;
  std::string text;
  bool operator==(const StringRecord&) const = default;
};

enum class ProcessOrigin : uint8_t { kLaunch = 0, kFork = 1, kExec = 2, kAttach = 3 };

// How the CPU time of a process is sampled.
enum class SamplingWay : uint8_t {
  kAgent = 0,      // by the agent in it
  kPerfRings = 1,  // from outside: perf_event's rings with copies of its stacks
  kSnapshots = 2,  // from outside: its running threads are stopped by ptrace, and their stacks copied
};

// One program image: an exec ends one process of the trace and begins another one with the same pid.
struct ProcessRecord {
  ProcessId id;
  ProcessId parent;  // forked from, or the image before the exec; none for the launched one
  ProcessOrigin origin = ProcessOrigin::kLaunch;
  int32_t pid = 0;
  std::string executable;  // path
  std::vector<std::string> arguments;
  int64_t start_ns = 0;
  SamplingWay sampling = SamplingWay::kAgent;
  uint32_t stack_copy_bytes = 0;     // of each sample from outside, at most
  std::string no_agent_reason = {};  // why there is none in it, so no heap either; empty: there is one
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
  kSymbolized = 5,   // name, and file, line, module where they are known: native, symbolized by another tool
};

// Repeated when a name is learnt later (JIT code, named by a file that is complete only at the end); the last one wins.
struct FrameRecord {
  FrameId id;
  FrameKind kind = FrameKind::kNative;
  AddressKind address_kind = AddressKind::kReturnAddress;
  ModuleId module;
  ModuleOffset offset;
  StringId name;       // other kinds than native
  StringId file = {};  // of those, where they are in the source; none: unknown
  uint32_t line = 0;
  uint32_t function_line = 0;  // of those, where its function begins; 0: unknown
  FrameId inlined_into = {};   // of those, the frame of the same address that its code was inlined into, defined before
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
  RegionId region = {};  // that was the innermost one; none: none was open
  bool operator==(const SampleRecord&) const = default;
};

enum class MemoryKind : uint8_t {
  kHeap = 0,    // of an allocator
  kMapped = 1,  // mmap, mremap and brk by the program itself, not by its allocator
  kPool = 2,    // of an allocator of the program's own, which it has told of: of its arena's memory
};

// Time from allocation to deallocation, by upper bound; the last class has none.
inline constexpr std::array<int64_t, 7> kLifetimeBoundsNs = {
    1'000'000, 10'000'000, 100'000'000, 1'000'000'000, 10'000'000'000, 60'000'000'000, 600'000'000'000};
inline constexpr size_t kLifetimeClasses = kLifetimeBoundsNs.size() + 1;

// What happened, in one time slice, to the blocks that one thread allocated with one stack in one size class: by
// whomever and whenever they are freed, it is told under the stack that allocated them. A realloc is a deallocation and
// an allocation. What is live at the end of a slice is the sum of allocated - deallocated of all slices up to it.
struct AllocationRecord {
  ThreadId thread;  // that allocated
  StackId stack;    // its leaf called the allocator
  MemoryKind kind = MemoryKind::kHeap;
  uint8_t size_class = 0;  // bit width of the requested size: 0 is 0 bytes, 1 is 1, 2 is 2 to 3, 3 is 4 to 7, ...
  int64_t slice_start_ns = 0;
  int64_t slice_length_ns = 0;
  // In sampled mode all counts and bytes are unbiased estimates, and `samples` says how many allocations were seen.
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;  // requested
  uint64_t deallocations = 0;
  uint64_t deallocated_bytes = 0;
  uint64_t temporary = 0;  // of the deallocations: by the allocating thread, with no other allocation of its in between
  std::array<uint64_t, kLifetimeClasses> lifetimes{};  // the deallocations by the age of their blocks
  // Live at the instant of the slice's peak (HeapSliceRecord) minus live at the start of the slice.
  int64_t peak_bytes = 0;
  int64_t peak_blocks = 0;
  uint64_t samples = 0;               // sampled mode; 0 in exact mode
  uint64_t variance_allocations = 0;  // sampled mode: of `allocations`, as an estimate; variances add up
  uint64_t variance_kib2 = 0;         // sampled mode: of `allocated_bytes`, in KiB squared
  RegionId region = {};               // that was the thread's innermost one when it allocated; none: none was open
  bool operator==(const AllocationRecord&) const = default;
};

// The heap of one process in one time slice, exact to a drained batch (10 ms). Slices grow longer as a run goes on; one
// in which nothing was allocated or freed is left out, what was live before it stays so.
struct HeapSliceRecord {
  ProcessId process;
  int64_t slice_start_ns = 0;
  int64_t slice_length_ns = 0;
  uint64_t peak_bytes = 0;   // the most that was live at once in this slice
  uint64_t peak_blocks = 0;  // live at that instant
  int64_t peak_time_ns = 0;
  uint64_t live_bytes = 0;  // at its end
  uint64_t live_blocks = 0;
  bool operator==(const HeapSliceRecord&) const = default;
};

// What the kernel says of a process's memory at one moment; resident bytes unless the name says otherwise. 0: unknown.
struct MemoryRecord {
  ProcessId process;
  int64_t time_ns = 0;
  uint64_t rss_bytes = 0;
  uint64_t pss_bytes = 0;
  // Parts of rss_bytes, of the same look (the sum may be less than rss_bytes when the looks were apart):
  uint64_t allocator_bytes = 0;  // anonymous memory that is none of the following: heaps, and what allocators keep
  uint64_t stack_bytes = 0;      // of threads
  uint64_t file_bytes = 0;       // mapped files: code and data of modules, and what the program mapped
  uint64_t mapped_bytes = 0;     // anonymous memory that the program mapped itself
  uint64_t own_bytes = 0;        // flarestack's own
  uint64_t heap_live_bytes = 0;  // requested bytes live at that moment, for comparison; not resident bytes
  uint64_t minor_faults = 0;     // since the process began
  uint64_t major_faults = 0;
  bool operator==(const MemoryRecord&) const = default;
};

// Why all live blocks of a process were looked at.
enum class LeakCheckCause : uint8_t { kExit = 0, kFatalSignal = 1, kDetach = 2, kOnDemand = 3 };

// One look at the live blocks of a process, followed by its LeakRecords.
struct LeakCheckRecord {
  ProcessId process;
  uint32_t number = 0;  // of this process's checks, from 1
  LeakCheckCause cause = LeakCheckCause::kExit;
  int64_t time_ns = 0;
  uint64_t pause_ns = 0;    // how long the program was stopped
  uint64_t blocks = 0;      // live, that were classified
  uint64_t bytes = 0;       // requested
  uint64_t root_bytes = 0;  // memory searched for pointers, beside the blocks
  std::string problem;      // why there are no verdicts, or why they are of a part only; empty: whole
  bool operator==(const LeakCheckRecord&) const = default;
};

// As Valgrind's memcheck defines them ("4.2.8. Memory leak detection" of its manual).
enum class LeakVerdict : uint8_t {
  kDefinitelyLost = 0,  // nothing points to it
  kIndirectlyLost = 1,  // only blocks that are lost point to it
  kPossiblyLost = 2,    // only pointers into its middle lead to it
  kStillReachable = 3,
};

// What holds a block: the first that was found.
enum class LeakHolder : uint8_t {
  kNone = 0,
  kModuleData = 1,   // a variable of a module
  kStack = 2,        // of a thread
  kThreadLocal = 3,  // a thread's variables, or what the C library keeps for it
  kRegister = 4,     // of a thread
  kMapped = 5,       // memory that is of no module and no allocator
  kBlock = 6,        // another block
};

// Blocks of one thread, stack, verdict and holder.
struct LeakRecord {
  ProcessId process;
  uint32_t check = 0;  // LeakCheckRecord::number
  LeakVerdict verdict = LeakVerdict::kDefinitelyLost;
  bool inherited = false;  // live at the fork that made this process; thread and stack are as in its parent
  ThreadId thread;         // that allocated
  StackId stack;
  uint64_t blocks = 0;
  uint64_t bytes = 0;
  uint64_t smallest_bytes = 0;
  uint64_t largest_bytes = 0;
  int64_t first_ns = 0;  // when the oldest of them was allocated, and the youngest
  int64_t last_ns = 0;
  LeakHolder holder = LeakHolder::kNone;  // of a block that is indirectly lost: kBlock, the lost one that leads to it
  ModuleId holder_module;                 // kModuleData
  ModuleOffset holder_offset;
  ThreadId holder_thread;  // kStack, kThreadLocal, kRegister; none: of a thread that is not recorded
  StackId holder_stack;    // kBlock: where that one was allocated
  bool operator==(const LeakRecord&) const = default;
};

// Something a reader should know of a process, in one sentence: an allocator entry that could not be hooked, and why.
struct NoteRecord {
  ProcessId process;  // none: of the recording as a whole
  std::string text;
  bool operator==(const NoteRecord&) const = default;
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

// A file that was packed into the trace, in parts of its own (docs/trace-format.md, "Bundled files").
struct BundledFileRecord {
  BundledKind kind = BundledKind::kModule;
  std::string path;         // where it was
  std::vector<uint8_t> id;  // BundledFiles::open() says of what
  uint64_t size_bytes = 0;
  uint64_t checksum = 0;               // XXH3-64 of the contents
  std::vector<uint64_t> part_offsets;  // of the chunks in the file, in order
  bool operator==(const BundledFileRecord&) const = default;
};

// Once, last of the recording; only bundled files come behind it. A trace without it was cut short, and says so.
struct EndRecord {
  int64_t duration_ns = 0;
  bool operator==(const EndRecord&) const = default;
};

using TraceRecord =
    std::variant<SessionRecord, StringRecord, ProcessRecord, ProcessEndRecord, ThreadRecord, ModuleRecord, FrameRecord,
                 StackRecord, SampleRecord, AllocationRecord, HeapSliceRecord, MemoryRecord, LeakCheckRecord,
                 LeakRecord, NoteRecord, CounterRecord, UnrecordedRecord, BundledFileRecord, EndRecord, RegionRecord,
                 RegionTotalsRecord, RegionSpanRecord, RegionValueRecord, TimeoutRecord, TimeoutStackRecord>;

}  // namespace flarestack
