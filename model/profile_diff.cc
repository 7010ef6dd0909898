// SPDX-License-Identifier: Apache-2.0
#include "model/profile_diff.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace flarestack {
namespace {

constexpr double kUsualInterval = 512 * 1024;  // bytes between two samples of a sampled heap

// Of one recording, by matched function.
struct FunctionValues {
  std::vector<uint64_t> self, total, samples;  // samples: of the total
};

std::vector<uint64_t> samples_below(const CallTree& tree) {
  const auto& nodes = tree.nodes();
  std::vector<uint64_t> samples(nodes.size());
  for (size_t i = nodes.size(); i-- > 0;) {
    samples[i] += nodes[i].self_count;
    if (i != 0) samples[nodes[i].parent] += samples[i];
  }
  return samples;
}

// A function's total is the sum over its outermost occurrences.
FunctionValues values_of(const Profile& profile, const std::vector<uint32_t>& matched, size_t functions) {
  const auto& nodes = profile.tree.nodes();
  const std::vector<uint64_t> samples = samples_below(profile.tree);
  FunctionValues values{std::vector<uint64_t>(functions), std::vector<uint64_t>(functions),
                        std::vector<uint64_t>(functions)};
  std::vector<uint32_t> depth_of(functions, 0);
  constexpr uint32_t kLeave = uint32_t{1} << 31;
  const auto top = profile.tree.children(CallTree::kRoot);
  std::vector<uint32_t> to_visit(top.begin(), top.end());
  while (!to_visit.empty()) {
    const uint32_t next = to_visit.back();
    to_visit.pop_back();
    const CallNode& node = nodes[next & ~kLeave];
    const uint32_t function = matched[node.function];
    if ((next & kLeave) != 0) {
      --depth_of[function];
      continue;
    }
    values.self[function] += node.self;
    if (depth_of[function]++ == 0) {
      values.total[function] += node.total;
      values.samples[function] += samples[next];
    }
    to_visit.push_back(next | kLeave);
    const auto children = profile.tree.children(next);
    to_visit.insert(to_visit.end(), children.begin(), children.end());
  }
  return values;
}

struct Side {
  std::span<const Profile* const> profiles;
  std::vector<FunctionValues> values;  // by recording
  ComparedSide compared;
  MeasuredValue total;
};

void add_run(MeasuredValue& measured, double value, double samples, size_t runs) {
  measured.value += value / static_cast<double>(runs);
  measured.samples += samples / static_cast<double>(runs);
  measured.runs.push_back(value);
}

Side make_side(std::span<const Profile* const> profiles, const MatchedFunctions& functions, size_t first) {
  Side side{profiles, {}, {}, {}};
  for (size_t run = 0; run < profiles.size(); ++run) {
    side.values.push_back(values_of(*profiles[run], functions.of_profile(first + run), functions.list().size()));
    add_run(side.total, static_cast<double>(profiles[run]->total()),
            static_cast<double>(samples_below(profiles[run]->tree)[CallTree::kRoot]), profiles.size());
  }
  side.compared = {side.total.value, sample_weight(*profiles.front()), profiles.size()};
  return side;
}

// Self and total of one function.
std::pair<MeasuredValue, MeasuredValue> measured(const Side& side, size_t function) {
  MeasuredValue self, total;
  for (const FunctionValues& values : side.values) {
    const auto samples = static_cast<double>(values.samples[function]);
    const auto of_total = static_cast<double>(values.total[function]);
    const auto of_self = static_cast<double>(values.self[function]);
    add_run(total, of_total, samples, side.values.size());
    add_run(self, of_self, of_total > 0 ? samples * of_self / of_total : 0, side.values.size());
  }
  return {std::move(self), std::move(total)};
}

ChangeVerdict verdict_of(const ChangeTest& test, const Change& change, double bar) {
  if (!test.matters(change)) return ChangeVerdict::kSame;
  if (change.chance > bar) return ChangeVerdict::kNoise;
  if (change.base == 0) return ChangeVerdict::kNew;
  if (change.newer == 0) return ChangeVerdict::kVanished;
  return change.change > 0 ? ChangeVerdict::kMore : ChangeVerdict::kLess;
}

// Gives each of `values` its verdict, by the bar that they have together.
void judge(const ChangeTest& test, const std::vector<DiffValue*>& values) {
  std::vector<double> chances;
  for (DiffValue* each : values) {
    each->change = test.of(each->base, each->newer);
    if (test.is_candidate(each->change)) chances.push_back(each->change.chance);
  }
  const double bar = false_discovery_bar(chances);
  for (DiffValue* each : values) each->verdict = verdict_of(test, each->change, bar);
}

std::vector<FunctionDiff> diff_functions(const Side& base, const Side& newer, const MatchedFunctions& functions,
                                         const ChangeTest& test) {
  std::vector<FunctionDiff> diffs;
  for (size_t i = 0; i < functions.list().size(); ++i) {
    if (functions.list()[i].function.type == FrameType::kProcess) continue;
    auto [base_self, base_total] = measured(base, i);
    auto [newer_self, newer_total] = measured(newer, i);
    if (base_total.value == 0 && newer_total.value == 0) continue;
    FunctionDiff& diff = diffs.emplace_back();
    diff.function = functions.list()[i].function;
    diff.self.base = std::move(base_self);
    diff.self.newer = std::move(newer_self);
    diff.total.base = std::move(base_total);
    diff.total.newer = std::move(newer_total);
  }
  std::vector<DiffValue*> selfs, totals;
  for (FunctionDiff& diff : diffs) {
    selfs.push_back(&diff.self);
    totals.push_back(&diff.total);
  }
  judge(test, selfs);
  judge(test, totals);
  for (FunctionDiff& diff : diffs) {
    // It was there, and cost nothing itself.
    if (diff.self.verdict == ChangeVerdict::kNew && diff.total.base.value > 0) diff.self.verdict = ChangeVerdict::kMore;
    if (diff.self.verdict == ChangeVerdict::kVanished && diff.total.newer.value > 0)
      diff.self.verdict = ChangeVerdict::kLess;
  }
  std::sort(diffs.begin(), diffs.end(), [](const FunctionDiff& a, const FunctionDiff& b) {
    const double a_self = std::abs(a.self.change.change), b_self = std::abs(b.self.change.change);
    const double a_total = std::abs(a.total.change.change), b_total = std::abs(b.total.change.change);
    return std::tie(b_self, b_total, a.function.name, a.function.module) <
           std::tie(a_self, a_total, b.function.name, b.function.module);
  });
  return diffs;
}

std::vector<SiteDiff> diff_sites(const Side& base, const Side& newer, const MatchedFunctions& functions,
                                 const ChangeTest& test) {
  std::vector<SiteDiff> diffs;
  for (MatchedSite& site : match_sites(base.profiles, newer.profiles, functions)) {
    if (site.base.value == 0 && site.newer.value == 0) continue;
    SiteDiff& diff = diffs.emplace_back();
    diff.path = std::move(site.path);
    diff.module = std::move(site.module);
    diff.base_line = site.base_line;
    diff.value.base = std::move(site.base);
    diff.value.newer = std::move(site.newer);
  }
  std::vector<DiffValue*> values;
  for (SiteDiff& diff : diffs) values.push_back(&diff.value);
  judge(test, values);
  std::stable_sort(diffs.begin(), diffs.end(), [](const SiteDiff& a, const SiteDiff& b) {
    return std::abs(a.value.change.change) > std::abs(b.value.change.change);
  });
  return diffs;
}

template <typename Diff>
std::vector<const Diff*> changed(const std::vector<Diff>& all, const DiffValue& (*value_of)(const Diff&),
                                 ChangeDirection direction) {
  std::vector<const Diff*> found;
  for (const Diff& each : all) {  // the greatest first
    const DiffValue& value = value_of(each);
    if (is_change(value.verdict) && (value.change.change > 0) == (direction == ChangeDirection::kMore))
      found.push_back(&each);
  }
  return found;
}

}  // namespace

