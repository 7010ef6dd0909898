// SPDX-License-Identifier: Apache-2.0
#include "model/runtime_leaks.h"

#include <cassert>
#include <vector>

namespace flarestack {

RuntimeLeaks::RuntimeLeaks(const Profile& profile) : profile_(profile) {
  [[maybe_unused]] const Result<void> added = builtin_.add(kBuiltinSuppressions, kBuiltinSuppressionsName);
  assert(added.ok());
}

bool RuntimeLeaks::contain(uint32_t stack) {
  const auto [entry, added] = known_.try_emplace(stack, false);
  if (!added) return entry->second;
  std::vector<SuppressibleFrame> frames;
  for (uint32_t each = stack; each < profile_.recording.stacks.size(); each = profile_.recording.stacks[each].parent) {
    const uint32_t frame = profile_.recording.stacks[each].frame;
    if (frame >= profile_.frame_locations.size()) continue;
    const LocationRange range = profile_.frame_locations[frame];
    for (uint32_t i = range.begin; i < range.end; ++i) {
      const Location& location = profile_.locations[i];
      const Function& function = profile_.functions[location.function];
      frames.push_back({function.name, {}, function.module_path, {}, 0, location.type == FrameType::kInlined});
    }
  }
  return entry->second = builtin_.find(frames, LeakVerdict::kDefinitelyLost).has_value();
}

}  // namespace flarestack
