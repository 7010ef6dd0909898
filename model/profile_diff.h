// SPDX-License-Identifier: Apache-2.0
// ProfileDiff: what changed from one recording to another, or from several of one program to several of another, in one
// metric: in all, by function, by allocation site. For `flarestack diff` and for whoever wants to name the cause of a
// difference. It owns what it says: the profiles may go. Offline side. What is no change but chance, or little, is
// there as well and says so (ChangeVerdict).
//
//   const Profile* base[] = {&before};
//   const Profile* newer[] = {&after};  // both of one metric
//   const ProfileDiff diff = diff_profiles(base, newer, {});
//   for (const FunctionDiff* each : changed_functions(diff, ChangeDirection::kMore)) ...  // the worst first
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/change_test.h"
#include "model/matched_sites.h"
#include "model/profile.h"

namespace flarestack {

enum class ChangeVerdict : uint8_t {
  kSame,   // equal, or a change of less than DiffOptions::least_share of the total
  kNoise,  // may be chance
  kMore,   // slower, hungrier, leakier
  kLess,
  kNew,       // the base has nothing of it
  kVanished,  // the newer one has nothing of it
};
const char* verdict_name(ChangeVerdict verdict);  // "same", "noise", "more", "less", "new", "vanished"
inline bool is_change(ChangeVerdict verdict) { return verdict > ChangeVerdict::kNoise; }

// In the metric's unit; of several recordings the mean.
struct DiffValue {
  Change change;
  ChangeVerdict verdict = ChangeVerdict::kSame;
  MeasuredValue base;
  MeasuredValue newer;  // not scaled
};

struct FunctionDiff {
  Function function;
  DiffValue self;   // without what it calls
  DiffValue total;  // with it; new or vanished: so is the function
};

// A place that allocates (model/heap_sites.h).
struct SiteDiff {
  std::vector<SiteFrame> path;  // the place and its callers; of the newer recording where that has it
  std::string module;
  uint32_t base_line = 0;  // of the place in the base; 0: unknown, or it is not there
  DiffValue value;
};

struct DiffOptions {
  bool equal_totals = false;  // compare shares: the newer side's values are scaled until both totals are the same
  double least_share = ChangeTest::kLeastShare;
};

struct ProfileDiff {
  Metric metric = Metric::kCpu;
  bool is_exact = false;  // counted one by one: no noise of sampling
  size_t base_recordings = 0;
  size_t newer_recordings = 0;
  double scale = 1;  // what newer values were multiplied with
  double least = 0;  // changes below are not looked at
  DiffValue total;
  std::vector<FunctionDiff> functions;  // all of either side, by change of self, the greatest first
  std::vector<SiteDiff> sites;          // of a heap metric; the same
  // By name of a module that only newer recordings have: the base's name for the same.
  std::map<std::string, std::string> paired_modules;
};

// At least one profile a side, all of one metric.
ProfileDiff diff_profiles(std::span<const Profile* const> base, std::span<const Profile* const> newer,
                          const DiffOptions& options);

// What a sample of the profile's metric stands for.
SampleWeight sample_weight(const Profile& profile);

enum class ChangeDirection : uint8_t { kMore, kLess };
// Those whose own value changed, no chance, the greatest change first. Borrowed from `diff`.
std::vector<const FunctionDiff*> changed_functions(const ProfileDiff& diff, ChangeDirection direction);
std::vector<const SiteDiff*> changed_sites(const ProfileDiff& diff, ChangeDirection direction);

}  // namespace flarestack
