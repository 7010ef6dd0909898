// SPDX-License-Identifier: Apache-2.0
#include "model/regions.h"

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

// Two threads in load, one of them in load/parse as well; a tag, a counter and a pool.
Recording told() {
  RecordingBuilder builder;
  builder.add(ProcessRecord{{1}, {}, ProcessOrigin::kLaunch, 100, "told", {"told"}, 0});
  builder.add(ThreadRecord{{1}, {1}, 100, "main", 0});
  builder.add(ThreadRecord{{2}, {1}, 101, "worker", 0});
  builder.add(RegionRecord{{1}, {}, RegionKind::kRegion, "load"});
  builder.add(RegionRecord{{2}, {1}, RegionKind::kRegion, "parse"});
  builder.add(RegionRecord{{3}, {1}, RegionKind::kTag, "rows"});
  builder.add(RegionRecord{{4}, {}, RegionKind::kCounter, "ticks"});
  RegionTotalsRecord total{.thread = {1}, .region = {1}, .calls = 2, .wall_ns = 100, .self_wall_ns = 60};
  total.allocations = 3;
  total.allocated_bytes = 300;
  total.peak_bytes = 250;
  builder.add(total);
  total.thread = {2};
  total.peak_bytes = 350;
  builder.add(total);
  RegionTotalsRecord nested{.thread = {1}, .region = {2}, .calls = 4, .wall_ns = 40, .self_wall_ns = 40};
  nested.allocated_bytes = 50;
  nested.deallocated_bytes = 250;
  builder.add(nested);
  builder.add(SampleRecord{{1}, {}, SampleMetric::kCpu, 0, 10, 5, 5000, {1}});
  builder.add(SampleRecord{{1}, {}, SampleMetric::kCpu, 0, 10, 7, 7000, {2}});
  builder.add(SampleRecord{{1}, {}, SampleMetric::kCpu, 0, 10, 9, 9000, {}});
  builder.add(RegionValueRecord{{1}, {3}, 2, 30, 10, 20, 20});
  builder.add(RegionValueRecord{{1}, {3}, 1, -5, -5, 20, -5});
  builder.add(RegionValueRecord{{2}, {4}, 1, 8, 8, 8, 8});
  builder.add(RegionSpanRecord{{1}, {2}, 50, 70, 1, 20});
  builder.add(RegionSpanRecord{{1}, {1}, 0, 100, 2, 90});
  return builder.finish({});
}

TEST_CASE("a region has what is nested in it, and its own") {
  const Regions regions = regions_of(told());
  REQUIRE(regions.regions.size() == 2);
  const Region& load = regions.regions[0];
  const Region& parse = regions.regions[1];
  CHECK(load.path == "load");
  CHECK(load.use.calls == 4);
  CHECK(load.use.total.wall_ns == 200);
  CHECK(load.use.self.wall_ns == 120);
  CHECK(load.use.total.cpu_ns == 12000);
  CHECK(load.use.self.cpu_ns == 5000);
  CHECK(load.use.total.allocated_bytes == 650);
  CHECK(load.use.self.allocated_bytes == 600);
  CHECK(load.use.total.live_delta_bytes() == 400);
  CHECK(load.use.peak_bytes == 350);
  CHECK(load.threads.size() == 2);
  CHECK(parse.path == "load/parse");
  CHECK(parse.parent == 0);
  CHECK(parse.depth == 1);
  CHECK(parse.use.total.live_delta_bytes() == -200);
  REQUIRE(load.tags.size() == 1);
  CHECK(load.tags[0].count == 3);
  CHECK(load.tags[0].sum == 25);
  CHECK(load.tags[0].smallest == -5);
  CHECK(load.tags[0].last == -5);
  REQUIRE(regions.counters.size() == 1);
  CHECK(regions.counters[0].name == "ticks");
  REQUIRE(regions.spans.size() == 2);
  CHECK(regions.spans[0].region == 0);
}

TEST_CASE("a thread's regions are its own part of them") {
  ProfileOptions options;
  options.thread = "worker";
  const Regions regions = regions_of(told(), options);
  REQUIRE(regions.regions.size() == 1);
  CHECK(regions.regions[0].use.calls == 2);
  CHECK(regions.regions[0].use.total.cpu_ns == 0);
}

TEST_CASE("a region whose totals were lost is there with what is nested in it") {
  RecordingBuilder builder;
  builder.add(RegionRecord{{1}, {}, RegionKind::kRegion, "lost"});
  builder.add(RegionRecord{{2}, {1}, RegionKind::kRegion, "found"});
  builder.add(RegionTotalsRecord{.thread = {}, .region = {2}, .calls = 1, .wall_ns = 5, .self_wall_ns = 5});
  builder.add(RegionTotalsRecord{.thread = {}, .region = {77}, .calls = 1, .wall_ns = 5, .self_wall_ns = 5});
  const Regions regions = regions_of(builder.finish({}));
  REQUIRE(regions.regions.size() == 2);
  CHECK(regions.regions[0].name == "lost");
  CHECK(regions.regions[0].use.calls == 0);
  CHECK(regions.regions[1].use.calls == 1);
}

TEST_CASE("a damaged region with an absurd number is left out") {
  RecordingBuilder builder;
  builder.add(RegionRecord{{1}, {}, RegionKind::kRegion, "a"});
  builder.add(RegionTotalsRecord{.thread = {}, .region = {1}, .calls = uint64_t{1} << 62});
  builder.add(RegionSpanRecord{{}, {1}, 10, 5, 1, 1});
  const Recording recording = builder.finish({});
  CHECK(recording.absurd_records == 2);
  CHECK(regions_of(recording).empty());
}

}  // namespace
}  // namespace flarestack
