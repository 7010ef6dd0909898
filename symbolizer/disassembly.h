// SPDX-License-Identifier: Apache-2.0
// Machine code to instructions, by Capstone. Offline side; safe to call from several threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "symbolizer/instruction.h"

namespace flarestack {

// More than any compiler makes of one function; what lies behind is left out, so that hostile files cost no more.
constexpr size_t kMostInstructions = 200'000;

// The instructions of `code`, which lies at `module_offset`, ascending, end to end. Bytes that are no instruction
// become one of kind kUndecoded each. `known_starts` (ascending module offsets, such as sampled ones) are starts of
// instructions: no undecoded stretch and nothing decoded out of one runs over them.
std::vector<Instruction> disassemble(std::span<const uint8_t> code, uint64_t module_offset,
                                     std::span<const uint64_t> known_starts = {});

}  // namespace flarestack
