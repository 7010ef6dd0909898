// SPDX-License-Identifier: Apache-2.0
// StackPaths: the recorded stacks of a profile as a reader sees them. Two stacks are one path where their frames have
// the same functions, files and lines, inlined ones included. Offline side.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "model/index_table.h"
#include "model/profile.h"

namespace flarestack {

class StackPaths {
 public:
  explicit StackPaths(const Profile& profile);  // borrowed for its life
  // Of a stack in Recording::stacks, or none or lost; 0 is the path without any frame.
  uint32_t path_of(uint32_t stack);
  // The frames of a stack: indexes of Profile::locations, innermost first. The root of one whose rest was lost is
  // missing.
  std::vector<uint32_t> locations_of(uint32_t stack) const;

 private:
  uint32_t child(uint32_t path, uint32_t location);

  const Profile& profile_;
  std::map<std::tuple<uint32_t, uint32_t, uint32_t>, uint32_t> place_ids_;
  struct Step {  // the last frame of a path, and the path without it
    uint32_t parent = 0;
    uint32_t place = 0;
  };
  std::vector<uint32_t> place_of_location_;  // kNoIndex: not looked at yet
  std::vector<Step> steps_;                  // by path; the first one is the path without any frame
  IndexTable step_index_;
  std::vector<uint32_t> path_of_stack_;  // kNoIndex: not looked at yet
  std::vector<uint32_t> pending_;
};

}  // namespace flarestack
