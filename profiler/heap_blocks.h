// SPDX-License-Identifier: Apache-2.0
// HeapBlocks: the live blocks of one process, by address. Recorder side.
//
// A program's next allocations and deallocations are near its last ones, and a hash table of all blocks throws that
// away: each event missed the caches and the TLB twice (absl::flat_hash_map with prefetching: half of the recorder's
// time on a tree of maps with 200 000 nodes). So the small blocks of each 16 KiB of the target's memory are kept
// together, in a little table with linear probing that grows and shrinks by two: 16 bytes an entry at a load of 1/3
// to 2/3, 24 to 48 bytes a live block. Blocks of a page and more are few, and in an ordinary hash table.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "profiler/leak_scan.h"

namespace flarestack {

// What is known of a live block.
struct HeapBlock {
  static constexpr int64_t kBirthUnitNs = 100'000;
  uint32_t site = 0;   // index in the HeapTracker's sites
  uint32_t birth = 0;  // in units of kBirthUnitNs since the start of the recording
  uint64_t size_bytes = 0;
};

class HeapBlocks {
 public:
  HeapBlocks() = default;
  HeapBlocks(HeapBlocks&& other) noexcept { swap(other); }
  HeapBlocks& operator=(HeapBlocks&& other) noexcept {
    swap(other);
    return *this;
  }
  ~HeapBlocks();

  // Enters a block; false: there is one under this address, and nothing is changed.
  bool put(uint64_t address, const HeapBlock& block);
  // Takes a block out; false: there is none.
  bool take(uint64_t address, HeapBlock& block);
  // Fetches what put() or take() will look at.
  void prefetch(uint64_t address) const {
    const CachedRegion& cached = cache_[cache_index(address)];
    if (cached.number == address >> kRegionBits && cached.region != nullptr) {
      __builtin_prefetch(&cached.region->entries()[home(tag(address), cached.shift)]);
      __builtin_prefetch(cached.region);
    }
  }
  // A copy of all blocks, each of the site that renamed(site) says.
  HeapBlocks copy(const std::function<uint32_t(uint32_t site)>& renamed) const;
  uint64_t size() const { return count_; }
  // All of them, ascending by address, gathered by so many threads.
  ScannedBlocks sorted(unsigned threads) const;
  // [start, end) of all memory in which there has ever been a block, rounded outwards; ascending, disjoint.
  std::vector<std::pair<uint64_t, uint64_t>> used_ranges() const;
  // Gives memory back that few or no blocks are in any more, where that is much. Now and then.
  void trim();

 private:
  static constexpr unsigned kRegionBits = 14;
  static constexpr uint64_t kLargeBytes = 4096;
  static constexpr unsigned kSpanBits = 20;
  struct Entry {
    uint32_t site;
    uint32_t birth;
    uint32_t size_bytes;  // below kLargeBytes
    uint32_t tag;         // the address within the region, plus kUsed; 0: empty
  };
  static constexpr uint32_t kUsed = 1U << 31;
  // The entries follow in memory: one allocation.
  struct Region {
    uint16_t count;
    uint16_t shift;  // 32 - log2 of the capacity
    uint32_t mask;   // capacity - 1
    Entry* entries() { return reinterpret_cast<Entry*>(this + 1); }
    // Fibonacci hashing: multiples of the golden section lie evenly for any stride (Knuth, volume 3, 6.4), and an
    // allocator's blocks lie at strides.
    uint32_t home(uint32_t address_tag) const { return HeapBlocks::home(address_tag, shift); }
  };
  static_assert(sizeof(Region) == 8 && sizeof(Entry) == 16);
  struct CachedRegion {
    uint64_t number = UINT64_MAX;  // address >> kRegionBits
    Region* region = nullptr;      // nullptr: there is none
    uint32_t shift = 0;            // of the region: what is prefetched is found without a look at it
  };
  static constexpr unsigned kSmallestCacheBits = 6, kLargestCacheBits = 14;

  static uint32_t home(uint32_t address_tag, uint32_t shift) {
    return (address_tag >> 3 & 0x7ff) * 0x9E3779B1U >> shift;
  }
  static uint32_t tag(uint64_t address) { return (address & ((1U << kRegionBits) - 1)) | kUsed; }
  size_t cache_index(uint64_t address) const {
    const uint64_t number = address >> kRegionBits;
    return (number ^ number >> 10) & (cache_.size() - 1);
  }
  void note_use(uint64_t address, uint64_t size_bytes);
  static Region* make_region(uint32_t capacity);
  static Entry* find(Region& region, uint32_t address_tag);
  static bool insert(Region& region, const Entry& entry);
  static void sort_region(ScannedBlock* begin, ScannedBlock* end, uint64_t start);
  CachedRegion& region_of(uint64_t address);
  void replace(CachedRegion& cached, Region* region);
  void resize(CachedRegion& cached, uint32_t capacity);
  void swap(HeapBlocks& other) noexcept;

  uint64_t count_ = 0;
  uint64_t most_since_trim_ = 0;
  absl::flat_hash_map<uint64_t, Region*> regions_;  // by number
  absl::flat_hash_map<uint64_t, HeapBlock> large_;
  // Numbers of regions, and of spans of kSpanBytes, in which there has been a block.
  absl::flat_hash_set<uint64_t> used_regions_;
  absl::flat_hash_set<uint64_t> used_spans_;
  std::vector<CachedRegion> cache_ = std::vector<CachedRegion>(size_t{1} << kSmallestCacheBits);  // grows with regions_
};

}  // namespace flarestack
