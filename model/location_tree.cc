// SPDX-License-Identifier: Apache-2.0
#include "model/location_tree.h"

namespace flarestack {

// Recorded stacks are a tree already, parents first; each becomes as many nodes as its frame has inlined functions.
LocationTree::LocationTree(const Profile& profile) : node_of_stack_(profile.recording.stacks.size(), kNoIndex) {
  const std::vector<RecordedStack>& stacks = profile.recording.stacks;
  constexpr uint32_t kLostLocation = 0;
  std::vector<bool> is_used(stacks.size(), false);
  for (const ProfileSample& sample : profile.samples) {
    if (sample.stack >= stacks.size()) top_node(sample.location);
    for (uint32_t stack = sample.stack; stack < stacks.size() && !is_used[stack]; stack = stacks[stack].parent)
      is_used[stack] = true;
  }
  for (uint32_t i = 0; i < stacks.size(); ++i) {
    if (!is_used[i]) continue;
    const RecordedStack& stack = stacks[i];
    uint32_t node = stack.parent < stacks.size() ? node_of_stack_[stack.parent]
                    : stack.parent == kLostIndex ? top_node(kLostLocation)
                                                 : kRoot;
    const LocationRange lost{kLostLocation, kLostLocation + 1};
    const LocationRange range =
        stack.frame < profile.frame_locations.size() ? profile.frame_locations[stack.frame] : lost;
    for (uint32_t location = range.end; location > range.begin; --location) node = add(node, location - 1);
    node_of_stack_[i] = node;
  }
}

uint32_t LocationTree::node_of(const ProfileSample& sample) const {
  return sample.stack < node_of_stack_.size() ? node_of_stack_[sample.stack] : top_nodes_.at(sample.location);
}

uint32_t LocationTree::add(uint32_t parent, uint32_t location) {
  nodes_.push_back({parent, location});
  return static_cast<uint32_t>(nodes_.size() - 1);
}

uint32_t LocationTree::top_node(uint32_t location) {
  const auto [entry, added] = top_nodes_.try_emplace(location, 0);
  if (added) entry->second = add(kRoot, location);
  return entry->second;
}

}  // namespace flarestack
