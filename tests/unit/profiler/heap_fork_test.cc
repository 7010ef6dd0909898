// SPDX-License-Identifier: Apache-2.0
// What a fork's child has of its parent's blocks, whichever of the two is heard of first.
#include <cstdint>

#include <catch2/catch.hpp>

#include "tests/unit/profiler/heap_rings_fixture.h"

namespace flarestack {
namespace {

// A process with one thread, whose events are written and read when the test says so.
class Process {
 public:
  void allocates(uint64_t address) {
    put(HeapWord0{HeapKind::kAllocate, 0, 0, address}.pack());
    put(HeapWord1{64}.pack());
  }
  void forks(uint32_t number) {
    put(static_cast<uint64_t>(HeapKind::kFork) | kHeapOrdered | uint64_t{number} << kHeapNumberShift);
    put(++order_);
  }
  void read() {
    HeapRings::Limits limits;
    fixture_.session().slot(0).heap_head = written_;
    fixture_.rings().begin_look(true, limits);
    fixture_.rings().look_at(0, true, limits);
    fixture_.rings().drain(1, limits);
  }
  HeapRings& rings() { return fixture_.rings(); }
  uint64_t blocks() { return fixture_.rings().live_blocks(1).size(); }

 private:
  void put(uint64_t word) { fixture_.put(0, written_, word); }

  HeapRingsFixture fixture_;
  uint64_t written_ = 0;
  uint64_t order_ = 0;
};

}  // namespace

TEST_CASE("a child has the blocks from before its fork, whether it or the fork is heard of first") {
  Process parent;
  parent.allocates(0x10000);
  parent.allocates(0x20000);
  parent.forks(1);
  parent.allocates(0x30000);
  Process child;
  const bool child_first = GENERATE(false, true);
  if (!child_first) {
    parent.read();
  }
  child.rings().inherit(parent.rings().fork_point(1));
  if (child_first) {
    parent.read();
  }
  child.read();
  CHECK(parent.blocks() == 3);
  CHECK(child.blocks() == 2);
}

TEST_CASE("a child may be gone before its parent's fork is heard of") {
  Process parent;
  {
    Process child;
    child.rings().inherit(parent.rings().fork_point(1));
  }
  parent.allocates(0x10000);
  parent.forks(1);
  parent.forks(2);
  parent.read();  // memory that the child has freed is not written to: a sanitizer sees it
  Process second;
  second.rings().inherit(parent.rings().fork_point(2));
  second.read();
  CHECK(second.blocks() == 1);
  CHECK(parent.blocks() == 1);
}

}  // namespace flarestack
