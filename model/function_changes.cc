// SPDX-License-Identifier: Apache-2.0
#include "model/function_changes.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "model/profile_diff.h"

namespace flarestack {
namespace {

FunctionChange change_of(const FunctionDiff& function) {
  const auto whole = [](double value) { return static_cast<uint64_t>(std::llround(std::max(value, 0.0))); };
  return {function.function.name,           function.function.module,         whole(function.self.base.value),
          whole(function.total.base.value), whole(function.self.newer.value), whole(function.total.newer.value)};
}

}  // namespace

FunctionChanges function_changes(const Profile& base, const Profile& changed) {
  const Profile* const bases[] = {&base};
  const Profile* const newer[] = {&changed};
  const ProfileDiff diff = diff_profiles(bases, newer, {});
  FunctionChanges changes;
  changes.metric = diff.metric;
  changes.is_exact = diff.is_exact;
  changes.base_total = base.total();
  changes.total = changed.total();
  changes.base_samples = static_cast<uint64_t>(diff.total.base.samples);
  changes.samples = static_cast<uint64_t>(diff.total.newer.samples);
  for (const ChangeDirection direction : {ChangeDirection::kMore, ChangeDirection::kLess})
    for (const FunctionDiff* function : changed_functions(diff, direction)) {
      // What recording costs is no difference between the programs.
      if (function->function.name != "[flarestack]") changes.functions.push_back(change_of(*function));
    }
  std::stable_sort(changes.functions.begin(), changes.functions.end(),
                   [](const FunctionChange& a, const FunctionChange& b) {
                     return std::abs(a.self_change()) > std::abs(b.self_change());
                   });
  return changes;
}

}  // namespace flarestack
