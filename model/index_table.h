// SPDX-License-Identifier: Apache-2.0
// IndexTable: finds the number of a thing among many by its hash: which node of a tree is the child for this function,
// which cell is that of this call path. The things themselves are in a vector of the caller, which also compares them.
// Offline side.
//
// Problem: a trace of a million call paths makes maps of several million entries, each looked up once per record.
// std::unordered_map holds each entry in a block of its own, found by a division and two loads that miss the cache.
// Choice: open addressing with linear probing, 8 bytes a slot (number and half of the hash), at most two thirds full.
// Nothing is ever removed. Gain: docs/reading.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flarestack {

class IndexTable {
 public:
  // The number of the thing of this hash for which `is_same(number)` holds; if there is none, `next` is put down for it
  // and returned. Numbers are below UINT32_MAX.
  template <typename IsSame>
  uint32_t find_or_add(uint64_t hash, uint32_t next, const IsSame& is_same) {
    if (3 * (count_ + 1) > 2 * slots_.size()) grow();
    const auto tag = static_cast<uint32_t>(hash >> 32);
    for (size_t i = place(tag);; i = (i + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[i];
      if (slot.number == kEmpty) {
        slot = {tag, next};
        ++count_;
        return next;
      }
      if (slot.tag == tag && is_same(slot.number)) return slot.number;
    }
  }

 private:
  static constexpr uint32_t kEmpty = UINT32_MAX;
  struct Slot {
    uint32_t tag = 0;
    uint32_t number = kEmpty;
  };

  // By the upper bits of the tag, which a multiplicative hash mixes best; `slots_` is a power of two in size.
  size_t place(uint32_t tag) const { return (uint64_t{tag} * slots_.size()) >> 32; }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : 2 * slots_.size());
    old.swap(slots_);
    for (const Slot& each : old) {
      if (each.number == kEmpty) continue;
      size_t i = place(each.tag);
      while (slots_[i].number != kEmpty) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = each;
    }
  }

  std::vector<Slot> slots_;
  size_t count_ = 0;
};

// Of a pair of numbers, for an IndexTable (the finalizer of MurmurHash3).
inline uint64_t hash_of(uint32_t one, uint32_t other) {
  uint64_t hash = uint64_t{one} << 32 | other;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace flarestack
