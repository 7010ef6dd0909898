// SPDX-License-Identifier: Apache-2.0
// HeapTracker: the heap of one process while it is recorded: its live blocks, and what happened by call path in the
// current time slice. Told of the events in their order by HeapRings; at the end of each slice it hands records to the
// trace. Recorder side.
//
// What was live at the peak of a slice is kept without looking at every call path at each new peak: as long as the
// total is at its maximum, "live at the peak" is what is live. When it falls below, an epoch begins, in which a call
// path saves what it had at its first change. A new maximum ends the epoch, and what was saved in it is void.
//
// Looking up a block or a call path misses the processor's caches more often than not, so events wait in a short queue
// while what they need is fetched: first the block, which is entered or taken out in the middle of the queue, then its
// call path, which is counted at the end. Both happen in the order of the events, by settle() at the latest.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/ids.h"
#include "profiler/heap_blocks.h"
#include "profiler/region_recorder.h"
#include "trace/records.h"
#include "trace/writer.h"

namespace flarestack {

class HeapTracker {
 public:
  // Borrows the writer. `sample_bytes`: of sampled mode, 0 in exact mode. `kind`: kHeap, with what is mapped, or kPool,
  // which is no part of the process's heap.
  HeapTracker(ProcessId process, TraceWriter& writer, uint64_t sample_bytes, MemoryKind kind = MemoryKind::kHeap);

  // Where a block was allocated.
  struct Origin {
    ThreadId thread;
    StackId stack;
  };

  // `regions`, of the thread that allocates or frees, are borrowed until it is settled; null: it has none open.
  void allocate(Origin origin, uint64_t block, uint64_t size_bytes, int64_t time_ns,
                RegionRecorder::Thread* regions = nullptr) {
    const RegionId region = regions != nullptr ? regions->innermost() : RegionId{};
    const SiteKey key = key_of(origin, kind_, size_class_of(size_bytes), region);
    __builtin_prefetch(&cached_site(key));
    push({Deed::kAllocate, false, {}, key, block, {0, 0, size_bytes}, time_ns, nullptr, regions});
  }
  // `temporary_of`: the thread that frees, if its latest allocation has the address of this block; none: not so. A
  // block that this thread allocated is then temporary.
  void free(uint64_t block, ThreadId temporary_of, int64_t time_ns, RegionRecorder::Thread* regions = nullptr) {
    push({Deed::kFree, false, temporary_of, {}, block, {}, time_ns, nullptr, regions});
  }
  // The first half of a reallocation: the block leaves the table, as it may be somebody else's in a moment. `held` is
  // borrowed until the second half is settled.
  struct Held {
    bool found = false;
    uint64_t address = 0;
    HeapBlock block;
  };
  void hold(uint64_t block, Held& held) { push({Deed::kHold, false, {}, {}, block, {}, 0, &held, nullptr}); }
  // The second half: it failed and the block is as it was, or the old block is gone.
  void put_back(Held& held) { push({Deed::kPutBack, false, {}, {}, held.address, {}, 0, &held, nullptr}); }
  void drop(Held& held, ThreadId temporary_of, int64_t time_ns, RegionRecorder::Thread* regions = nullptr) {
    push({Deed::kDrop, false, temporary_of, {}, held.address, {}, time_ns, &held, regions});
  }
  // Carries out whatever waits.
  void settle();

  void map(Origin origin, uint64_t address, uint64_t size_bytes, int64_t time_ns);
  void unmap(uint64_t address, uint64_t size_bytes, int64_t time_ns);

  // For a fork's child: all that is live, which it frees or has, but never allocated.
  struct Inheritance {
    HeapBlocks blocks;
    std::vector<Origin> origins;  // by the blocks' sites, without kInherited
  };
  Inheritance for_child();
  void inherit(Inheritance inheritance) {
    blocks_ = std::move(inheritance.blocks);
    inherited_ = std::move(inheritance.origins);
  }

  // Where the blocks of a site were allocated, maybe by a process that this one was forked from.
  Origin origin_of(uint32_t site) const {
    return is_inherited(site) ? inherited_[site & ~kInherited] : sites_[site].origin;
  }
  static bool is_inherited(uint32_t site) { return (site & kInherited) != 0; }
  // After settle().
  const HeapBlocks& blocks() const { return blocks_; }

