// SPDX-License-Identifier: Apache-2.0
// HeapBlocks: the live blocks of one process, by address. Recorder side.
//
// A program's next allocations and deallocations are near its last ones, and a hash table of all blocks throws that
// away: each event missed the caches and the TLB twice (absl::flat_hash_map with prefetching: half of the recorder's
// time on a tree of maps with 200 000 nodes). So the small blocks of each 16 KiB of the target's memory are kept
// together, in a little table with linear probing that grows and shrinks by two: 16 bytes an entry at a load of 3/8 to
// 3/4, 21 to 43 bytes a live block. Blocks of a page and more are few, and in an ordinary hash table.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>

#include <absl/container/flat_hash_map.h>

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
      __builtin_prefetch(&cached.region->entries()[cached.region->home(tag(address))]);
    }
  }
  // A copy of all blocks, as if of one site.
  HeapBlocks with_site(uint32_t site) const;
  uint64_t size() const { return count_; }
  // Gives memory back that no block is in any more. Now and then.
  void trim();

 private:
  static constexpr unsigned kRegionBits = 14;
  static constexpr uint64_t kLargeBytes = 4096;
  struct Entry {
    uint32_t site;
    uint32_t birth;
    uint32_t size_bytes;  // below kLargeBytes
    uint32_t tag;         // the address within the region, plus kUsed; 0: empty
  };
  static constexpr uint32_t kUsed = 1U << 31;
  // The entries follow in memory: one allocation.
  struct Region {
    uint32_t count;
    uint32_t mask;  // capacity - 1
    Entry* entries() { return reinterpret_cast<Entry*>(this + 1); }
    // Neighbours get neighbouring entries; blocks a power of two apart do not meet.
    uint32_t home(uint32_t address_tag) const {
      const uint32_t granule = address_tag >> 4 & 0x3ff;
      return (granule ^ granule >> 4 ^ granule >> 7) & mask;
    }
  };
  static_assert(sizeof(Region) == 8 && sizeof(Entry) == 16);
  struct CachedRegion {
    uint64_t number = UINT64_MAX;  // address >> kRegionBits
    Region* region = nullptr;      // nullptr: there is none
  };
  static constexpr unsigned kCacheBits = 10;

  static uint32_t tag(uint64_t address) { return (address & ((1U << kRegionBits) - 1)) | kUsed; }
  static size_t cache_index(uint64_t address) {
    const uint64_t number = address >> kRegionBits;
    return (number ^ number >> kCacheBits) & ((size_t{1} << kCacheBits) - 1);
  }
  static Region* make_region(uint32_t capacity);
  static Entry* find(Region& region, uint32_t address_tag);
  static void insert(Region& region, const Entry& entry);
  CachedRegion& region_of(uint64_t address);
  void replace(CachedRegion& cached, Region* region);
  void resize(CachedRegion& cached, uint32_t capacity);
  void swap(HeapBlocks& other) noexcept;

  uint64_t count_ = 0;
  absl::flat_hash_map<uint64_t, Region*> regions_;  // by number
  absl::flat_hash_map<uint64_t, HeapBlock> large_;
  std::array<CachedRegion, size_t{1} << kCacheBits> cache_;
};

}  // namespace flarestack
