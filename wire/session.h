// SPDX-License-Identifier: Apache-2.0
// The session region: shared memory through which the agent inside one target process and the recorder meet. The
// recorder makes it (a sealed memfd), the agent receives it in answer to its Hello (wire/handshake.h), maps it and
// closes the descriptor. It outlives the target: what was in it when the target died is still there to be drained.
//
//   offset 0                 +----------------------------------+
//                            | SessionPage                      |  settings, switches, counters
//   kSlotsOffset             +----------------------------------+
//                            | SlotHeader [kSlotCount]          |  who owns which ring, head and tail
//   kModuleLogOffset         +----------------------------------+
//                            | module log, one ring             |  modules that came and went
//   kRingsOffset             +----------------------------------+
//                            | sample rings [kSlotCount]        |  one per thread, kRingBytes each
//   kHeapRingsOffset         +----------------------------------+
//                            | heap rings [kSlotCount]          |  one per thread, heap_ring_bytes() each
//   kRegionTableOffset       +----------------------------------+
//                            | RegionTable                      |  names of the program's own regions
//   kSessionBytes            +----------------------------------+
//
// The pages are touched as far as they are used: an idle slot costs no memory. Bytes written by the target are
// untrusted: the recorder copies, checks, then uses. docs/wire-protocol.md has a worked example.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "wire/regions.h"

namespace flarestack {

inline constexpr uint32_t kWireVersion = 8;  // agent and recorder of different versions refuse each other
inline constexpr uint64_t kSessionMagic = 0x314b43415453'4c46;  // "FLSTACK1"

inline constexpr uint32_t kSlotCount = 1024;  // threads of one process that can be recorded at the same time
inline constexpr size_t kRingBytes = size_t{64} * 1024;
inline constexpr size_t kModuleLogBytes = size_t{256} * 1024;

// Heap rings. The lowest slots are those of long-lived threads, and the first to be used again.
inline constexpr uint32_t kLargeHeapRings = 4;
inline constexpr size_t kLargeHeapRingBytes = size_t{1024} * 1024;
inline constexpr size_t kHeapRingBytes = size_t{128} * 1024;
inline constexpr size_t heap_ring_bytes(uint32_t slot) {
  return slot < kLargeHeapRings ? kLargeHeapRingBytes : kHeapRingBytes;
}
inline constexpr size_t heap_ring_offset(uint32_t slot) {
  return slot < kLargeHeapRings ? slot * kLargeHeapRingBytes
                                : kLargeHeapRings * kLargeHeapRingBytes + (slot - kLargeHeapRings) * kHeapRingBytes;
}

enum class SampleClock : uint32_t { kNone = 0, kPerfTaskClock = 1, kPosixCpuTimer = 2 };

// How a perf event's overflow becomes a signal: as a file's I/O signal, or sent to the thread itself (perf_event_attr's
// sigtrap), which spares an interrupt a sample.
enum class PerfSignal : uint32_t { kIo = 0, kTrap = 1 };

enum class HeapRecording : uint32_t { kOff = 0, kExact = 1, kSampled = 2 };

// Where order numbers come from once a process has a second thread.
enum class OrderSource : uint32_t {
  kTimeStampCounter = 0,  // invariant and synchronised, as the kernel has found
  kCounter = 1,           // SessionPage::order_counter
};

// Life of a slot. Free -> Starting -> Live -> Ending by the agent; to Free by the recorder, once the ring is drained
// and there is no such thread. Ending has it look soon: of a thread that ends without a word (pthread_exit) it takes
// note in time.
enum class SlotState : uint32_t { kFree = 0, kStarting = 1, kLive = 2, kEnding = 3 };

// How a thread that ends the process has the recorder look at all live blocks, and waits for it. Both sides count up.
enum class LastStop : uint32_t { kNone = 0, kAsked = 1, kUnderWay = 2, kDone = 3 };

// What that thread had in its registers: what the program may still hold there.
struct LastRegisters {
  uint64_t stack_pointer;
  uint64_t thread_pointer;
  uint64_t values[15];  // all others; 0: of no meaning
};

inline constexpr uint64_t kOwnMemoryBytes = uint64_t{16} << 30;

struct SessionPage {
  uint64_t magic;
  uint32_t version;
  uint32_t session_id;  // the recorder's, for what a fork's child says about its parent