  // One of those that allocated is gone.
  void thread_ended() { ++ended_threads_; }

  // Ends the slice if it is long enough, or `always`, and anything happened in it.
  void end_slice(int64_t now_ns, bool always);

  uint64_t live_bytes() const { return live_bytes_; }
  uint64_t live_block_count() const { return live_blocks_; }
  uint64_t mapped_bytes() const { return mapped_bytes_; }
  // [start, end) of what the program has mapped itself.
  std::vector<std::pair<uint64_t, uint64_t>> mapped_ranges() const {
    std::vector<std::pair<uint64_t, uint64_t>> ranges;
    for (const auto& [start, piece] : mapped_) {
      ranges.emplace_back(start, piece.end);
    }
    return ranges;
  }
  // Blocks allocated where one was live: its deallocation went unseen.
  uint64_t unseen_frees() const { return unseen_frees_; }
  // Deallocations of what the process has from its parent, and of what nobody allocated.
  uint64_t inherited_frees() const { return inherited_frees_; }
  uint64_t unknown_frees() const { return unknown_frees_; }

 private:
  static constexpr uint32_t kInherited = 1U << 31;  // of a site: an index in inherited_
  enum class Deed : uint8_t { kAllocate, kFree, kHold, kPutBack, kDrop };
  struct SiteKey {
    uint64_t path = 0;            // thread << 32 | stack
    uint32_t kind_and_class = 0;  // region << 16 | kind << 8 | size class
    bool operator==(const SiteKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H hash, const SiteKey& key) {
      return H::combine(std::move(hash), key.path, key.kind_and_class);
    }
  };
  struct Event {
    Deed deed = Deed::kFree;
    bool found = false;  // a block was in the table
    ThreadId temporary_of;
    SiteKey key;  // of an allocation
    uint64_t address = 0;
    HeapBlock block;  // an allocation's (what was in its place is in displaced_); else the one that was in the table
    int64_t time_ns = 0;
    Held* held = nullptr;
    RegionRecorder::Thread* regions = nullptr;
  };
  static constexpr uint32_t kStageLength = 32;
  static constexpr uint32_t kQueueLength = 2 * kStageLength;  // a power of two

  // The blocks of one thread, stack, kind and size class, and what happened to them in this slice. Two cache lines, the
  // first of which is all that most events touch. Counts have 32 bits: a slice ends before they could overflow.
  struct alignas(64) Site {
    Origin origin;
    MemoryKind kind = MemoryKind::kHeap;
    uint8_t size_class = 0;
    uint16_t region = 0;
    uint32_t slice = 0;  // 1 + index in changed_; 0: nothing happened in this slice
    int64_t live_bytes = 0;
    int64_t live_blocks = 0;
    uint64_t allocated_bytes = 0;
    uint64_t deallocated_bytes = 0;
    uint32_t allocations = 0;
    uint32_t deallocations = 0;
    uint32_t temporary = 0;
    uint32_t epoch = 0;  // at_peak is of

    std::array<uint32_t, kLifetimeClasses> lifetimes{};
    int64_t at_peak_bytes = 0;
    int64_t at_peak_blocks = 0;
    int64_t start_bytes = 0;
    int64_t start_blocks = 0;
  };
  static_assert(sizeof(Site) == 128);
  // The same, of sampled mode.
  struct SliceEstimates {
    uint64_t samples = 0;
    double variance_allocations = 0;
    double variance_kib2 = 0;
    double fraction = 0;  // of an allocation, not in `allocations` yet
    double freed_fraction = 0;
  };
  // What one block stands for: itself, or in sampled mode all that were not looked at.
  struct Weight {
    double blocks = 1;
    uint64_t bytes = 0;
    double variance_blocks = 0;
    double variance_kib2 = 0;
  };
  struct CachedSite {
    SiteKey key{0, UINT32_MAX};  // of nothing
    uint32_t site = 0;
  };
  static constexpr unsigned kSmallestSiteCacheBits = 8, kLargestSiteCacheBits = 13;
  struct Mapping {
    uint32_t site = 0;
    uint64_t left_bytes = 0;
    int64_t birth_ns = 0;
  };
  struct MappedPiece {
    uint64_t end = 0;
    std::shared_ptr<Mapping> mapping;
  };

