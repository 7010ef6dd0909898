// SPDX-License-Identifier: Apache-2.0
// PatchPlanner: makes the plan by which inline hooks get into a process (docs/inline-hooks.md): which entries, what
// code, and where in the process's memory it goes. It touches nothing of the process; the agent carries the plan out
// (wire/patch.h), or whoever attaches to a process. Recorder side, for as long as a recording lasts: what is known of a
// file is kept.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "profiler/allocator_entries.h"
#include "profiler/patch_plan.h"
#include "profiler/process_maps.h"
#include "wire/hook_shape.h"

namespace flarestack {

class PatchPlanner {
 public:
  using HookAddresses = std::array<uint64_t, kHookShapeCount>;  // by HookShape; 0: none

  // Functions of libc by name, and what is given their arguments.
  using FunctionHooks = std::map<std::string, uint64_t>;

  // Hooks for every entry of every allocator in the process's memory, or in the module that holds `module_address`; for
  // the whole process also plain ones for `functions`. Error: the process cannot be looked at, or is gone.
  Result<PatchPlan> plan_allocators(int32_t pid, const HookAddresses& hooks, const FunctionHooks& functions = {},
                                    uint64_t module_address = 0);

  // A plain hook, which is given the function's arguments alone, for the function `name` of every module whose file
  // name begins with `module_prefix` ("libc.so"): _exit, say.
  Result<PatchPlan> plan_function(int32_t pid, const std::string& module_prefix, const std::string& name,
                                  uint64_t hook_address);

  // The plan for any list of hooks, by jumps alone. `maps` are the process's, in which the areas are taken.
  static PatchPlan plan(const std::vector<WantedHook>& wanted, ProcessMaps& maps);

  // How many files were read.
  size_t files_read() const { return files_.size(); }

 private:
  struct FileKey {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t modified_ns = 0;
    int64_t size_bytes = 0;
    std::vector<std::string> functions;  // that were looked for besides an allocator
    auto operator<=>(const FileKey&) const = default;
  };
  // One file at one place in the process's memory.
  struct Module {
    std::string path;
    uint64_t load_bias = 0;
    uint64_t low = 0;
    uint64_t high = 0;
    std::shared_ptr<const AllocatorEntries> entries;
  };
  struct Modules {
    std::vector<Module> found;
    std::vector<std::string> unreadable;  // sentences
  };

  using IsWanted = std::function<bool(const std::string& path)>;
  Modules modules_of(int32_t pid, const ProcessMaps& maps, const IsWanted& is_wanted,
                     const std::vector<std::string>& functions);
  static void add_functions(const Modules& modules, const FunctionHooks& functions, bool has_shadow_stack,
                            std::vector<WantedHook>& wanted);
  Result<std::shared_ptr<const AllocatorEntries>> entries_of(int32_t pid, const ProcessMaps::Mapping& mapping,
                                                             const std::vector<std::string>& functions);

  std::map<FileKey, std::shared_ptr<const AllocatorEntries>> files_;
};

}  // namespace flarestack
