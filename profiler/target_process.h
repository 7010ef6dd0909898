// SPDX-License-Identifier: Apache-2.0
// TargetProcess: one recorded program image: its session region, and what is drained from it into the tables. Recorder
// side. Nothing read from the region is trusted: counts and positions are checked, and a ring that makes no sense is
// skipped to its head and counted as damaged.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "profiler/blocked_threads.h"
#include "profiler/clock.h"
#include "profiler/frame_resolver.h"
#include "profiler/heap_rings.h"
#include "profiler/leak_roots.h"
#include "profiler/leak_scan.h"
#include "profiler/memory_look.h"
#include "profiler/module_map.h"
#include "profiler/namespace_tids.h"
#include "profiler/off_cpu_sampler.h"
#include "profiler/recording_tables.h"
#include "profiler/region_recorder.h"
#include "profiler/session_region.h"
#include "profiler/stack_replay.h"
#include "profiler/stopped_process.h"
#include "wire/ring.h"

namespace flarestack {

struct TargetIdentity {
  ProcessId id;
  int32_t pid = 0;
  uint32_t session_id = 0;
  bool is_attached = false;  // it ran before it was recorded
};

// CPU time of a process so far, earlier images included, as the kernel has it.
struct KernelAccount {
  uint64_t final_ns = 0;  // at its end; 0: unknown, since it was reaped before anybody looked, or goes on after an exec
  uint64_t seen_ns = 0;   // when it was last looked at
};

// Named counts of one process, as they go into the trace.
using Counters = std::map<std::string, uint64_t>;

class TargetProcess {
 public:
  TargetProcess(TargetIdentity identity, SessionRegion region, RecordingTables& tables, TimeOrigin origin,
                uint64_t earlier_cpu_ns);

  const TargetIdentity& identity() const { return identity_; }
  // The process's number to itself.
  int32_t own_pid() const { return tids_.own_pid(); }
  SessionRegion& region() { return region_; }

  // Takes everything out of the rings that is in them now. Returns the number of records. `ended`: nobody writes any
  // more.
  size_t drain(bool ended = false);
  bool records_heap() const { return region_.view().page().heap != HeapRecording::kOff; }
  HeapRings& heap() { return heap_; }
  RegionRecorder& regions() { return regions_; }
  // Heap rings are nearly full of events that could not be put in order yet.
  bool heap_held_up() const { return heap_held_up_; }

  // A thread of the process that is about to end it waits for a look at what is still allocated.
  bool leak_check_asked() const;
  void check_leaks_at_end();
  // The same of a process that goes on afterwards. Returns LeakCheckRecord::number.
  bool can_check_leaks() const;
  uint32_t check_leaks_now(LeakCheckCause cause);

  // Where each of its threads is, into the trace: all of them stand still for it.
  void take_final_stacks();
  // Looks where the threads sleep; for the wall clock.
  void sample_off_cpu();

  // The last drain, after the process (or this image of it) is gone or the recording ends: what the kernel says was
  // used beyond what was sampled becomes kernel time, or "[not sampled]" where threads could not be sampled.
  void finish(KernelAccount account);

  // CPU time that samples and kernel ticks account for, earlier images included.
  uint64_t accounted_cpu_ns() const { return accounted_cpu_ns_; }
  // CPU time of this image, after finish(): by the kernel's account, or by samples where those tell of more; 0:
  // unknown.
  uint64_t image_cpu_ns() const { return image_cpu_ns_; }
  // Tells the agent to take its timers down at the next tick.
  void switch_off();
  // A JIT compiler in it says what was where and when (frame_resolver.h).
  void expect_code_changes() { frames_.expect_code_changes(); }
  Counters counters() const;

 private:
  struct Slot {
    bool live = false;
    ThreadId thread;
    int32_t tid = 0;       // as we see it
    bool gone = false;     // when we first looked
    bool sampled = false;  // at least once
    std::string name;
    StackReplay stack;  // the previous one
  };

