// SPDX-License-Identifier: Apache-2.0
#include "model/trace_costs.h"

#include <algorithm>
#include <map>

#include "model/function_table.h"
#include "model/heap_summary.h"
#include "model/leaks.h"
#include "model/loaded_trace.h"
#include "model/regions.h"

namespace flarestack {
namespace {

void add_metric(RunRecord& record, std::string_view name, const char* unit, uint64_t value) {
  record.metrics.push_back({std::string(name), unit, {static_cast<double>(value)}});
}

void add_functions(RunRecord& record, const Profile& profile, const std::string& metric) {
  const std::vector<FunctionRow> rows = function_rows(profile, 0);  // by self
  std::vector<uint64_t> totals;
  for (const FunctionRow& row : rows) totals.push_back(row.total);
  std::ranges::sort(totals, std::ranges::greater());
  const uint64_t least_total = totals.size() > kKeptFunctions ? totals[kKeptFunctions] : 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const FunctionRow& row = rows[i];
    if (i >= kKeptFunctions && row.total <= least_total) continue;
    const Function& function = profile.functions[row.function];
    record.functions.push_back(
        {metric, function.name, function.module, static_cast<double>(row.self), static_cast<double>(row.total)});
  }
}

void add_paths(RunRecord& record, const Profile& profile, const std::string& metric) {
  const std::vector<CallNode>& nodes = profile.tree.nodes();
  std::vector<uint32_t> heaviest;
  for (uint32_t node = 1; node < nodes.size(); ++node) {
    if (nodes[node].self != 0) heaviest.push_back(node);
  }
  std::ranges::stable_sort(heaviest, std::ranges::greater(), [&](uint32_t node) { return nodes[node].self; });
  heaviest.resize(std::min(heaviest.size(), kKeptPaths));
  for (const uint32_t leaf : heaviest) {
    PathCost path{metric, {}, static_cast<double>(nodes[leaf].self)};
    for (uint32_t node = leaf; node != CallTree::kRoot; node = nodes[node].parent) {
      path.frames.push_back(profile.functions[nodes[node].function].name);
    }
    std::ranges::reverse(path.frames);
    record.paths.push_back(std::move(path));
  }
}

// Leaks are judged with what is suppressed by itself left out, as `leaks` does; sites of one path are one.
Result<void> add_leaks(RunRecord& record, const Profile& profile) {
  Suppressions suppressions;
  if (const Result<void> added = suppressions.add(kBuiltinSuppressions, kBuiltinSuppressionsName); !added.ok()) {
    return added.error();
  }
  LeakOptions options;
  options.suppressions = &suppressions;
  const Leaks leaks = find_leaks(profile, options);
  if (!leaks.no_verdict.empty()) return {};  // some of it is unknown, so there is no sum
  add_metric(record, kLeakedBytes, "bytes", leaks.totals.lost_bytes());
  std::vector<PathCost> paths;
  for (const LeakSite& site : leaks.sites) {
    if (site.verdict != LeakVerdict::kDefinitelyLost && site.verdict != LeakVerdict::kIndirectlyLost) continue;
    PathCost path{"leaked", {}, static_cast<double>(site.amount.bytes)};
    for (auto location = site.path.rbegin(); location != site.path.rend(); ++location) {
      path.frames.push_back(profile.functions[profile.locations[*location].function].name);
    }
    const auto same = std::ranges::find(paths, path.frames, &PathCost::frames);
    if (same == paths.end()) {
      paths.push_back(std::move(path));
    } else {
      same->value += path.value;
    }
  }
  std::ranges::stable_sort(paths, std::ranges::greater(), &PathCost::value);
  paths.resize(std::min(paths.size(), kKeptPaths));
  std::ranges::move(paths, std::back_inserter(record.paths));
  return {};
}

// Functions, call paths and samples.
Result<Profile> add_costs(RunRecord& record, LoadedTrace& trace, Metric metric, const std::string& region) {
  ProfileOptions options;
  options.metric = metric;
  options.region = region;
  Result<Profile> profile = trace.profile(options);
  if (!profile.ok()) return profile;
  const std::string name = metric_name(metric);
  add_functions(record, *profile, name);
  add_paths(record, *profile, name);
  if (metric == Metric::kCpu) {
    record.sampled_ns = static_cast<double>(profile->total());
    for (const ProfileSample& sample : profile->samples) record.samples += sample.count;
  }
  return profile;
}

Result<void> add_whole(RunRecord& record, LoadedTrace& trace, Metric metric) {
  const Result<Profile> profile = add_costs(record, trace, metric, "");
  if (!profile.ok()) return profile.error();
  if (metric == Metric::kCpu) add_metric(record, kCpuTime, "ns", profile->total());
  if (metric != Metric::kPeak) return {};
  const HeapSummary heap = summarize_heap(*profile);
  add_metric(record, kPeakHeap, "bytes", heap.peak_bytes);
  add_metric(record, kAllocationCount, "count", heap.allocations);
  return profile->recording.leak_checks.empty() ? Result<void>() : add_leaks(record, *profile);
}

RunRecord empty_record(const Recording& recording, const std::string& path) {
  RunRecord record;
  record.kind = "record";
  record.time_ns = recording.session.start_realtime_ns;
  record.command = recording.session.command;
  record.host.name = recording.session.host;
  record.host.kernel = recording.session.kernel;
  record.trace = path;
  return record;
}

// The same region of several processes is one.
std::vector<std::pair<std::string, RegionUse>> uses_by_path(const Regions& regions) {
  std::vector<std::pair<std::string, RegionUse>> uses;
  std::map<std::string, size_t> places;
  for (const Region& region : regions.regions) {
    const auto [place, is_new] = places.emplace(region.path, uses.size());
    if (is_new) uses.emplace_back(region.path, RegionUse());
    RegionUse& use = uses[place->second].second;
    use.calls += region.use.calls;
    use.peak_bytes = std::max(use.peak_bytes, region.use.peak_bytes);
    use.total.wall_ns += region.use.total.wall_ns;
    use.self.wall_ns += region.use.self.wall_ns;
    add_figures(region.use.total, use.total);
    add_figures(region.use.self, use.self);
  }
  std::ranges::stable_sort(uses, std::ranges::greater(), [](const auto& entry) { return entry.second.total.wall_ns; });
  return uses;
}

void add_use(RunRecord& record, const Recording& recording, const RegionUse& use) {
  add_metric(record, kWallTime, "ns", use.total.wall_ns);
  add_metric(record, kSelfWallTime, "ns", use.self.wall_ns);
  if (recording.has_cpu()) {
    add_metric(record, kCpuTime, "ns", use.total.cpu_ns);
    add_metric(record, kSelfCpuTime, "ns", use.self.cpu_ns);
  }
  add_metric(record, kCalls, "count", use.calls);
  if (!recording.has_heap()) return;
  add_metric(record, kPeakHeap, "bytes", use.peak_bytes);
  add_metric(record, kAllocationCount, "count", use.total.allocations);
  add_metric(record, kAllocatedBytes, "bytes", use.total.allocated_bytes);
  record.metrics.push_back(
      {std::string(kLiveDeltaBytes), "bytes", {static_cast<double>(use.total.live_delta_bytes())}});
}

}  // namespace

