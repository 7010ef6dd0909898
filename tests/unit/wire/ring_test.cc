// SPDX-License-Identifier: Apache-2.0
// The ring: what a writer that dies at any point, or lies, can do to its reader.
#include "wire/ring.h"

#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "wire/records.h"

namespace flarestack {
namespace {

constexpr size_t kBytes = 256;
constexpr size_t kWords = kBytes / 8;

struct Ring {
  std::array<std::atomic<uint64_t>, kWords> words{};
  std::atomic<uint64_t> head{0};
  std::atomic<uint64_t> tail{0};

  RingWriter writer() { return {words.data(), kBytes, head, tail}; }
  RingReader reader() { return {words.data(), kBytes, head, tail}; }
  void start_at(uint64_t position) { head = tail = position; }
};

// Records of `count` words: the count, then a sequence from `first`.
bool write_record(RingWriter& writer, uint64_t count, uint64_t first) {
  if (!writer.begin(count)) {
    return false;
  }
  writer.put(count);
  for (uint64_t i = 1; i < count; ++i) {
    writer.put(first + i);
  }
  writer.commit();
  return true;
}

std::vector<uint64_t> read_record(RingReader& reader) {
  std::vector<uint64_t> record;
  if (reader.available() != 0) {
    for (uint64_t i = 0; i < reader.peek(0); ++i) {
      record.push_back(reader.peek(i));
    }
    reader.consume(record.size());
  }
  return record;
}

}  // namespace

TEST_CASE("what is written is read, in order") {
  Ring ring;
  RingWriter writer = ring.writer();
  RingReader reader = ring.reader();
  CHECK(reader.available() == 0);
  REQUIRE(write_record(writer, 3, 10));
  REQUIRE(write_record(writer, 2, 20));
  CHECK(reader.available() == 5);
  CHECK(read_record(reader) == std::vector<uint64_t>{3, 11, 12});
  CHECK(read_record(reader) == std::vector<uint64_t>{2, 21});
  CHECK(reader.available() == 0);
}

TEST_CASE("a record wraps around the end of the ring") {
  Ring ring;
  ring.start_at(kBytes - 16);
  RingWriter writer = ring.writer();
  RingReader reader = ring.reader();
  REQUIRE(write_record(writer, 5, 100));
  CHECK(read_record(reader) == std::vector<uint64_t>{5, 101, 102, 103, 104});
}

TEST_CASE("positions wrap around 64 bits") {
  Ring ring;
  ring.start_at(uint64_t{0} - 16);
  RingWriter writer = ring.writer();
  RingReader reader = ring.reader();
  REQUIRE(write_record(writer, 5, 100));
  CHECK(ring.head == 24);
  CHECK(read_record(reader) == std::vector<uint64_t>{5, 101, 102, 103, 104});
  CHECK_FALSE(reader.damaged());
}

TEST_CASE("a full ring refuses a record and keeps what it has") {
  Ring ring;
  RingWriter writer = ring.writer();
  REQUIRE(write_record(writer, kWords - 2, 0));
  CHECK_FALSE(write_record(writer, 3, 500));
  REQUIRE(write_record(writer, 2, 600));
  CHECK_FALSE(write_record(writer, 1, 700));
  RingReader reader = ring.reader();
  CHECK(reader.available() == kWords);
  CHECK(read_record(reader).size() == kWords - 2);
  CHECK(read_record(reader) == std::vector<uint64_t>{2, 601});
  CHECK(write_record(writer, kWords, 0));
}

TEST_CASE("a record larger than the ring never fits") {
  Ring ring;
  RingWriter writer = ring.writer();
  CHECK_FALSE(writer.begin(kWords + 1));
  CHECK_FALSE(writer.begin(SIZE_MAX / 8));
  CHECK(writer.begin(kWords));
}

TEST_CASE("a record whose writer was killed in the middle is invisible, and written over") {
  Ring ring;
  RingWriter writer = ring.writer();
  REQUIRE(write_record(writer, 2, 10));
  REQUIRE(writer.begin(4));
  writer.put(4);
  writer.put(0xdead);  // killed here: no commit
  RingReader reader = ring.reader();
  CHECK(reader.available() == 2);
  CHECK(read_record(reader) == std::vector<uint64_t>{2, 11});
  CHECK(reader.available() == 0);
  RingWriter next = ring.writer();
  REQUIRE(write_record(next, 3, 20));
  CHECK(read_record(reader) == std::vector<uint64_t>{3, 21, 22});
}

TEST_CASE("a reader that starts anew goes on where the last one stopped") {
  Ring ring;
  RingWriter writer = ring.writer();
  REQUIRE(write_record(writer, 2, 10));
  REQUIRE(write_record(writer, 2, 20));
  {
    RingReader reader = ring.reader();
    read_record(reader);
  }
  RingReader reader = ring.reader();
  CHECK(read_record(reader) == std::vector<uint64_t>{2, 21});
}

TEST_CASE("a head that makes no sense reads as nothing, and is noticed") {
  const uint64_t head = GENERATE(uint64_t{kBytes + 8}, uint64_t{12}, uint64_t{1}, UINT64_MAX, uint64_t{1} << 63);
  Ring ring;
  ring.head = head;
  RingReader reader = ring.reader();
  CHECK(reader.available() == 0);
  CHECK(reader.damaged());
  reader.skip_to_head();
  CHECK_FALSE(reader.damaged());
  CHECK(reader.position() % 8 == 0);
  CHECK(reader.position() == (head & ~uint64_t{7}));
}

TEST_CASE("a tail that makes no sense leaves the writer without room, and unharmed") {
  const uint64_t tail = GENERATE(uint64_t{8}, uint64_t{kBytes}, uint64_t{1} << 63);
  Ring ring;
  ring.tail = tail;
  RingWriter writer = ring.writer();
  CHECK_FALSE(writer.begin(1));
}

TEST_CASE("a header word survives packing") {
  const RecordHeader header{RecordKind::kModuleAdded, 0xa5, kMaxRecordWords, 0xdeadbeef};
  const RecordHeader again = RecordHeader::unpack(header.pack());
  CHECK(again.kind == header.kind);
  CHECK(again.flags == header.flags);
  CHECK(again.words == header.words);
  CHECK(again.generation == header.generation);
}

TEST_CASE("two threads pass every record once, whole and in order") {
  // Each record is its length and a checkable sequence; a full ring makes the writer try again. TSan watches.
  constexpr uint64_t kRecords = 50'000;
  Ring ring;
  std::thread writing([&ring] {
    RingWriter writer = ring.writer();
    std::minstd_rand random(7);
    for (uint64_t i = 0; i < kRecords; ++i) {
      const uint64_t count = 1 + random() % (kWords / 2);
      while (!write_record(writer, count, i << 8)) {
        std::this_thread::yield();
      }
    }
  });
  RingReader reader = ring.reader();
  std::minstd_rand random(7);
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < kRecords; ++i) {
    const uint64_t count = 1 + random() % (kWords / 2);
    while (reader.available() == 0) {
      std::this_thread::yield();
    }
    const std::vector<uint64_t> record = read_record(reader);
    wrong += record.size() != count ? 1 : 0;
    for (uint64_t k = 1; k < record.size(); ++k) {
      wrong += record[k] != (i << 8) + k ? 1 : 0;
    }
  }
  writing.join();
  CHECK(wrong == 0);
  CHECK(reader.available() == 0);
  CHECK_FALSE(reader.damaged());
}

