// SPDX-License-Identifier: Apache-2.0
#include "report/difference_svg.h"

#include <cmath>

#include <fmt/format.h>

#include "model/rounded.h"
#include "model/run_statistics.h"
#include "report/flamegraph_svg.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

constexpr double kAlwaysChance = 1e9;  // sigmas: no change is one

std::string named(const DiffReportSide& side) {
  std::string text = side.traces.front();
  if (side.traces.size() > 1) text += fmt::format(" and {} more", side.traces.size() - 1);
  return text;
}

// The graph draws a profile: this one's values are those of both sides, its counts what of them the base has.
Profile profile_of(const DifferenceTree& difference) {
  auto recording = std::make_shared<Recording>();
  recording->threads.emplace_back();
  Profile profile(std::move(recording));
  profile.options.metric = difference.metric;
  profile.functions = difference.functions;
  profile.tree = difference.tree;
  for (uint32_t node = 0; node < difference.self.size(); ++node) {
    ProfileSample sample;
    sample.node = node;
    sample.value = profile.tree.nodes()[node].self;
    sample.count = rounded(difference.self[node].base);
    if (sample.value != 0) profile.samples.push_back(sample);
  }
  profile.quality.complete = true;
  return profile;
}

}  // namespace

std::string difference_svg(const DifferenceTree& difference, const DiffReport& report) {
  FlameDifference painted;
  painted.base_weight = difference.sample_weight.base;
  painted.newer_weight = difference.sample_weight.newer;
  painted.sigmas = difference.chance_bar > 0 ? normal_bound(difference.chance_bar) : kAlwaysChance;
  painted.least = difference.test.least();
  painted.whole = std::max(difference.total.base, difference.total.newer);
  painted.equal_totals = report.equal_totals;
  const Change change{difference.total.base, difference.total.newer, difference.total.newer - difference.total.base, 0,
                      0};
  const std::string ratio = change_ratio(change);
  painted.summary =
      fmt::format("{}: {} in the base, {} now{}{}", metric_title(difference.metric),
                  mean_value(difference.metric, change.base), mean_value(difference.metric, change.newer),
                  ratio.empty() ? "" : ", " + ratio, report.filters.empty() ? "" : "; only: " + report.filters);
  painted.notes = {"base: " + named(report.base) + "  " + report.base.command,
                   "new: " + named(report.newer) + "  " + report.newer.command};
  for (const std::string& note : diff_notes(report)) painted.notes.push_back(note);
  FlamegraphOptions options;
  options.title = fmt::format("From {} to {}", named(report.base), named(report.newer));
  options.difference = &painted;
  return flamegraph_svg(profile_of(difference), options);
}

}  // namespace flarestack
