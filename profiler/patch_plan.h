// SPDX-License-Identifier: Apache-2.0
// A plan of hooks (docs/inline-hooks.md), as values: what is to be hooked, and what is to be written into a process for
// it. Recorder side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "profiler/allocator_entries.h"

namespace flarestack {

struct PatchPlan {
  struct Area {
    uint64_t address = 0;
    uint64_t size_bytes = 0;  // whole pages
    std::vector<uint8_t> code;
  };
  struct Patch {
    uint64_t address = 0;           // what is written to: the function's entry, or a pointer that leads callers to it
    uint64_t function_address = 0;  // by which the function is known from then on: its entry, or the stub
    uint64_t trampoline_address = 0;
    uint32_t area = 0;
    // What must be there. Of an entry: the bytes that are displaced; no thread may be among them when the jump is
    // written.
    std::vector<uint8_t> expected;
    std::vector<uint8_t> written;
  };
  std::vector<Area> areas;
  std::vector<Patch> patches;
  std::vector<std::string> refusals;  // "mallocx of libfoo.so is not hooked: REASON"
};

// A hook to be made. `function` is borrowed.
struct WantedHook {
  const HookableFunction* function = nullptr;
  std::string module_name;  // for refusals
  uint64_t runtime_address = 0;
  uint64_t module_low = 0;  // bounds of the module, which relocated instructions refer to
  uint64_t module_high = 0;
  uint64_t hook_address = 0;
  std::optional<uint32_t> arity;  // as in HookPlace
  bool has_shadow_stack = false;  // the process: a return address that no call has pushed ends it
};

}  // namespace flarestack
