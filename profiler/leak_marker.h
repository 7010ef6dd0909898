// SPDX-License-Identifier: Apache-2.0
// LeakMarker: the part of a LeakScan that marks what can be reached from the roots, on several threads. Part of
// leak_scan.cc; recorder side.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "profiler/block_index.h"
#include "profiler/leak_heuristics.h"
#include "profiler/leak_scan.h"

namespace flarestack {

inline constexpr uint64_t kLeakChunkBytes = 1 << 20;
inline constexpr uint64_t kLeakWordBytes = sizeof(uint64_t);
inline uint64_t aligned_to_word(uint64_t address) {
  return (address + kLeakWordBytes - 1) / kLeakWordBytes * kLeakWordBytes;
}

enum LeakState : uint8_t { kUnreached = 0, kPossible = 1, kReachable = 2, kIndirect = 3 };

// Blocks that begin in the same kLeakChunkBytes of memory.
struct LeakChunk {
  uint32_t first_block = 0;
  uint32_t end_block = 0;
  std::atomic<bool> queued{false};
};

// Chunks with blocks that wait to be read; empty for good when nobody works on one any more.
class LeakChunkQueue {
 public:
  void push(const std::vector<LeakChunk*>& chunks) {
    const std::lock_guard lock(mutex_);
    waiting_.insert(waiting_.end(), chunks.begin(), chunks.end());
    changed_.notify_all();
  }
  // nullptr: there will be none. The caller is done with the one that it took before.
  LeakChunk* pop(bool had_one) {
    std::unique_lock lock(mutex_);
    busy_ -= had_one ? 1 : 0;
    while (waiting_.empty() && busy_ != 0) {
      changed_.wait(lock);
    }
    if (waiting_.empty()) {
      changed_.notify_all();
      return nullptr;
    }
    ++busy_;
    LeakChunk* chunk = waiting_.front();
    waiting_.pop_front();
    return chunk;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<LeakChunk*> waiting_;
  unsigned busy_ = 0;
};

// What all threads share.
struct LeakScanState {
  explicit LeakScanState(LeakScanInput scanned);

  LeakScanInput input;
  LeakScanResult result;
  BlockIndex index;
  LeakHeuristics heuristics;
  std::vector<std::atomic<uint8_t>> states;    // LeakState of each block
  std::vector<std::atomic<uint64_t>> waiting;  // a bit for each block: it is to be read
  std::vector<LeakChunk> chunks;
  std::vector<uint32_t> chunk_of;  // of every 64th block
  LeakChunkQueue queue;
  std::mutex root_mutex;
  std::atomic<uint64_t> root_bytes{0};
  std::atomic<uint64_t> unreadable_bytes{0};
};

// Marks what one thread comes across. Words wait in a queue while what they need is fetched.
class LeakMarker {
 public:
  explicit LeakMarker(LeakScanState& scan) : scan_(scan), buffer_(kLeakChunkBytes / kLeakWordBytes) {}

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
  void read_run(uint32_t first, uint32_t last);
  void read_block(uint32_t block);
  void look_at_words(const uint64_t* words, uint64_t address, uint64_t end, uint32_t holder, bool definite);
  void add(uint64_t pointer, uint64_t address, uint32_t holder, bool definite);
  void flush();
  void reach(const Found& found);
  void enqueue(uint32_t block);

  LeakScanState& scan_;
  std::vector<uint64_t> buffer_;
  std::array<Found, kBatch> batch_;
  size_t batched_ = 0;
  std::vector<uint32_t> blocks_;     // of the chunk, to be read
  std::vector<LeakChunk*> reached_;  // not queued yet
};

}  // namespace flarestack