TEST_CASE("a full ring drops records, and the writer's count of them is what the reader misses") {
  // As the sampler does: no second try. The reader starts late, so that the ring is full at first; later on it is full
  // whenever the writer is faster.
  constexpr uint64_t kRecords = 50'000;
  Ring ring;
  std::atomic<uint64_t> dropped{0};
  std::atomic<bool> full{false};
  std::atomic<bool> done{false};
  std::thread writing([&] {
    RingWriter writer = ring.writer();
    std::minstd_rand random(7);
    for (uint64_t i = 0; i < kRecords; ++i) {
      if (!write_record(writer, 2 + random() % (kWords / 4), i << 8)) {
        dropped.fetch_add(1, std::memory_order_relaxed);
        full = true;
      }
    }
    done = true;
  });
  while (!full) {
    std::this_thread::yield();
  }
  RingReader reader = ring.reader();
  uint64_t read = 0, wrong = 0, next = 0;
  for (bool last = false; !last;) {
    last = done;  // before the last look
    for (std::vector<uint64_t> record = read_record(reader); !record.empty(); record = read_record(reader)) {
      ++read;
      const uint64_t number = record[1] >> 8;
      wrong += number < next ? 1 : 0;
      next = number + 1;
      for (uint64_t k = 1; k < record.size(); ++k) {
        wrong += record[k] != (number << 8) + k ? 1 : 0;
      }
    }
  }
  writing.join();
  CHECK(wrong == 0);
  CHECK(dropped > 0);
  CHECK(read + dropped == kRecords);
  CHECK_FALSE(reader.damaged());
}

