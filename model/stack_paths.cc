// SPDX-License-Identifier: Apache-2.0
#include "model/stack_paths.h"

namespace flarestack {

StackPaths::StackPaths(const Profile& profile)
    : profile_(profile),
      place_of_location_(profile.locations.size(), kNoIndex),
      steps_(1),
      path_of_stack_(profile.recording.stacks.size(), kNoIndex) {}

uint32_t StackPaths::path_of(uint32_t stack) {
  const Recording& recording = profile_.recording;
  pending_.clear();
  uint32_t path = 0;
  for (; stack < recording.stacks.size(); stack = recording.stacks[stack].parent) {
    if (path_of_stack_[stack] != kNoIndex) {
      path = path_of_stack_[stack];
      break;
    }
    pending_.push_back(stack);
  }
  for (auto each = pending_.rbegin(); each != pending_.rend(); ++each) {
    const uint32_t frame = recording.stacks[*each].frame;
    if (frame < profile_.frame_locations.size()) {
      const LocationRange range = profile_.frame_locations[frame];
      for (uint32_t i = range.end; i > range.begin; --i) path = child(path, i - 1);
    }
    path_of_stack_[*each] = path;
  }
  return path;
}

std::vector<uint32_t> StackPaths::locations_of(uint32_t stack) const {
  std::vector<uint32_t> locations;
  const Recording& recording = profile_.recording;
  for (; stack < recording.stacks.size(); stack = recording.stacks[stack].parent) {
    const uint32_t frame = recording.stacks[stack].frame;
    if (frame >= profile_.frame_locations.size()) continue;
    const LocationRange range = profile_.frame_locations[frame];
    for (uint32_t i = range.begin; i < range.end; ++i) locations.push_back(i);
  }
  return locations;
}

uint32_t StackPaths::child(uint32_t path, uint32_t location) {
  uint32_t& place = place_of_location_[location];
  if (place == kNoIndex) {
    const Location& where = profile_.locations[location];
    const auto next = static_cast<uint32_t>(place_ids_.size());
    place = place_ids_.try_emplace({where.function, where.file, where.line}, next).first->second;
  }
  const auto next = static_cast<uint32_t>(steps_.size());
  const uint32_t found = step_index_.find_or_add(hash_of(path, place), next, [&](uint32_t number) {
    return steps_[number].parent == path && steps_[number].place == place;
  });
  if (found == next) steps_.push_back({path, place});
  return found;
}

}  // namespace flarestack
