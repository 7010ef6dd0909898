// SPDX-License-Identifier: Apache-2.0
// Carries out the recorder's plan of inline hooks (wire/patch.h, docs/inline-hooks.md): maps the code, writes the jumps
// over the entries, and knows from then on by which address a hooked function is called past its hook.
#pragma once

#include <link.h>

#include <cstdint>

#include "preload/connection.h"
#include "wire/hook_shape.h"

namespace flarestack::agent {

// The hook of each HookShape, as functions of the shape's signature with one more argument (wire/hook_shape.h).
struct HookTable {
  void* exit = nullptr;               // of libc's _exit(status), which it does not call; nullptr: it is left alone
  void* hooks[kHookShapeCount] = {};  // nullptr: entries of this shape are not hooked
};

// Asks the recorder for a plan, and carries it out, on the open connection, which is closed. Only while no other thread
// can be in the module's code: in our constructor, and for a library that is just being loaded. `module_address`: of
// that library's code; 0: of all modules. Whatever fails is left as it was. [init], [hook]
void apply_patches(Connection& connection, const HookTable& table, uint64_t module_address = 0);

// A library has been loaded, and none of its code has run yet: if it is an allocator, asks the recorder for hooks of
// the table that apply_patches() was given first. [hook], under the loader's lock
void patch_loaded_module(const link_map& module);

// The definition in `module` of what makes it an allocator, or nullptr. [init]
const void* allocator_in(const link_map& module);

// What calls the function at `entry` without its hook: its trampoline, or the entry itself where it has none. [signal]
void* original_of(void* entry);

}  // namespace flarestack::agent
