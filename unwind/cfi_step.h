// SPDX-License-Identifier: Apache-2.0
// CfiStepper: one frame up by the full CFI interpreter, every register tracked. The slow path of the Unwinder and the
// whole of RemoteUnwinder. Both sides.
#pragma once

#include "unwind/cfi.h"
#include "unwind/dwarf_expression.h"
#include "unwind/registers.h"
#include "unwind/stack_memory.h"

namespace flarestack {

// A frame: the registers as they are (or will be) in it. rip and rsp are always known.
struct FrameState {
  MachineRegisters registers;
  RegisterMask known;
  bool exact_pc = false;  // rip is the instruction itself, not a return address

  uint64_t pc() const { return registers.value[MachineRegisters::kRip]; }
  uint64_t lookup() const { return pc() - (exact_pc ? 0 : 1); }
};

// Working memory, some 3 KiB, kept off the handler's stack.
class CfiStepper {
 public:
  // Replaces `*state` by the caller's; on anything but kOk it is unchanged. kMalformed includes "no FDE". [signal]
  StepStatus step(const UnwindModule& module, StackMemory* memory, FrameState* state);

  // The row that holds at `lookup`, valid until the next call; nullptr: no CFI there. [signal]
  const CfiRow* find_row(const UnwindModule& module, uint64_t lookup);
  // Whether an FDE begins at `address`. Invalidates the row. [signal]
  bool starts_at(const UnwindModule& module, uint64_t address) {
    return find_frame_description(module, address, &fde_) && fde_.code_start == address;
  }
  bool row_is_signal_frame() const { return fde_.signal_frame; }

 private:
  StepStatus find_cfa();
  StepStatus caller_register(unsigned reg, uint64_t* target);

  FrameDescription fde_;
  CfiScratch scratch_;
  ExpressionContext context_;
  ExpressionMachine expression_;
  uint64_t cfa_;
  FrameState caller_;
};

}  // namespace flarestack
