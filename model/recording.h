// SPDX-License-Identifier: Apache-2.0
// Recording: what a trace says, with its ids turned into indexes and its damage made harmless; nothing is symbolized
// or filtered yet. Filled record by record by a RecordingBuilder. Offline side.
//
// Invariants that the rest of model/ relies on, whatever the file held: every index is in range or one of the two
// constants below, a stack's parent has a smaller index than the stack, times, weights and counts are below 2^60, size
// classes at most 64.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "trace/reader.h"
#include "trace/records.h"

namespace flarestack {

inline constexpr uint32_t kNoIndex = UINT32_MAX;        // there is none
inline constexpr uint32_t kLostIndex = UINT32_MAX - 1;  // there was one; its definition was lost with a damaged chunk

// One program image; `end` has kind kUnknown when no end was recorded.
struct Process {
  ProcessId id;
  uint32_t parent = kNoIndex;  // index in Recording::processes
  ProcessOrigin origin = ProcessOrigin::kLaunch;
  int32_t pid = 0;
  std::string executable;
  std::vector<std::string> arguments;
  int64_t start_ns = 0;
  SamplingWay sampling = SamplingWay::kAgent;
  uint32_t stack_copy_bytes = 0;  // of each sample from outside, at most
  std::string no_agent_reason;    // empty: the agent is in it
  ProcessEndRecord end;
  std::string name() const;  // base name of the executable
};

struct Thread {
  uint32_t process = kLostIndex;  // index in Recording::processes
  int32_t tid = 0;
  std::string name;
  int64_t start_ns = 0;
};

// Modules of the same path and build id are one module, whichever process mapped them.
struct Module {
  ModuleId id;  // of the first of them; what the symbolizer is asked with
  std::string path;
  std::vector<uint8_t> build_id;
  std::string name() const;  // base name of the path
};

struct RecordedFrame {
  FrameKind kind = FrameKind::kNative;
  AddressKind address_kind = AddressKind::kReturnAddress;
  uint32_t module = kNoIndex;
  uint32_t name = kNoIndex;  // index in Recording::strings
  uint32_t file = kNoIndex;  // the same; of a frame with a name
  uint32_t line = 0;
  uint32_t function_line = 0;        // of a frame with a name: where its function begins; 0: unknown
  uint32_t inlined_into = kNoIndex;  // the same; a smaller index than its own, and at most kMaxInlineDepth times
  uint32_t inline_depth = 0;         // how often
  ModuleOffset offset;
};

// More than compilers do; what one frame stands for is bounded by it, whatever a damaged trace says.
inline constexpr uint32_t kMaxInlineDepth = 64;

struct RecordedStack {
  uint32_t parent = kNoIndex;
  uint32_t frame = kLostIndex;
};

inline constexpr uint16_t kNoRegion = UINT16_MAX;  // none was open

struct RecordedSample {
  uint32_t thread = kLostIndex;
  uint32_t stack = kLostIndex;
  SampleMetric metric = SampleMetric::kCpu;
  uint16_t region = kNoRegion;  // index in Recording::regions: the innermost one
  int64_t slice_start_ns = 0;
  int64_t slice_length_ns = 0;
  uint64_t count = 0;
  uint64_t weight_ns = 0;
};

// As AllocationRecord, which says what the numbers mean. There may be millions: what most do not need is apart.
struct RecordedAllocation {
  uint32_t thread = kLostIndex;
  uint32_t stack = kLostIndex;
  uint32_t detail = kNoIndex;  // in Recording::allocation_details; none: exact, and all that was freed was young
  MemoryKind kind = MemoryKind::kHeap;
  uint8_t size_class = 0;
  uint16_t region = kNoRegion;  // the same; where its blocks were allocated
  int64_t slice_start_ns = 0;
  int64_t slice_length_ns = 0;
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t deallocations = 0;
  uint64_t deallocated_bytes = 0;
  uint64_t temporary = 0;
  int64_t peak_bytes = 0;
  int64_t peak_blocks = 0;
};
static_assert(sizeof(RecordedAllocation) == 88);

struct AllocationDetail {
  std::array<uint64_t, kLifetimeClasses> lifetimes{};
  uint64_t samples = 0;
  uint64_t variance_allocations = 0;
  uint64_t variance_kib2 = 0;
  bool operator==(const AllocationDetail&) const = default;
};

struct RecordedHeapSlice {
  uint32_t process = kLostIndex;
  HeapSliceRecord slice;  // its own process is not used
};

struct RecordedMemory {
  uint32_t process = kLostIndex;
  MemoryRecord memory;  // its own process is not used
};

struct RecordedLeakCheck {
  uint32_t process = kLostIndex;
  LeakCheckRecord check;  // its own process is not used
};

struct RecordedLeak {
  uint32_t process = kLostIndex;
  uint32_t thread = kLostIndex;
  uint32_t stack = kLostIndex;
  uint32_t holder_module = kNoIndex;
  uint32_t holder_thread = kNoIndex;
  uint32_t holder_stack = kNoIndex;
  LeakRecord leak;  // its own ids are not used
};

// A region that the program named, or a number that it told (docs/regions.md).
struct RecordedRegion {
  uint16_t parent = kNoRegion;  // a smaller index than its own; kNoRegion: an outermost one
  RegionKind kind = RegionKind::kRegion;
  std::string name;
};

struct RecordedRegionTotals {
  uint32_t thread = kLostIndex;
  uint16_t region = kNoRegion;
  RegionTotalsRecord totals;  // its own ids are not used, as in the two that follow
};

struct RecordedRegionSpan {
  uint32_t thread = kLostIndex;
  uint16_t region = kNoRegion;
  RegionSpanRecord span;
};

struct RecordedRegionValue {
  uint32_t thread = kLostIndex;
  uint16_t region = kNoRegion;
  RegionValueRecord value;
};

// What a thread was doing when the time ran out.
struct RecordedTimeoutStack {
  uint32_t thread = kLostIndex;
  uint32_t stack = kNoIndex;
  ThreadState state = ThreadState::kRunning;
  bool truncated = false;
};

struct Note {
  uint32_t process = kNoIndex;  // none: of the recording as a whole
  std::string text;
};

struct UnrecordedProcess {
  int32_t pid = 0;
  uint32_t parent = kNoIndex;
  std::string command;
  std::string reason;
};

struct Recording {
  SessionRecord session;
  std::vector<Process> processes;
  std::vector<Thread> threads;
  std::vector<Module> modules;
  std::vector<std::string> strings;
  std::vector<RecordedFrame> frames;
  std::vector<RecordedStack> stacks;
  std::vector<RecordedSample> samples;
  std::vector<RecordedAllocation> allocations;
  std::vector<RecordedAllocation> pool_allocations;  // of kPool, whose memory is part of the others'
  std::vector<AllocationDetail> allocation_details;
  std::vector<RecordedHeapSlice> heap_slices;
  std::vector<RecordedMemory> memory;
  std::vector<RecordedLeakCheck> leak_checks;
  std::vector<RecordedLeak> leaks;
  std::vector<RecordedRegion> regions;
  std::vector<RecordedRegionTotals> region_totals;
  std::vector<RecordedRegionSpan> region_spans;
  std::vector<RecordedRegionValue> region_values;
  std::optional<TimeoutRecord> timeout;
  std::vector<RecordedTimeoutStack> timeout_stacks;
  std::vector<Note> notes;
  std::vector<UnrecordedProcess> unrecorded;
  std::vector<BundledFileRecord> bundled_files;
  std::map<std::string, uint64_t> counters;                               // summed over the processes
  std::map<std::pair<std::string, uint32_t>, uint64_t> process_counters;  // by name and process
  int64_t duration_ns = 0;  // of the EndRecord; without one, the last time that is known
  TraceDamage damage;
  uint64_t lost_definitions = 0;  // references to ids whose definition was lost
  uint64_t absurd_records = 0;    // out of any sensible range; left out
  uint64_t counter(const std::string& name) const;
  // `thread` may be none or lost, and the process then is lost.
  uint32_t process_of_thread(uint32_t thread) const {
    return thread < threads.size() ? threads[thread].process : kLostIndex;
  }
  AllocationDetail detail_of(const RecordedAllocation& allocation) const;
  // Made of another tool's output: what that does not say is unknown.
  bool is_imported() const { return !session.imported_from.empty(); }
  // What was recorded, as the session says or, where that was lost, as there are records of it.
  bool has_cpu() const { return session.clock != ClockKind::kNone || !samples.empty(); }
  bool has_heap() const { return session.heap != HeapMode::kNone || !allocations.empty() || !heap_slices.empty(); }
};

class RecordingBuilder {
 public:
  void add(const TraceRecord& record);
  // The recording so far, of one that is followed while it is written; changed by the next add().
  const Recording& so_far() const { return recording_; }
  // Drops the samples, allocations, slices and looks at memory, which whoever follows has taken in.
  void drop_measurements();
  // The recording so far; the builder is spent.
  Recording finish(const TraceDamage& damage);

