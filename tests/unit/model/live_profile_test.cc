// SPDX-License-Identifier: Apache-2.0
// What a recording looks like while it is made: the whole, and now.
#include "model/live_profile.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/unit/model/fake_recording.h"

namespace flarestack {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

// A recording that goes on, and who watches it.
struct Watched {
  FakeRecording recording;
  LiveProfile profile{recording.symbols(), 5 * kSecond};
  uint64_t told_ns = 0;

  Watched() {
    recording.builder.also = [this](const TraceRecord& record) { profile.add(record); };
    recording.heap();
    recording.process(1, 71, "/usr/bin/game");
    recording.thread(1, 1, 71, "main");
    recording.thread(2, 1, 72, "worker");
  }
  void up_to(int64_t time_ns) {
    recording.builder.add(CounterRecord{{}, "recorded_ns", static_cast<uint64_t>(time_ns) - told_ns});
    told_ns = static_cast<uint64_t>(time_ns);
  }
  LiveView look() {
    profile.update(LiveProfile::Names::kAsk);
    return profile.view();
  }
};

FakeRecording::At at(int64_t start_ns) { return {start_ns, kSecond / 100}; }

LiveFunction function(const LiveView& view, const std::string& name) {
  for (const LiveFunction& each : view.functions) {
    if (each.function->name == name) return each;
  }
  return {};
}

LiveSite site(const LiveView& view, const std::string& name) {
  for (const LiveSite& each : view.sites) {
    if (each.function->name == name) return each;
  }
  return {};
}

}  // namespace

