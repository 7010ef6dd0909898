// SPDX-License-Identifier: Apache-2.0
// Carries out the recorder's plan of inline hooks (wire/patch.h, docs/inline-hooks.md): maps the code, writes the jumps
// over the entries, and knows from then on by which address a hooked function is called past its hook.
#pragma once

#include <link.h>

#include <cstdint>

#include "preload/connection.h"
#include "wire/hook_shape.h"
#include "wire/patch.h"

namespace flarestack::agent {

// The hook of each HookShape, as functions of the shape's signature with one more argument (wire/hook_shape.h), and
// those of other functions, which are given these functions' own arguments alone.
struct HookTable {
  void* hooks[kHookShapeCount] = {};  // nullptr: entries of this shape are not hooked
  HookedFunction functions[kMaxHookedFunctions] = {};
  uint32_t function_count = 0;

  void add(const char* name, void* hook);
};

// Asks the recorder for a plan, and carries it out, on the open connection, which is closed. Only while no other thread
// can be in the module's code: in our constructor, and for a library that is just being loaded. `module_address`: of
// that library's code; 0: of all modules. Whatever fails is left as it was. [init], [hook]
void apply_patches(Connection& connection, const HookTable& table, uint64_t module_address = 0);

// The same in steps, for a process that runs already: what to ask for, then the areas of the plan that somebody has
// mapped here (false: it makes no sense), and at last the jumps. [hook]
PatchRequest patch_request(const HookTable& table, uint64_t module_address = 0);
bool map_areas(const PatchPlanHeader* plan, uint32_t size_bytes, PatchOutcome& outcome);
// While no other thread runs, of a plan whose areas are all mapped. [hook]
void write_jumps(const PatchPlanHeader* plan);
// Puts what was displaced back; trampolines stay. [hook]
void take_jumps_out(const PatchPlanHeader* plan);

// A library has been loaded, and none of its code has run yet: if it is an allocator, asks the recorder for hooks of
// the table that apply_patches() was given first. [hook], under the loader's lock
void patch_loaded_module(const link_map& module);

// The definition in `module` of what makes it an allocator, or nullptr. [init]
const void* allocator_in(const link_map& module);

// What calls the function at `entry` without its hook: its trampoline, or the entry itself where it has none. [signal]
void* original_of(void* entry);

}  // namespace flarestack::agent
