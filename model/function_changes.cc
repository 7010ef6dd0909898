// SPDX-License-Identifier: Apache-2.0
#include "model/function_changes.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "model/function_table.h"

namespace flarestack {
namespace {

constexpr double kNoiseDeviations = 3;
constexpr double kLeastShare = 0.001;  // of the greater total: less is no cause

using Key = std::pair<std::string, std::string>;  // name and module

struct Row {
  FunctionChange change;
  uint64_t samples = 0;  // of both
};

bool is_sampled(const Profile& profile) {
  return !is_heap_metric(profile.options.metric) || profile.recording.session.heap != HeapMode::kExact;
}

// The programs themselves are the module "".
std::set<std::string> programs_of(const Profile& profile) {
  std::set<std::string> paths;
  for (const Process& process : profile.recording.processes) paths.insert(process.executable);
  return paths;
}

uint64_t samples_of(const Profile& profile) {
  uint64_t samples = 0;
  for (const CallNode& node : profile.tree.nodes()) samples += node.self_count;
  return samples;
}

template <typename Fill>
void add_rows(const Profile& profile, std::map<Key, Row>& rows, const Fill& fill) {
  const std::set<std::string> programs = programs_of(profile);
  for (const FunctionRow& each : function_rows(profile, 0)) {
    const Function& function = profile.functions[each.function];
    Row& row = rows[{function.name, programs.contains(function.module_path) ? "" : function.module}];
    row.change.name = function.name;
    row.change.module = function.module;
    row.samples += each.samples;
    fill(row.change, each);
  }
}

}  // namespace

FunctionChanges function_changes(const Profile& base, const Profile& changed) {
  FunctionChanges changes;
  changes.metric = changed.options.metric;
  changes.base_total = base.total();
  changes.total = changed.total();
  changes.base_samples = samples_of(base);
  changes.samples = samples_of(changed);
  std::map<Key, Row> rows;
  add_rows(base, rows, [](FunctionChange& change, const FunctionRow& row) {
    change.base_self += row.self;
    change.base_total += row.total;
  });
  add_rows(changed, rows, [](FunctionChange& change, const FunctionRow& row) {
    change.self += row.self;
    change.total += row.total;
  });
  const double whole = static_cast<double>(std::max(changes.base_total, changes.total));
  const double sample_value = static_cast<double>(changes.base_total + changes.total) /
                              static_cast<double>(std::max<uint64_t>(changes.base_samples + changes.samples, 1));
  const bool sampled = is_sampled(base) || is_sampled(changed);
  for (auto& [key, row] : rows) {
    const double noise = sampled ? kNoiseDeviations * std::sqrt(static_cast<double>(row.samples)) * sample_value : 0;
    const auto change = std::abs(static_cast<double>(row.change.self_change()));
    if (change > noise && change > kLeastShare * whole) changes.functions.push_back(std::move(row.change));
  }
  std::stable_sort(changes.functions.begin(), changes.functions.end(),
                   [](const FunctionChange& a, const FunctionChange& b) {
                     return std::abs(a.self_change()) > std::abs(b.self_change());
                   });
  return changes;
}

}  // namespace flarestack
