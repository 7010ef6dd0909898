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
  bool is_lost(uint32_t block) { return state_.mark(block).state() == LeakState::kUnreached; }
  void mark_reachable();
  void link_lost();
  void find_leaders();
  void lead(uint32_t leader, BlockReader& reader);
  void claim(uint32_t block, uint32_t leader);

  LeakScanState state_;
  std::vector<uint32_t> led_;  // by the leader at hand, itself first
};

void Scan::mark_reachable() {
  std::vector<ScanRoot> pieces;
  for (const ScanRoot& root : state_.input.roots) {
    for (uint64_t at = root.start; at < root.end; at += kLeakChunkBytes) {
      pieces.push_back({at, std::min(at + kLeakChunkBytes, root.end), root.has_chunk_headers});
    }
  }
  LeakMarker(state_).mark_registers();
  std::atomic<size_t> next{0};
  run_on_threads(state_.input.threads, [&] {
    LeakMarker marker(state_);
    for (size_t i = next++; i < pieces.size(); i = next++) {
      marker.mark_root(pieces[i]);
    }
  });
  run_on_threads(state_.input.threads, [&] { LeakMarker(state_).work(); });
}

// Reads the chunks that nothing was reached in.
void Scan::link_lost() {
  std::atomic<size_t> next{0};
  run_on_threads(state_.input.threads, [&] {
    LeakMarker marker(state_);
    for (size_t i = next++; i < state_.chunks.size(); i = next++) {
      marker.link(state_.chunks[i]);
    }
  });
}

void Scan::claim(uint32_t block, uint32_t leader) {
  const LeakMark mark = state_.mark(block);
  if (block != leader && mark.state() == LeakState::kUnreached) {
    state_.word(block).store(mark.reached(LeakState::kIndirect, leader, false).bits(), std::memory_order_relaxed);
    if (mark.links() > LeakLinks::kNone) {
      __builtin_prefetch(state_.links.at(mark.links()));
    }
    led_.push_back(block);
  }
}

// What `leader` reaches of the lost.
void Scan::lead(uint32_t leader, BlockReader& reader) {
  led_.assign(1, leader);
  for (size_t i = 0; i < led_.size(); ++i) {
    const uint32_t holder = led_[i];
    if (const uint32_t links = state_.mark(holder).links(); links != 0) {
      state_.links.visit(links, [&](uint32_t block, uint64_t /*distance*/) { claim(block, leader); });
      continue;
    }
    reader.words(state_.input.blocks[holder], [&](uint64_t pointer) {
      if (const uint32_t block = state_.index.find(pointer); block != BlockIndex::kNone) {
        claim(block, leader);
      }
    });
  }
}

void Scan::find_leaders() {
  link_lost();
  uint64_t unreadable = 0;
  BlockReader reader(state_.input, unreadable);
  for (uint32_t i = 0; i < state_.input.blocks.size(); ++i) {
    if (is_lost(i)) {
      lead(i, reader);
    }
  }
  state_.unreadable_bytes += unreadable;
}

LeakScanResult Scan::run() {
  mark_reachable();
  find_leaders();
  LeakScanResult& result = state_.result;
  result.root_bytes = state_.root_bytes.load();
  result.unreadable_bytes = state_.unreadable_bytes.load();
  result.blocks = std::move(state_.input.blocks);
  return std::move(result);
}

}  // namespace

LeakVerdict LeakScanResult::verdict(size_t block) const {
  switch (LeakMark(marks[block]).state()) {
    case LeakState::kReachable:
      return LeakVerdict::kStillReachable;
    case LeakState::kPossible:
      return LeakVerdict::kPossiblyLost;
    case LeakState::kIndirect:
      return LeakVerdict::kIndirectlyLost;
    case LeakState::kUnreached:
      break;
  }
  return LeakVerdict::kDefinitelyLost;
}

uint32_t LeakScanResult::holder(size_t block) const {
  const LeakMark mark(marks[block]);
  return mark.state() == LeakState::kUnreached ? kNobody : mark.holder();
}

void LeakScanResult::settle_leaders() {
  const auto settle = [this](size_t block) {
    const LeakMark mark(marks[block]);
    const LeakMark leader(mark.state() == LeakState::kIndirect ? marks[mark.holder()] : 0);
    if (mark.state() == LeakState::kIndirect && leader.state() == LeakState::kIndirect) {
      marks[block] = mark.reached(LeakState::kIndirect, leader.holder(), false).bits();
    }
  };
  // Leaders are found in ascending order, so one is led by a later one, which has been settled before it. What else is
  // led follows.
  for (size_t i = blocks.size(); i-- > 0;) {
    const LeakMark mark(marks[i]);
    if (mark.state() == LeakState::kIndirect && mark.holder() > i) {
      settle(i);
    }
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    settle(i);
  }
}

LeakScanResult scan_for_leaks(LeakScanInput input) { return Scan(std::move(input)).run(); }

}  // namespace flarestack
