// SPDX-License-Identifier: Apache-2.0
// The gate's judgement: whether what was measured of a step holds its targets and maxima, and which call path is
// responsible. Offline side.
//
// An absolute limit is compared with the median of the runs, and a time is only called above it when the interval of
// that median is above it as a whole. A relative limit is so much more than what is expected from the sessions before,
// and compared with the least of the runs, which has to be beyond what the noise model (model/noise_model.h) allows an
// unchanged program as well. Times are only expected from sessions on a processor of the same kind.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/run_record.h"

namespace flarestack {

struct GateLimit {
  bool is_relative = false;
  double value = 0;  // in the metric's unit; relative: the part more, 0.05 of "+5%"
  std::string text;  // as it was written
};

inline constexpr std::string_view kFunctionShare = "function_share";  // of all CPU time, in percent

struct GateCheck {
  std::string metric;
  std::string function;              // of kFunctionShare: its name, with or without its parameters
  std::optional<GateLimit> target;   // wanted: above it is told, and no failure
  std::optional<GateLimit> maximum;  // above it the gate does not hold
};

// What a step without any check is judged by: the noise, and so much more. The wall time, which depends on what else
// the machine has to do, is a target; leaks and the like are the same in every run of most programs, where any change
// is beyond the noise.
std::vector<GateCheck> default_checks();
// Of a region, whose CPU time is told by samples.
std::vector<GateCheck> default_region_checks();

enum class GateOutcome : uint8_t { kHolds, kAboveTarget, kAboveMaximum, kNotMeasured };
const char* outcome_name(GateOutcome outcome);  // "holds", "above_target", ...

// Where the cost lies: the greatest change since the recording before; where there is none, or the check holds, the
// heaviest path.
struct GateCause {
  std::vector<std::string> frames;  // the root first; empty: none is known
  std::string unit;
  double value = 0;              // of the function (of a time), or of the path (of the heap)
  std::optional<double> before;  // none: it is the heaviest path
};

struct GateVerdict {
  GateCheck check;
  GateOutcome outcome = GateOutcome::kHolds;
  std::string unit;
  double value = 0;                   // the median of the runs; the least of them where a limit is relative
  std::optional<double> expected;     // from the sessions before
  std::optional<double> noise_bound;  // what the noise model allows at most; of a relative limit
  std::optional<double> target;       // in the unit, as judged: a relative one with its noise
  std::optional<double> maximum;
  std::string note;  // what else is to be said: why it was not measured; empty: nothing
  GateCause cause;
};

// `before`: the sessions of the same step, oldest first.
GateVerdict judge(const GateCheck& check, const RunRecord& now, std::span<const RunRecord> before);

struct GateStepResult {
  std::string name;
  std::vector<std::string> command;
  RunRecord record;
  std::string problem;  // why nothing could be measured; empty: it was
  size_t sessions_before = 0;
  std::vector<GateVerdict> verdicts;
};

struct GateResult {
  std::string config;
  std::string commit;
  std::vector<GateStepResult> steps;
  bool holds() const;
};

}  // namespace flarestack
