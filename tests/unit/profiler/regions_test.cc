// SPDX-License-Identifier: Apache-2.0
// Regions as an agent writes them into a ring and the table: what the recorder hands to the trace.
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "profiler/region_recorder.h"
#include "profiler/session_region.h"
#include "tests/unit/profiler/heap_rings_fixture.h"
#include "trace/reader.h"

namespace flarestack {
namespace {

class RegionTrace {
 public:
  RegionTrace() {
    Result<SessionRegion> region = SessionRegion::create({});
    REQUIRE(region.ok());
    region_ = std::make_unique<SessionRegion>(std::move(*region));
    Result<TraceWriter> writer = TraceWriter::create(path_);
    REQUIRE(writer.ok());
    writer_ = std::make_unique<TraceWriter>(std::move(*writer));
    tables_ = std::make_unique<RecordingTables>(*writer_);
    regions_ = std::make_unique<RegionRecorder>(region_->view(), *tables_);
  }
  ~RegionTrace() { unlink(path_.c_str()); }

  RegionRecorder& regions() { return *regions_; }
  RegionTable& table() { return region_->view().regions(); }
  void node(uint32_t number, uint32_t parent, const std::string& name, RegionNodeKind kind = RegionNodeKind::kRegion) {
    std::memcpy(table().names + 16 * number, name.data(), name.size());
    table().node[number] = {parent, 16 * number, 0, kind, static_cast<uint8_t>(name.size()), 0};
  }
  // All that was written, by what the regions are called.
  std::map<std::string, RegionTotalsRecord> totals() {
    regions_->write(0, true);
    REQUIRE(writer_->flush().ok());
    std::map<uint32_t, std::string> names;
    std::map<std::string, RegionTotalsRecord> result;
    Result<TraceReader> reader = TraceReader::open(path_);
    REQUIRE(reader.ok());
    while (const std::optional<TraceRecord> record = reader->next()) {
      if (const auto* region = std::get_if<RegionRecord>(&*record)) names[region->id.value] = region->name;
      if (const auto* total = std::get_if<RegionTotalsRecord>(&*record)) result[names[total->region.value]] = *total;
      if (const auto* span = std::get_if<RegionSpanRecord>(&*record)) spans.push_back(*span);
    }
    return result;
  }
  std::vector<RegionSpanRecord> spans;

 private:
  std::string path_ = "regions_test." + std::to_string(getpid()) + ".flare";
  std::unique_ptr<SessionRegion> region_;
  std::unique_ptr<TraceWriter> writer_;
  std::unique_ptr<RecordingTables> tables_;
  std::unique_ptr<RegionRecorder> regions_;
};

TEST_CASE("nested regions have their own time and what is nested in them") {
  RegionTrace trace;
  trace.node(1, 0, "outer");
  trace.node(2, 1, "inner");
  RegionRecorder::Thread thread(trace.regions(), {1});
  thread.begin(1, 1, 100);
  thread.allocated(1, 1000);
  thread.begin(2, 2, 150);
  thread.allocated(2, 500);
  thread.freed(1, 1000);  // of the outer one's
  thread.end(2, 250);
  thread.allocated(1, 300);
  thread.end(1, 400);
  auto totals = trace.totals();
  CHECK(totals["outer"].wall_ns == 300);
  CHECK(totals["outer"].self_wall_ns == 200);
  CHECK(totals["outer"].allocated_bytes == 1300);
  CHECK(totals["outer"].peak_bytes == 1500);
  CHECK(totals["inner"].wall_ns == 100);
  CHECK(totals["inner"].allocations == 2);
  CHECK(totals["inner"].deallocated_bytes == 1000);
  CHECK(totals["inner"].peak_bytes == 500);
  CHECK(trace.spans.size() == 2);
}

TEST_CASE("an end closes what was left open above it, and a thread's end all") {
  RegionTrace trace;
  trace.node(1, 0, "a");
  trace.node(2, 1, "b");
  RegionRecorder::Thread thread(trace.regions(), {1});
  thread.begin(1, 1, 0);
  thread.begin(2, 2, 10);
  thread.end(1, 30);
  thread.end(1, 40);  // of nothing
  thread.begin(1, 1, 50);
  thread.leave(60);
  auto totals = trace.totals();
  CHECK(totals["a"].calls == 2);
  CHECK(totals["a"].unfinished == 1);
  CHECK(totals["b"].unfinished == 1);
  CHECK(totals["b"].wall_ns == 20);
  CHECK(trace.regions().unfinished() == 2);
}

TEST_CASE("a table that makes no sense gives no regions") {
  RegionTrace trace;
  trace.node(3, 3, "its own parent");
  trace.node(4, 7, "a parent that comes later");
  trace.node(5, 0, "far away");
  trace.table().node[5].name_offset = kRegionNameBytes - 1;
  RegionRecorder::Thread thread(trace.regions(), {1});
  for (const uint32_t node : {0U, 3U, 4U, 5U, kMaxRegionNodes, 0xffffffU}) {
    CHECK_FALSE(trace.regions().region_of(node));
    thread.begin(node, 1, 0);
    thread.tell(node, 1);
  }
  thread.end(1, 10);
  CHECK(trace.totals().empty());
}

TEST_CASE("spans that are too many are merged, and none of their calls and times is lost") {
  RegionTrace trace;
  trace.node(1, 0, "often");
  RegionRecorder::Thread thread(trace.regions(), {1});
  constexpr uint64_t kCalls = 100'000;
  for (uint64_t i = 0; i < kCalls; ++i) {
    thread.begin(1, 1, static_cast<int64_t>(i * 1000));
    thread.end(1, static_cast<int64_t>(i * 1000 + 400));
  }
  CHECK(trace.totals()["often"].calls == kCalls);
  CHECK(trace.spans.size() < 20'000);
  uint64_t calls = 0, busy_ns = 0;
  for (const RegionSpanRecord& span : trace.spans) {
    calls += span.calls;
    busy_ns += span.busy_ns;
  }
  CHECK(calls == kCalls);
  CHECK(busy_ns == kCalls * 400);
}

TEST_CASE("a region record cut off by the ring's head is damage, not a region") {
  HeapRingsFixture fixture;
  uint64_t written = 0;
  fixture.put(0, written, static_cast<uint64_t>(HeapKind::kRegion) | RegionWord{RegionDeed::kBegin, 1, 1}.pack());
  fixture.session().slot(0).heap_head = written;
  HeapRings::Limits limits;
  fixture.rings().begin_look(true, limits);
  fixture.rings().look_at(0, true, limits);
  CHECK(fixture.rings().drain(1, limits) == HeapRings::Left::kNothing);
  std::map<std::string, uint64_t> counters;
  fixture.rings().add_counters(counters);
  CHECK(counters["heap_damaged_records"] == 1);
  CHECK(fixture.rings().is_drained(0));
}

}  // namespace
}  // namespace flarestack
