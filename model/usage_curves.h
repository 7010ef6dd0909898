// SPDX-License-Identifier: Apache-2.0
// UsageCurves: what a run used of memory and processors over time, of the chosen processes together; for pictures.
// Offline side.
//
// A curve is as fine as the trace: live bytes are known at the end of each time slice and at the peak within it,
// resident ones at each look at the process, processors as the mean of a slice. Where looks are missing, and before and
// after what was recorded, there is a gap.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/profile.h"

namespace flarestack {

struct UsagePoint {
  int64_t time_ns = 0;
  double value = 0;   // from here on, until the next point
  bool known = true;  // false: from here on nothing is known
};
// By time; the last point ends the curve.
using UsageCurve = std::vector<UsagePoint>;

struct UsagePeak {
  int64_t time_ns = 0;
  uint64_t bytes = 0;
};

struct UsageCurves {
  int64_t from_ns = 0;
  int64_t to_ns = 0;
  UsageCurve live_heap;                // bytes; empty: not recorded
  UsageCurve resident;                 // bytes
  UsageCurve processors;               // in use
  std::optional<UsagePeak> heap_peak;  // the highest point of live_heap
};

// A span of the run that has a name, such as a region of the program.
struct UsageSpan {
  std::string name;
  int64_t from_ns = 0;
  int64_t to_ns = 0;
};

// Of what passes the filters by process and time of `profile`, which is of CPU time, or of a heap metric for the curves
// of memory. Those of the other kind stay empty.
UsageCurves usage_curves(const Profile& profile);

// `value` between `from_ns` and `to_ns`: the mean over what is known of it; none: nothing is.
std::optional<double> mean_between(const UsageCurve& curve, int64_t from_ns, int64_t to_ns);
// The greatest.
std::optional<double> most_between(const UsageCurve& curve, int64_t from_ns, int64_t to_ns);

// Of the outermost regions that the program named: those in them lie within.
std::vector<UsageSpan> outermost_spans(const Profile& profile);

}  // namespace flarestack
