// SPDX-License-Identifier: Apache-2.0
// HeapRings: reads the heap rings of one process, puts the events of its threads into their order, and tells them to a
// HeapTracker; and the regions that lie between them, to a RegionRecorder. Recorder side; part of a TargetProcess.
// Nothing that the target wrote is trusted.
//
// While there was one thread its ring is the order. Then each event has a number, and the rings are merged by it, up to
// a cut below which nothing can come any more: a number taken a while ago, and below that of any event in the making
// (SlotHeader::heap_in_flight). docs/heap.md argues why that is enough.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "profiler/clock.h"
#include "profiler/frame_resolver.h"
#include "profiler/heap_tracker.h"
#include "profiler/leak_scan.h"
#include "profiler/region_recorder.h"
#include "profiler/stack_replay.h"
#include "profiler/tick_clock.h"
#include "wire/heap_records.h"
#include "wire/ring.h"
#include "wire/session.h"

namespace flarestack {

// What a fork's child starts with, filled in when its parent's events have been read up to the fork.
struct ForkPoint {
  bool reached = false;
  HeapTracker::Inheritance inheritance;
};

class HeapRings {
 public:
  // All borrowed; `thread_of` gives the thread that has a slot.
  struct Parts {
    SessionView session;
    ProcessId process;
    TraceWriter* writer = nullptr;
    FrameResolver* frames = nullptr;
    TimeOrigin origin;
    std::function<ThreadId(uint32_t slot)> thread_of;
    RegionRecorder* regions = nullptr;
  };
  explicit HeapRings(Parts parts);

  // Where to read up to, to be asked before the module log is read.
  struct Limits {
    std::array<uint64_t, kSlotCount> heads{};
    uint64_t cut = 0;
  };
  // First begin_look(), then each slot that has ever been in use, in any order. `all`: nobody writes any more.
  void begin_look(bool all, Limits& limits) const;
  void look_at(uint32_t slot, bool all, Limits& limits) const;
  // Reads all events up to the limits. What the cut did not let be read: kMuch may keep a thread waiting, so drain
  // soon.
  enum class Left : uint8_t { kNothing, kLittle, kMuch };
  Left drain(uint32_t slot_count, const Limits& limits);
  // Whether everything that the slot's thread wrote has been read.
  bool is_drained(uint32_t slot) const;
  // The slot's thread is gone.
  void forget_thread(uint32_t slot);
  // Events that never came, so far, and when the last of them was missed, at most so late; any block from before may
  // have been freed without a word. INT64_MIN: none was.
  uint64_t lost_events() const;
  int64_t last_loss_ns();
  // Ends a time slice if it is time, or `always`.
  void end_slice(bool always);
  // The process is gone, or nobody listens to it any more: so are the regions that its threads have open.
  void leave_regions();
  // When the longest open region of that name began in any thread; INT64_MAX: none is open.
  int64_t region_open_since(const std::string& name) const;

  // The blocks that the child of a fork has from this process; filled now or at a later drain().
  std::shared_ptr<ForkPoint> fork_point(uint32_t fork_number);
  // This process is that child.
  void inherit(std::shared_ptr<ForkPoint> point) {
    constexpr int64_t kLongestWaitNs = 1'000'000'000;
    inherited_ = std::move(point);
    inherited_until_ns_ = parts_.origin.now() + kLongestWaitNs;
    forked_ = true;
  }

  const HeapTracker& tracker() const { return tracker_; }
  // All live blocks, ascending by address, after all events have been carried out: those that are in the middle of a
  // reallocation as well.
  ScannedBlocks live_blocks(unsigned threads);
  uint64_t events() const { return events_; }
  void add_counters(std::map<std::string, uint64_t>& counters) const;

 private:
  struct Slot {
    StackReplay stack;
    uint32_t generation = 0;
    uint64_t wide = 0;        // of the next record's address
    uint64_t last_block = 0;  // the latest allocation, until it is freed; 0: none
    uint64_t last_order = 0;
    int64_t time_ns = 0;
    HeapTracker::Held held;   // of a reallocation under way, borrowed by the tracker
    uint64_t held_block = 0;  // 0: none is
    ThreadId thread;
    std::unique_ptr<RegionRecorder::Thread> regions;  // null: it has never had one
    uint32_t pool = 0;                                // of the next event: a node of the region table
  };
  // The next event of a ring, not yet consumed.
  struct Cursor {
    uint32_t slot = 0;
    uint64_t position = 0;
    uint64_t head = 0;
    const std::atomic<uint64_t>* ring = nullptr;
    uint64_t mask = 0;
    uint64_t order = 0;  // 0: none, it comes first
    uint32_t words = 0;
    uint64_t consumed = 0;  // the position that the thread knows of
  };
  // When a cursor's next event has its turn.
  struct Turn {
    uint64_t order = 0;
    uint32_t cursor = 0;
    bool operator>(const Turn& other) const { return order > other.order; }
  };

  static uint64_t word(const Cursor& cursor, uint32_t index);
  bool peek(Cursor& cursor);
  static uint32_t words_of(const Cursor& cursor, uint64_t word0);
  bool take_number(Cursor& cursor, uint64_t word0);
  bool take_region(Cursor& cursor, uint64_t word0);
  void take_pool_event(uint32_t pool, HeapWord0 head, HeapTracker::Origin origin, uint64_t size_bytes);
  HeapTracker& pools();
  int64_t past_time(uint64_t monotonic_ns) const;
  void take(const Cursor& cursor);
  void drop_held(Slot& slot);
  void take_with_stack(const Cursor& cursor, HeapWord0 head, Slot& slot);
  void consume(Cursor& cursor);
  static void sift_down(std::vector<Turn>& turns);
  void damaged(Cursor& cursor);

  Parts parts_;
  HeapTracker tracker_;
  std::unique_ptr<HeapTracker> pools_;  // with the first event of one
  TickClock ticks_;
  std::vector<std::unique_ptr<Slot>> slots_;
  bool sampled_;
  std::map<uint32_t, std::shared_ptr<ForkPoint>> fork_points_;
  std::shared_ptr<ForkPoint> inherited_;
  int64_t inherited_until_ns_ = 0;
  bool forked_ = false;
  int64_t now_ns_ = 0;
  uint64_t events_ = 0, lost_ = 0, damaged_ = 0;
  uint64_t timed_losses_ = 0;  // of lost_events() and damaged_
  int64_t last_loss_ns_ = INT64_MIN;
  uint64_t heuristic_ = 0, truncated_ = 0, elided_ = 0;
};

}  // namespace flarestack
