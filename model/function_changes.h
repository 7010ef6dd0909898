// SPDX-License-Identifier: Apache-2.0
// FunctionChanges: which functions make the difference between two single recordings, as ProfileDiff
// (model/profile_diff.h) tells them from chance. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/profile.h"

namespace flarestack {

struct FunctionChange {
  std::string name;
  std::string module;  // of the second recording, if it is there
  uint64_t base_self = 0;
  uint64_t base_total = 0;
  uint64_t self = 0;
  uint64_t total = 0;
  int64_t self_change() const { return static_cast<int64_t>(self) - static_cast<int64_t>(base_self); }
  int64_t total_change() const { return static_cast<int64_t>(total) - static_cast<int64_t>(base_total); }
};

struct FunctionChanges {
  Metric metric = Metric::kCpu;
  bool is_exact = false;  // counted one by one: no noise of sampling
  uint64_t base_total = 0;
  uint64_t total = 0;
  uint64_t base_samples = 0;
  uint64_t samples = 0;
  std::vector<FunctionChange> functions;  // beyond the noise, by what self has changed, most first
};

// Both of the same metric.
FunctionChanges function_changes(const Profile& base, const Profile& changed);

}  // namespace flarestack
