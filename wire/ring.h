// SPDX-License-Identifier: Apache-2.0
// Ring: a single-producer, single-consumer queue of records made of 8-byte words, in shared memory. The writer is one
// thread of the target (RingWriter), the reader is the recorder (RingReader). Positions count bytes ever written or
// read; a record may wrap around the end.
//
// A record becomes visible as a whole when the head moves past it, so a writer that is killed in the middle leaves the
// ring as it was. The words are relaxed atomics (plain stores on x86-64): the reader may look at words that a broken
// writer is overwriting, and checks what it copied.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace flarestack {

class RingWriter {
 public:
  // Borrows the words and positions. `size_bytes` is a power of two. [signal]
  RingWriter(std::atomic<uint64_t>* words, size_t size_bytes, std::atomic<uint64_t>& head, std::atomic<uint64_t>& tail)
      : words_(words), mask_(size_bytes / 8 - 1), size_bytes_(size_bytes), head_(head), tail_(tail) {}

  // Begins a record of `count` words; false: there is no room, nothing was changed. [signal]
  bool begin(size_t count) {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    // Pairs with the release in RingReader::consume: the words below tail may be overwritten.
    const uint64_t tail = tail_.load(std::memory_order_acquire);
    // A tail ahead of head is the recorder's mistake or damage; the subtraction then gives a huge number: no room.
    if (head - tail > size_bytes_ || size_bytes_ - (head - tail) < count * 8) {
      return false;
    }
    position_ = head;
    return true;
  }
  // Adds a word to the record begun. [signal]
  void put(uint64_t word) {
    words_[(position_ / 8) & mask_].store(word, std::memory_order_relaxed);
    position_ += 8;
  }
  // Makes the record visible. Pairs with the acquire in RingReader::available. [signal]
  void commit() { head_.store(position_, std::memory_order_release); }

 private:
  std::atomic<uint64_t>* words_;
  uint64_t mask_;
  uint64_t size_bytes_;
  std::atomic<uint64_t>& head_;
  std::atomic<uint64_t>& tail_;
  uint64_t position_ = 0;
};

// Recorder side. Trusts neither head nor contents.
class RingReader {
 public:
  // Borrows the words and positions. `size_bytes` is a power of two.
  RingReader(const std::atomic<uint64_t>* words, size_t size_bytes, const std::atomic<uint64_t>& head,
             std::atomic<uint64_t>& tail)
      : words_(words),
        mask_(size_bytes / 8 - 1),
        size_bytes_(size_bytes),
        head_(head),
        tail_(tail),
        position_(tail.load(std::memory_order_relaxed) & ~uint64_t{7}) {}

  // Words that can be read now. A head that makes no sense (more than the ring holds, or not a whole word) gives 0 and
  // sets damaged(). Pairs with the release in RingWriter::commit.
  size_t available() {
    const uint64_t head = head_.load(std::memory_order_acquire);
    if (head - position_ > size_bytes_ || head % 8 != 0) {
      damaged_ = true;
      return 0;
    }
    return (head - position_) / 8;
  }
  // The word `index` words behind the read position; index < available().
  uint64_t peek(size_t index) const { return words_[(position_ / 8 + index) & mask_].load(std::memory_order_relaxed); }
  // Gives `count` words back to the writer. Pairs with the acquire in RingWriter::begin.
  void consume(size_t count) {
    position_ += count * 8;
    tail_.store(position_, std::memory_order_release);
  }
  // Gives everything back, used after damage: the reader meets the writer at its present head.
  void skip_to_head() {
    position_ = head_.load(std::memory_order_acquire) & ~uint64_t{7};
    tail_.store(position_, std::memory_order_release);
    damaged_ = false;
  }
  uint64_t position() const { return position_; }
  bool damaged() const { return damaged_; }

 private:
  const std::atomic<uint64_t>* words_;
  uint64_t mask_;
  uint64_t size_bytes_;
  const std::atomic<uint64_t>& head_;
  std::atomic<uint64_t>& tail_;
  uint64_t position_;
  bool damaged_ = false;
};

}  // namespace flarestack
