// SPDX-License-Identifier: Apache-2.0
#include "model/timeout.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace flarestack {

std::vector<TimeoutGroup> timeout_groups(const Profile& profile) {
  const Recording& recording = profile.recording;
  // Stacks of different programs may differ in their frames and be the same in what those are.
  std::map<std::tuple<uint32_t, std::vector<uint32_t>, ThreadState, bool>, TimeoutGroup> groups;
  for (const RecordedTimeoutStack& each : recording.timeout_stacks) {
    TimeoutGroup group{{}, each.state, each.truncated, {}};
    for (uint32_t stack = each.stack; stack < recording.stacks.size(); stack = recording.stacks[stack].parent) {
      const uint32_t frame = recording.stacks[stack].frame;
      if (frame >= profile.frame_locations.size()) continue;
      const LocationRange range = profile.frame_locations[frame];
      for (uint32_t location = range.begin; location < range.end; ++location) group.locations.push_back(location);
    }
    std::vector<uint32_t> functions;
    for (const uint32_t location : group.locations) functions.push_back(profile.locations[location].function);
    const auto [entry, added] = groups.try_emplace(
        {recording.process_of_thread(each.thread), std::move(functions), each.state, each.truncated}, std::move(group));
    entry->second.threads.push_back(each.thread);
  }
  std::vector<TimeoutGroup> sorted;
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const TimeoutGroup& a, const TimeoutGroup& b) { return a.threads.size() > b.threads.size(); });
  return sorted;
}

const char* thread_state_name(ThreadState state) {
  switch (state) {
    case ThreadState::kRunning:
      return "running";
    case ThreadState::kSleeping:
      return "sleeping";
    case ThreadState::kBlocked:
      return "blocked";
    case ThreadState::kStopped:
      return "stopped";
    case ThreadState::kOther:
      return "other";
  }
  return "other";
}

}  // namespace flarestack
