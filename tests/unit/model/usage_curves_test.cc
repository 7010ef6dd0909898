// SPDX-License-Identifier: Apache-2.0
#include "model/usage_curves.h"

#include <catch2/catch.hpp>

#include "tests/unit/model/fake_recording.h"

namespace flarestack {
namespace {

constexpr int64_t kMs = 1'000'000;

HeapSliceRecord slice(uint32_t process, int64_t start_ms, int64_t length_ms, uint64_t peak, int64_t peak_ms,
                      uint64_t live) {
  return {{process}, start_ms * kMs, length_ms * kMs, peak, 1, peak_ms * kMs, live, 1};
}

UsageCurves curves_of(FakeRecording& fake, Metric metric, ProfileOptions options = {}) {
  options.metric = metric;
  const auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  return usage_curves(*profile);
}

// "20:1000", or "20:?" from where on nothing is known.
std::string text_of(const UsageCurve& curve) {
  std::string text;
  for (const UsagePoint& each : curve) {
    text += (text.empty() ? "" : " ") + std::to_string(each.time_ns / kMs) + ":" +
            (each.known ? std::to_string(std::llround(each.value)) : "?");
  }
  return text;
}

FakeRecording one_process() {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/usr/bin/app");
  fake.thread(1, 1, 100, "app");
  return fake;
}

}  // namespace

TEST_CASE("the heap's curve has the ends of slices and the peaks within them") {
  FakeRecording fake = one_process();
  fake.builder.add(slice(1, 0, 20, 900, 10, 500));
  fake.builder.add(slice(1, 20, 20, 2000, 30, 100));
  fake.end_process(1, ExitKind::kExited, 0, 0);  // at 90 ms
  const UsageCurves curves = curves_of(fake, Metric::kAllocated);
  CHECK(text_of(curves.live_heap) == "10:900 20:500 30:2000 40:100 90:?");
  REQUIRE(curves.heap_peak.has_value());
  CHECK(curves.heap_peak->bytes == 2000);
  CHECK(curves.heap_peak->time_ns == 30 * kMs);
  CHECK(curves.processors.empty());
  CHECK(curves.to_ns == 100 * kMs);
}

TEST_CASE("where nothing happened to the heap its level stays") {
  FakeRecording fake = one_process();
  fake.builder.add(slice(1, 0, 20, 900, 10, 500));
  fake.builder.add(slice(1, 60, 20, 2000, 70, 100));
  fake.end_process(1, ExitKind::kExited, 0, 0);
  CHECK(text_of(curves_of(fake, Metric::kAllocated).live_heap) == "10:900 20:500 70:2000 80:100 90:?");
}

TEST_CASE("processes are summed, each until its end") {
  const auto heap_of = [](const std::string& process) {
    FakeRecording fake = one_process();
    fake.process(2, 200, "/usr/bin/child", 1);
    fake.thread(2, 2, 200, "child");
    fake.builder.add(slice(1, 0, 50, 1000, 50, 1000));
    fake.builder.add(slice(2, 20, 10, 300, 30, 300));
    fake.builder.add(ProcessEndRecord{{2}, ExitKind::kExited, 0, 60 * kMs, 0});
    fake.end_process(1, ExitKind::kExited, 0, 0);
    ProfileOptions options;
    options.process = process;
    return text_of(curves_of(fake, Metric::kAllocated, options).live_heap);
  };
  CHECK(heap_of("") == "30:300 50:1300 60:1000 90:?");
  CHECK(heap_of("child") == "30:300 60:?");
}

TEST_CASE("looks at resident memory that are missing are a gap") {
  FakeRecording fake = one_process();
  for (const int64_t ms : {10, 20, 30, 80, 90}) {
    MemoryRecord look;
    look.process = {1};
    look.time_ns = ms * kMs;
    look.rss_bytes = static_cast<uint64_t>(ms);
    fake.builder.add(look);
  }
  fake.end_process(1, ExitKind::kExited, 0, 0);
  CHECK(text_of(curves_of(fake, Metric::kAllocated).resident) == "10:10 20:20 30:30 80:80 90:?");  // 5 times: not yet
  FakeRecording rarer = one_process();
  for (const int64_t ms : {10, 20, 30, 85, 90}) {
    MemoryRecord look;
    look.process = {1};
    look.time_ns = ms * kMs;
    look.rss_bytes = static_cast<uint64_t>(ms);
    rarer.builder.add(look);
  }
  rarer.end_process(1, ExitKind::kExited, 0, 0);
  CHECK(text_of(curves_of(rarer, Metric::kAllocated).resident) == "10:10 20:20 30:30 40:? 85:85 90:?");
}

TEST_CASE("processors in use are the samples of a slice over its length") {
  const auto recorded = [] {
    FakeRecording fake = one_process();
    fake.thread(2, 1, 101, "worker");
    fake.sample(1, {"app!main"}, 40, {0, 40 * kMs});
    fake.sample(2, {"app!work"}, 20, {20 * kMs, 20 * kMs});
    return fake;
  };
  FakeRecording fake = recorded();
  const UsageCurves curves = curves_of(fake, Metric::kCpu);
  CHECK(text_of(curves.processors) == "0:1 20:2 40:0 100:0");
  CHECK(mean_between(curves.processors, 0, 100 * kMs) == Approx(0.6));
  CHECK(most_between(curves.processors, 0, 100 * kMs) == Approx(2));
  ProfileOptions worker;
  worker.thread = "worker";
  worker.from_ns = 30 * kMs;
  worker.to_ns = 50 * kMs;
  FakeRecording again = recorded();
  CHECK(text_of(curves_of(again, Metric::kCpu, worker).processors) == "30:1 40:0 50:0");
}

TEST_CASE("what is not known has neither mean nor greatest value") {
  const UsageCurve curve = {{10, 4, true}, {20, 0, false}, {30, 2, true}, {40, 0, true}};
  CHECK(mean_between(curve, 0, 40) == Approx(3));
  CHECK(most_between(curve, 0, 40) == Approx(4));
  CHECK(!mean_between(curve, 20, 30));
  CHECK(!most_between(curve, 40, 50));
  CHECK(!mean_between(curve, 0, 10));
}

}  // namespace flarestack
