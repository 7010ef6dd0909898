// SPDX-License-Identifier: Apache-2.0
// Hooks for an allocator's functions over whose entries no jump can go (docs/inline-hooks.md): the slots through which
// other modules call them are led to the hook instead, and so is their value in the symbol table, by which the loader
// will fill more slots, and dlsym answer. Planning alone, as in PatchPlanner. Recorder side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "profiler/patch_plan.h"
#include "profiler/process_maps.h"

namespace flarestack {

struct RefusedHook {
  const WantedHook* hook = nullptr;  // borrowed
  std::string reason;                // why its entry is left alone
};

// Where a file is in the process's memory.
struct ModulePlace {
  std::string path;
  uint64_t load_bias = 0;
  uint64_t low = 0;  // the first address of its code
};

// Adds what can be done to the plan, and for each hook a sentence to its refusals: what this misses, or that there is
// no hook. `modules`: all of the process.
void plan_table_hooks(int32_t pid, const std::vector<RefusedHook>& refused, const std::vector<ModulePlace>& modules,
                      ProcessMaps& maps, PatchPlan& plan);

}  // namespace flarestack
