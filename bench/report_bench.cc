// SPDX-License-Identifier: Apache-2.0
// How long a large profile takes from records in memory to each report: 1 000 000 sample records over 200 000 call
// paths of 30 frames and 60 000 locations, symbols answered at once, so that what is timed is model/ and report/ alone.
#include <chrono>
#include <ctime>
#include <random>

#include <fmt/format.h>

#include "model/profile.h"
#include "report/collapsed.h"
#include "report/flamegraph_svg.h"
#include "report/report_json.h"
#include "report/tree_text.h"

namespace flarestack {
namespace {

constexpr uint32_t kModules = 20;
constexpr uint32_t kLocations = 60'000;
constexpr uint32_t kFunctions = 8'000;
constexpr uint32_t kPaths = 200'000;
constexpr uint32_t kSamples = 1'000'000;
constexpr uint32_t kThreads = 16;
constexpr uint32_t kDepth = 30;

void add_records(RecordingBuilder& builder) {
  std::mt19937 random(42);
  builder.add(
      ProcessRecord{{1}, {}, ProcessOrigin::kLaunch, 100, "/usr/bin/big", {"big"}, 0, SamplingWay::kAgent, 0, ""});
  for (uint32_t i = 1; i <= kThreads; ++i)
    builder.add(ThreadRecord{{i}, {1}, static_cast<int32_t>(100 + i), fmt::format("worker-{}", i), 0});
  for (uint32_t i = 1; i <= kModules; ++i) builder.add(ModuleRecord{{i}, fmt::format("/usr/lib/lib{}.so", i), {1}});
  for (uint32_t i = 1; i <= kLocations; ++i) {
    builder.add(FrameRecord{{i},
                            FrameKind::kNative,
                            AddressKind::kReturnAddress,
                            {1 + i % kFunctions % kModules},
                            {uint64_t{i} * 16 + 1},
                            {}});
  }
  // A path goes on from an earlier one, mostly from a near one, and is cut off at kDepth.
  std::vector<uint32_t> depth{0};
  for (uint32_t i = 1; i <= kPaths; ++i) {
    uint32_t parent = i < 50 ? i - 1 : i - 1 - std::min(i - 1, static_cast<uint32_t>(random() % 40));
    if (depth[parent] >= kDepth) parent = 1 + static_cast<uint32_t>(random() % 20);
    depth.push_back(depth[parent] + 1);
    builder.add(StackRecord{{i}, {parent}, {1 + static_cast<uint32_t>(random() % kLocations)}});
  }
  for (uint32_t i = 0; i < kSamples; ++i) {
    const int64_t slice = i / (kSamples / 100);
    builder.add(SampleRecord{{1 + static_cast<uint32_t>(random() % kThreads)},
                             {1 + static_cast<uint32_t>(random() % kPaths)},
                             SampleMetric::kCpu,
                             slice * 1'000'000'000,
                             1'000'000'000,
                             1,
                             1'000'000});
  }
  builder.add(EndRecord{100'000'000'000});
}

SymbolAnswer answer(const std::vector<SymbolModule>&, std::span<const SymbolQuery> queries) {
  SymbolAnswer result;
  result.frames.reserve(queries.size());
  for (const SymbolQuery& query : queries) {
    const uint64_t location = query.lookup.value / 16;
    const auto function = fmt::format("engine::Module<int>::function_{}(std::string const&)", location % kFunctions);
    std::vector<SymbolFrame> frames;
    if (location % 3 == 0)
      frames.push_back({"std::move_" + std::to_string(location % 97), "/usr/include/c++/bits/move.h", 12, true, 0});
    frames.push_back({function, "/src/module.cc", static_cast<uint32_t>(location % 500), false, query.lookup.value});
    result.frames.push_back(std::move(frames));
  }
  return result;
}

// CPU time beside the wall time, since the machine may have other things to do.
class Stopwatch {
 public:
  void lap(std::string_view what, std::string_view note = "") {
    const auto now = std::chrono::steady_clock::now();
    const std::clock_t cpu = std::clock();
    fmt::print("{:<24} {:>8.1f} ms wall {:>8.1f} ms CPU  {}\n", what,
               std::chrono::duration<double, std::milli>(now - start_).count(),
               1000.0 * static_cast<double>(cpu - cpu_start_) / CLOCKS_PER_SEC, note);
    start_ = std::chrono::steady_clock::now();
    cpu_start_ = std::clock();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::clock_t cpu_start_ = std::clock();
};

int run() {
  RecordingBuilder builder;
  Stopwatch watch;
  add_records(builder);
  watch.lap("make and add records");
  TraceDamage damage;
  damage.ended = true;
  ProfileOptions options;
  options.group_by_process = true;
  const auto profile = build_profile(builder.finish(damage), options, answer);
  if (!profile) {
    fmt::print(stderr, "report_bench: {}\n", profile.error().message);
    return 1;
  }
  watch.lap("build profile",
            fmt::format("{} nodes, {} functions", profile->tree.nodes().size(), profile->functions.size()));
  const std::string text = report_text(*profile, {});
  watch.lap("report as text");
  const std::string json = report_json(*profile, {});
  watch.lap("report as JSON");
  const std::string tree = *tree_text(*profile, {});
  watch.lap("tree as text");
  const std::string folded = collapsed(*profile);
  watch.lap("collapsed stacks", fmt::format("{} MB", folded.size() / 1'000'000));
  const std::string svg = flamegraph_svg(*profile, {});
  watch.lap("flame graph", fmt::format("{} kB", svg.size() / 1'000));
  return text.empty() || json.empty() || tree.empty();
}

}  // namespace
}  // namespace flarestack

int main() { return flarestack::run(); }