  void drain_modules();
  size_t drain_slot(uint32_t index, uint64_t head);
  // Of a slot whose thread has ended, or its process.
  void take_counts(uint32_t index);
  void skip_damage(uint32_t index, RingReader& ring);
  // A time that the target wrote, kept within the recording.
  int64_t past_time(uint64_t monotonic_ns) const;
  void begin_thread(uint32_t index);
  void name_from_slot(Slot& slot, const SlotHeader& header);
  ThreadId thread_of(int32_t tid);
  void describe_thread(ThreadId thread, int32_t tid, const std::string& name);
  void refresh_names();
  void find_unsampled_threads();
  std::pair<uint64_t, uint64_t> own_memory() const;  // [low, high) in which all is the agent's
  void look_at_memory();
  // A look for leaks, while the process is stopped and afterwards.
  struct LeakLook {
    LeakCheckRecord check;
    std::optional<LeakRoots> roots;
    LeakScanResult result;
    int64_t sure_from_ns = INT64_MIN;      // what is lost of before may have been freed, or held
    std::vector<int32_t> register_owners;  // tids, of LeakScanInput::registers
  };
  MemoryRanges memory_before_attach() const;
  bool drain_all();
  void look_for_leaks(const StoppedProcess& stopped, LeakRootFacts facts, LeakScanInput input, LeakLook& look);
  void name_root(const LeakLook& look, uint32_t index, LeakRecord& leak) const;
  void write_leaks(LeakLook& look);
  void take_sample(uint32_t index, const std::vector<uint64_t>& words);
  uint64_t posix_weight_ns(const Slot& slot, uint64_t missed_ticks) const;
  void add_kernel_time(const Slot& slot, int64_t time_ns, uint64_t ticks, uint32_t region_node);
  void add_derived_time(FrameKind kind, const char* name, int64_t time_ns, uint64_t weight_ns);
  BlockedThreads::Target blocked_target();
  void look_for_blocked_threads();
  void account_startup();
  void account_remainder(KernelAccount account);
  uint64_t total_cpu_ns(KernelAccount account) const;

  TargetIdentity identity_;
  NamespaceTids tids_;
  SessionRegion region_;
  RecordingTables& tables_;
  TimeOrigin origin_;
  uint64_t period_ns_;
  uint64_t kernel_tick_ns_;
  ModuleMap modules_;
  std::array<Slot, kSlotCount> slots_;
  FrameResolver frames_;
  RegionRecorder regions_;
  HeapRings heap_;  // rings without the heap have regions alone
  bool heap_held_up_ = false;
  bool heap_left_over_ = false;
  MemoryLook memory_;
  uint64_t earlier_cpu_ns_;
  uint64_t accounted_cpu_ns_;
  uint64_t image_cpu_ns_ = 0;
  bool startup_accounted_ = false;
  ThreadId first_thread_;
  std::map<int32_t, ThreadId> thread_ids_;  // of living threads
  std::unique_ptr<OffCpuSampler> off_cpu_;  // with the first sample_off_cpu()
  BlockedThreads blocked_;
  uint64_t last_blocked_look_ns_ = 0;
  uint32_t last_generation_ = 0;
  std::array<uint32_t, 2> earlier_generations_{};  // the last ones, at two moments a while ago
  uint64_t last_forgotten_ns_ = 0;
  MemoryRanges earlier_memory_;         // LeakRootFacts::earlier, with the blocks
  std::set<uint64_t> thread_pointers_;  // of all recorded threads that there were
  uint32_t leak_checks_ = 0;
  std::set<int32_t> unsampled_tids_;  // threads that the agent did not see start: raw clone, or libc's own
  std::set<int32_t> without_slot_before_;
  uint64_t last_names_ns_ = 0;
  uint64_t samples_ = 0, dropped_ = 0, heuristic_ = 0, truncated_ = 0, elided_ = 0, kernel_ticks_ = 0, damaged_ = 0;
  uint64_t bad_stacks_ = 0, overrun_ticks_ = 0, threads_ = 0, perf_threads_ = 0;
};

}  // namespace flarestack
