// SPDX-License-Identifier: Apache-2.0
#include "profiler/leak_scan.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "profiler/block_index.h"
#include "profiler/leak_heuristics.h"

namespace flarestack {
namespace {

constexpr uint64_t kChunkBytes = 1 << 20;
constexpr uint64_t kNearBytes = 1024;  // blocks that are nearer to each other are read together
constexpr uint64_t kWordBytes = sizeof(uint64_t);

enum State : uint8_t { kUnreached = 0, kPossible = 1, kReachable = 2, kIndirect = 3 };

uint64_t aligned_up(uint64_t address) { return (address + kWordBytes - 1) / kWordBytes * kWordBytes; }

// Blocks that begin in the same kChunkBytes of memory.
struct Chunk {
  uint32_t first_block = 0;
  uint32_t end_block = 0;
  std::atomic<bool> queued{false};
};

// Chunks with blocks that wait to be read; empty for good when nobody works on one any more.
class ChunkQueue {
 public:
  void push(const std::vector<Chunk*>& chunks) {
    const std::lock_guard lock(mutex_);
    waiting_.insert(waiting_.end(), chunks.begin(), chunks.end());
    changed_.notify_all();
  }
  // nullptr: there will be none. The caller is done with the one that it took before.
  Chunk* pop(bool had_one) {
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
    Chunk* chunk = waiting_.front();
    waiting_.pop_front();
    return chunk;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Chunk*> waiting_;
  unsigned busy_ = 0;
};

class Scan {
 public:
  explicit Scan(LeakScanInput input);
  LeakScanResult run();

 private:
  friend class Marker;
  void make_chunks();
  void on_all_threads(const std::function<void()>& work) const;
  void find_leaders();
  void lead(uint32_t leader, class BlockReader& reader, std::vector<uint32_t>& stack);

  LeakScanInput input_;
  LeakScanResult result_;
  BlockIndex index_;
  LeakHeuristics heuristics_;
  std::vector<std::atomic<uint8_t>> states_;
  std::vector<std::atomic<uint64_t>> waiting_;  // a bit for each block: it is to be read
  std::vector<Chunk> chunks_;
  std::vector<uint32_t> chunk_of_;  // of every 64th block
  ChunkQueue queue_;
  std::mutex root_mutex_;
  std::atomic<size_t> next_piece_{0};
  std::atomic<uint64_t> root_bytes_{0};
  std::atomic<uint64_t> unreadable_bytes_{0};
};

// Marks what one thread comes across. Words wait in a queue while what they need is fetched.
class Marker {
 public:
  explicit Marker(Scan& scan) : scan_(scan), buffer_(kChunkBytes / kWordBytes) {}

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

  void read_waiting(Chunk& chunk);
  void read_run(uint32_t first, uint32_t last);
  void read_block(uint32_t block);
  void look_at_words(const uint64_t* words, uint64_t address, uint64_t end, uint32_t holder, bool definite);
  void add(uint64_t pointer, uint64_t address, uint32_t holder, bool definite);
  void flush();
  void reach(const Found& found);
  void enqueue(uint32_t block);

