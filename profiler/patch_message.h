// SPDX-License-Identifier: Apache-2.0
// A PatchPlan as an agent gets it (wire/patch.h). Recorder side.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "profiler/patch_planner.h"

namespace flarestack {

struct PatchMessage {
  Fd descriptor;  // a sealed memfd
  uint32_t size_bytes = 0;
};

// Error: no shared memory, or a plan beyond all bounds.
Result<PatchMessage> encode_plan(const PatchPlan& plan);

}  // namespace flarestack
