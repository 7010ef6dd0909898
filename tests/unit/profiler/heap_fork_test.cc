// SPDX-License-Identifier: Apache-2.0
// What a fork's child has of its parent's blocks, whichever of the two is heard of first.
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>

#include <catch2/catch.hpp>

#include "profiler/heap_rings.h"
#include "profiler/session_region.h"
#include "trace/writer.h"

namespace flarestack {
namespace {

// A process with one thread, whose events are written and read when the test says so.
class Process {
 public:
  Process() {
    SessionSettings settings;
    settings.heap = HeapRecording::kExact;
    settings.order_source = OrderSource::kCounter;
    Result<SessionRegion> region = SessionRegion::create(settings);
    REQUIRE(region.ok());
    region_ = std::make_unique<SessionRegion>(std::move(*region));
    Result<TraceWriter> writer = TraceWriter::create("/dev/null");
    REQUIRE(writer.ok());
    writer_ = std::make_unique<TraceWriter>(std::move(*writer));
    tables_ = std::make_unique<RecordingTables>(*writer_);
    frames_ = std::make_unique<FrameResolver>(ProcessId{1}, *tables_, modules_);
    rings_ = std::make_unique<HeapRings>(HeapRings::Parts{region_->view(), ProcessId{1}, writer_.get(), frames_.get(),
                                                          TimeOrigin{monotonic_now_ns()},
                                                          [](uint32_t slot) { return ThreadId{slot + 1}; }});
  }

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
    region_->view().slot(0).heap_head = written_;
    rings_->begin_look(true, limits);
    rings_->look_at(0, true, limits);
    rings_->drain(1, limits);
  }
  HeapRings& rings() { return *rings_; }
  uint64_t blocks() { return rings_->live_blocks(1).size(); }

 private:
  void put(uint64_t word) {
    region_->view().heap_ring(0)[written_ % heap_ring_bytes(0) / 8] = word;
    written_ += 8;
  }

  std::unique_ptr<SessionRegion> region_;
  std::unique_ptr<TraceWriter> writer_;
  std::unique_ptr<RecordingTables> tables_;
  ModuleMap modules_;
  std::unique_ptr<FrameResolver> frames_;
  std::unique_ptr<HeapRings> rings_;
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
