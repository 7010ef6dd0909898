// SPDX-License-Identifier: Apache-2.0
// LeakMarker: the part of a LeakScan that marks what can be reached from the roots, on several threads. Part of
// leak_scan.cc; recorder side.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "profiler/block_index.h"
#include "profiler/leak_heuristics.h"
#include "profiler/leak_mark.h"
#include "profiler/leak_queue.h"
#include "profiler/leak_scan.h"

namespace flarestack {

inline constexpr uint64_t kLeakChunkBytes = 1 << 20;
inline constexpr uint64_t kLeakWordBytes = sizeof(uint64_t);
inline uint64_t aligned_to_word(uint64_t address) {
  return (address + kLeakWordBytes - 1) / kLeakWordBytes * kLeakWordBytes;
}

// Which blocks a block points to: its links one after the other, the last one marked. Of a pointer that is not a
// block's address its distance to that follows, or kFar.
class LeakLinks {
 public:
  static constexpr uint32_t kBlockMask = (1U << 30) - 1;
  static constexpr uint32_t kInterior = 1U << 30;
  static constexpr uint32_t kLast = 1U << 31;
  static constexpr uint32_t kNone = 1;  // of a block that points to none
  static constexpr uint32_t kFar = UINT32_MAX;

  explicit LeakLinks(const LeakScanInput& input);
  // A place for so many; 0: there is no room.
  uint32_t allocate(size_t count);
  bool is_full() const { return used_.load(std::memory_order_relaxed) >= links_.size(); }
  uint32_t* at(uint32_t place) { return &links_[place]; }
  // Calls visit(block, distance to its first byte) for each of the links from `place` on.
  template <typename Visit>
  void visit(uint32_t place, Visit visit) const {
    const uint32_t* link = &links_[place];
    for (bool is_last = place == kNone; !is_last; ++link) {
      const uint32_t block = *link & kBlockMask;
      is_last = (*link & kLast) != 0;
      uint64_t distance = 0;
      if ((*link & kInterior) != 0) {
        distance = *++link;
      }
      visit(block, distance);
    }
  }

 private:
  static constexpr size_t kLeast = size_t{2} << 20;
  static constexpr size_t kPerBlock = 6;
  HugeVector<uint32_t> links_;
  std::atomic<size_t> used_{kNone + 1};
};

// What all threads share.
struct LeakScanState {
  explicit LeakScanState(LeakScanInput scanned);
  std::atomic_ref<uint64_t> word(uint32_t block) { return std::atomic_ref(result.marks[block]); }
  LeakMark mark(uint32_t block) { return LeakMark(word(block).load(std::memory_order_acquire)); }
  LeakChunk& chunk_of(uint32_t block) {
    uint32_t number = chunk_numbers[block / 64];
    while (block >= chunks[number].end_block) {
      ++number;
    }
    return chunks[number];
  }

  LeakScanInput input;
  LeakScanResult result;
  BlockIndex index;
  LeakHeuristics heuristics;
  LeakLinks links;
  std::vector<LeakChunk> chunks;
  std::vector<uint32_t> chunk_numbers;  // of every 64th block
  LeakQueue queue;
  std::mutex root_mutex;
  std::atomic<uint64_t> root_bytes{0};
  std::atomic<uint64_t> unreadable_bytes{0};
};

// Marks what one thread comes across. Words wait in a batch while what they need is fetched.
class LeakMarker {
 public:
  explicit LeakMarker(LeakScanState& scan)
      : scan_(scan), buffer_(std::make_unique_for_overwrite<uint64_t[]>(kLeakChunkBytes / kLeakWordBytes)) {}

  void mark_root(ScanRoot root);
  void mark_registers();
  void work();
  // Reads all of the chunk that fits the buffer and keeps what its blocks point to, unless it was tried before, there
  // is no room or something cannot be read.
  void link(LeakChunk& chunk);

 private:
  static constexpr size_t kBatch = 64;
  struct Pointer {
    uint64_t value = 0;
    uint64_t address = 0;  // of the word
    uint32_t holder = 0;
    uint32_t at = 0;  // granule, then block
    bool definite = false;
  };
  struct Target {
    uint64_t distance = 0;  // of the pointer to the block's first byte
    uint64_t address = 0;   // of the word
    uint32_t block = 0;
    uint32_t holder = 0;
    bool definite = false;
  };

  void read_waiting(LeakChunk& chunk);
  void follow();
  bool is_definite(uint32_t block) { return scan_.mark(block).state() == LeakState::kReachable; }
  void read_run(uint32_t first, uint32_t last);
  void read_block(uint32_t block);
  void look_at_words(const uint64_t* words, uint64_t address, uint64_t end, uint32_t holder, bool definite);
  void add(uint64_t pointer, uint64_t address, uint32_t holder, bool definite);
  void add_target(const Target& target);
  void find_targets();
  void reach_targets();
  void flush() {
    find_targets();
    reach_targets();
  }
  void reach(const Target& target);
  void enqueue(LeakChunk& chunk);
  void resolve_pointers();
  void add_links(uint32_t block, size_t first, size_t end);

  LeakScanState& scan_;
  std::unique_ptr<uint64_t[]> buffer_;
  std::array<Pointer, kBatch> pointers_;
  size_t pointer_count_ = 0;
  std::array<Target, kBatch> targets_;
  size_t target_count_ = 0;
  bool in_chunk_headers_ = false;          // all that waits is of a root that has_chunk_headers
  std::vector<uint32_t> blocks_;           // of the chunk, to be read
  std::vector<uint32_t> found_;            // to be followed: their links are known
  std::vector<LeakQueue::Entry> reached_;  // chunks that are not queued yet
  // Of the chunk that is linked: what may be pointers, the blocks they are in, where each block's end, and the links.
  std::vector<uint64_t> words_;
  std::vector<uint32_t> at_;
  std::vector<uint32_t> ends_;
  std::vector<uint32_t> links_;
};

}  // namespace flarestack
