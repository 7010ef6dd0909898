// SPDX-License-Identifier: Apache-2.0
// LeakQueue: what is to be done by the threads of a LeakScan. Part of leak_marker.cc; recorder side.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace flarestack {

// Blocks that begin in the same kLeakChunkBytes of memory.
struct LeakChunk {
  LeakChunk(uint32_t first, uint32_t end) : first_block(first), end_block(end) {}
  LeakChunk(LeakChunk&& other) noexcept : first_block(other.first_block), end_block(other.end_block) {}

  uint32_t first_block = 0;
  uint32_t end_block = 0;
  std::atomic<bool> was_read{false};  // as a whole, or it was tried
  std::atomic<uint32_t> waiting{0};   // blocks, or a few more
};

// Chunks with blocks that wait to be read, the ones with many of them first, as the more are read at once the better;
// and blocks that a thread has left to others. Empty for good when nobody works on any.
class LeakQueue {
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
  // Whether somebody has nothing to do.
  bool is_wanted() const { return idle_.load(std::memory_order_relaxed) != 0; }
  void share(std::vector<uint32_t> blocks) {
    const std::lock_guard lock(mutex_);
    shared_.push_back(std::move(blocks));
    changed_.notify_one();
  }

  struct Work {
    LeakChunk* chunk = nullptr;
    std::vector<uint32_t> blocks;  // if there is no chunk; none: there will be no more work
  };
  // The caller is done with what it took before.
  Work pop(bool had_one) {
    std::unique_lock lock(mutex_);
    busy_ -= had_one ? 1 : 0;
    for (;;) {
      if (!shared_.empty()) {
        Work work{nullptr, std::move(shared_.back())};
        shared_.pop_back();
        ++busy_;
        return work;
      }
      for (size_t urgency = kUrgencies; urgency-- > 0;) {
        std::deque<LeakChunk*>& waiting = waiting_[urgency];
        while (!waiting.empty()) {
          LeakChunk* chunk = waiting.front();
          waiting.pop_front();
          if (chunk->waiting.load(std::memory_order_acquire) != 0) {  // else it was taken as a more urgent one
            ++busy_;
            return {chunk, {}};
          }
        }
      }
      if (busy_ == 0) {
        changed_.notify_all();
        return {};
      }
      idle_.fetch_add(1, std::memory_order_relaxed);
      changed_.wait(lock);
      idle_.fetch_sub(1, std::memory_order_relaxed);
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<std::deque<LeakChunk*>, kUrgencies> waiting_;
  std::vector<std::vector<uint32_t>> shared_;
  std::atomic<unsigned> idle_{0};
  unsigned busy_ = 0;
};

}  // namespace flarestack