 private:
  // Ids are dense when the trace is whole; a damaged one may hold any number, which must not become a huge table.
  class IdIndex {
   public:
    void set(uint32_t id, uint32_t index);
    uint32_t find(uint32_t id) const;  // kLostIndex if never set

   private:
    std::vector<uint32_t> dense_;
    std::unordered_map<uint32_t, uint32_t> sparse_;
  };

  void add_record(const SessionRecord& record);
  void add_record(const StringRecord& record);
  void add_record(const ProcessRecord& record);
  void add_record(const ProcessEndRecord& record);
  void add_record(const ThreadRecord& record);
  void add_record(const ModuleRecord& record);
  void add_record(const FrameRecord& record);
  void add_record(const StackRecord& record);
  void add_record(const SampleRecord& record);
  void add_record(const AllocationRecord& record);
  void add_record(const HeapSliceRecord& record);
  void add_record(const MemoryRecord& record);
  void add_record(const LeakCheckRecord& record);
  void add_record(const LeakRecord& record);
  void add_record(const RegionRecord& record);
  void add_record(const RegionTotalsRecord& record);
  void add_record(const RegionSpanRecord& record);
  void add_record(const RegionValueRecord& record);
  void add_record(const TimeoutRecord& record);
  void add_record(const TimeoutStackRecord& record);
  void add_record(const NoteRecord& record);
  void add_record(const CounterRecord& record);
  void add_record(const UnrecordedRecord& record);
  void add_record(const BundledFileRecord& record) { recording_.bundled_files.push_back(record); }
  void add_record(const EndRecord& record);
  // kNoIndex for id 0; an unknown id is counted and kLostIndex.
  uint32_t resolve(const IdIndex& ids, uint32_t id);
  uint16_t resolve_region(RegionId region);
  bool sensible_time(int64_t time_ns);
  bool sensible_slice(int64_t start_ns, int64_t length_ns);
  void saw_time(int64_t time_ns);

  Recording recording_;
  IdIndex strings_, processes_, threads_, modules_, frames_, stacks_, regions_;
  std::map<std::pair<std::string, std::vector<uint8_t>>, uint32_t> module_by_identity_;
  bool ended_ = false;
};

}  // namespace flarestack
