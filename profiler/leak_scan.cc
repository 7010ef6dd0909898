// SPDX-License-Identifier: Apache-2.0
#include "profiler/leak_scan.h"

#include <algorithm>
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

class Scan {
 public:
  explicit Scan(LeakScanInput input) : state_(std::move(input)) {}
  LeakScanResult run();

 private:
  void find_leaders();
  void lead(uint32_t leader, BlockReader& reader, std::vector<uint32_t>& stack);

  LeakScanState state_;
  std::atomic<size_t> next_piece_{0};
};

// What `leader` reaches of the lost.
void Scan::lead(uint32_t leader, BlockReader& reader, std::vector<uint32_t>& stack) {
  stack.assign(1, leader);
  while (!stack.empty()) {
    const uint32_t holder = stack.back();
    stack.pop_back();
    reader.words(state_.input.blocks[holder], [&](uint64_t pointer) {
      const uint32_t block = state_.index.find(pointer);
      if (block != BlockIndex::kNone && block != leader &&
          state_.states[block].load(std::memory_order_relaxed) == kUnreached) {
        state_.states[block].store(kIndirect, std::memory_order_relaxed);
        state_.result.holders[block] = leader;
        stack.push_back(block);
      }
    });
  }
}

void Scan::find_leaders() {
  uint64_t unreadable = 0;
  BlockReader reader(state_.input, unreadable);
  std::vector<uint32_t> stack;
  for (uint32_t i = 0; i < state_.input.blocks.size(); ++i) {
    if (state_.states[i].load(std::memory_order_relaxed) == kUnreached) {
      lead(i, reader, stack);
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
