// SPDX-License-Identifier: Apache-2.0
#include "profiler/leak_marker.h"

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "profiler/run_on_threads.h"

namespace flarestack {
namespace {

constexpr uint64_t kNearBytes = 8192;  // blocks that are nearer to each other are read together: a call costs as much

constexpr uint64_t kChunkAlignment = 16;     // glibc's MALLOC_ALIGNMENT on x86-64
constexpr uint64_t kHeaderOverlapBytes = 8;  // of a chunk's header with the block before it: its prev_size
constexpr uint32_t kMany = 32;               // one in so many blocks of a chunk waits
constexpr uint32_t kMost = 4;

}  // namespace

LeakLinks::LeakLinks(const LeakScanInput& input)
    : links_(std::min(input.link_room.value_or(kLeast + kPerBlock * input.blocks.size()),
                      size_t{1} << LeakMark::kLinksBits)) {}

uint32_t LeakLinks::allocate(size_t count) {
  const size_t place = used_.fetch_add(count, std::memory_order_relaxed);
  return place + count <= links_.size() ? static_cast<uint32_t>(place) : 0;
}

LeakScanState::LeakScanState(LeakScanInput scanned)
    : input(std::move(scanned)), index(input.blocks, input.threads), heuristics(input), links(input) {
  result.marks.resize(input.blocks.size());
  std::atomic<size_t> next{0};
  run_on_threads(input.threads, [&] {  // each page of it is asked for here
    constexpr size_t kAtATime = size_t{1} << 20;
    for (size_t at = next.fetch_add(kAtATime); at < result.marks.size(); at = next.fetch_add(kAtATime)) {
      std::fill_n(result.marks.begin() + static_cast<ptrdiff_t>(at), std::min(kAtATime, result.marks.size() - at), 0);
    }
  });
  for (size_t i = 0; i < input.registers.size(); ++i) {
    result.root_words.push_back(i);
  }
  const auto count = static_cast<uint32_t>(input.blocks.size());
  for (uint32_t first = 0; first < count;) {
    const uint64_t chunk_end = (input.blocks[first].address / kLeakChunkBytes + 1) * kLeakChunkBytes;
    const uint32_t end = first_block_from(input.blocks, chunk_end, first);
    chunks.emplace_back(first, end);
    while (chunk_numbers.size() * 64 < end) {
      chunk_numbers.push_back(static_cast<uint32_t>(chunks.size() - 1));
    }
    first = end;
  }
}

void LeakMarker::add(uint64_t pointer, uint64_t address, uint32_t holder, bool definite) {
  if (!scan_.index.may_be_inside(pointer)) [[likely]] {
    return;
  }
  const uint32_t granule = scan_.index.granule_of(pointer);
  if (granule == BlockIndex::kNone) {
    return;
  }
  scan_.index.prefetch_granule(granule);
  pointers_[pointer_count_++] = {pointer, address, holder, granule, definite};
  if (pointer_count_ == kBatch) {
    find_targets();
  }
}

void LeakMarker::add_target(const Target& target) {
  __builtin_prefetch(&scan_.result.marks[target.block]);
  targets_[target_count_++] = target;
  if (target_count_ == kBatch) {
    reach_targets();
  }
}

void LeakMarker::find_targets() {
  const size_t count = std::exchange(pointer_count_, 0);
  for (size_t i = 0; i < count; ++i) {
    pointers_[i].at = scan_.index.last_block_of(pointers_[i].at);
    __builtin_prefetch(&scan_.input.blocks[pointers_[i].at]);
  }
  for (size_t i = 0; i < count; ++i) {
    const Pointer& pointer = pointers_[i];
    const uint32_t number = scan_.index.block_at(pointer.value, pointer.at);
    if (number == BlockIndex::kNone) {
      continue;
    }
    const ScannedBlock& block = scan_.input.blocks[number];
    const bool is_header = in_chunk_headers_ && pointer.value != block.address &&
                           pointer.value % kChunkAlignment == 0 &&
                           pointer.value + kHeaderOverlapBytes >= block.address + block.size_bytes;
    if (!is_header) {
      add_target({pointer.value - block.address, pointer.address, number, pointer.holder, pointer.definite});
    }
  }
}

void LeakMarker::reach_targets() {
  for (size_t i = 0; i < target_count_; ++i) {
    reach(targets_[i]);
  }
  target_count_ = 0;
  if (!reached_.empty()) {
    scan_.queue.push(reached_);
    reached_.clear();
  }
}

void LeakMarker::reach(const Target& target) {
  const std::atomic_ref<uint64_t> word = scan_.word(target.block);
  LeakMark now(word.load(std::memory_order_acquire));
  if (now.state() == LeakState::kReachable || (now.state() == LeakState::kPossible && !target.definite)) {
    return;
  }
  const ScannedBlock& block = scan_.input.blocks[target.block];
  const bool is_start =
      target.definite && (target.distance == 0 || (target.distance < LeakLinks::kFar &&
                                                   scan_.heuristics.is_start(block.address + target.distance, block)));
  const LeakState wanted = is_start ? LeakState::kReachable : LeakState::kPossible;
  uint32_t holder = target.holder;
  if (holder == LeakScanResult::kRoot) {
    const std::lock_guard lock(scan_.root_mutex);
    holder |= static_cast<uint32_t>(scan_.result.root_words.size());
    scan_.result.root_words.push_back(target.address);
  }
  while (now.state() < wanted) {
    uint64_t bits = now.bits();
    if (!word.compare_exchange_weak(bits, now.reached(wanted, holder, now.links() == 0).bits(),
                                    std::memory_order_acq_rel)) {
      now = LeakMark(bits);
      continue;
    }
    if (now.is_waiting()) {
      return;
    }
    if (now.links() == 0) {
      enqueue(scan_.chunk_of(target.block));
    } else if (now.links() != LeakLinks::kNone) {
      __builtin_prefetch(scan_.links.at(now.links()));
      found_.push_back(target.block);
    }
    return;
  }
}

// The chunk of a block that has just been marked as waiting.
void LeakMarker::enqueue(LeakChunk& chunk) {
  const uint32_t before = chunk.waiting.fetch_add(1, std::memory_order_acq_rel);
  const uint32_t blocks = chunk.end_block - chunk.first_block;
  if (before == 0 || before == blocks / kMany || before == blocks / kMost) {
    reached_.push_back({&chunk, before == 0 ? size_t{0} : before == blocks / kMost ? size_t{2} : size_t{1}});
  }
}

// `address` is that of words[0].
void LeakMarker::look_at_words(const uint64_t* words, uint64_t address, uint64_t end, uint32_t holder, bool definite) {
  for (; address + kLeakWordBytes <= end; address += kLeakWordBytes, ++words) {
    add(*words, address, holder, definite);
  }
}

void LeakMarker::mark_registers() {
  for (size_t i = 0; i < scan_.input.registers.size(); ++i) {
    add(scan_.input.registers[i], i, LeakScanResult::kRoot | static_cast<uint32_t>(i), true);
  }
  flush();
}

void LeakMarker::mark_root(ScanRoot root) {
  const uint64_t start = aligned_to_word(root.start);
  const size_t size = root.end > start ? root.end - start : 0;
  const size_t got = scan_.input.read(start, buffer_.get(), size);
  scan_.root_bytes.fetch_add(got, std::memory_order_relaxed);
  in_chunk_headers_ = root.has_chunk_headers;
  look_at_words(buffer_.get(), start, start + got, LeakScanResult::kRoot, true);
  flush();
  in_chunk_headers_ = false;
  if (got < size) {  // a page that cannot be read; others behind it may
    constexpr uint64_t kPageBytes = 4096;
    const uint64_t next = (start + got) / kPageBytes * kPageBytes + kPageBytes;
    scan_.unreadable_bytes.fetch_add(std::min(next, root.end) - (start + got), std::memory_order_relaxed);
    if (next < root.end) {
      mark_root({next, root.end, root.has_chunk_headers});
    }
  }
}

void LeakMarker::read_block(uint32_t number) {
  const ScannedBlock& block = scan_.input.blocks[number];
  const bool definite = is_definite(number);
  const uint64_t end = block.address + block.size_bytes;
  for (uint64_t at = aligned_to_word(block.address); at < end;) {
    const size_t size = std::min(end - at, kLeakChunkBytes);
    const size_t got = scan_.input.read(at, buffer_.get(), size);
    look_at_words(buffer_.get(), at, at + got, number, definite);
    if (got < size) {
      scan_.unreadable_bytes.fetch_add(end - at - got, std::memory_order_relaxed);
      return;
    }
    at += size;
  }
}

// Blocks [first, last] of blocks_, all in one piece of memory that fits the buffer.
void LeakMarker::read_run(uint32_t first, uint32_t last) {
  const uint64_t start = aligned_to_word(scan_.input.blocks[blocks_[first]].address);
  const ScannedBlock& final = scan_.input.blocks[blocks_[last]];
  const uint64_t end = final.address + final.size_bytes;
  if (end <= start) {
    return;
  }
  if (first == last || end - start > kLeakChunkBytes ||
      scan_.input.read(start, buffer_.get(), end - start) != end - start) {
    for (uint32_t i = first; i <= last; ++i) {
      read_block(blocks_[i]);
    }
    return;
  }
  for (uint32_t i = first; i <= last; ++i) {
    const ScannedBlock& block = scan_.input.blocks[blocks_[i]];
    const bool definite = is_definite(blocks_[i]);
    const uint64_t from = aligned_to_word(block.address);
    look_at_words(buffer_.get() + (from - start) / kLeakWordBytes, from, block.address + block.size_bytes, blocks_[i],
                  definite);
  }
}

// What words_ point to, to at_, BlockIndex::kNone for no block; in words_ then is how far it is from the first byte.
void LeakMarker::resolve_pointers() {
  const BlockIndex& index = scan_.index;
  at_.resize(words_.size());
  for (size_t first = 0; first < words_.size(); first += kBatch) {
    const size_t end = std::min(first + kBatch, words_.size());
    for (size_t i = first; i < end; ++i) {
      at_[i] = index.granule_of(words_[i]);
      if (at_[i] != BlockIndex::kNone) {
        index.prefetch_granule(at_[i]);
      }
    }
    for (size_t i = first; i < end; ++i) {
      if (at_[i] != BlockIndex::kNone) {
        at_[i] = index.last_block_of(at_[i]);
        __builtin_prefetch(&scan_.input.blocks[at_[i]]);
      }
    }
    for (size_t i = first; i < end; ++i) {
      if (at_[i] != BlockIndex::kNone) {
        at_[i] = index.block_at(words_[i], at_[i]);
      }
      if (at_[i] != BlockIndex::kNone) {
        words_[i] -= scan_.input.blocks[at_[i]].address;
      }
    }
  }
}

// What is in words_ and at_ there goes to links_, as the links of `block`.
void LeakMarker::add_links(uint32_t block, size_t first, size_t end) {
  size_t last = SIZE_MAX;
  for (size_t i = first; i < end; ++i) {
    if (at_[i] == BlockIndex::kNone || at_[i] == block) {
      continue;
    }
    last = links_.size();
    links_.push_back(at_[i]);
    if (words_[i] != 0) {
      links_.back() |= LeakLinks::kInterior;
      links_.push_back(static_cast<uint32_t>(std::min<uint64_t>(words_[i], LeakLinks::kFar)));
    }
  }
  if (last != SIZE_MAX) {
    links_[last] |= LeakLinks::kLast;
  }
}

void LeakMarker::link(LeakChunk& chunk) {
  if (scan_.links.is_full() || chunk.was_read.exchange(true, std::memory_order_acq_rel)) {
    return;
  }
  const ScannedBlocks& blocks = scan_.input.blocks;
  const uint64_t start = aligned_to_word(blocks[chunk.first_block].address);
  const auto end_of = [&](uint32_t block) { return blocks[block].address + blocks[block].size_bytes; };
  uint32_t end_block = chunk.end_block;
  while (end_block > chunk.first_block && end_of(end_block - 1) > start + kLeakChunkBytes) {
    --end_block;
  }
  const uint64_t end = end_block > chunk.first_block ? std::max(start, end_of(end_block - 1)) : start;
  if (scan_.input.read(start, buffer_.get(), end - start) != end - start) {
    return;
  }
  words_.resize(kLeakChunkBytes / kLeakWordBytes);
  ends_.clear();
  size_t count = 0;
  for (uint32_t i = chunk.first_block; i < end_block; ++i) {
    const uint64_t from = aligned_to_word(blocks[i].address);
    const uint64_t* word = buffer_.get() + (from - start) / kLeakWordBytes;
    for (uint64_t at = from; at + kLeakWordBytes <= end_of(i); at += kLeakWordBytes, ++word) {
      words_[count] = *word;  // no branch: as good as never foreseen
      count += scan_.index.may_be_inside(*word) ? 1 : 0;
    }
    ends_.push_back(static_cast<uint32_t>(count));
  }
  words_.resize(count);
  resolve_pointers();
  links_.clear();
  size_t first_word = 0;
  for (size_t i = 0; i < ends_.size(); ++i) {
    const size_t first = std::exchange(first_word, ends_[i]);
    add_links(chunk.first_block + static_cast<uint32_t>(i), first, ends_[i]);
    ends_[i] = static_cast<uint32_t>(links_.size());
  }
  const uint32_t place = scan_.links.allocate(links_.size());
  if (place == 0) {
    return;
  }
  std::copy(links_.begin(), links_.end(), scan_.links.at(place));
  for (size_t i = 0; i < ends_.size(); ++i) {
    const uint32_t first = i != 0 ? ends_[i - 1] : 0;
    const uint32_t links = first != ends_[i] ? place + first : LeakLinks::kNone;
    scan_.word(chunk.first_block + static_cast<uint32_t>(i))
        .fetch_or(LeakMark::with_links(links), std::memory_order_acq_rel);
  }
}

// What found_ leads to by known links, and so on.
void LeakMarker::follow() {
  constexpr size_t kWorthSharing = 256;
  while (!found_.empty() || target_count_ != 0 || pointer_count_ != 0) {
    if (found_.empty()) {
      flush();
      continue;
    }
    const uint32_t block = found_.back();
    found_.pop_back();
    const LeakMark mark = scan_.mark(block);
    scan_.links.visit(mark.links(), [&](uint32_t target, uint64_t distance) {
      add_target({distance, 0, target, block, mark.state() == LeakState::kReachable});
    });
    if (found_.size() >= kWorthSharing && scan_.queue.is_wanted()) {  // the oldest ones lead furthest
      const auto half = found_.begin() + static_cast<ptrdiff_t>(found_.size() / 2);
      scan_.queue.share({found_.begin(), half});
      found_.erase(found_.begin(), half);
    }
  }
}

void LeakMarker::read_waiting(LeakChunk& chunk) {
  chunk.waiting.store(0, std::memory_order_seq_cst);  // before the look: what comes later queues it again
  link(chunk);
  blocks_.clear();
  for (uint32_t block = chunk.first_block; block < chunk.end_block; ++block) {
    if (!scan_.mark(block).is_waiting()) {
      continue;
    }
    const LeakMark before(scan_.word(block).fetch_and(~LeakMark::kWaiting, std::memory_order_acq_rel));
    if (before.links() == 0) {
      blocks_.push_back(block);
    } else if (before.links() != LeakLinks::kNone) {
      found_.push_back(block);
    }
  }
  uint32_t first = 0;
  for (uint32_t i = 1; i <= blocks_.size(); ++i) {
    if (i < blocks_.size()) {
      const ScannedBlock& before = scan_.input.blocks[blocks_[i - 1]];
      const ScannedBlock& block = scan_.input.blocks[blocks_[i]];
      const uint64_t run_end = block.address + block.size_bytes;
      if (block.address - (before.address + before.size_bytes) <= kNearBytes &&
          run_end - scan_.input.blocks[blocks_[first]].address <= kLeakChunkBytes) {
        continue;
      }
    }
    read_run(first, i - 1);
    first = i;
  }
}

void LeakMarker::work() {
  LeakQueue::Work work = scan_.queue.pop(false);
  while (work.chunk != nullptr || !work.blocks.empty()) {
    found_.swap(work.blocks);
    if (work.chunk != nullptr) {
      read_waiting(*work.chunk);
    }
    follow();
    work = scan_.queue.pop(true);
  }
}

}  // namespace flarestack
