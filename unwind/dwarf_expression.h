// SPDX-License-Identifier: Apache-2.0
// DWARF expressions as call frame information uses them (DWARF 5, section 2.5 and 6.4.2): integer arithmetic,
// registers, memory and jumps, in a bounded number of steps. Both sides.
#pragma once

#include <array>
#include <cstdint>

#include "unwind/byte_cursor.h"
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
};

// Some 600 bytes of working memory, kept off the handler's stack.
class ExpressionMachine {
 public:
  // Evaluates the expression at runtime address `block` (its ULEB128 length first); `cfa`, if not null, is pushed
  // before.
  // `*result` is valid on kOk only. [signal]
  StepStatus evaluate(const ExpressionContext& context, uint64_t block, const uint64_t* cfa, uint64_t* result);

 private:
  void fail(StepStatus status);
  void push(uint64_t value);
  uint64_t pop();
  void push_copy_of(uint64_t index);
  void push_register(uint64_t reg, int64_t offset);
  void dereference(unsigned bytes);
  void jump(uint8_t op);
  void operation(uint8_t op);
  uint64_t constant(uint8_t op);
  void rearrange(uint8_t op);
  void compute(uint8_t op);
  void compute_binary(uint8_t op);

  const ExpressionContext* context_;
  ByteCursor cursor_;
  uint64_t begin_;  // of the operations: no jump leaves [begin_, end_]
  uint64_t end_;
  StepStatus status_;
  unsigned depth_;
  std::array<uint64_t, 64> stack_;
};

}  // namespace flarestack
