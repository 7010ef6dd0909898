// SPDX-License-Identifier: Apache-2.0
// LeakMarker: the part of a LeakScan that marks what can be reached from the roots, on several threads. Part of
// leak_scan.cc; recorder side.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "profiler/block_index.h"
#include "profiler/leak_heuristics.h"
#include "profiler/leak_scan.h"

namespace flarestack {

inline constexpr uint64_t kLeakChunkBytes = 1 << 20;
inline constexpr size_t kLeastKeptWords = 1 << 20;  // and a few a block: what is kept of what was read
inline constexpr uint64_t kLeakWordBytes = sizeof(uint64_t);
inline uint64_t aligned_to_word(uint64_t address) {
  return (address + kLeakWordBytes - 1) / kLeakWordBytes * kLeakWordBytes;
}

enum LeakState : uint8_t { kUnreached = 0, kPossible = 1, kReachable = 2, kIndirect = 3 };
// Beside the state: the block is to be read.
inline constexpr uint8_t kWaiting = 0x80;

// Blocks that begin in the same kLeakChunkBytes of memory.
struct LeakChunk {
  uint32_t first_block = 0;
  uint32_t end_block = 0;
  std::atomic<uint32_t> waiting{0};  // blocks, or a few more

  // Once much of it is read: what may be pointers in its first `kept_blocks` blocks, so that it is not read again. Of
  // block i the words from kept_ends[i - 1] on.
  enum class Kept : uint8_t { kNo, kUnderWay, kYes };
  std::atomic<Kept> kept{Kept::kNo};
  uint32_t kept_blocks = 0;
  std::vector<uint32_t> kept_ends;
  std::vector<uint64_t> kept_words;
};

// Chunks with blocks that wait to be read, the ones with many of them first: the more are read at once the better.
// Empty for good when nobody works on one any more.
class LeakChunkQueue {
 public:
  static constexpr size_t kUrgencies = 3;
  struct Entry {
    LeakChunk* chunk = nullptr;
    size_t urgency = 0;
  };
  void push(const std::vector<Entry>& entries) {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries) {
      waiting_[entry.urgency].push_back(entry.chunk);
    }
    changed_.notify_all();
  }
  // nullptr: there will be none. The caller is done with the one that it took before.
  LeakChunk* pop(bool had_one) {
    std::unique_lock lock(mutex_);
    busy_ -= had_one ? 1 : 0;
    for (;;) {
      for (size_t urgency = kUrgencies; urgency-- > 0;) {
        std::deque<LeakChunk*>& waiting = waiting_[urgency];
        while (!waiting.empty()) {
          LeakChunk* chunk = waiting.front();
          waiting.pop_front();
          if (chunk->waiting.load(std::memory_order_acquire) != 0) {  // else it was taken as a more urgent one
            ++busy_;
            return chunk;
          }
        }
      }
      if (busy_ == 0) {
        changed_.notify_all();
        return nullptr;
      }
      changed_.wait(lock);
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<std::deque<LeakChunk*>, kUrgencies> waiting_;
  unsigned busy_ = 0;
};

// What all threads share.
struct LeakScanState {
  explicit LeakScanState(LeakScanInput scanned);
  uint32_t chunk_number(uint32_t block) const {
    uint32_t number = chunk_of[block / 64];
    while (block >= chunks[number].end_block) {
      ++number;
    }
    return number;
  }

  LeakScanInput input;
  LeakScanResult result;
  BlockIndex index;
  LeakHeuristics heuristics;
  std::vector<std::atomic<uint8_t>> states;  // LeakState of each block, and kWaiting
  std::vector<LeakChunk> chunks;
  std::vector<uint32_t> chunk_of;  // of every 64th block
  LeakChunkQueue queue;
  std::mutex root_mutex;
  std::atomic<int64_t> words_to_keep{0};  // at most
  std::atomic<uint64_t> root_bytes{0};
  std::atomic<uint64_t> unreadable_bytes{0};
};

// Marks what one thread comes across. Words wait in a queue while what they need is fetched.
class LeakMarker {
 public:
  explicit LeakMarker(LeakScanState& scan)
      : scan_(scan), buffer_(std::make_unique_for_overwrite<uint64_t[]>(kLeakChunkBytes / kLeakWordBytes)) {}

  void mark_root(ScanRoot root);
  void mark_registers();
  void work();

 private:
  static constexpr size_t kBatch = 64;
  struct Found {
    uint64_t pointer = 0;
    uint64_t address = 0;  // of the word
    uint32_t holder = 0;
    uint32_t at = 0;  // granule, then block
    bool definite = false;
  };

  void read_waiting(LeakChunk& chunk);
  void keep_words(LeakChunk& chunk);
  void look_at_kept(const LeakChunk& chunk, uint32_t block);
  bool is_definite(uint32_t block) const;
  void read_run(uint32_t first, uint32_t last);
  void read_block(uint32_t block);
  void look_at_words(const uint64_t* words, uint64_t address, uint64_t end, uint32_t holder, bool definite);
  void add(uint64_t pointer, uint64_t address, uint32_t holder, bool definite);
  void flush();
  void reach(const Found& found);
  void enqueue(uint32_t block);

  LeakScanState& scan_;
  std::unique_ptr<uint64_t[]> buffer_;
  std::array<Found, kBatch> batch_;
  size_t batched_ = 0;
  bool in_chunk_headers_ = false;               // all that waits is of a root that has_chunk_headers
  std::vector<uint32_t> blocks_;                // of the chunk, to be read
  std::vector<LeakChunkQueue::Entry> reached_;  // not queued yet
};

}  // namespace flarestack
