// SPDX-License-Identifier: Apache-2.0
// A PatchPlan as an agent gets it (wire/patch.h). Recorder side.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "profiler/patch_planner.h"

namespace flarestack {

struct PatchMessage {
  Fd descriptor;  // a sealed memfd
  uint32_t size_bytes = 0;
};

// Error: a plan beyond all bounds.
Result<std::string> encode_plan(const PatchPlan& plan);
// Error: no shared memory.
Result<PatchMessage> seal_plan(const std::string& bytes);

}  // namespace flarestack