  Scan& scan_;
  std::vector<uint64_t> buffer_;
  std::array<Found, kBatch> batch_;
  size_t batched_ = 0;
  std::vector<uint32_t> blocks_;  // of the chunk, to be read
  std::vector<Chunk*> reached_;   // not queued yet
};

void Marker::add(uint64_t pointer, uint64_t address, uint32_t holder, bool definite) {
  if (!scan_.index_.may_be_inside(pointer)) [[likely]] {
    return;
  }
  const uint32_t granule = scan_.index_.granule_of(pointer);
  if (granule == BlockIndex::kNone) {
    return;
  }
  scan_.index_.prefetch_granule(granule);
  batch_[batched_++] = {pointer, address, holder, granule, definite};
  if (batched_ == kBatch) {
    flush();
  }
}

void Marker::flush() {
  const size_t count = std::exchange(batched_, 0);
  for (size_t i = 0; i < count; ++i) {
    batch_[i].at = scan_.index_.last_block_of(batch_[i].at);
    __builtin_prefetch(&scan_.input_.blocks[batch_[i].at]);
  }
  for (size_t i = 0; i < count; ++i) {
    batch_[i].at = scan_.index_.block_at(batch_[i].pointer, batch_[i].at);
    if (batch_[i].at != BlockIndex::kNone) {
      __builtin_prefetch(&scan_.states_[batch_[i].at]);
    }
  }
  for (size_t i = 0; i < count; ++i) {
    if (batch_[i].at != BlockIndex::kNone) {
      reach(batch_[i]);
    }
  }
  if (!reached_.empty()) {
    scan_.queue_.push(reached_);
    reached_.clear();
  }
}

void Marker::reach(const Found& found) {
  std::atomic<uint8_t>& state = scan_.states_[found.at];
  uint8_t now = state.load(std::memory_order_relaxed);
  if (now == kReachable || (now == kPossible && !found.definite)) {
    return;
  }
  const ScannedBlock& block = scan_.input_.blocks[found.at];
  const bool is_start =
      found.definite && (found.pointer == block.address || scan_.heuristics_.is_start(found.pointer, block));
  const uint8_t wanted = is_start ? kReachable : kPossible;
  while (now < wanted) {
    if (!state.compare_exchange_weak(now, wanted, std::memory_order_acq_rel)) {
      continue;
    }
    uint32_t holder = found.holder;
    if (holder == LeakScanResult::kRoot) {
      const std::lock_guard lock(scan_.root_mutex_);
      holder |= static_cast<uint32_t>(scan_.result_.root_words.size());
      scan_.result_.root_words.push_back(found.address);
    }
    std::atomic_ref(scan_.result_.holders[found.at]).store(holder, std::memory_order_relaxed);
    enqueue(found.at);
    return;
  }
}

void Marker::enqueue(uint32_t block) {
  scan_.waiting_[block / 64].fetch_or(uint64_t{1} << block % 64, std::memory_order_acq_rel);
  uint32_t chunk = scan_.chunk_of_[block / 64];
  while (block >= scan_.chunks_[chunk].end_block) {
    ++chunk;
  }
  if (!scan_.chunks_[chunk].queued.exchange(true, std::memory_order_acq_rel)) {
    reached_.push_back(&scan_.chunks_[chunk]);
  }
}

// `address` is that of words[0].
void Marker::look_at_words(const uint64_t* words, uint64_t address, uint64_t end, uint32_t holder, bool definite) {
  for (; address + kWordBytes <= end; address += kWordBytes, ++words) {
    add(*words, address, holder, definite);
  }
}

void Marker::mark_registers() {
  for (size_t i = 0; i < scan_.input_.registers.size(); ++i) {
    add(scan_.input_.registers[i], i, LeakScanResult::kRoot | static_cast<uint32_t>(i), true);
  }
  flush();
}

void Marker::mark_root(ScanRoot root) {
  const uint64_t start = aligned_up(root.start);
  const size_t size = root.end > start ? root.end - start : 0;
  const size_t got = scan_.input_.read(start, buffer_.data(), size);
  scan_.root_bytes_.fetch_add(got, std::memory_order_relaxed);
  look_at_words(buffer_.data(), start, start + got, LeakScanResult::kRoot, true);
  flush();
  if (got < size) {  // a page that cannot be read; others behind it may
    constexpr uint64_t kPageBytes = 4096;
    const uint64_t next = (start + got) / kPageBytes * kPageBytes + kPageBytes;
    scan_.unreadable_bytes_.fetch_add(std::min(next, root.end) - (start + got), std::memory_order_relaxed);
    if (next < root.end) {
      mark_root({next, root.end});
    }
  }
}

void Marker::read_block(uint32_t number) {
  const ScannedBlock& block = scan_.input_.blocks[number];
  const bool definite = scan_.states_[number].load(std::memory_order_acquire) == kReachable;
  const uint64_t end = block.address + block.size_bytes;
  for (uint64_t at = aligned_up(block.address); at < end;) {
    const size_t size = std::min(end - at, kChunkBytes);
    const size_t got = scan_.input_.read(at, buffer_.data(), size);
    look_at_words(buffer_.data(), at, at + got, number, definite);
    if (got < size) {
      scan_.unreadable_bytes_.fetch_add(end - at - got, std::memory_order_relaxed);
      return;
    }
    at += size;
  }
}

// Blocks [first, last] of blocks_, all in one piece of memory that fits the buffer.
void Marker::read_run(uint32_t first, uint32_t last) {
  const uint64_t start = aligned_up(scan_.input_.blocks[blocks_[first]].address);
  const ScannedBlock& final = scan_.input_.blocks[blocks_[last]];
  const uint64_t end = final.address + final.size_bytes;
  if (end <= start) {
    return;
  }
  if (first == last || end - start > kChunkBytes ||
      scan_.input_.read(start, buffer_.data(), end - start) != end - start) {
    for (uint32_t i = first; i <= last; ++i) {
      read_block(blocks_[i]);
    }
    return;
  }
  for (uint32_t i = first; i <= last; ++i) {
    const ScannedBlock& block = scan_.input_.blocks[blocks_[i]];
    const bool definite = scan_.states_[blocks_[i]].load(std::memory_order_acquire) == kReachable;
    const uint64_t from = aligned_up(block.address);
    look_at_words(buffer_.data() + (from - start) / kWordBytes, from, block.address + block.size_bytes, blocks_[i],
                  definite);
  }
}

void Marker::read_waiting(Chunk& chunk) {
  chunk.queued.store(false, std::memory_order_seq_cst);  // before the look: what comes later queues it again
  blocks_.clear();
  for (uint32_t word = chunk.first_block / 64; word * uint64_t{64} < chunk.end_block; ++word) {
    uint64_t mask = ~uint64_t{0};
    if (word == chunk.first_block / 64) {
      mask &= ~uint64_t{0} << chunk.first_block % 64;
    }
    if (word == chunk.end_block / 64) {
      mask &= ~(~uint64_t{0} << chunk.end_block % 64);
    }
    if ((scan_.waiting_[word].load(std::memory_order_acquire) & mask) == 0) {
      continue;
    }
    for (uint64_t bits = scan_.waiting_[word].fetch_and(~mask, std::memory_order_acq_rel) & mask; bits != 0;
         bits &= bits - 1) {
      blocks_.push_back(word * 64 + static_cast<uint32_t>(std::countr_zero(bits)));
    }
  }
  uint32_t first = 0;
  for (uint32_t i = 1; i <= blocks_.size(); ++i) {
    if (i < blocks_.size()) {
      const ScannedBlock& before = scan_.input_.blocks[blocks_[i - 1]];
      const ScannedBlock& block = scan_.input_.blocks[blocks_[i]];
      const uint64_t run_end = block.address + block.size_bytes;
      if (block.address - (before.address + before.size_bytes) <= kNearBytes &&
          run_end - scan_.input_.blocks[blocks_[first]].address <= kChunkBytes) {
        continue;
      }
    }
    read_run(first, i - 1);
    first = i;
  }
  flush();
}

void Marker::work() {
  bool had_one = false;
  while (Chunk* chunk = scan_.queue_.pop(had_one)) {
    had_one = true;
    read_waiting(*chunk);
  }
}

// Reads blocks one after the other, of which many are near the one before.
class BlockReader {
 public:
  BlockReader(const LeakScanInput& input, uint64_t& unreadable_bytes)
      : input_(input), unreadable_bytes_(unreadable_bytes), pages_(kPages), buffer_(kWindowBytes / kWordBytes) {}

