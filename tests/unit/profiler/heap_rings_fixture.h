// SPDX-License-Identifier: Apache-2.0
// HeapRingsFixture: a session region and the HeapRings that read it, for tests that write the events themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <catch2/catch.hpp>

#include "profiler/heap_rings.h"
#include "profiler/session_region.h"
#include "trace/writer.h"

namespace flarestack {

class HeapRingsFixture {
 public:
  HeapRingsFixture() {
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

  HeapRings& rings() { return *rings_; }
  const HeapRings& rings() const { return *rings_; }
  SessionView session() const { return region_->view(); }
  // The next word of a slot's ring; heap_head is for the caller to move.
  void put(uint32_t slot, uint64_t& written, uint64_t word) {
    session().heap_ring(slot)[written % heap_ring_bytes(slot) / 8] = word;
    written += 8;
  }

 private:
  std::unique_ptr<SessionRegion> region_;
  std::unique_ptr<TraceWriter> writer_;
  std::unique_ptr<RecordingTables> tables_;
  ModuleMap modules_;
  std::unique_ptr<FrameResolver> frames_;
  std::unique_ptr<HeapRings> rings_;
};

}  // namespace flarestack
