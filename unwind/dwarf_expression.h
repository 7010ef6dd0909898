// SPDX-License-Identifier: Apache-2.0
// DWARF expressions as call frame information uses them (DWARF 5, section 2.5 and 6.4.2): integer arithmetic, registers,
// memory and jumps, in a bounded number of steps. Both sides.
#pragma once

#include <array>
#include <cstdint>

#include "unwind/module_snapshot.h"
#include "unwind/registers.h"
#include "unwind/stack_memory.h"

namespace flarestack {

// How a step, or a part of one, went.
enum class StepStatus : uint8_t {
  kOk,
  kRoot,           // the return address is undefined: the outermost frame
  kMalformed,      // CFI or expression that makes no sense
  kBadMemory,      // a slot could not be read
  kNeedsRegister,  // a register that is not known
};

struct ExpressionContext {
  const UnwindModule* module = nullptr;
  const MachineRegisters* registers = nullptr;
  RegisterMask known;
  StackMemory* memory = nullptr;
  std::array<uint64_t, 64>* stack = nullptr;  // working memory, kept off the handler's stack
};

// Evaluates the expression at runtime address `block` (its ULEB128 length first); `cfa`, if not null, is pushed before.
// `*result` is valid on kOk only. [signal]
StepStatus evaluate_expression(const ExpressionContext& context, uint64_t block, const uint64_t* cfa, uint64_t* result);

}  // namespace flarestack
