// SPDX-License-Identifier: Apache-2.0
// TreeView: a call tree cut at a threshold and put into the order it is read in, for tree_text and tree_json. Offline
// side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/call_tree.h"
#include "model/profile.h"
#include "report/text_style.h"

namespace flarestack {

struct TreeOptions {
  double threshold = 0.01;  // of the tree's total; lighter nodes are left out
  std::string function;     // callers and callees of it instead of the whole tree: a name, or a regular expression
  TextLayout layout;
};

struct TreeRow {
  uint32_t function = 0;
  FrameType type = FrameType::kNative;
  uint64_t self = 0;
  uint64_t total = 0;
  uint32_t parent = kNoIndex;  // row
  uint32_t depth = 0;          // in rows
  uint32_t folded = 1;         // direct recursion without branches is one row; so many frames
  bool only_child = false;     // its parent leads nowhere else (of what is shown)
  bool last_child = false;
};

// Depth first, heaviest first; the root itself is no row.
std::vector<TreeRow> tree_rows(const CallTree& tree, double threshold);

// The functions that TreeOptions::function means: those of exactly this name, else those the regular expression finds,
// by total. Error: no regular expression, or none with samples is found.
Result<std::vector<uint32_t>> find_functions(const Profile& profile, const std::string& wanted);

}  // namespace flarestack
