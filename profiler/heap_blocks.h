// SPDX-License-Identifier: Apache-2.0
// HeapBlocks: the live blocks of one process, by address. Recorder side.
//
// 21 bytes an entry at a load of 7/16 to 7/8: 24 to 48 bytes a live block. In 16 tables by hash, so that one that grows
// (both sizes are there for a moment) is a sixteenth of the whole.
#pragma once

#include <array>
#include <cstdint>

#include <absl/container/flat_hash_map.h>

namespace flarestack {

// What is known of a live block.
struct HeapBlock {
  uint32_t site = 0;      // index in the HeapTracker's sites
  uint32_t birth = 0;     // in units of kBirthUnitNs since the start of the recording
  uint32_t size_low = 0;  // bytes, below kLargeBytes
  static constexpr int64_t kBirthUnitNs = 100'000;
  static constexpr uint64_t kLargeBytes = UINT32_MAX;
};

class HeapBlocks {
 public:
  // Enters a block; what was there before under its address is lost: take() it first.
  void put(uint64_t address, HeapBlock block, uint64_t size_bytes) {
    block.size_low = static_cast<uint32_t>(size_bytes < HeapBlock::kLargeBytes ? size_bytes : HeapBlock::kLargeBytes);
    if (size_bytes >= HeapBlock::kLargeBytes) [[unlikely]] {
      large_[address] = size_bytes;
    }
    table(address)[key(address)] = block;
  }
  // Enters a block where there is none; false: there is one.
  bool put_new(uint64_t address, HeapBlock block, uint64_t size_bytes) {
    if (size_bytes >= HeapBlock::kLargeBytes) [[unlikely]] {
      if (table(address).contains(key(address))) {
        return false;
      }
      put(address, block, size_bytes);
      return true;
    }
    block.size_low = static_cast<uint32_t>(size_bytes);
    return table(address).try_emplace(key(address), block).second;
  }
  // Takes a block out; false: there is none.
  bool take(uint64_t address, HeapBlock& block, uint64_t& size_bytes) {
    auto& part = table(address);
    const auto found = part.find(key(address));
    if (found == part.end()) {
      return false;
    }
    block = found->second;
    size_bytes = block.size_low;
    part.erase(found);
    if (block.size_low == HeapBlock::kLargeBytes) [[unlikely]] {
      size_bytes = large_[address];
      large_.erase(address);
    }
    return true;
  }
  void prefetch(uint64_t address) const { table(address).prefetch(key(address)); }
  // All blocks, as if of one site.
  HeapBlocks with_site(uint32_t site) const {
    HeapBlocks copy = *this;
    for (Table& part : copy.tables_) {
      for (auto& [address, block] : part) {
        block.site = site;
      }
    }
    return copy;
  }
  uint64_t size() const {
    uint64_t total = 0;
    for (const auto& part : tables_) {
      total += part.size();
    }
    return total;
  }

 private:
  // Of four-byte alignment, so that an entry has no padding.
  struct Key {
    uint32_t low = 0;
    uint32_t high = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(Key key) const noexcept {
      // Absl wants good bits at both ends; blocks are 16 bytes apart at least.
      const uint64_t value = (uint64_t{key.high} << 32 | key.low) * 0x9E3779B97F4A7C15;
      return static_cast<size_t>(value ^ value >> 32);
    }
  };
  using Table = absl::flat_hash_map<Key, HeapBlock, KeyHash>;

  static Key key(uint64_t address) { return {static_cast<uint32_t>(address), static_cast<uint32_t>(address >> 32)}; }
  static size_t part_of(uint64_t address) { return (address * 0xD6E8FEB86659FD93) >> 60; }
  Table& table(uint64_t address) { return tables_[part_of(address)]; }
  const Table& table(uint64_t address) const { return tables_[part_of(address)]; }

  std::array<Table, 16> tables_;
  absl::flat_hash_map<uint64_t, uint64_t> large_;  // size in bytes of blocks above kLargeBytes
};

}  // namespace flarestack
