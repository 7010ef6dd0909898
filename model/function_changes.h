// SPDX-License-Identifier: Apache-2.0
// FunctionChanges: which functions make the difference between two single recordings. Offline side.
//
// Functions are matched by name and module; the programs that were run count as one module, so that two builds of
// different names can be compared. A sampled metric is noisy: a function is told only where its self value differs by
// more than three standard deviations of the numbers of its samples, which are Poisson distributed.
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
  uint64_t base_total = 0;
  uint64_t total = 0;
  uint64_t base_samples = 0;
  uint64_t samples = 0;
  std::vector<FunctionChange> functions;  // beyond the noise, by what self has changed, most first
};

// Both of the same metric.
FunctionChanges function_changes(const Profile& base, const Profile& changed);

}  // namespace flarestack
