// SPDX-License-Identifier: Apache-2.0
// The hooks that inline jumps lead to: one for each shape of allocator entry.
#pragma once

#include "wire/hook_shape.h"

namespace flarestack::agent {

// A function that takes the arguments of an entry of that shape and, behind them, a pointer to the original. [init]
const void* heap_hook(HookShape shape);

}  // namespace flarestack::agent