  void push(const Event& event) {
    blocks_.prefetch(event.address);
    if (pushed_ - resolved_ == kStageLength) {
      resolve(queue_[resolved_++ % kQueueLength]);
    }
    if (resolved_ - settled_ == kStageLength) {
      count(queue_[settled_++ % kQueueLength]);
    }
    queue_[pushed_++ % kQueueLength] = event;
  }
  void resolve(Event& event);
  void count(const Event& event);
  void count_allocated(const Event& event);
  void remove_block(const HeapBlock& block, const Event& event);
  static uint8_t size_class_of(uint64_t size_bytes) { return static_cast<uint8_t>(std::bit_width(size_bytes)); }
  static SiteKey key_of(Origin origin, MemoryKind kind, uint8_t size_class, RegionId region) {
    return {uint64_t{origin.thread.value} << 32 | origin.stack.value,
            region.value << 16 | static_cast<uint32_t>(kind) << 8 | size_class};
  }
  CachedSite& cached_site(const SiteKey& key) {
    const uint64_t hash = (key.path ^ uint64_t{key.kind_and_class} << 57) * 0x9E3779B97F4A7C15;
    return site_cache_[hash >> (64 - site_cache_bits_)];
  }
  uint32_t site_of(const SiteKey& key) {
    const CachedSite& cached = cached_site(key);
    if (cached.key == key) [[likely]] {
      return cached.site;
    }
    const uint32_t site = find_site(key);  // the cache may grow
    cached_site(key) = {key, site};
    return site;
  }
  static size_t lifetime_class(int64_t age_ns);
  void forget_if_empty(uint32_t site_index);
  uint32_t find_site(const SiteKey& key);
  Weight weight_of(uint64_t size_bytes) const;
  Site& change(uint32_t site);
  void count_freed(uint32_t site, uint64_t size_bytes, bool temporary, int64_t age_ns);
  void grow(uint64_t bytes, int64_t time_ns);
  void leave_peak();
  void shrink(uint64_t bytes);
  void write_slice(int64_t end_ns);
  void write_heap_slice(const AllocationRecord& record);

  ProcessId process_;
  TraceWriter& writer_;
  uint64_t sample_bytes_;
  MemoryKind kind_;
  HeapBlocks blocks_;
  std::vector<Site> sites_;
  std::vector<uint32_t> free_sites_;  // indices in sites_
  std::vector<Origin> inherited_;
  absl::flat_hash_map<SiteKey, uint32_t> site_by_key_;
  unsigned site_cache_bits_ = kSmallestSiteCacheBits;
  std::vector<CachedSite> site_cache_ = std::vector<CachedSite>(size_t{1} << kSmallestSiteCacheBits);  // with sites_
  std::vector<uint32_t> changed_;           // sites, in this slice
  std::vector<SliceEstimates> estimates_;   // by the same index; empty in exact mode
  uint64_t slice_blocks_ = 0;               // counted in this slice, so far
  uint32_t ended_threads_ = 0;              // in this slice
  std::map<uint64_t, MappedPiece> mapped_;  // by start address

  uint64_t live_bytes_ = 0;
  uint64_t live_blocks_ = 0;
  uint64_t mapped_bytes_ = 0;
  uint64_t unseen_frees_ = 0;
  uint64_t inherited_frees_ = 0;
  uint64_t unknown_frees_ = 0;

  std::array<Event, kQueueLength> queue_;
  std::deque<HeapBlock> displaced_;  // by allocations in the queue, in their order
  uint32_t pushed_ = 0;
  uint32_t resolved_ = 0;
  uint32_t settled_ = 0;

  bool at_peak_ = true;
  uint32_t epoch_ = 1;
  uint64_t peak_bytes_ = 0;
  uint64_t peak_blocks_ = 0;
  int64_t peak_time_ns_ = 0;

  bool begun_ = false;
  int64_t slice_start_ns_ = 0;
  int64_t slice_length_ns_;
  uint32_t slices_since_doubling_ = 0;
  uint64_t records_since_doubling_ = 0;
};

}  // namespace flarestack
