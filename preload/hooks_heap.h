// SPDX-License-Identifier: Apache-2.0
// The hooks that inline jumps lead to: one for each shape of allocator entry.
#pragma once

#include "preload/patches.h"

namespace flarestack::agent {

// For each shape the function that takes the arguments of such an entry and, behind them, a pointer to the original.
// [init]
HookTable heap_hooks();

}  // namespace flarestack::agent
