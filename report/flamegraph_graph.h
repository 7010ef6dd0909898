// SPDX-License-Identifier: Apache-2.0
// FlameGraph: what of a profile goes into the SVG: the frames that are wide enough to be seen, with what the filters in
// the page need (values by thread and time). Made for flamegraph_svg(). Offline side.
//
// A frame narrower than a pixel on a screen of 4096 pixels is left out, with all it calls; so the file is bounded by
// what a screen can show, not by the profile. Frames left out are counted at the frame that called them, and their
// values stay in it as one nameless part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/profile.h"

namespace flarestack {

struct FlameNode {
  uint32_t parent = 0;    // a smaller index; node 0 is the root
  uint32_t function = 0;  // in Profile::functions; kNoIndex: what was left out below the parent
  FrameType type = FrameType::kNative;
  uint64_t self = 0;
  uint64_t total = 0;
  uint64_t left_out = 0;    // of a node without function: so many frames
  uint64_t self_count = 0;  // of samples or blocks; in a difference: of the values, what the base has
  uint64_t total_count = 0;
};

// A thread that can be filtered by. Beyond the busiest ones, those of one process are one.
struct FlameThread {
  uint32_t process = kNoIndex;  // in Recording::processes
  int32_t tid = 0;              // 0: several threads
  std::string name;
};

// Part of a node's self value.
struct FlameEntry {
  uint32_t thread = 0;  // in FlameGraph::threads
  uint32_t bin = 0;
  uint32_t node = 0;
  uint64_t value = 0;
  uint64_t count = 0;  // of samples or blocks
};

struct FlameGraph {
  std::vector<FlameNode> nodes;
  std::vector<FlameThread> threads;
  std::vector<FlameEntry> entries;  // by thread, bin, node
  uint32_t bins = 1;                // of the recording's time, all equally long
  int64_t bin_length_ns = 0;
  uint64_t left_out = 0;  // frames
};

FlameGraph make_flame_graph(const Profile& profile);

// The same values by leaf: the root's children are functions by self, their children callers. Without entries.
FlameGraph inverted(const FlameGraph& graph);

}  // namespace flarestack
