// SPDX-License-Identifier: Apache-2.0
// SampleChoice: the samples of a recording that a metric and the filters on process, thread and time let through, not
// yet symbolized. Used by build_profile() only. Offline side.
#pragma once

#include <cstdint>
#include <vector>

#include "model/profile.h"
#include "model/selection.h"

namespace flarestack {

struct SampleChoice {
  std::vector<ProfileSample> samples;  // node and location are not set
  HeapCells heap;                      // of a heap metric; nodes and locations are not set
};

SampleChoice choose_samples(const Recording& recording, const Selection& selection, Metric metric);

}  // namespace flarestack
