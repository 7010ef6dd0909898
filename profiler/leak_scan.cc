// SPDX-License-Identifier: Apache-2.0
#include "profiler/leak_scan.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "profiler/leak_marker.h"
#include "profiler/run_on_threads.h"

namespace flarestack {
namespace {

// Reads blocks one after the other, of which many are near the one before.
class BlockReader {
 public:
  BlockReader(const LeakScanInput& input, uint64_t& unreadable_bytes)
      : input_(input), unreadable_bytes_(unreadable_bytes), pages_(kPages), buffer_(kWindowBytes / kLeakWordBytes) {}

  template <typename Visit>
  void words(const ScannedBlock& block, Visit visit) {
    const uint64_t end = block.address + block.size_bytes;
    for (uint64_t at = aligned_to_word(block.address); at + kLeakWordBytes <= end;) {
      const uint64_t window = at / kWindowBytes * kWindowBytes;
      Window& cached = pages_[window / kWindowBytes % kPages];
      if (cached.address != window) {
        cached.address = window;
        cached.words.resize(kWindowBytes / kLeakWordBytes);
        cached.size_bytes = input_.read(window, cached.words.data(), kWindowBytes);
      }
      const uint64_t until = std::min(end, window + kWindowBytes);
      if (window + cached.size_bytes >= until) {
        visit_all(cached.words.data() + (at - window) / kLeakWordBytes, at, until, visit);
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
    for (; address + kLeakWordBytes <= end; address += kLeakWordBytes, ++words) {
      visit(*words);
    }
  }

  const LeakScanInput& input_;
  uint64_t& unreadable_bytes_;
  std::vector<Window> pages_;
  std::vector<uint64_t> buffer_;
};

// Which lost blocks the lost blocks of a chunk point to.
struct LostChunk {
  bool gathered = false;
  std::vector<uint32_t> ends;  // of each block of the chunk, in `targets`
  std::vector<uint32_t> targets;
};

class Scan {
 public:
  explicit Scan(LeakScanInput input) : state_(std::move(input)), lost_(state_.chunks.size()) {}
  LeakScanResult run();

 private:
  bool is_lost(uint32_t block) const { return state_.states[block].load(std::memory_order_relaxed) == kUnreached; }
  void gather();
  void gather_chunk(const LeakChunk& chunk, LostChunk& lost, BlockReader& reader);
  void resolve(std::vector<uint64_t>& pointers) const;
  void find_leaders();
  void lead(uint32_t leader, BlockReader& reader);
  void claim(uint32_t block, uint32_t leader);

  LeakScanState state_;
  std::vector<LostChunk> lost_;        // by the same index as the chunks
  std::atomic<int64_t> room_{0};       // for targets
  std::atomic<size_t> next_piece_{0};  // of work that threads share
  std::vector<uint32_t> led_;          // by the leader at hand, itself first
};

// From addresses to the lost blocks that they are in, BlockIndex::kNone for none.
void Scan::resolve(std::vector<uint64_t>& pointers) const {
  constexpr size_t kBatch = 64;
  std::array<uint32_t, kBatch> at{};
  for (size_t first = 0; first < pointers.size(); first += kBatch) {
    const size_t count = std::min(kBatch, pointers.size() - first);
    for (size_t i = 0; i < count; ++i) {
      at[i] = state_.index.granule_of(pointers[first + i]);
      if (at[i] != BlockIndex::kNone) {
        state_.index.prefetch_granule(at[i]);
      }
    }
    for (size_t i = 0; i < count; ++i) {
      if (at[i] != BlockIndex::kNone) {
        at[i] = state_.index.last_block_of(at[i]);
        __builtin_prefetch(&state_.input.blocks[at[i]]);
      }
    }
    for (size_t i = 0; i < count; ++i) {
      if (at[i] != BlockIndex::kNone) {
        at[i] = state_.index.block_at(pointers[first + i], at[i]);
      }
      pointers[first + i] = at[i] != BlockIndex::kNone && is_lost(at[i]) ? at[i] : BlockIndex::kNone;
    }
  }
}

void Scan::gather_chunk(const LeakChunk& chunk, LostChunk& lost, BlockReader& reader) {
  std::vector<uint64_t> pointers;
  for (uint32_t block = chunk.first_block; block < chunk.end_block; ++block) {
    if (is_lost(block)) {
      reader.words(state_.input.blocks[block], [&](uint64_t word) {
        if (state_.index.may_be_inside(word)) {
          pointers.push_back(word);
        }
      });
    }
    lost.ends.push_back(static_cast<uint32_t>(pointers.size()));
  }
  resolve(pointers);
  uint32_t from = 0;
  for (uint32_t& end : lost.ends) {
    for (; from < end; ++from) {
      if (pointers[from] != BlockIndex::kNone) {
        lost.targets.push_back(static_cast<uint32_t>(pointers[from]));
      }
    }
    end = static_cast<uint32_t>(lost.targets.size());
  }
  lost.targets.shrink_to_fit();
  lost.gathered = true;
}

// Reads the lost blocks, on all threads, as far as there is room for what they point to.
void Scan::gather() {
  room_ = static_cast<int64_t>(kLeastKeptWords + 4 * state_.input.blocks.size());
  next_piece_ = 0;
  run_on_threads(state_.input.threads, [&] {
    uint64_t unreadable = 0;
    BlockReader reader(state_.input, unreadable);
    for (size_t i = next_piece_++; i < lost_.size() && room_ > 0; i = next_piece_++) {
      gather_chunk(state_.chunks[i], lost_[i], reader);
      room_ -= static_cast<int64_t>(lost_[i].targets.size());
    }
    state_.unreadable_bytes += unreadable;
  });
}

void Scan::claim(uint32_t block, uint32_t leader) {
  if (block != leader && is_lost(block)) {
    state_.states[block].store(kIndirect, std::memory_order_relaxed);
    state_.result.holders[block] = leader;
    led_.push_back(block);
  }
}

// What `leader` reaches of the lost.
void Scan::lead(uint32_t leader, BlockReader& reader) {
  led_.assign(1, leader);
  for (size_t i = 0; i < led_.size(); ++i) {
    const uint32_t holder = led_[i];
    const uint32_t number = state_.chunk_number(holder);
    const LostChunk& lost = lost_[number];
    if (!lost.gathered) {
      reader.words(state_.input.blocks[holder], [&](uint64_t pointer) {
        if (const uint32_t block = state_.index.find(pointer); block != BlockIndex::kNone) {
          claim(block, leader);
        }
      });
      continue;
    }
    const uint32_t index = holder - state_.chunks[number].first_block;
    for (uint32_t at = index != 0 ? lost.ends[index - 1] : 0; at < lost.ends[index]; ++at) {
      claim(lost.targets[at], leader);
    }
  }
}

void Scan::find_leaders() {
  gather();
  uint64_t unreadable = 0;
  BlockReader reader(state_.input, unreadable);
  for (uint32_t i = 0; i < state_.input.blocks.size(); ++i) {
    if (is_lost(i)) {
      lead(i, reader);
    }
  }
  state_.unreadable_bytes += unreadable;
  for (uint32_t i = 0; i < state_.input.blocks.size(); ++i) {
    // A leader that was found to be led later on takes along what it led.
    if (state_.states[i].load(std::memory_order_relaxed) == kIndirect) {
      uint32_t leader = state_.result.holders[i];
      while (state_.states[leader].load(std::memory_order_relaxed) == kIndirect) {
        leader = state_.result.holders[leader];
      }
      state_.result.holders[i] = leader;
    }
  }
}

LeakScanResult Scan::run() {
  std::vector<ScanRoot> pieces;
  for (const ScanRoot& root : state_.input.roots) {
    for (uint64_t at = root.start; at < root.end; at += kLeakChunkBytes) {
      pieces.push_back({at, std::min(at + kLeakChunkBytes, root.end), root.has_chunk_headers});
    }
  }
  LeakMarker(state_).mark_registers();
  run_on_threads(state_.input.threads, [&] {
    LeakMarker marker(state_);
    for (size_t i = next_piece_++; i < pieces.size(); i = next_piece_++) {
      marker.mark_root(pieces[i]);
    }
  });
  run_on_threads(state_.input.threads, [&] { LeakMarker(state_).work(); });
  find_leaders();
  state_.result.verdicts.reserve(state_.input.blocks.size());
  for (const std::atomic<uint8_t>& state : state_.states) {
    const uint8_t now = state.load(std::memory_order_relaxed);
    state_.result.verdicts.push_back(now == kReachable  ? LeakVerdict::kStillReachable
                                     : now == kPossible ? LeakVerdict::kPossiblyLost
                                     : now == kIndirect ? LeakVerdict::kIndirectlyLost
                                                        : LeakVerdict::kDefinitelyLost);
  }
  state_.result.root_bytes = state_.root_bytes.load();
  state_.result.unreadable_bytes = state_.unreadable_bytes.load();
  state_.result.blocks = std::move(state_.input.blocks);
  return std::move(state_.result);
}

}  // namespace

LeakScanResult scan_for_leaks(LeakScanInput input) { return Scan(std::move(input)).run(); }

}  // namespace flarestack
