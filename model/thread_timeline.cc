// SPDX-License-Identifier: Apache-2.0
#include "model/thread_timeline.h"

#include <algorithm>
#include <tuple>

namespace flarestack {
namespace {

constexpr int64_t kLatestNs = int64_t{1} << 61;  // values are below 2^60, and a damaged trace may have many

// One behind another where the metric is time, else spread evenly over their slice.
void set_times(const Profile& profile, std::vector<TimelineEntry>& entries, size_t begin, size_t end,
               int64_t& free_ns) {
  const ProfileSample& first = profile.samples[entries[begin].sample];
  const bool is_time = !is_heap_metric(profile.options.metric);
  for (size_t i = begin; i < end; ++i) {
    const ProfileSample& sample = profile.samples[entries[i].sample];
    const auto part = static_cast<double>(i - begin) / static_cast<double>(end - begin);
    const auto spread_ns = static_cast<int64_t>(static_cast<double>(first.slice_length_ns) * part);
    entries[i].start_ns = std::max(free_ns, is_time ? first.slice_start_ns : first.slice_start_ns + spread_ns);
    free_ns =
        is_time ? std::min(entries[i].start_ns + static_cast<int64_t>(sample.value), kLatestNs) : entries[i].start_ns;
  }
}

}  // namespace

std::vector<ThreadTimeline> thread_timelines(const Profile& profile) {
  const std::vector<uint32_t> order = depth_first(profile.tree);
  std::vector<uint32_t> place(profile.tree.nodes().size(), 0);
  for (uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;

  const auto lost = static_cast<uint32_t>(profile.recording.threads.size());
  std::vector<ThreadTimeline> all(lost + 1);
  for (uint32_t i = 0; i < profile.samples.size(); ++i) {
    const ProfileSample& sample = profile.samples[i];
    if (sample.value == 0) continue;
    ThreadTimeline& timeline = all[std::min(sample.thread, lost)];
    timeline.total += sample.value;
    timeline.entries.push_back({i, 0});
  }
  std::vector<ThreadTimeline> found;
  for (uint32_t thread = 0; thread <= lost; ++thread) {
    if (all[thread].entries.empty()) continue;
    ThreadTimeline& timeline = found.emplace_back(std::move(all[thread]));
    timeline.thread = thread < lost ? thread : kLostIndex;
    std::vector<TimelineEntry>& entries = timeline.entries;
    const auto slice_of = [&](size_t i) { return profile.samples[entries[i].sample].slice_start_ns; };
    std::sort(entries.begin(), entries.end(), [&](const TimelineEntry& a, const TimelineEntry& b) {
      const ProfileSample& left = profile.samples[a.sample];
      const ProfileSample& right = profile.samples[b.sample];
      return std::tuple(left.slice_start_ns, place[left.node], a.sample) <
             std::tuple(right.slice_start_ns, place[right.node], b.sample);
    });
    int64_t free_ns = INT64_MIN;
    bool backwards = false;
    for (size_t begin = 0, end = 0; begin < entries.size(); begin = end, backwards = !backwards) {
      while (end < entries.size() && slice_of(end) == slice_of(begin)) ++end;
      const auto first = entries.begin() + static_cast<ptrdiff_t>(begin);
      if (backwards) std::reverse(first, entries.begin() + static_cast<ptrdiff_t>(end));
      set_times(profile, entries, begin, end, free_ns);
    }
  }
  return found;
}

}  // namespace flarestack
