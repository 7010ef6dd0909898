// SPDX-License-Identifier: Apache-2.0
// JumpLanes: arrows between the rows of a listing, drawn in a few columns at its left. Offline side.
//
//   ,->   row 0     All jumps to one row share one lane; of two that overlap, the shorter one runs nearer to the text.
//   | ,-- row 1     Where the lanes do not suffice, the longest jumps are left out, and the text of a jump names its
//   | `-> row 2     target in any case.
//   `---- row 3
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace flarestack {

struct RowJump {
  uint32_t from = 0;  // rows
  uint32_t to = 0;
};

// One string for each of `row_count` rows, all of the same number of columns; empty ones where there is no jump.
std::vector<std::string> jump_lanes(const std::vector<RowJump>& jumps, uint32_t row_count, bool unicode);

}  // namespace flarestack
