// SPDX-License-Identifier: Apache-2.0
// The heap's metrics against numbers worked out by hand.
#include <catch2/catch.hpp>

#include "model/function_table.h"
#include "model/heap_summary.h"
#include "tests/unit/model/fake_recording.h"

namespace flarestack {
namespace {

constexpr FakeRecording::At kFirst{0, 10'000'000};
constexpr FakeRecording::At kSecond{10'000'000, 20'000'000};
constexpr FakeRecording::At kThird{30'000'000, 40'000'000};

HeapSliceRecord slice(uint32_t process, FakeRecording::At at, uint64_t peak_bytes, uint64_t peak_blocks,
                      int64_t peak_time_ns, uint64_t live_bytes, uint64_t live_blocks) {
  return {{process}, at.start_ns, at.length_ns, peak_bytes, peak_blocks, peak_time_ns, live_bytes, live_blocks};
}

AllocationRecord at_peak(AllocationRecord record, int64_t blocks) {
  record.peak_blocks = blocks;
  record.peak_bytes = blocks * (int64_t{1} << (record.size_class - 1));
  return record;
}

// One process. Sizes are powers of two. In blocks, "cache" of 64 bytes and "burst" of 1024:
//   slice    cache          burst            at its peak                 live at its end
//   first    +10            +5 -5            10 and 4:  640 + 4096       10:        640
//   second   +20 -2         +8 -7            25 and 6: 1600 + 6144       28 and 1: 1792 + 1024
//   third    -20                             28 and 1                     8 and 1:  512 + 1024
FakeRecording cache_recording() {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.thread(2, 1, 101, "worker");
  const std::vector<std::string> cache{"game!main", "game!load", "game!cache"};
  const std::vector<std::string> burst{"game!main", "game!burst"};
  fake.allocation(1, cache, at_peak(fake.blocks(64, 10, 0, kFirst), 10));
  fake.allocation(2, burst, at_peak(fake.blocks(1024, 5, 5, kFirst), 4));
  fake.allocation(1, cache, at_peak(fake.blocks(64, 20, 2, kSecond), 15));
  AllocationRecord record = at_peak(fake.blocks(1024, 8, 7, kSecond), 6);
  record.temporary = 4;
  fake.allocation(2, burst, record);
  record = fake.blocks(64, 0, 20, kThird);
  record.lifetimes = {0, 15, 5};
  fake.allocation(1, cache, record);
  fake.builder.add(slice(1, kFirst, 4736, 14, 4'000'000, 640, 10));
  fake.builder.add(slice(1, kSecond, 7744, 31, 22'000'000, 2816, 29));
  fake.builder.add(slice(1, kThird, 2816, 29, 30'000'000, 1536, 9));
  return fake;
}

Profile profile_of(FakeRecording fake, ProfileOptions options, Metric metric) {
  options.metric = metric;
  auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

// Self and blocks by function.
std::map<std::string, std::pair<uint64_t, uint64_t>> self_of(const Profile& profile) {
  std::map<std::string, std::pair<uint64_t, uint64_t>> self;
  uint64_t total = 0;
  for (const FunctionRow& row : function_table(profile, 0)) {
    if (row.self != 0) self[profile.functions[row.function].name] = {row.self, row.samples};
    total += row.self;
  }
  CHECK(total == profile.total());
  return self;
}
using Self = std::map<std::string, std::pair<uint64_t, uint64_t>>;

ProfileOptions range(std::optional<int64_t> from_ns, std::optional<int64_t> to_ns) {
  ProfileOptions options;
  options.from_ns = from_ns;
  options.to_ns = to_ns;
  return options;
}

}  // namespace

TEST_CASE("metrics have the names of the command line and a unit") {
  for (const char* name : {"cpu", "wall", "allocated", "allocations", "peak", "live", "temporary", "leaked"})
    CHECK(std::string(metric_name(*metric_of_name(name))) == name);
  CHECK_FALSE(metric_of_name("leeked").has_value());
  CHECK(metric_unit(Metric::kWall) == std::string("ns"));
  CHECK(metric_unit(Metric::kPeak) == std::string("bytes"));
  CHECK(metric_unit(Metric::kTemporary) == std::string("allocations"));
}

TEST_CASE("what was allocated is summed over the slices") {
  CHECK(self_of(profile_of(cache_recording(), {}, Metric::kAllocated)) ==
        Self{{"cache", {1920, 30}}, {"burst", {13312, 13}}});
  CHECK(self_of(profile_of(cache_recording(), {}, Metric::kAllocations)) ==
        Self{{"cache", {30, 30}}, {"burst", {13, 13}}});
  CHECK(self_of(profile_of(cache_recording(), {}, Metric::kTemporary)) == Self{{"burst", {4, 4}}});
}

TEST_CASE("a slice that lies partly in the range counts with that part of what was allocated") {
  // Half of the second slice: 10 of the cache's 20, 4 of the burst's 8.
  const Profile profile = profile_of(cache_recording(), range(20'000'000, 40'000'000), Metric::kAllocated);
  CHECK(self_of(profile) == Self{{"cache", {640, 10}}, {"burst", {4096, 4}}});
  const HeapSummary summary = summarize_heap(profile);
  CHECK(summary.allocated_bytes == profile.total());
  CHECK(summary.allocations == 14);
  CHECK(summary.temporary_allocations == 2);
  CHECK(summary.deallocations == 1 + 4 + 5);  // half of 2, half of 7 rounded, a quarter of 20
}

TEST_CASE("what is live is what all slices that began before the end have left") {
  CHECK(self_of(profile_of(cache_recording(), {}, Metric::kLive)) == Self{{"cache", {512, 8}}, {"burst", {1024, 1}}});
  CHECK(self_of(profile_of(cache_recording(), range({}, 30'000'000), Metric::kLive)) ==
        Self{{"cache", {1792, 28}}, {"burst", {1024, 1}}});
  CHECK(self_of(profile_of(cache_recording(), range({}, 30'000'001), Metric::kLive)) ==
        Self{{"cache", {512, 8}}, {"burst", {1024, 1}}});
  // The start of the range does not matter: what was allocated before it lives on.
  CHECK(self_of(profile_of(cache_recording(), range(60'000'000, {}), Metric::kLive)) ==
        Self{{"cache", {512, 8}}, {"burst", {1024, 1}}});
}

TEST_CASE("the peak is what each call path held at the instant of the process's greatest use") {
  const Profile profile = profile_of(cache_recording(), {}, Metric::kPeak);
  CHECK(self_of(profile) == Self{{"cache", {1600, 25}}, {"burst", {6144, 6}}});
  const HeapSummary summary = summarize_heap(profile);
  CHECK(summary.peak_bytes == 7744);
  CHECK(summary.peak_blocks == 31);
  CHECK(summary.peak_time_ns == 22'000'000);
  CHECK(summary.live_bytes_at_end == 1536);
  CHECK(summary.live_blocks_at_end == 9);
}

TEST_CASE("the peak of a range is the greatest that lies in it, or what was live at its start") {
  CHECK(self_of(profile_of(cache_recording(), range({}, 10'000'000), Metric::kPeak)) ==
        Self{{"cache", {640, 10}}, {"burst", {4096, 4}}});
  // From behind the second slice's peak on: the third slice's peak is its start.
  const Profile profile = profile_of(cache_recording(), range(25'000'000, {}), Metric::kPeak);
  CHECK(self_of(profile) == Self{{"cache", {1792, 28}}, {"burst", {1024, 1}}});
  CHECK(summarize_heap(profile).peak_time_ns == 30'000'000);
  // No peak lies in it: what the last slice before it left.
  const Profile quiet = profile_of(cache_recording(), range(12'000'000, 13'000'000), Metric::kPeak);
  CHECK(self_of(quiet) == Self{{"cache", {640, 10}}});
  CHECK(summarize_heap(quiet).peak_time_ns == 12'000'000);
}

TEST_CASE("with a thread filter the peak is what that thread's blocks held at the process's peak") {
  ProfileOptions options;
  options.thread = "worker";
  const Profile profile = profile_of(cache_recording(), options, Metric::kPeak);
  CHECK(self_of(profile) == Self{{"burst", {6144, 6}}});
  CHECK(summarize_heap(profile).peak_bytes == 6144);
  CHECK(summarize_heap(profile).allocations == 13);
}

TEST_CASE("each process is at its own peak, and they are summed") {
  FakeRecording fake = cache_recording();
  fake.process(2, 200, "/bin/child", 1);
  fake.thread(3, 2, 200, "child");
  fake.allocation(3, {"game!main", "game!child"}, at_peak(fake.blocks(4096, 9, 9, kFirst), 3));
  fake.builder.add(slice(2, kFirst, 12288, 3, 1'000'000, 0, 0));
  const Profile both = profile_of(fake, {}, Metric::kPeak);
  CHECK(self_of(both) == Self{{"cache", {1600, 25}}, {"burst", {6144, 6}}, {"child", {12288, 3}}});
  CHECK(summarize_heap(both).peak_bytes == 7744 + 12288);
  CHECK(summarize_heap(both).peak_time_ns == 1'000'000);
  CHECK(summarize_heap(both).processes == 2);
  ProfileOptions options;
  options.process = "200";
  const Profile child = profile_of(fake, options, Metric::kPeak);
  CHECK(self_of(child) == Self{{"child", {12288, 3}}});
  CHECK(summarize_heap(child).peak_bytes == 12288);
  options.group_by_process = true;
  options.process.clear();
  const Profile grouped = profile_of(fake, options, Metric::kPeak);
  CHECK(grouped.tree.children(CallTree::kRoot).size() == 2);
  CHECK(grouped.total() == both.total());
}

TEST_CASE("sizes and lifetimes are those of what passed the filters") {
  const HeapSummary all = summarize_heap(profile_of(cache_recording(), {}, Metric::kAllocated));
  REQUIRE(all.sizes.size() == 2);
  CHECK(all.sizes[0].least_bytes == 64);
  CHECK(all.sizes[0].most_bytes == 127);
  CHECK(all.sizes[0].allocations == 30);
  CHECK(all.sizes[1].allocated_bytes == 13312);
  CHECK(all.lifetimes[0] == 5 + 2 + 7);
  CHECK(all.lifetimes[1] == 15);
  CHECK(all.lifetimes[2] == 5);
  CHECK(all.deallocations == 34);
  for (const bool focus : {true, false}) {
    ProfileOptions options;
    (focus ? options.focus : options.ignore) = focus ? "cache" : "burst";
    const Profile cache = profile_of(cache_recording(), options, Metric::kPeak);
    CHECK(self_of(cache) == Self{{"cache", {1600, 25}}});
    const HeapSummary summary = summarize_heap(cache);
    CHECK(summary.sizes.size() == 1);
    CHECK(summary.lifetimes[0] == 2);
    CHECK(summary.peak_bytes == 1600);
  }
}

TEST_CASE("the summary of a CPU profile is of the same processes and times") {
  const HeapSummary summary = summarize_heap(profile_of(cache_recording(), range({}, 30'000'000), Metric::kCpu));
  CHECK(summary.live_bytes_at_end == 2816);
  CHECK(summary.peak_bytes == 7744);
  CHECK(summary.allocations == 43);
}

TEST_CASE("what the program mapped itself is kept apart") {
  FakeRecording fake = cache_recording();
  for (const auto& [at, allocations, deallocations] :
       {std::tuple{kFirst, 3, 0}, std::tuple{kSecond, 0, 2}, std::tuple{kThird, 1, 0}}) {
    AllocationRecord mapped = fake.blocks(1 << 20, allocations, deallocations, at);
    mapped.kind = MemoryKind::kMapped;
    fake.allocation(1, {"game!main", "game!map"}, mapped);
  }
  const Profile profile = profile_of(fake, {}, Metric::kLive);
  CHECK(profile.total() == 1536);
  const HeapSummary summary = summarize_heap(profile);
  CHECK(summary.allocations == 43);
  CHECK(summary.mapped.allocations == 4);
  CHECK(summary.mapped.peak_bytes == 3 << 20);
  CHECK(summary.mapped.live_bytes_at_end == 2 << 20);
}

TEST_CASE("more freed than allocated, as damage makes it, counts as nothing and is counted") {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.allocation(1, {"game!main"}, fake.blocks(64, 1, 5, kFirst));
  fake.allocation(1, {"game!kept"}, fake.blocks(64, 2, 0, kFirst));
  const Profile profile = profile_of(fake, {}, Metric::kLive);
  CHECK(self_of(profile) == Self{{"kept", {128, 2}}});
  CHECK(summarize_heap(profile).negative_sums == 2);  // bytes and blocks
  CHECK_FALSE(profile.quality.complete);
}

TEST_CASE("absurd numbers are left out") {
  FakeRecording fake = cache_recording();
  AllocationRecord record = fake.blocks(64, 1, 0);
  record.allocated_bytes = UINT64_MAX;
  fake.allocation(1, {"game!main"}, record);
  record = fake.blocks(64, 1, 0);
  record.size_class = 65;
  fake.allocation(1, {"game!main"}, record);
  record = fake.blocks(64, 1, 0);
  record.slice_length_ns = -1;
  fake.allocation(1, {"game!main"}, record);
  fake.builder.add(slice(1, kFirst, UINT64_MAX, 0, 0, 0, 0));
  MemoryRecord memory;
  memory.rss_bytes = UINT64_MAX;
  fake.builder.add(memory);
  const Profile profile = profile_of(fake, {}, Metric::kAllocations);
  CHECK(profile.total() == 43);
  CHECK(profile.recording.absurd_records == 5);
}

TEST_CASE("a sampled recording says how sure its numbers are") {
  FakeRecording fake;
  fake.heap(HeapMode::kSampled, 512 << 10);
  fake.process(1, 100, "/bin/game");
  fake.thread(1, 1, 100, "game");
  for (const char* name : {"game!a", "game!b"}) {
    AllocationRecord record = fake.blocks(1 << 20, 50, 0);
    record.samples = 40;
    record.variance_allocations = name == std::string("game!a") ? 9 : 16;  // sigma 5 in all
    record.variance_kib2 = 50;                                             // 10 KiB in all
    fake.allocation(1, {name}, record);
  }
  const HeapSummary summary = summarize_heap(profile_of(fake, {}, Metric::kAllocated));
  CHECK(summary.allocations_confidence == Approx(1.96 * 5));
  CHECK(summary.allocated_bytes_confidence == Approx(1.96 * 10 * 1024));
  CHECK(summarize_heap(profile_of(cache_recording(), {}, Metric::kAllocated)).allocations_confidence == 0);
}

TEST_CASE("a process's memory is told apart at its greatest") {
  FakeRecording fake = cache_recording();
  const auto look = [](int64_t time_ns, uint64_t rss, uint64_t allocator, uint64_t live) {
    MemoryRecord record;
    record.process = {1};
    record.time_ns = time_ns;
    record.rss_bytes = rss;
    record.allocator_bytes = allocator;
    record.heap_live_bytes = live;
    record.minor_faults = static_cast<uint64_t>(time_ns);
    return record;
  };
  fake.builder.add(look(20, 5000, 4000, 1000));
  fake.builder.add(look(10, 3000, 2000, 1500));
  fake.builder.add(look(30, 4000, 2000, 2500));
  MemoryUse memory = summarize_heap(profile_of(fake, {}, Metric::kAllocated)).memory;
  REQUIRE(memory.timeline.size() == 3);
  CHECK(memory.timeline[0].memory.time_ns == 10);
  CHECK(memory.peak.memory.time_ns == 20);
  CHECK(memory.allocator_overhead_bytes == 3000);
  CHECK(memory.minor_faults == 30);
  memory = summarize_heap(profile_of(fake, range(25, {}), Metric::kAllocated)).memory;
  CHECK(memory.peak.memory.rss_bytes == 4000);
  CHECK(memory.allocator_overhead_bytes == 0);  // what is live need not be resident
}

TEST_CASE("a heap metric of a recording without a heap says how to get one") {
  FakeRecording fake;
  ProfileOptions options;
  options.metric = Metric::kPeak;
  const auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE_FALSE(profile.ok());
  CHECK(profile.error().message ==
        "--metric peak: this recording has no heap in it; `flarestack record` without --no-heap records one");
}

TEST_CASE("events that were lost make a recording incomplete") {
  FakeRecording fake = cache_recording();
  fake.builder.add(CounterRecord{{1}, "heap_events", 77});
  CHECK(profile_of(fake, {}, Metric::kLive).quality.complete);
  fake.builder.add(CounterRecord{{1}, "heap_events_lost", 3});
  const Profile profile = profile_of(fake, {}, Metric::kLive);
  CHECK_FALSE(profile.quality.complete);
  CHECK(summarize_heap(profile).heap_events == 77);
  CHECK(summarize_heap(profile).heap_events_lost == 3);
}

}  // namespace flarestack