  // Settings, written by the recorder before the agent maps the page.
  uint64_t sample_period_ns;  // CPU time between samples of a thread; 0: no CPU sampling
  uint64_t kernel_tick_ns;    // the resolution of POSIX CPU timers
  SampleClock sample_clock;   // the best one to try
  uint32_t sample_signal;
  uint32_t follow_children;  // 0: --no-children, a fork's child or an exec'd image is left alone
  PerfSignal perf_signal;
  HeapRecording heap;
  OrderSource order_source;
  uint64_t heap_sample_bytes;  // kSampled: bytes between two samples, on average
  uint32_t leak_check;         // 1: at the end of the process
  // 1: neither samples nor allocations are recorded. Set by the recorder at first, and by the program (flarestack.h).
  std::atomic<uint32_t> paused;

  // Switches. `off` is set by the recorder at the end of a recording, and by the agent when the recorder is gone:
  // handlers then take their timers down and stay silent. `heartbeat_ns` (CLOCK_MONOTONIC) is written at each drain.
  std::atomic<uint32_t> off;
  uint32_t recorder_pid;
  std::atomic<uint64_t> heartbeat_ns;

  // Written by the agent.
  uint64_t startup_cpu_ns;  // CPU time of the process when the agent came: exec, loader, earlier constructors
  uint64_t startup_monotonic_ns;
  uint64_t own_memory_top;  // all that the agent maps is below it, within kOwnMemoryBytes, and nothing of the program's
  std::atomic<uint64_t> ended_cpu_ns;  // CPU time of the process after its destructors; 0: it did not come to that
  std::atomic<uint64_t> threads_without_slot;
  std::atomic<uint64_t> threads_without_timer;
  std::atomic<uint64_t> forks;             // fork handlers that ran in the parent
  std::atomic<uint64_t> forks_unrecorded;  // children that could not get a session
  std::atomic<uint64_t> module_events_lost;
  std::atomic<uint32_t> timer_errno;          // why the preferred clock could not be armed; 0: it could
  std::atomic<uint32_t> module_hook_missing;  // 1: the loader could not be hooked, later dlopens go unseen
  std::atomic<uint32_t>
      sandboxed;  // what a seccomp filter of the program forbids us: 1 to sample, 2 new threads, 4 children

  std::atomic<uint32_t> slot_limit;          // slots from here on were never in use
  std::atomic<uint64_t> heap_events_lost;    // of threads without a slot
  std::atomic<uint64_t> paused_ticks;        // sampling periods that ended while it was paused
  std::atomic<uint64_t> regions_lost;        // that began and are not recorded: too deep, too many names, no room
  std::atomic<uint64_t> regions_unbalanced;  // ends of what was not open

  std::atomic<LastStop> last_stop;  // a futex
  uint32_t last_stop_tid;           // the thread's, to itself
  uint32_t last_stop_signal;        // that the process dies of; 0: it exits
  uint32_t reserved_2;
  LastRegisters last_registers;

  // Of the module log; the same meaning as in SlotHeader.
  std::atomic<uint64_t> module_log_head;
  std::atomic<uint64_t> module_log_tail;

  // A futex. The recorder sets it to 1 before it naps; a thread that finds its heap ring half full sets it to 0 and
  // wakes it.
  alignas(128) std::atomic<uint32_t> doorbell;
  // For OrderSource::kCounter: the number of the last event.
  alignas(128) std::atomic<uint64_t> order_counter;
};
static_assert(sizeof(SessionPage) <= 4096);
static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);

