// SPDX-License-Identifier: Apache-2.0
// MatchedSites: the allocation sites of several recordings as one list. Used by diff_profiles(). Offline side.
//
// A site is a line of a function, and lines move from one version to the next. Sites of one function (of one file of
// it, by base name) are in the order of their lines on both sides, and are matched in that order: as many as there are
// of both, and of all ways to do so the one where most keep their distance from the function's first line and the size
// of what they allocate.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/change_test.h"
#include "model/matched_functions.h"
#include "model/profile.h"

namespace flarestack {

struct SiteFrame {
  std::string function;
  std::string file;  // empty: unknown
  uint32_t line = 0;
};

struct MatchedSite {
  std::vector<SiteFrame> path;  // the place and its callers; as a newer recording has it where there is one
  std::string module;
  uint32_t base_line = 0;  // of the place in the base; 0: unknown, or it is not there
  MeasuredValue base;      // with a value for each recording
  MeasuredValue newer;
};

// In no order. The profiles are those of `functions`, all of one heap metric.
std::vector<MatchedSite> match_sites(std::span<const Profile* const> base, std::span<const Profile* const> newer,
                                     const MatchedFunctions& functions);

// What to pair with what: indexes of both, ascending in both.
struct PlacedSite {
  int64_t line = 0;  // from the function's first
  double mean_bytes = 0;
};
std::vector<std::pair<size_t, size_t>> align_sites(std::span<const PlacedSite> base, std::span<const PlacedSite> newer);

}  // namespace flarestack
