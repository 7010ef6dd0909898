// SPDX-License-Identifier: Apache-2.0
// CFI rows for code that toolchains leave without CFI but whose bytes say what it does: lld's PLT entries, and the
// signal return of libcs other than glibc (musl). Both sides.
#pragma once

#include <cstdint>

#include "unwind/cfi.h"
#include "unwind/module_snapshot.h"

namespace flarestack {

enum class CodePattern : uint8_t { kNone, kPltEntry, kSignalReturn };

// What stands at `lookup`, which no FDE covers; anything but kNone fills `*row`. [signal]
CodePattern match_code(const UnwindModule& module, uint64_t lookup, CfiRow* row);

}  // namespace flarestack
