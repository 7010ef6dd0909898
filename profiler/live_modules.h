// SPDX-License-Identifier: Apache-2.0
// LiveModules: the CFI of the modules that an agent has told of, for stacks of its process that are unwound here.
// Recorder side.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "profiler/module_image.h"
#include "profiler/module_map.h"
#include "unwind/module_snapshot.h"

namespace flarestack {

class LiveModules {
 public:
  explicit LiveModules(const ModuleMap* modules) : modules_(modules) {}  // borrowed

  // Whether they have changed since.
  bool refresh();
  // As of the last refresh().
  const ModuleSnapshot& snapshot() const { return snapshot_; }

 private:
  const ModuleMap* modules_;
  uint64_t version_ = UINT64_MAX;
  std::map<ModuleId, std::shared_ptr<const ModuleImage>> images_;  // null: it cannot be read
  std::vector<UnwindModule> unwind_modules_;
  ModuleSnapshot snapshot_;
};

}  // namespace flarestack