// Two times 128 bytes, so that two threads' heads never share a cache line (or the pair that the adjacent-line
// prefetcher fetches), nor do what a heap ring's writer and its reader write.
struct alignas(128) SlotHeader {
  std::atomic<SlotState> state;
  std::atomic<uint32_t> tid;     // kernel's thread id, 0 while starting
  SampleClock clock;             // the one that was armed
  std::atomic<uint32_t> region;  // the innermost one that is open, a node; 0: none
  uint64_t start_monotonic_ns;
  std::atomic<uint64_t> head;             // bytes ever written by the slot's thread, release
  std::atomic<uint64_t> tail;             // bytes ever read; written by the recorder, release
  std::atomic<uint64_t> dropped_samples;  // for which the ring had no room
  std::atomic<uint64_t> bad_stacks;  // traces that ended early: unreadable memory, no progress, or the walk's limit
  char name[16];                     // as prctl(PR_GET_NAME) gave it at the first sample
  uint64_t stack_low;                // bounds of its stack, for telling its memory; 0, 0: unknown
  uint64_t stack_high;
  std::atomic<uint64_t> heap_tail;          // bytes ever read of the heap ring; a futex in its lower half
  std::atomic<uint32_t> heap_reader_wakes;  // 1: the thread waits for room
  uint32_t reserved_2;

  // Written by the thread.
  alignas(128) std::atomic<uint64_t> heap_head;  // bytes ever written to the heap ring; release
  // Not 0: an event is being written, whose order will be above this number.
  std::atomic<uint64_t> heap_in_flight;
  std::atomic<uint64_t> heap_lost;   // events that never came to be in the ring: a handler jumped out of their writing
  std::atomic<uint64_t> heap_waits;  // times that the thread waited for room
};
static_assert(sizeof(SlotHeader) == 256);

inline constexpr size_t kSlotsOffset = 4096;
inline constexpr size_t kModuleLogOffset = kSlotsOffset + kSlotCount * sizeof(SlotHeader);
inline constexpr size_t kRingsOffset = kModuleLogOffset + kModuleLogBytes;
inline constexpr size_t kHeapRingsOffset = kRingsOffset + kSlotCount * kRingBytes;
inline constexpr size_t kRegionTableOffset = kHeapRingsOffset + heap_ring_offset(kSlotCount);
inline constexpr size_t kSessionBytes = kRegionTableOffset + (sizeof(RegionTable) + 4095) / 4096 * 4096;
static_assert(kModuleLogOffset % 4096 == 0 && kRingsOffset % 4096 == 0 && kRegionTableOffset % 4096 == 0);

// Views into a mapped session region. [signal]
class SessionView {
 public:
  constexpr SessionView() = default;
  explicit SessionView(void* region) : base_(static_cast<char*>(region)) {}
  explicit operator bool() const { return base_ != nullptr; }
  void* region() const { return base_; }
  SessionPage& page() const { return *at<SessionPage>(0); }
  SlotHeader& slot(uint32_t index) const { return at<SlotHeader>(kSlotsOffset)[index]; }
  std::atomic<uint64_t>* ring(uint32_t index) const {
    return at<std::atomic<uint64_t>>(kRingsOffset + size_t{index} * kRingBytes);
  }
  std::atomic<uint64_t>* heap_ring(uint32_t index) const {
    return at<std::atomic<uint64_t>>(kHeapRingsOffset + heap_ring_offset(index));
  }
  RegionTable& regions() const { return *at<RegionTable>(kRegionTableOffset); }
  std::atomic<uint64_t>* module_log() const { return at<std::atomic<uint64_t>>(kModuleLogOffset); }

 private:
  template <typename T>
  T* at(size_t offset) const {
    return static_cast<T*>(static_cast<void*>(base_ + offset));
  }
  char* base_ = nullptr;
};

}  // namespace flarestack