  template <typename Visit>
  void words(const ScannedBlock& block, Visit visit) {
    const uint64_t end = block.address + block.size_bytes;
    for (uint64_t at = aligned_up(block.address); at + kWordBytes <= end;) {
      const uint64_t window = at / kWindowBytes * kWindowBytes;
      Window& cached = pages_[window / kWindowBytes % kPages];
      if (cached.address != window) {
        cached.address = window;
        cached.words.resize(kWindowBytes / kWordBytes);
        cached.size_bytes = input_.read(window, cached.words.data(), kWindowBytes);
      }
      const uint64_t until = std::min(end, window + kWindowBytes);
      if (window + cached.size_bytes >= until) {
        visit_all(cached.words.data() + (at - window) / kWordBytes, at, until, visit);
      } else {  // part of the window cannot be read
        const size_t got = input_.read(at, buffer_.data(), until - at);
        visit_all(buffer_.data(), at, at + got, visit);
        unreadable_bytes_ += until - at - got;
      }
      at = until;
    }
  }

 private:
  static constexpr uint64_t kWindowBytes = 16384;
  static constexpr size_t kPages = 64;
  struct Window {
    uint64_t address = UINT64_MAX;
    size_t size_bytes = 0;
    std::vector<uint64_t> words;
  };
  template <typename Visit>
  static void visit_all(const uint64_t* words, uint64_t address, uint64_t end, Visit visit) {
    for (; address + kWordBytes <= end; address += kWordBytes, ++words) {
      visit(*words);
    }
  }

