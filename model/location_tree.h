// SPDX-License-Identifier: Apache-2.0
// LocationTree: the call tree by code location: where CallTree has functions, this has the lines that call, and the
// same function called from two lines is two nodes. Made of the stacks of a profile's samples. Offline side.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/profile.h"

namespace flarestack {

struct LocationNode {
  uint32_t parent = 0;    // a smaller index; the root is its own parent
  uint32_t location = 0;  // in Profile::locations; meaningless for the root
};

class LocationTree {
 public:
  static constexpr uint32_t kRoot = 0;

  explicit LocationTree(const Profile& profile);
  const std::vector<LocationNode>& nodes() const { return nodes_; }
  uint32_t node_of(const ProfileSample& sample) const;

 private:
  uint32_t add(uint32_t parent, uint32_t location);
  uint32_t top_node(uint32_t location);

  std::vector<LocationNode> nodes_{1};
  std::vector<uint32_t> node_of_stack_;     // kNoIndex: no sample has it
  std::map<uint32_t, uint32_t> top_nodes_;  // by location: what stands for a stack, or a root, that is not there
};

}  // namespace flarestack
