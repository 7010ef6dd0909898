// SPDX-License-Identifier: Apache-2.0
#include "profiler/module_map.h"

#include <utility>

namespace flarestack {

void ModuleMap::add(Segment segment) {
  segments_.push_back(std::move(segment));
  ++version_;
}

void ModuleMap::remove(uint32_t agent_id, uint32_t generation) {
  ++version_;
  for (Segment& segment : segments_) {
    if (segment.agent_id == agent_id && segment.removed == UINT32_MAX) {
      segment.removed = generation;
    }
  }
}

const ModuleMap::Segment* ModuleMap::find(RuntimeAddress address, uint32_t generation) const {
  // Linear, and called once per distinct address: TargetProcess remembers the answers.
  for (const Segment& segment : segments_) {
    if (address.value >= segment.text_start && address.value < segment.text_end && segment.added <= generation &&
        generation < segment.removed) {
      return &segment;
    }
  }
  return nullptr;
}

const ModuleMap::Segment* ModuleMap::find_by_path(std::string_view path, uint64_t data_address) const {
  const Segment* nearest = nullptr;
  for (const Segment& segment : segments_) {
    if (segment.path == path && segment.removed == UINT32_MAX && segment.load_bias <= data_address &&
        (nearest == nullptr || segment.load_bias > nearest->load_bias)) {
      nearest = &segment;
    }
  }
  return nearest;
}

void ModuleMap::forget_before(uint32_t generation) {
  if (std::erase_if(segments_, [&](const Segment& segment) { return segment.removed <= generation; }) != 0) {
    ++version_;
  }
}

}  // namespace flarestack