Result<RunRecord> record_of_trace(const std::string& path) {
  Result<LoadedTrace> trace = LoadedTrace::open(path);
  if (!trace.ok()) return trace.error();
  const Recording& recording = trace->recording();
  RunRecord record = empty_record(recording, path);
  std::vector<Metric> metrics;
  if (recording.duration_ns > 0) {
    add_metric(record, kWallTime, "ns", static_cast<uint64_t>(recording.duration_ns));
  }
  if (recording.has_cpu()) metrics.push_back(Metric::kCpu);
  if (recording.has_heap()) metrics.insert(metrics.end(), {Metric::kPeak, Metric::kAllocations});
  for (const Metric metric : metrics) {
    if (const Result<void> added = add_whole(record, *trace, metric); !added.ok()) return added.error();
  }
  return record;
}

Result<std::vector<RunRecord>> region_records_of_trace(const std::string& path, const std::vector<std::string>& only) {
  Result<LoadedTrace> trace = LoadedTrace::open(path);
  if (!trace.ok()) return trace.error();
  const Recording& recording = trace->recording();
  std::vector<RunRecord> records;
  for (const auto& [region, use] : uses_by_path(regions_of(recording))) {
    if (!only.empty() && std::ranges::find(only, region) == only.end()) continue;
    if (only.empty() && records.size() == kKeptRegions) break;
    RunRecord& record = records.emplace_back(empty_record(recording, path));
    record.region = region;
    add_use(record, recording, use);
    std::vector<Metric> metrics;
    if (recording.has_cpu()) metrics.push_back(Metric::kCpu);
    if (recording.has_heap()) metrics.insert(metrics.end(), {Metric::kAllocated, Metric::kAllocations});
    if (only.empty() && records.size() > kRegionsWithPaths) metrics.clear();
    for (const Metric metric : metrics) {
      if (const Result<Profile> added = add_costs(record, *trace, metric, region); !added.ok()) return added.error();
    }
  }
  return records;
}

}  // namespace flarestack
