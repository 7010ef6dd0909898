// SPDX-License-Identifier: Apache-2.0
#include "model/usage_curves.h"

#include <algorithm>
#include <map>

#include "model/process_memory.h"
#include "model/regions.h"
#include "model/rounded.h"
#include "model/selection.h"

namespace flarestack {
namespace {

// A process that was looked at so many times more rarely than usual was not looked at.
constexpr int64_t kLongestLook = 5;

// What is known of one process changes at these times; between them it stays.
struct ProcessLevel {
  std::vector<MemoryLevel> levels;
  std::vector<std::pair<int64_t, int64_t>> gaps;  // begin, end
  int64_t end_ns = 0;                             // of the process: nothing is live from then on
};

int64_t end_of(const Recording& recording, uint32_t process) {
  const ProcessEndRecord& end = recording.processes[process].end;
  return end.kind == ExitKind::kUnknown || end.end_ns == 0 ? recording.duration_ns : end.end_ns;
}

// The sum of all processes; unknown while it is of one that is alive.
UsageCurve summed(const std::vector<ProcessLevel>& processes) {
  struct Step {
    double change = 0;
    int gaps = 0;
    int alive = 0;
  };
  std::map<int64_t, Step> steps;
  for (const ProcessLevel& process : processes) {
    if (process.levels.empty()) continue;
    double before = 0;
    for (const MemoryLevel& level : process.levels) {
      steps[level.time_ns].change += static_cast<double>(level.bytes) - before;
      before = static_cast<double>(level.bytes);
    }
    const int64_t end_ns = std::max(process.end_ns, process.levels.back().time_ns);
    steps[process.levels.front().time_ns].alive += 1;
    steps[end_ns].change -= before;
    steps[end_ns].alive -= 1;
    for (const auto& [begin, end] : process.gaps) {
      steps[begin].gaps += 1;
      steps[end].gaps -= 1;
    }
  }
  UsageCurve curve;
  double value = 0;
  int gaps = 0, alive = 0;
  for (const auto& [time_ns, step] : steps) {
    value += step.change;
    gaps += step.gaps;
    alive += step.alive;
    curve.push_back({time_ns, std::max(value, 0.0), gaps == 0 && alive > 0});
  }
  return curve;
}

// Looks come at a steady pace; where one is missing for long, nothing is known.
std::vector<std::pair<int64_t, int64_t>> missing_looks(const std::vector<MemoryLevel>& looks) {
  std::vector<int64_t> apart;
  for (size_t i = 1; i < looks.size(); ++i) apart.push_back(looks[i].time_ns - looks[i - 1].time_ns);
  std::vector<std::pair<int64_t, int64_t>> gaps;
  if (apart.size() < 3) return gaps;
  std::vector<int64_t> sorted = apart;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2), sorted.end());
  const int64_t usual = sorted[sorted.size() / 2];
  for (size_t i = 0; i < apart.size(); ++i) {
    if (apart[i] > kLongestLook * usual) gaps.emplace_back(looks[i].time_ns + usual, looks[i + 1].time_ns);
  }
  return gaps;
}

void fill_memory(const Profile& profile, UsageCurves& curves) {
  const Recording& recording = profile.recording;
  std::vector<ProcessLevel> live, resident;
  for (const ProcessMemory& each : process_memory(profile)) {
    const int64_t end_ns = end_of(recording, each.process);
    live.push_back({each.live_heap, {}, end_ns});  // where nothing happened there is no slice
    resident.push_back({each.resident, missing_looks(each.resident), end_ns});
  }
  curves.live_heap = summed(live);
  curves.resident = summed(resident);
  for (const UsagePoint& point : curves.live_heap) {
    if (!curves.heap_peak || point.value > static_cast<double>(curves.heap_peak->bytes))
      curves.heap_peak = UsagePeak{point.time_ns, rounded(point.value)};
  }
}

// Samples count evenly over their slice.
void fill_processors(const Profile& profile, UsageCurves& curves) {
  std::map<int64_t, double> steps;
  for (const ProfileSample& sample : profile.samples) {
    const int64_t begin = std::max(sample.slice_start_ns, curves.from_ns);
    const int64_t end = std::min(sample.slice_start_ns + std::max<int64_t>(sample.slice_length_ns, 1), curves.to_ns);
    if (sample.is_waiting || end <= begin) continue;
    const double rate = static_cast<double>(sample.value) / static_cast<double>(end - begin);
    steps[begin] += rate;
    steps[end] -= rate;
  }
  if (steps.empty()) return;
  steps[curves.from_ns];
  steps[curves.to_ns];
  double value = 0;
  for (const auto& [time_ns, change] : steps) {
    value += change;
    curves.processors.push_back({time_ns, value < 1e-9 ? 0 : value, true});
  }
}

// Calls visit(value, length) for each part of the range in which the value is known.
template <typename Visit>
void each_part(const UsageCurve& curve, int64_t from_ns, int64_t to_ns, const Visit& visit) {
  auto at = std::upper_bound(curve.begin(), curve.end(), from_ns,
                             [](int64_t time_ns, const UsagePoint& point) { return time_ns < point.time_ns; });
  if (at != curve.begin()) --at;
  for (; at != curve.end() && at->time_ns < to_ns; ++at) {
    if (at + 1 == curve.end() || !at->known) continue;
    const int64_t begin = std::max(at->time_ns, from_ns), end = std::min((at + 1)->time_ns, to_ns);
    if (end > begin) visit(at->value, static_cast<double>(end - begin));
  }
}

}  // namespace

UsageCurves usage_curves(const Profile& profile) {
  UsageCurves curves;
  const Recording& recording = profile.recording;
  const int64_t end_ns = std::max<int64_t>(recording.duration_ns, 0);
  curves.from_ns = std::clamp<int64_t>(profile.options.from_ns.value_or(0), 0, end_ns);
  curves.to_ns = std::clamp(profile.options.to_ns.value_or(end_ns), curves.from_ns, end_ns);
  if (is_heap_metric(profile.options.metric)) {
    fill_memory(profile, curves);
  } else {
    fill_processors(profile, curves);
  }
  return curves;
}

std::optional<double> mean_between(const UsageCurve& curve, int64_t from_ns, int64_t to_ns) {
  double sum = 0, length = 0;
  each_part(curve, from_ns, to_ns, [&](double value, double part) {
    sum += value * part;
    length += part;
  });
  return length > 0 ? std::optional<double>(sum / length) : std::nullopt;
}

std::optional<double> most_between(const UsageCurve& curve, int64_t from_ns, int64_t to_ns) {
  std::optional<double> most;
  each_part(curve, from_ns, to_ns, [&](double value, double) { most = std::max(most.value_or(0), value); });
  return most;
}

std::vector<UsageSpan> outermost_spans(const Profile& profile) {
  const Regions regions = regions_of(profile.recording, profile.options);
  std::vector<UsageSpan> spans;
  for (const RegionSpan& span : regions.spans) {
    const Region& region = regions.regions[span.region];
    if (region.depth == 0) spans.push_back({region.name, span.start_ns, span.end_ns});
  }
  return spans;
}

}  // namespace flarestack
