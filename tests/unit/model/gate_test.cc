// SPDX-License-Identifier: Apache-2.0
#include "model/gate.h"

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

RunRecord measured(std::vector<double> wall, double allocations) {
  RunRecord record;
  record.step = "parse";
  record.host.processor = "a processor";
  record.metrics = {{std::string(kWallTime), "ns", std::move(wall)},
                    {std::string(kAllocationCount), "count", {allocations}}};
  record.functions = {{"cpu", "parse(char const*)", "app", 60, 80}, {"cpu", "main", "app", 0, 100}};
  record.paths = {{"cpu", {"main", "parse(char const*)"}, 60},
                  {"allocations", {"main", "parse(char const*)", "malloc"}, allocations - 100},
                  {"allocations", {"main", "malloc"}, 100}};
  record.samples = 1000;
  record.sampled_ns = 100;
  return record;
}

const std::vector<double> kRuns = {100, 100, 101, 101, 101, 102, 102, 103, 103, 130};

GateCheck check_of(std::string_view metric, bool is_relative, double value) {
  return {std::string(metric), {}, {}, GateLimit{is_relative, value, "limit"}};
}

TEST_CASE("an absolute maximum is above when the whole interval of the median is") {
  const RunRecord now = measured(kRuns, 1000);
  CHECK(judge(check_of(kWallTime, false, 90), now, {}).outcome == GateOutcome::kAboveMaximum);
  CHECK(judge(check_of(kWallTime, false, 110), now, {}).outcome == GateOutcome::kHolds);
  const GateVerdict near = judge(check_of(kWallTime, false, 101), now, {});
  CHECK(near.outcome == GateOutcome::kHolds);
  CHECK(near.note == "above the limit by less than the runs differ among themselves");
}

TEST_CASE("what is exact is above by one") {
  CHECK(judge(check_of(kAllocationCount, false, 1000), measured(kRuns, 1000), {}).outcome == GateOutcome::kHolds);
  CHECK(judge(check_of(kAllocationCount, false, 1000), measured(kRuns, 1001), {}).outcome ==
        GateOutcome::kAboveMaximum);
}

TEST_CASE("a relative limit is judged beyond the noise, and names the path that grew most") {
  const std::vector<RunRecord> before = {measured(kRuns, 1000)};
  std::vector<double> slower = kRuns;
  for (double& run : slower) run *= 1.2;
  CHECK(judge(check_of(kWallTime, true, 0.02), measured(kRuns, 1000), before).outcome == GateOutcome::kHolds);
  CHECK(judge(check_of(kWallTime, true, 0.02), measured(slower, 1000), before).outcome == GateOutcome::kAboveMaximum);
  CHECK(judge(check_of(kWallTime, true, 0.5), measured(slower, 1000), before).outcome == GateOutcome::kHolds);
  const GateVerdict more = judge(check_of(kAllocationCount, true, 0.01), measured(kRuns, 1100), before);
  CHECK(more.outcome == GateOutcome::kAboveMaximum);
  CHECK(more.cause.frames == std::vector<std::string>{"main", "parse(char const*)", "malloc"});
  CHECK(more.cause.before == 900.0);
  CHECK(more.cause.value == 1000);
}

TEST_CASE("a target is told of and no failure") {
  GateCheck check = check_of(kAllocationCount, false, 2000);
  check.target = GateLimit{false, 500, "500"};
  const GateVerdict verdict = judge(check, measured(kRuns, 1000), {});
  CHECK(verdict.outcome == GateOutcome::kAboveTarget);
  GateResult result;
  result.steps.push_back({"parse", {}, {}, {}, 0, {verdict}});
  CHECK(result.holds());
  result.steps.back().problem = "run 1 ended with status 3";
  CHECK(!result.holds());
}

TEST_CASE("without a baseline, or of another processor, nothing is relative") {
  const RunRecord now = measured(kRuns, 1000);
  CHECK(judge(check_of(kWallTime, true, 0.05), now, {}).outcome == GateOutcome::kNotMeasured);
  std::vector<RunRecord> before = {now};
  before.front().host.processor = "another";
  CHECK(judge(check_of(kWallTime, true, 0.05), now, before).outcome == GateOutcome::kNotMeasured);
  CHECK(judge(check_of(kAllocationCount, true, 0.05), now, before).outcome == GateOutcome::kHolds);
}

TEST_CASE("a function's share is found by its name with or without parameters") {
  GateCheck check = check_of(kFunctionShare, false, 50);
  check.function = "parse";
  const GateVerdict verdict = judge(check, measured(kRuns, 1000), {});
  CHECK(verdict.value == Approx(80));
  CHECK(verdict.outcome == GateOutcome::kAboveMaximum);
  check.function = "pars";
  CHECK(judge(check, measured(kRuns, 1000), {}).outcome == GateOutcome::kNotMeasured);
}

}  // namespace
}  // namespace flarestack
