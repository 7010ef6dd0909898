// SPDX-License-Identifier: Apache-2.0
// A profile that is exported and imported again says the same.
#include <map>
#include <tuple>

#include <catch2/catch.hpp>

#include "model/function_table.h"
#include "model/heap_summary.h"
#include "report/collapsed.h"
#include "report/info_text.h"
#include "report/pprof.h"
#include "report/report_text.h"
#include "tests/unit/importer/imported.h"
#include "tests/unit/model/fake_recording.h"

namespace flarestack {
namespace {

Profile profile_of(FakeRecording& fake, Metric metric) {
  ProfileOptions options;
  options.metric = metric;
  auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

Profile imported_profile(std::string_view bytes, Metric metric, bool inline_frames = true) {
  const ImportFolder folder;
  InputReader input = InputReader::of_bytes(bytes);
  REQUIRE(import_file("FILE", input, folder.file("t"), {}).ok());
  auto reader = TraceReader::open(folder.file("t"));
  REQUIRE(reader.ok());
  RecordingBuilder builder;
  while (const auto record = reader->next()) builder.add(*record);
  ProfileOptions options;
  options.metric = metric;
  options.inline_frames = inline_frames;
  auto profile = build_profile(builder.finish(reader->damage()), options, [](const auto&, auto) -> SymbolAnswer {
    FAIL("an imported frame is not symbolized again");
    return {};
  });
  REQUIRE(profile.ok());
  return std::move(*profile);
}

using Row = std::tuple<std::string, std::string, std::string, uint32_t, uint64_t, uint64_t, uint64_t>;
std::vector<Row> rows(const Profile& profile) {
  std::vector<Row> result;
  for (const FunctionRow& row : function_table(profile, 0)) {
    const Function& function = profile.functions[row.function];
    result.emplace_back(function.name, function.module, function.file, function.line, row.self, row.total, row.samples);
  }
  std::sort(result.begin(), result.end());
  return result;
}

void record_time(FakeRecording& fake) {
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.thread(2, 1, 101, "worker;2");
  fake.sample(1, {"game!main", "game!draw >> clip", "libgpu.so!submit"}, 40);
  fake.sample(1, {"game!main", "game!draw >> clip"}, 7);
  fake.sample(1, {"game!main", "[kernel]"}, 3);
  fake.sample(2, {"game!worker", "jit:compiled", "game!worker"}, 9);
  fake.sample(2, {"[startup]"}, 2);
  fake.wait(2, {"game!worker", "libc.so!poll"}, 25);
}

TEST_CASE("time that went to pprof comes back as it was") {
  for (const Metric metric : {Metric::kCpu, Metric::kWall}) {
    FakeRecording fake;
    fake.session.wall_clock = true;
    fake.builder.add(fake.session);
    record_time(fake);
    const Profile original = profile_of(fake, metric);
    const Profile back = imported_profile(pprof_profile(original), metric);
    CHECK(rows(back) == rows(original));
    CHECK(collapsed(back) == collapsed(original));
    CHECK(back.recording.threads.at(1).name == "worker;2");
    CHECK(back.recording.duration_ns == original.recording.duration_ns);
  }
}

TEST_CASE("without inlined functions an imported profile is what the original is without them") {
  FakeRecording fake;
  record_time(fake);
  const std::string bytes = pprof_profile(profile_of(fake, Metric::kCpu));
  const Profile back = imported_profile(bytes, Metric::kCpu, false);
  CHECK(collapsed(back).find("clip") == std::string::npos);
  CHECK_THAT(collapsed(back), Catch::Contains("main;draw 7000000\n"));
}

TEST_CASE("a heap that went to pprof comes back as it was, with its peak") {
  for (const Metric metric :
       {Metric::kAllocated, Metric::kAllocations, Metric::kLive, Metric::kPeak, Metric::kTemporary}) {
    FakeRecording fake;
    fake.heap();
    fake.process(1, 100, "/usr/bin/game");
    fake.thread(1, 1, 100, "game");
    fake.allocation(1, {"game!main", "game!load"}, FakeRecording::blocks(4000, 20, 5));
    fake.allocation(1, {"game!main", "game!load"}, FakeRecording::blocks(40, 200, 200));
    AllocationRecord kept = FakeRecording::blocks(100, 9, 3);
    kept.peak_bytes = 700;
    kept.peak_blocks = 7;
    kept.temporary = 2;
    fake.allocation(1, {"game!main"}, kept);
    fake.builder.add(HeapSliceRecord{{1}, 0, 100'000'000, 700, 7, 50'000'000, 60'600, 21});
    const Profile original = profile_of(fake, metric);
    const Profile back = imported_profile(pprof_profile(original), metric);
    INFO(metric_name(metric));
    CHECK(original.total() != 0);
    CHECK(rows(back) == rows(original));
    const HeapSummary one = summarize_heap(original);
    const HeapSummary other = summarize_heap(back);
    CHECK(one.sizes.size() == other.sizes.size());
    CHECK(std::tie(one.allocations, one.allocated_bytes, one.deallocations, one.live_bytes_at_end, one.peak_bytes) ==
          std::tie(other.allocations, other.allocated_bytes, other.deallocations, other.live_bytes_at_end,
                   other.peak_bytes));
  }
}

TEST_CASE("collapsed stacks come back byte for byte") {
  FakeRecording fake;
  record_time(fake);
  const std::string text = collapsed(profile_of(fake, Metric::kCpu));
  CHECK(collapsed(imported_profile(text, Metric::kCpu)) == text);
}

TEST_CASE("reports of what was imported claim nothing that is unknown") {
  const Profile stacks = imported_profile("main;f 12\nmain;[unknown] 4\n", Metric::kCpu);
  const std::string report = report_text(stacks, {});
  const std::string info = info_text(stacks, {});
  for (const std::string& text : {report, info}) {
    INFO(text);
    CHECK_THAT(text, Catch::Contains("from collapsed stacks"));
    CHECK_THAT(text, Catch::Contains("25.0% of the time is code without a name"));
    for (const char* claim :
         {"dropped", "truncated", "complete", "every module", "Hz", "not recorded", "0 samples", "0 ns"})
      CHECK_THAT(text, !Catch::Contains(claim));
  }
  FakeRecording fake;
  fake.heap();
  fake.thread(1, 0, 100, "game");
  fake.allocation(1, {"game!main"}, FakeRecording::blocks(4000, 20, 5));
  const Profile heap = imported_profile(pprof_profile(profile_of(fake, Metric::kAllocated)), Metric::kAllocated);
  const std::string text = report_text(heap, {}) + info_text(heap, {});
  INFO(text);
  CHECK_THAT(text, Catch::Contains("as pprof has it"));
  for (const char* claim : {"every allocation", "LIVED", "temporary", "peak", "complete"})
    CHECK_THAT(text, !Catch::Contains(claim));
}

TEST_CASE("what was lost from a damaged trace is [lost] in pprof as well") {
  FakeRecording fake;
  fake.sample(9, {"game!main"}, 5);
  fake.builder.add(SampleRecord{{9}, {77}, SampleMetric::kCpu, 0, 0, 1, 1'000'000});
  fake.builder.add(StackRecord{{50}, {49}, {1}});
  fake.builder.add(SampleRecord{{9}, {50}, SampleMetric::kCpu, 0, 0, 1, 2'000'000});
  fake.builder.add(SampleRecord{{9}, {}, SampleMetric::kCpu, 0, 0, 1, 3'000'000});
  const Profile original = profile_of(fake, Metric::kCpu);
  CHECK(collapsed(imported_profile(pprof_profile(original), Metric::kCpu)) == collapsed(original));
}

}  // namespace
}  // namespace flarestack