namespace {

// What a thread and its signal handler share; the thread has the signal blocked while it writes, as the agent does.
struct Nested {
  Ring ring;
  std::atomic<uint64_t> handler_runs{0}, handler_dropped{0};
};
Nested* nested = nullptr;

void write_in_handler(int) {
  RingWriter writer = nested->ring.writer();
  const uint64_t number = nested->handler_runs.fetch_add(1, std::memory_order_relaxed);
  if (!write_record(writer, 3, uint64_t{1} << 63 | number << 8)) {
    nested->handler_dropped.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

TEST_CASE("a thread and its signal handler write to one ring, and each record is whole") {
  constexpr uint64_t kHandlerRuns = 2000;
  Nested shared;
  nested = &shared;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = write_in_handler;
  sigaction(SIGUSR1, &action, &before);
  std::atomic<uint64_t> written{0};
  std::atomic<bool> done{false};
  std::thread writing([&] {
    sigset_t signal;
    sigemptyset(&signal);
    sigaddset(&signal, SIGUSR1);
    for (uint64_t i = 0; shared.handler_runs < kHandlerRuns; ++i) {
      pthread_sigmask(SIG_BLOCK, &signal, nullptr);
      RingWriter writer = shared.ring.writer();
      written += write_record(writer, 2 + i % 8, i << 8) ? 1 : 0;
      pthread_sigmask(SIG_UNBLOCK, &signal, nullptr);
    }
    done = true;
  });
  RingReader reader = shared.ring.reader();
  uint64_t of_thread = 0, of_handler = 0, wrong = 0;
  for (bool last = false; !last;) {
    last = done;  // before the last look
    if (!last) {
      pthread_kill(writing.native_handle(), SIGUSR1);
    }
    for (std::vector<uint64_t> record = read_record(reader); !record.empty(); record = read_record(reader)) {
      ++(record[1] >> 63 != 0 ? of_handler : of_thread);
      for (uint64_t k = 2; k < record.size(); ++k) {
        wrong += record[k] != record[k - 1] + 1 ? 1 : 0;
      }
    }
  }
  writing.join();
  while (!read_record(reader).empty()) {
    ++of_handler;  // of signals that came when the last record had been read
  }
  sigaction(SIGUSR1, &before, nullptr);
  CHECK(wrong == 0);
  CHECK(of_thread == written);
  CHECK(of_handler + shared.handler_dropped == shared.handler_runs);
  CHECK_FALSE(reader.damaged());
}

}  // namespace flarestack