  const LeakScanInput& input_;
  uint64_t& unreadable_bytes_;
  std::vector<Window> pages_;
  std::vector<uint64_t> buffer_;
};

Scan::Scan(LeakScanInput input)
    : input_(std::move(input)),
      index_(input_.blocks),
      heuristics_(input_),
      states_(input_.blocks.size()),
      waiting_(input_.blocks.size() / 64 + 1) {
  result_.holders.assign(input_.blocks.size(), LeakScanResult::kNobody);
  for (size_t i = 0; i < input_.registers.size(); ++i) {
    result_.root_words.push_back(i);
  }
  make_chunks();
}

void Scan::make_chunks() {
  size_t count = 0;
  uint64_t last = UINT64_MAX;
  for (const ScannedBlock& block : input_.blocks) {
    count += block.address / kChunkBytes != last ? 1 : 0;
    last = block.address / kChunkBytes;
  }
  chunks_ = std::vector<Chunk>(count);
  chunk_of_.resize(input_.blocks.size() / 64 + 1);
  size_t next = 0;
  last = UINT64_MAX;
  for (uint32_t i = 0; i < input_.blocks.size(); ++i) {
    if (input_.blocks[i].address / kChunkBytes != last) {
      last = input_.blocks[i].address / kChunkBytes;
      chunks_[next++].first_block = i;
    }
    chunks_[next - 1].end_block = i + 1;
    if (i % 64 == 0) {
      chunk_of_[i / 64] = static_cast<uint32_t>(next - 1);
    }
  }
}

void Scan::on_all_threads(const std::function<void()>& work) const {
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < input_.threads; ++i) {
    threads.emplace_back(work);
  }
  work();
  for (std::thread& thread : threads) {
    thread.join();
  }
}

// What `leader` reaches of the lost.
void Scan::lead(uint32_t leader, BlockReader& reader, std::vector<uint32_t>& stack) {
  stack.assign(1, leader);
  while (!stack.empty()) {
    const uint32_t holder = stack.back();
    stack.pop_back();
    reader.words(input_.blocks[holder], [&](uint64_t pointer) {
      const uint32_t block = index_.find(pointer);
      if (block != BlockIndex::kNone && block != leader &&
          states_[block].load(std::memory_order_relaxed) == kUnreached) {
        states_[block].store(kIndirect, std::memory_order_relaxed);
        result_.holders[block] = leader;
        stack.push_back(block);
      }
    });
  }
}

void Scan::find_leaders() {
  uint64_t unreadable = 0;
  BlockReader reader(input_, unreadable);
  std::vector<uint32_t> stack;
  for (uint32_t i = 0; i < input_.blocks.size(); ++i) {
    if (states_[i].load(std::memory_order_relaxed) == kUnreached) {
      lead(i, reader, stack);
    }
  }
  unreadable_bytes_ += unreadable;
  for (uint32_t i = 0; i < input_.blocks.size(); ++i) {
    // A leader that was found to be led later on takes along what it led.
    if (states_[i].load(std::memory_order_relaxed) == kIndirect) {
      uint32_t leader = result_.holders[i];
      while (states_[leader].load(std::memory_order_relaxed) == kIndirect) {
        leader = result_.holders[leader];
      }
      result_.holders[i] = leader;
    }
  }
}

LeakScanResult Scan::run() {
  std::vector<ScanRoot> pieces;
  for (const ScanRoot& root : input_.roots) {
    for (uint64_t at = root.start; at < root.end; at += kChunkBytes) {
      pieces.push_back({at, std::min(at + kChunkBytes, root.end)});
    }
  }
  Marker(*this).mark_registers();
  on_all_threads([&] {
    Marker marker(*this);
    for (size_t i = next_piece_++; i < pieces.size(); i = next_piece_++) {
      marker.mark_root(pieces[i]);
    }
  });
  on_all_threads([&] { Marker(*this).work(); });
  find_leaders();
  result_.verdicts.reserve(input_.blocks.size());
  for (const std::atomic<uint8_t>& state : states_) {
    const uint8_t now = state.load(std::memory_order_relaxed);
    result_.verdicts.push_back(now == kReachable  ? LeakVerdict::kStillReachable
                               : now == kPossible ? LeakVerdict::kPossiblyLost
                               : now == kIndirect ? LeakVerdict::kIndirectlyLost
                                                  : LeakVerdict::kDefinitelyLost);
  }
  result_.root_bytes = root_bytes_.load();
  result_.unreadable_bytes = unreadable_bytes_.load();
  result_.blocks = std::move(input_.blocks);
  return std::move(result_);
}

}  // namespace

LeakScanResult scan_for_leaks(LeakScanInput input) { return Scan(std::move(input)).run(); }

}  // namespace flarestack
