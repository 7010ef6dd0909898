// SPDX-License-Identifier: Apache-2.0
#include "model/gate.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "model/noise_model.h"
#include "model/run_statistics.h"

namespace flarestack {
namespace {

// What is judged: the runs, and what they are expected to be.
struct Measure {
  std::string unit;
  std::vector<double> runs;
  std::vector<std::vector<double>> sessions;
  double deviation = 0;  // of a share, of which there is one run: by its number of samples; 0: of the runs
};

bool names(const std::string& wanted, const std::string& function) {
  return function == wanted ||
         (function.size() > wanted.size() && function.starts_with(wanted) && function[wanted.size()] == '(');
}

// The function's share of the CPU time in percent; none: there is no such function.
std::optional<double> share_of(const RunRecord& record, const std::string& function) {
  double part = 0;
  for (const FunctionCost& cost : record.functions) {
    if (cost.metric == "cpu" && names(function, cost.name)) part = std::max(part, cost.total);
  }
  if (part == 0 || record.sampled_ns == 0) return std::nullopt;
  return 100 * std::min(part / record.sampled_ns, 1.0);
}

Measure measure_share(const GateCheck& check, const RunRecord& now, std::span<const RunRecord> before) {
  Measure measure;
  measure.unit = "%";
  if (const std::optional<double> share = share_of(now, check.function)) {
    measure.runs = {*share};
    const double part = *share / 100;
    measure.deviation = 100 * std::sqrt(part * (1 - part) / static_cast<double>(std::max<uint64_t>(now.samples, 1)));
  }
  for (const RunRecord& record : before) {
    if (const std::optional<double> share = share_of(record, check.function)) measure.sessions.push_back({*share});
  }
  return measure;
}

bool same_processor(const HostFacts& a, const HostFacts& b) {
  return a.processor == b.processor && a.processors == b.processors;
}

Measure measure_metric(const GateCheck& check, const RunRecord& now, std::span<const RunRecord> before) {
  if (check.metric == kFunctionShare) return measure_share(check, now, before);
  Measure measure;
  if (const MeasuredMetric* metric = now.metric(check.metric)) {
    measure.unit = metric->unit;
    measure.runs = metric->runs;
  }
  for (const RunRecord& record : before) {
    const MeasuredMetric* metric = record.metric(check.metric);
    if (metric == nullptr || (metric->unit == "ns" && !same_processor(record.host, now.host))) continue;
    measure.sessions.push_back(metric->runs);
  }
  return measure;
}

// What stays below it may still be at the limit: the low end of the interval in which the true value is.
double low_end(const Measure& measure, double value) {
  if (measure.deviation != 0) return value - 2 * measure.deviation;
  return measure.runs.size() < 2 ? value : median_interval(measure.runs).low;
}

const PathCost* heaviest(const RunRecord& record, std::string_view metric, const std::string& function) {
  const PathCost* found = nullptr;
  for (const PathCost& path : record.paths) {
    if (path.metric != metric || (found != nullptr && path.value <= found->value)) continue;
    const bool has = function.empty() ||
                     std::ranges::any_of(path.frames, [&](const std::string& frame) { return names(function, frame); });
    if (has) found = &path;
  }
  return found;
}

// Whose own time grew most. Samples of one function spread over many paths, of which each alone is noise.
GateCause grown_function(const RunRecord& now, const RunRecord& before, std::string_view metric) {
  std::map<std::pair<std::string, std::string>, double> earlier;
  for (const FunctionCost& cost : before.functions) {
    if (cost.metric == metric) earlier[{cost.name, cost.module}] = cost.self;
  }
  GateCause cause;
  double most = 0;
  for (const FunctionCost& cost : now.functions) {
    if (cost.metric != metric) continue;
    const double was = earlier[{cost.name, cost.module}];
    if (cost.self - was <= most) continue;
    most = cost.self - was;
    cause = {{cost.name}, {}, cost.self, was};
  }
  if (cause.frames.empty()) return cause;
  double weight = 0;
  const std::string function = cause.frames.front();
  for (const PathCost& path : now.paths) {
    if (path.metric != metric || path.frames.empty() || path.frames.back() != function || path.value <= weight)
      continue;
    weight = path.value;
    cause.frames = path.frames;
  }
  return cause;
}

GateCause grown_path(const RunRecord& now, const RunRecord& before, std::string_view metric) {
  std::map<std::vector<std::string>, double> earlier;
  for (const PathCost& path : before.paths) {
    if (path.metric == metric) earlier[path.frames] = path.value;
  }
  GateCause cause;
  double most = 0;
  for (const PathCost& path : now.paths) {
    if (path.metric != metric) continue;
    const double was = earlier[path.frames];
    if (path.value - was <= most) continue;
    most = path.value - was;
    cause = {path.frames, {}, path.value, was};
  }
  return cause;
}

GateCause cause_of(const GateCheck& check, const RunRecord& now, std::span<const RunRecord> before) {
  const bool is_share = check.metric == kFunctionShare;
  std::string_view metric = is_share ? "cpu" : cost_metric_of(check.metric);
  if (metric == "peak" && !now.region.empty()) metric = "allocated";  // what one call had at most has no paths
  GateCause cause;
  for (auto record = before.rbegin(); record != before.rend() && !is_share && cause.frames.empty(); ++record) {
    if (record->paths.empty()) continue;
    cause = metric == "cpu" ? grown_function(now, *record, metric) : grown_path(now, *record, metric);
    break;
  }
  if (cause.frames.empty()) {
    if (const PathCost* path = heaviest(now, metric, check.function)) cause = {path->frames, {}, path->value, {}};
  }
  cause.unit = metric == "cpu" ? "ns" : metric == "allocations" ? "count" : "bytes";
  return cause;
}

}  // namespace

namespace {

GateLimit more_than(double part, const char* text) { return {true, part, text}; }

}  // namespace

std::vector<GateCheck> default_region_checks() {
  return {{std::string(kWallTime), {}, more_than(0.02, "+2%"), {}},
          {std::string(kCpuTime), {}, more_than(0.05, "+5%"), {}},
          {std::string(kPeakHeap), {}, {}, more_than(0.01, "+1%")},
          {std::string(kAllocationCount), {}, {}, more_than(0.01, "+1%")}};
}

std::vector<GateCheck> default_checks() {
  return {{std::string(kWallTime), {}, more_than(0.02, "+2%"), {}},
          {std::string(kCpuTime), {}, {}, more_than(0.02, "+2%")},
          {std::string(kPeakHeap), {}, {}, more_than(0.01, "+1%")},
          {std::string(kAllocationCount), {}, {}, more_than(0.01, "+1%")},
          {std::string(kLeakedBytes), {}, {}, more_than(0, "+0%")}};
}

const char* outcome_name(GateOutcome outcome) {
  switch (outcome) {
    case GateOutcome::kHolds:
      return "holds";
    case GateOutcome::kAboveTarget:
      return "above_target";
    case GateOutcome::kAboveMaximum:
      return "above_maximum";
    case GateOutcome::kNotMeasured:
      break;
  }
  return "not_measured";
}

GateVerdict judge(const GateCheck& check, const RunRecord& now, std::span<const RunRecord> before) {
  GateVerdict verdict;
  verdict.check = check;
  const Measure measure = measure_metric(check, now, before);
  if (measure.runs.empty()) {
    verdict.outcome = GateOutcome::kNotMeasured;
    verdict.note = check.metric == kFunctionShare ? "the recording has no function '" + check.function + "' in it"
                   : check.metric == kLeakedBytes ? "the leak check at the program's end gave no verdict"
                                                  : "the recording does not tell it";
    return verdict;
  }
  verdict.unit = measure.unit;
  const bool is_relative = (check.target && check.target->is_relative) || (check.maximum && check.maximum->is_relative);
  const double least = least_of(measure.runs);
  const double median = median_of(measure.runs);
  verdict.value = is_relative ? least : median;
  const Expectation expectation = expect(measure.sessions, measure.runs);
  if (expectation.sessions != 0) verdict.expected = expectation.value;
  if (is_relative && expectation.sessions == 0) {
    verdict.outcome = GateOutcome::kNotMeasured;
    verdict.cause = cause_of(check, now, {});
    verdict.note =
        before.empty() || now.metric(check.metric) == nullptr
            ? "there is no baseline of it; `flarestack gate --update-baseline` stores one"
            : "its baseline is of another kind of processor; `flarestack gate --update-baseline` adds this one";
    return verdict;
  }
  // Whether it is above; `bound` becomes what was compared with.
  const auto above = [&](const GateLimit& limit, std::optional<double>& bound) {
    if (!limit.is_relative) {
      bound = limit.value;
      return low_end(measure, median) > limit.value;
    }
    verdict.noise_bound = std::max(expectation.upper, expectation.value + 3 * measure.deviation);
    bound = std::max(expectation.value * (1 + limit.value), *verdict.noise_bound);
    return least > *bound;
  };
  if (check.target && above(*check.target, verdict.target)) verdict.outcome = GateOutcome::kAboveTarget;
  if (check.maximum && above(*check.maximum, verdict.maximum)) verdict.outcome = GateOutcome::kAboveMaximum;
  const std::optional<double> limit = verdict.maximum ? verdict.maximum : verdict.target;
  if (verdict.outcome == GateOutcome::kHolds && limit && verdict.value > *limit) {
    verdict.note = "above the limit by less than the runs differ among themselves";
  }
  // What holds has not grown but by chance.
  verdict.cause = cause_of(check, now, verdict.outcome == GateOutcome::kHolds ? std::span<const RunRecord>() : before);
  return verdict;
}

bool GateResult::holds() const {
  return std::ranges::all_of(steps, [](const GateStepResult& step) {
    return step.problem.empty() && std::ranges::all_of(step.verdicts, [](const GateVerdict& verdict) {
             return verdict.outcome == GateOutcome::kHolds || verdict.outcome == GateOutcome::kAboveTarget;
           });
  });
}

}  // namespace flarestack