TEST_CASE("a function's time is told of the whole and of now") {
  Watched watched;
  watched.recording.sample(1, {"game!main", "game!load"}, 900, at(kSecond));
  watched.up_to(2 * kSecond);
  watched.look();
  watched.recording.sample(1, {"game!main", "game!play"}, 300, at(19 * kSecond));
  watched.recording.sample(2, {"game!main", "game!load"}, 100, at(18 * kSecond));
  watched.up_to(20 * kSecond);
  const LiveView view = watched.look();
  CHECK(view.total_ns == 1'300'000'000);
  CHECK(view.now_total_ns == 400'000'000);
  CHECK(view.now_samples == 400);
  CHECK(view.recorded_ns == 20 * kSecond);
  CHECK(view.now_ns == 5 * kSecond);
  CHECK(function(view, "load").self_ns == 1'000'000'000);
  CHECK(function(view, "load").now_self_ns == 100'000'000);
  CHECK(function(view, "play").now_self_ns == 300'000'000);
  CHECK(function(view, "main").self_ns == 0);
  CHECK(function(view, "main").total_ns == 1'300'000'000);
  CHECK(function(view, "main").now_total_ns == 400'000'000);
  CHECK(view.cpu == Approx(0.4 / 5));
  CHECK(view.threads[0].cpu == Approx(0.3 / 5));
  CHECK(view.threads[1].cpu_ns == 100'000'000);
}

TEST_CASE("who reads late gets the same numbers") {
  const auto fill = [](Watched& watched, bool looks) {
    for (int64_t second = 0; second < 30; ++second) {
      watched.recording.sample(1, {"game!main", second < 20 ? "game!load" : "game!play"}, 1000, at(second * kSecond));
      watched.up_to((second + 1) * kSecond);
      if (looks) watched.look();
    }
    return watched.look();
  };
  Watched often, once;
  const LiveView one = fill(often, true), other = fill(once, false);
  CHECK(one.now_total_ns == 5 * kSecond);
  CHECK(other.now_total_ns == 5 * kSecond);
  for (const char* name : {"main", "load", "play"}) {
    CHECK(function(one, name).total_ns == function(other, name).total_ns);
    CHECK(function(one, name).now_total_ns == function(other, name).now_total_ns);
  }
  CHECK(function(one, "load").now_self_ns == 0);
}

TEST_CASE("a recursive function counts once in its total, and an inlined one is a function") {
  Watched watched;
  watched.recording.sample(1, {"game!main", "game!walk", "game!walk", "game!walk >> peek"}, 10, at(0));
  watched.up_to(kSecond);
  const LiveView view = watched.look();
  CHECK(function(view, "walk").total_ns == 10'000'000);
  CHECK(function(view, "walk").self_ns == 0);
  CHECK(function(view, "peek").self_ns == 10'000'000);
}

TEST_CASE("what has no name yet is in the time but in no function, and waits") {
  Watched watched;
  watched.recording.sample(1, {"game!main", "game!load"}, 10, at(0));
  watched.up_to(kSecond);
  watched.profile.update(LiveProfile::Names::kWait);
  LiveView view = watched.profile.view();
  CHECK(view.functions.empty());
  CHECK(view.nameless_ns == 10'000'000);
  CHECK(view.total_ns == 10'000'000);
  view = watched.look();
  CHECK(view.nameless_ns == 0);
  CHECK(view.total_ns == 10'000'000);
  CHECK(function(view, "load").now_self_ns == 10'000'000);
}

TEST_CASE("each place is asked for once") {
  Watched watched;
  for (int64_t i = 0; i < 3; ++i) {
    watched.recording.sample(1, {"game!main", "game!load"}, 10, at(i * kSecond));
    watched.up_to((i + 1) * kSecond);
    watched.look();
  }
  CHECK(watched.recording.queries_asked == 4);  // two, and where the two functions begin
}

TEST_CASE("a site has what its blocks hold, how fast they grow, and the program's own code for its place") {
  Watched watched;
  watched.recording.allocation(1, {"game!main", "game!cache@7", "libstdc++.so.6!std::vector<int>::push_back"},
                               FakeRecording::blocks(100, 50, 0, at(0)));
  watched.recording.allocation(2, {"game!main", "game!cache@7", "libstdc++.so.6!operator new"},
                               FakeRecording::blocks(100, 10, 0, at(kSecond)));
  watched.recording.allocation(1, {"game!main", "game!parse"}, FakeRecording::blocks(1000, 40, 40, at(kSecond)));
  watched.up_to(2 * kSecond);
  LiveView view = watched.look();
  const LiveSite cache = site(view, "cache");
  CHECK(view.sites.size() == 2);
  CHECK(cache.live_bytes == 6000);
  CHECK(cache.live_blocks == 60);
  CHECK(cache.line == 7);
  CHECK(cache.growth_bytes_per_s == Approx(3000));
  CHECK(cache.allocations_per_s == Approx(30));
  CHECK(site(view, "parse").live_bytes == 0);
  CHECK(site(view, "parse").growth_bytes_per_s == Approx(0));
  CHECK(site(view, "parse").allocated_bytes_per_s == Approx(20'000));
  CHECK(view.allocations_per_s == Approx(50));
  CHECK(view.threads[1].allocations_per_s == Approx(5));
  const std::vector<LiveFrame> path = watched.profile.path_of_site(cache.id);
  REQUIRE(path.size() == 2);
  CHECK(path[0].function == "cache");
  CHECK(path[1].function == "main");
  // Long after, it still holds them, and grows no more.
  watched.up_to(60 * kSecond);
  view = watched.look();
  CHECK(site(view, "cache").live_bytes == 6000);
  CHECK(site(view, "cache").growth_bytes_per_s == 0);
}

TEST_CASE("a reset forgets what was, but not what is live") {
  Watched watched;
  watched.recording.sample(1, {"game!main", "game!load"}, 10, at(0));
  watched.recording.allocation(1, {"game!main", "game!cache"}, FakeRecording::blocks(100, 50, 0, at(0)));
  watched.up_to(2 * kSecond);
  watched.look();
  watched.profile.reset();
  watched.recording.sample(1, {"game!main", "game!play"}, 20, at(3 * kSecond));
  watched.recording.allocation(1, {"game!main", "game!cache"}, FakeRecording::blocks(100, 0, 20, at(3 * kSecond)));
  watched.up_to(4 * kSecond);
  const LiveView view = watched.look();
  CHECK(view.total_ns == 20'000'000);
  CHECK(view.whole_ns == 2 * kSecond);
  CHECK(function(view, "load").function == nullptr);
  CHECK(function(view, "main").total_ns == 20'000'000);
  CHECK(site(view, "cache").live_bytes == 3000);
  CHECK(site(view, "cache").growth_bytes_per_s == Approx(-1000));
  CHECK(watched.profile.tree().total() == 20'000'000);
}

TEST_CASE("what a process held when it ended, it holds no more; its peak stays") {
  Watched watched;
  watched.recording.process(2, 80, "/usr/bin/child", 1);
  watched.recording.thread(3, 2, 80, "child");
  watched.recording.allocation(1, {"game!main", "game!cache"}, FakeRecording::blocks(100, 1, 0, at(0)));
  watched.recording.allocation(3, {"game!main", "game!cache"}, FakeRecording::blocks(100, 4, 0, at(0)));
  for (const uint32_t process : {1U, 2U}) {
    HeapSliceRecord slice;
    slice.process = {process};
    slice.slice_length_ns = kSecond;
    slice.live_bytes = process == 1 ? 100 : 400;
    slice.live_blocks = process == 1 ? 1 : 4;
    slice.peak_bytes = 500;
    watched.recording.builder.add(slice);
  }
  watched.up_to(kSecond);
  LiveView view = watched.look();
  CHECK(site(view, "cache").live_bytes == 500);
  CHECK(view.live_bytes == 500);
  CHECK(view.peak_bytes == 1000);
  watched.recording.end_process(2, ExitKind::kExited, 0, 1);
  view = watched.look();
  CHECK(site(view, "cache").live_bytes == 100);
  CHECK(site(view, "cache").live_blocks == 1);
  CHECK(view.live_bytes == 100);
  CHECK(view.peak_bytes == 1000);
  CHECK(view.processes[1].ended);
}

TEST_CASE("nothing is lost silently") {
  Watched watched;
  watched.recording.builder.add(CounterRecord{{1}, "samples", 10});
  watched.recording.builder.add(CounterRecord{{1}, "samples", 5});
  watched.recording.builder.add(CounterRecord{{1}, "samples_dropped", 2});
  watched.recording.builder.add(CounterRecord{{1}, "stacks_truncated", 3});
  watched.recording.builder.add(CounterRecord{{1}, "heap_events_lost", 4});
  watched.recording.builder.add(CounterRecord{{1}, "threads_without_agent", 1});
  const LiveView view = watched.look();
  CHECK(view.samples == 15);
  CHECK(view.samples_dropped == 2);
  CHECK(view.stacks_truncated == 3);
  CHECK(view.heap_events_lost == 4);
  CHECK(view.notes.size() == 1);
}

TEST_CASE("samples without a stack, and of a stack whose definition was lost, are there") {
  Watched watched;
  watched.recording.builder.add(SampleRecord{{1}, {}, SampleMetric::kCpu, 0, kSecond, 1, 1'000'000});
  watched.recording.builder.add(SampleRecord{{1}, {77}, SampleMetric::kCpu, 0, kSecond, 1, 2'000'000});
  watched.up_to(kSecond);
  const LiveView view = watched.look();
  CHECK(function(view, "[no stack]").self_ns == 1'000'000);
  CHECK(function(view, "[lost]").self_ns == 2'000'000);
}

}  // namespace flarestack
