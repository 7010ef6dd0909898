// SPDX-License-Identifier: Apache-2.0
#include "model/difference_tree.h"

#include "model/matched_functions.h"
#include "model/profile_diff.h"
#include "model/rounded.h"

namespace flarestack {
namespace {

// By node of the merged tree.
struct NodeValues {
  std::vector<MeasuredValue> base, newer;
};

double average(std::span<const Profile* const> side, double (*of)(const Profile&)) {
  double sum = 0;
  for (const Profile* each : side) sum += of(*each);
  return sum / static_cast<double>(side.size());
}

double total_of(const Profile& profile) { return static_cast<double>(profile.total()); }
double samples_of(const Profile& profile) {
  double samples = 0;
  for (const CallNode& node : profile.tree.nodes()) samples += static_cast<double>(node.self_count);
  return samples;
}

// What a sample stands for, on average.
double usual_weight(const ComparedSide& side, double samples) {
  const auto recordings = static_cast<double>(side.recordings);
  switch (side.weight.kind) {
    case SampleWeight::Kind::kExact:
      return 0;
    case SampleWeight::Kind::kConstant:
      return side.weight.constant / recordings;
    case SampleWeight::Kind::kByCount:
      return (samples > 0 ? side.total / samples : side.total) / recordings;
  }
  return 0;
}

// Adds the own values of a profile's nodes to those of the merged tree.
void merge(const Profile& profile, const std::vector<uint32_t>& matched, double share, CallTree& tree,
           std::vector<MeasuredValue>& values) {
  const auto& nodes = profile.tree.nodes();
  std::vector<uint32_t> merged(nodes.size(), CallTree::kRoot);
  for (size_t i = 1; i < nodes.size(); ++i) {
    if (nodes[i].total == 0) continue;
    merged[i] = tree.child(merged[nodes[i].parent], matched[nodes[i].function], nodes[i].type);
    if (merged[i] >= values.size()) values.resize(merged[i] + 1);
    values[merged[i]].value += static_cast<double>(nodes[i].self) * share;
    values[merged[i]].samples += static_cast<double>(nodes[i].self_count) * share;
  }
}

double bar_of(const DifferenceTree& difference, NodeValues values) {
  const auto& nodes = difference.tree.nodes();
  std::vector<double> chances;
  for (size_t i = nodes.size(); i-- > 0;) {  // children come behind their parents
    const Change change = difference.test.of(values.base[i], values.newer[i]);
    if (difference.test.is_candidate(change)) chances.push_back(change.chance);
    if (i == 0) continue;
    for (auto* side : {&values.base, &values.newer}) {
      (*side)[nodes[i].parent].value += (*side)[i].value;
      (*side)[nodes[i].parent].samples += (*side)[i].samples;
    }
  }
  return false_discovery_bar(chances);
}

}  // namespace

DifferenceTree difference_tree(std::span<const Profile* const> base, std::span<const Profile* const> newer,
                               bool equal_totals, double least_share) {
  DifferenceTree difference;
  difference.metric = base.front()->options.metric;
  const MatchedFunctions functions(base, newer);
  for (const MatchedFunction& each : functions.list()) difference.functions.push_back(each.function);
  const ComparedSide of_base{average(base, total_of), sample_weight(*base.front()), base.size()};
  const ComparedSide of_newer{average(newer, total_of), sample_weight(*newer.front()), newer.size()};
  difference.test = ChangeTest(of_base, of_newer, equal_totals, least_share);
  const double scale = difference.test.scale();
  difference.total = {of_base.total, of_newer.total * scale};
  difference.sample_weight = {usual_weight(of_base, average(base, samples_of)),
                              usual_weight(of_newer, average(newer, samples_of)) * scale};
  // Of a side without samples, or without noise: what one of the other's stands for.
  DifferenceTree::Parts& weight = difference.sample_weight;
  if (weight.base == 0) weight.base = weight.newer;
  if (weight.newer == 0) weight.newer = weight.base;
  NodeValues values;
  for (size_t i = 0; i < base.size(); ++i)
    merge(*base[i], functions.of_profile(i), 1.0 / static_cast<double>(base.size()), difference.tree, values.base);
  for (size_t i = 0; i < newer.size(); ++i)
    merge(*newer[i], functions.of_profile(base.size() + i), 1.0 / static_cast<double>(newer.size()), difference.tree,
          values.newer);
  const size_t nodes = difference.tree.nodes().size();
  values.base.resize(nodes);
  values.newer.resize(nodes);
  for (uint32_t i = 0; i < nodes; ++i) {
    difference.self.push_back({values.base[i].value, values.newer[i].value * scale});
    const double both = difference.self[i].base + difference.self[i].newer;
    difference.tree.add_self(i, rounded(both), 0);
  }
  difference.tree.sum_totals();
  difference.chance_bar = bar_of(difference, std::move(values));
  return difference;
}

}  // namespace flarestack
