// SPDX-License-Identifier: Apache-2.0
// DifferenceTree: the call trees of two sides of recordings as one, for a differential flame graph. A frame is a
// function with the same callers, functions being the same as in MatchedFunctions; what only one side has is there too.
// Offline side.
#pragma once

#include <span>
#include <vector>

#include "model/call_tree.h"
#include "model/change_test.h"
#include "model/profile.h"

namespace flarestack {

struct DifferenceTree {
  // What both sides have of a node; of several recordings the mean, the newer side's scaled.
  struct Parts {
    double base = 0;
    double newer = 0;
  };
  Metric metric = Metric::kCpu;
  std::vector<Function> functions;
  CallTree tree;            // values: what the base has and what the newer one has, together
  std::vector<Parts> self;  // by node
  Parts total;              // of all
  Parts sample_weight;      // what a sample of either side stands for; 0: values are exact
  ChangeTest test;
  double chance_bar = 0;  // the greatest chance at which a frame's change is still called one
};

// At least one profile a side, all of one metric.
DifferenceTree difference_tree(std::span<const Profile* const> base, std::span<const Profile* const> newer,
                               bool equal_totals, double least_share);

}  // namespace flarestack