const char* verdict_name(ChangeVerdict verdict) {
  switch (verdict) {
    case ChangeVerdict::kSame:
      return "same";
    case ChangeVerdict::kNoise:
      return "noise";
    case ChangeVerdict::kMore:
      return "more";
    case ChangeVerdict::kLess:
      return "less";
    case ChangeVerdict::kNew:
      return "new";
    case ChangeVerdict::kVanished:
      return "vanished";
  }
  return "same";
}

ProfileDiff diff_profiles(std::span<const Profile* const> base, std::span<const Profile* const> newer,
                          const DiffOptions& options) {
  const MatchedFunctions functions(base, newer);
  const Side of_base = make_side(base, functions, 0);
  const Side of_newer = make_side(newer, functions, base.size());
  const ChangeTest test(of_base.compared, of_newer.compared, options.equal_totals, options.least_share);
  ProfileDiff diff;
  diff.metric = base.front()->options.metric;
  diff.is_exact = of_base.compared.weight.kind == SampleWeight::Kind::kExact &&
                  of_newer.compared.weight.kind == SampleWeight::Kind::kExact;
  diff.base_recordings = base.size();
  diff.newer_recordings = newer.size();
  diff.scale = test.scale();
  diff.least = test.least();
  diff.total.base = of_base.total;
  diff.total.newer = of_newer.total;
  judge(test, {&diff.total});
  diff.functions = diff_functions(of_base, of_newer, functions, test);
  if (is_heap_metric(diff.metric)) diff.sites = diff_sites(of_base, of_newer, functions, test);
  diff.paired_modules = functions.paired_modules();
  return diff;
}

SampleWeight sample_weight(const Profile& profile) {
  const Metric metric = profile.options.metric;
  if (!is_heap_metric(metric)) return {SampleWeight::Kind::kByCount, 0};
  const SessionRecord& session = profile.recording.session;
  if (session.heap != HeapMode::kSampled) return {SampleWeight::Kind::kExact, 0};
  const double interval =
      session.heap_sample_bytes != 0 ? static_cast<double>(session.heap_sample_bytes) : kUsualInterval;
  if (is_bytes_metric(metric)) return {SampleWeight::Kind::kConstant, interval};
  // A sample stands for so many bytes, however many blocks those are.
  double allocations = 0, bytes = 0;
  for (const HeapCell& cell : profile.heap.cells) {
    if (cell.kind != MemoryKind::kHeap) continue;
    allocations += static_cast<double>(cell.allocations);
    bytes += static_cast<double>(cell.allocated_bytes);
  }
  return {SampleWeight::Kind::kConstant, bytes > 0 ? interval * allocations / bytes : interval};
}

std::vector<const FunctionDiff*> changed_functions(const ProfileDiff& diff, ChangeDirection direction) {
  return changed<FunctionDiff>(
      diff.functions, [](const FunctionDiff& each) -> const DiffValue& { return each.self; }, direction);
}

std::vector<const SiteDiff*> changed_sites(const ProfileDiff& diff, ChangeDirection direction) {
  return changed<SiteDiff>(
      diff.sites, [](const SiteDiff& each) -> const DiffValue& { return each.value; }, direction);
}

}  // namespace flarestack
