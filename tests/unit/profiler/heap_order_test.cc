// SPDX-License-Identifier: Apache-2.0
// A model of threads that allocate, free and reallocate the same few addresses, with every step of the agent's protocol
// on its own (SessionPage::order_counter, SlotHeader::heap_in_flight, the ring's head, the allocator's own act), run in
// thousands of interleavings with drains, whose looks at the rings are steps as well. Whatever the interleaving, no
// deallocation may meet a block that is not there, and what is live in the end must be what the model says.
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/profiler/heap_rings_fixture.h"

namespace flarestack {
namespace {

constexpr uint32_t kThreads = 3;
constexpr uint32_t kAddresses = 2;  // few, so that they go from hand to hand
constexpr uint64_t kBase = 0x10000;

struct Block {
  uint64_t address;
  uint64_t size_bytes;
};

class Model {
 public:
  Model(uint32_t seed, bool with_cut) : random_(seed), with_cut_(with_cut) {
    for (uint32_t i = 0; i < kAddresses; ++i) {
      free_.push_back(kBase + 0x100 * uint64_t{i});
    }
  }

  void run(uint32_t operations) {
    left_ = operations;
    while (left_ != 0 || busy()) {
      const uint32_t choice = draw(kThreads + 1);
      if (choice == kThreads) {
        drain(false);
      } else {
        step(choice);
      }
    }
    drain(true);
  }
  bool is_right() const {
    uint64_t live_bytes = 0;
    for (const Block& block : live_) {
      live_bytes += block.size_bytes;
    }
    const HeapTracker& tracker = fixture_.rings().tracker();
    return tracker.unknown_frees() == 0 && tracker.unseen_frees() == 0 && tracker.live_block_count() == live_.size() &&
           tracker.live_bytes() == live_bytes;
  }

 private:
  enum class Deed { kNone, kAllocate, kFree, kReallocate };
  struct Thread {
    Deed deed = Deed::kNone;
    uint32_t stage = 0;  // of the deed
    Block old{};
    Block block{};
    uint64_t order = 0;
    uint64_t last_order = 0;
    bool fails = false;
  };

  uint32_t draw(uint32_t below) { return std::uniform_int_distribution<uint32_t>(0, below - 1)(random_); }
  bool busy() const {
    for (const Thread& thread : threads_) {
      if (thread.deed != Deed::kNone) {
        return true;
      }
    }
    return false;
  }

  // One step of a thread: it goes on with what it does, or begins something.
  void step(uint32_t index) {
    Thread& thread = threads_[index];
    switch (thread.deed) {
      case Deed::kNone:
        begin(thread);
        break;
      case Deed::kAllocate:  // the real one, then the event
        if (thread.stage == 0) {
          thread.block = take_free();
          ++thread.stage;
        } else if (write(index, thread.stage - 1, HeapKind::kAllocate, thread.block)) {
          live_.push_back(thread.block);
          thread.deed = Deed::kNone;
        }
        break;
      case Deed::kFree:  // the event, then the real one
        if (thread.stage < 4) {
          write(index, thread.stage, HeapKind::kFree, thread.old);
        } else {
          free_.push_back(thread.old.address);
          thread.deed = Deed::kNone;
        }
        break;
      case Deed::kReallocate:
        reallocate(index, thread);
        break;
    }
  }
  void reallocate(uint32_t index, Thread& thread) {
    if (thread.stage < 4) {
      write(index, thread.stage, HeapKind::kReallocateBegin, thread.old);
    } else if (thread.stage == 4) {
      thread.fails = draw(4) == 0;
      if (thread.fails) {
        --reserved_;
      } else {
        free_.push_back(thread.old.address);
        thread.block = take_free();  // the same place, perhaps
      }
      ++thread.stage;
    } else if (write(index, thread.stage - 5, thread.fails ? HeapKind::kReallocateFailed : HeapKind::kReallocateEnd,
                     thread.fails ? thread.old : thread.block)) {
      live_.push_back(thread.fails ? thread.old : thread.block);
      thread.deed = Deed::kNone;
    }
  }
  void begin(Thread& thread) {
    if (left_ == 0) {
      return;
    }
    const uint32_t choice = draw(3);
    thread.stage = 0;
    if (choice == 0 && reserved_ < free_.size()) {
      ++reserved_;
      thread.deed = Deed::kAllocate;
    } else if (!live_.empty()) {
      const uint32_t at = draw(static_cast<uint32_t>(live_.size()));
      thread.old = live_[at];
      live_.erase(live_.begin() + at);
      thread.deed = choice == 1 ? Deed::kFree : Deed::kReallocate;
      reserved_ += choice == 1 ? 0 : 1;
    } else {
      return;
    }
    --left_;
  }
  Block take_free() {
    const uint32_t at = draw(static_cast<uint32_t>(free_.size()));
    const Block block{free_[at], ++last_size_};
    free_.erase(free_.begin() + at);
    --reserved_;
    return block;
  }

  // The four steps of an event: announce, take the order, publish, take the announcement back; true: done.
  bool write(uint32_t index, uint32_t at, HeapKind kind, const Block& block) {
    Thread& thread = threads_[index];
    SlotHeader& slot = fixture_.session().slot(index);
    if (at == 0) {
      slot.heap_in_flight = thread.last_order | 1;
    } else if (at == 1) {
      thread.order = ++fixture_.session().page().order_counter;
    } else if (at == 2) {
      put(index, HeapWord0{kind, static_cast<uint8_t>(kHeapOrdered), 0, block.address}.pack());
      if (kind == HeapKind::kAllocate || kind == HeapKind::kReallocateEnd) {
        put(index, HeapWord1{block.size_bytes}.pack());
      }
      put(index, thread.order);
      slot.heap_head = written_[index];
      thread.last_order = thread.order;
    } else {
      slot.heap_in_flight = 0;
    }
    ++thread.stage;
    return at == 3;
  }
  void put(uint32_t index, uint64_t word) { fixture_.put(index, written_[index], word); }

  void drain(bool all) {
    HeapRings::Limits limits;
    fixture_.rings().begin_look(all || !with_cut_, limits);
    for (uint32_t i = 0; i < kThreads; ++i) {
      // The others do not stand still while the recorder looks at one after the other.
      for (uint32_t steps = all ? 0 : draw(12); steps != 0; --steps) {
        step(draw(kThreads));
      }
      fixture_.rings().look_at(i, all || !with_cut_, limits);
    }
    fixture_.rings().drain(kThreads, limits);
  }

  std::mt19937 random_;
  bool with_cut_;
  HeapRingsFixture fixture_;
  std::array<Thread, kThreads> threads_;
  std::array<uint64_t, kThreads> written_{};
  std::vector<uint64_t> free_;  // addresses
  std::vector<Block> live_;     // that no thread works on
  uint32_t reserved_ = 0;       // of free_, for allocations that have begun
  uint64_t last_size_ = 0;
  uint32_t left_ = 0;
};

}  // namespace

TEST_CASE("the order of events is found whatever the interleaving of threads and drains") {
  for (uint32_t seed = 0; seed < 4000; ++seed) {
    Model model(seed, true);
    model.run(4 + seed % 40);
    INFO("seed " << seed);
    REQUIRE(model.is_right());
  }
}

TEST_CASE("draining whatever is there gets some interleavings wrong") {
  uint32_t wrong = 0;
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Model model(seed, false);
    model.run(40);
    wrong += model.is_right() ? 0 : 1;
  }
  CHECK(wrong > 0);
}

}  // namespace flarestack
