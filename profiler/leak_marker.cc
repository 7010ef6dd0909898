// SPDX-License-Identifier: Apache-2.0
#include "profiler/leak_marker.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace flarestack {
namespace {

constexpr uint64_t kNearBytes = 8192;  // blocks that are nearer to each other are read together: a call costs as much

constexpr uint64_t kChunkAlignment = 16;     // glibc's MALLOC_ALIGNMENT on x86-64
constexpr uint64_t kHeaderOverlapBytes = 8;  // of a chunk's header with the block before it: its prev_size
constexpr uint32_t kMany = 32;               // one in so many blocks of a chunk waits
constexpr uint32_t kMost = 4;

}  // namespace

LeakScanState::LeakScanState(LeakScanInput scanned)
    : input(std::move(scanned)), index(input.blocks), heuristics(input), states(input.blocks.size()) {
  words_to_keep = static_cast<int64_t>(kLeastKeptWords + 2 * input.blocks.size());
  result.holders.assign(input.blocks.size(), LeakScanResult::kNobody);
  for (size_t i = 0; i < input.registers.size(); ++i) {
    result.root_words.push_back(i);
  }
  size_t count = 0;
  uint64_t last = UINT64_MAX;
  for (const ScannedBlock& block : input.blocks) {
    count += block.address / kLeakChunkBytes != last ? 1 : 0;
    last = block.address / kLeakChunkBytes;
  }
  chunks = std::vector<LeakChunk>(count);
  chunk_of.resize(input.blocks.size() / 64 + 1);
  size_t next = 0;
  last = UINT64_MAX;
  for (uint32_t i = 0; i < input.blocks.size(); ++i) {
    if (input.blocks[i].address / kLeakChunkBytes != last) {
      last = input.blocks[i].address / kLeakChunkBytes;
      chunks[next++].first_block = i;
    }
    chunks[next - 1].end_block = i + 1;
    if (i % 64 == 0) {
      chunk_of[i / 64] = static_cast<uint32_t>(next - 1);
    }
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
  batch_[batched_++] = {pointer, address, holder, granule, definite};
  if (batched_ == kBatch) {
    flush();
  }
}

void LeakMarker::flush() {
  const size_t count = std::exchange(batched_, 0);
  for (size_t i = 0; i < count; ++i) {
    batch_[i].at = scan_.index.last_block_of(batch_[i].at);
    __builtin_prefetch(&scan_.input.blocks[batch_[i].at]);
  }
  for (size_t i = 0; i < count; ++i) {
    batch_[i].at = scan_.index.block_at(batch_[i].pointer, batch_[i].at);
    if (batch_[i].at != BlockIndex::kNone) {
      __builtin_prefetch(&scan_.states[batch_[i].at]);
      __builtin_prefetch(&scan_.result.holders[batch_[i].at]);
    }
  }
  for (size_t i = 0; i < count; ++i) {
    if (batch_[i].at != BlockIndex::kNone) {
      reach(batch_[i]);
    }
  }
  if (!reached_.empty()) {
    scan_.queue.push(reached_);
    reached_.clear();
  }
}

void LeakMarker::reach(const Found& found) {
  std::atomic<uint8_t>& state = scan_.states[found.at];
  uint8_t now = state.load(std::memory_order_relaxed);
  if ((now & ~kWaiting) == kReachable || ((now & ~kWaiting) == kPossible && !found.definite)) {
    return;
  }
  const ScannedBlock& block = scan_.input.blocks[found.at];
  if (in_chunk_headers_ && found.pointer != block.address && found.pointer % kChunkAlignment == 0 &&
      found.pointer + kHeaderOverlapBytes >= block.address + block.size_bytes) {
    return;
  }
  const bool is_start =
      found.definite && (found.pointer == block.address || scan_.heuristics.is_start(found.pointer, block));
  const uint8_t wanted = is_start ? kReachable : kPossible;
  while ((now & ~kWaiting) < wanted) {
    if (!state.compare_exchange_weak(now, wanted | kWaiting, std::memory_order_acq_rel)) {
      continue;
    }
    uint32_t holder = found.holder;
    if (holder == LeakScanResult::kRoot) {
      const std::lock_guard lock(scan_.root_mutex);
      holder |= static_cast<uint32_t>(scan_.result.root_words.size());
      scan_.result.root_words.push_back(found.address);
    }
    std::atomic_ref(scan_.result.holders[found.at]).store(holder, std::memory_order_relaxed);
    if ((now & kWaiting) == 0) {
      enqueue(found.at);
    }
    return;
  }
}

// A block that has just been marked as waiting.
void LeakMarker::enqueue(uint32_t block) {
  LeakChunk& chunk = scan_.chunks[scan_.chunk_number(block)];
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

bool LeakMarker::is_definite(uint32_t block) const {
  return (scan_.states[block].load(std::memory_order_acquire) & ~kWaiting) == kReachable;
}

// Reads all of the chunk that fits the buffer, unless too much is kept already or something cannot be read.
void LeakMarker::keep_words(LeakChunk& chunk) {
  const std::vector<ScannedBlock>& blocks = scan_.input.blocks;
  const uint64_t start = aligned_to_word(blocks[chunk.first_block].address);
  uint32_t count = 0;
  uint64_t end = start;
  while (chunk.first_block + count < chunk.end_block) {
    const ScannedBlock& block = blocks[chunk.first_block + count];
    if (block.address + block.size_bytes > start + kLeakChunkBytes) {
      break;
    }
    end = std::max(end, block.address + block.size_bytes);
    ++count;
  }
  LeakChunk::Kept expected = LeakChunk::Kept::kNo;
  if (scan_.words_to_keep.load(std::memory_order_relaxed) <= 0 ||
      !chunk.kept.compare_exchange_strong(expected, LeakChunk::Kept::kUnderWay, std::memory_order_acq_rel)) {
    return;
  }
  if (scan_.input.read(start, buffer_.get(), end - start) != end - start) {
    return;  // under way for ever: block by block
  }
  chunk.kept_ends.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    const ScannedBlock& block = blocks[chunk.first_block + i];
    const uint64_t from = aligned_to_word(block.address);
    const uint64_t until = block.address + block.size_bytes;
    const uint64_t* word = buffer_.get() + (from - start) / kLeakWordBytes;
    for (uint64_t at = from; at + kLeakWordBytes <= until; at += kLeakWordBytes, ++word) {
      if (scan_.index.may_be_inside(*word)) {
        chunk.kept_words.push_back(*word);
      }
    }
    chunk.kept_ends.push_back(static_cast<uint32_t>(chunk.kept_words.size()));
  }
  chunk.kept_words.shrink_to_fit();
  scan_.words_to_keep.fetch_sub(static_cast<int64_t>(chunk.kept_words.size()), std::memory_order_relaxed);
  chunk.kept_blocks = count;
  chunk.kept.store(LeakChunk::Kept::kYes, std::memory_order_release);
}

void LeakMarker::look_at_kept(const LeakChunk& chunk, uint32_t block) {
  const uint32_t index = block - chunk.first_block;
  const bool definite = is_definite(block);
  for (uint32_t i = index != 0 ? chunk.kept_ends[index - 1] : 0; i < chunk.kept_ends[index]; ++i) {
    add(chunk.kept_words[i], 0, block, definite);
  }
}

void LeakMarker::read_waiting(LeakChunk& chunk) {
  chunk.waiting.store(0, std::memory_order_seq_cst);  // before the look: what comes later queues it again
  blocks_.clear();
  for (uint32_t block = chunk.first_block; block < chunk.end_block; ++block) {
    if ((scan_.states[block].load(std::memory_order_relaxed) & kWaiting) != 0) {
      scan_.states[block].fetch_and(static_cast<uint8_t>(~kWaiting), std::memory_order_acq_rel);
      blocks_.push_back(block);
    }
  }
  if (chunk.kept.load(std::memory_order_acquire) == LeakChunk::Kept::kNo &&
      blocks_.size() * kMany > chunk.end_block - chunk.first_block) {
    keep_words(chunk);
  }
  if (chunk.kept.load(std::memory_order_acquire) == LeakChunk::Kept::kYes) {
    std::erase_if(blocks_, [&](uint32_t block) {
      const bool is_kept = block - chunk.first_block < chunk.kept_blocks;
      if (is_kept) {
        look_at_kept(chunk, block);
      }
      return is_kept;
    });
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
  flush();
}

void LeakMarker::work() {
  bool had_one = false;
  while (LeakChunk* chunk = scan_.queue.pop(had_one)) {
    had_one = true;
    read_waiting(*chunk);
  }
}

}  // namespace flarestack
