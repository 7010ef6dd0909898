// SPDX-License-Identifier: Apache-2.0
#include "unwind/cfi_step.h"

namespace flarestack {
namespace {

constexpr unsigned kRbp = MachineRegisters::kRbp, kRsp = MachineRegisters::kRsp, kRip = MachineRegisters::kRip;

}  // namespace

const CfiRow* CfiStepper::find_row(const UnwindModule& module, uint64_t lookup) {
  return find_frame_description(module, lookup, &fde_) && run_cfi(module, fde_, lookup, &scratch_) ? &scratch_.row
                                                                                                  : nullptr;
}

StepStatus CfiStepper::step(const UnwindModule& module, StackMemory* memory, FrameState* state) {
  if (find_row(module, state->lookup()) == nullptr) {
    return StepStatus::kMalformed;
  }
  const CfiRow& row = scratch_.row;
  if (row.rule[kRip] == RegisterRule::kUndefined) {
    return StepStatus::kRoot;
  }
  const ExpressionContext context = {&module, &state->registers, state->known, memory, &expression_stack_};
  uint64_t cfa = 0;
  if (row.cfa_is_expression) {
    const StepStatus status = evaluate_expression(context, static_cast<uint64_t>(row.cfa_value), nullptr, &cfa);
    if (status != StepStatus::kOk) {
      return status;
    }
  } else if (row.cfa_register >= MachineRegisters::kCount) {
    return StepStatus::kMalformed;
  } else if (!state->known.has(row.cfa_register)) {
    return StepStatus::kNeedsRegister;
  } else {
    cfa = state->registers.value[row.cfa_register] + static_cast<uint64_t>(row.cfa_value);
  }
  caller_.known = {};
  caller_.exact_pc = fde_.signal_frame;
  for (unsigned reg = 0; reg < MachineRegisters::kCount; ++reg) {
    const StepStatus status = caller_register(context, reg, cfa);
    caller_.known.set(reg, status == StepStatus::kOk);
    // A register that nobody asks for may be lost; these three are the state of the next frame.
    if (status != StepStatus::kOk && (reg == kRsp || reg == kRip)) {
      return status == StepStatus::kRoot ? StepStatus::kMalformed : status;
    }
    if (reg == kRbp && (status == StepStatus::kBadMemory || status == StepStatus::kMalformed)) {
      return status;
    }
  }
  *state = caller_;
  return StepStatus::kOk;
}

// kRoot stands for "undefined here".
StepStatus CfiStepper::caller_register(const ExpressionContext& context, unsigned reg, uint64_t cfa) {
  uint64_t* target = &caller_.registers.value[reg];
  const auto value = static_cast<uint64_t>(scratch_.row.value[reg]);
  switch (scratch_.row.rule[reg]) {
    case RegisterRule::kSameValue:
      if (reg == kRsp) {
        *target = cfa;
        return StepStatus::kOk;
      }
      if (reg == kRip) {
        return StepStatus::kMalformed;  // a caller at our own pc
      }
      *target = context.registers->value[reg];
      return context.known.has(reg) ? StepStatus::kOk : StepStatus::kNeedsRegister;
    case RegisterRule::kUndefined:
      return StepStatus::kRoot;
    case RegisterRule::kOffset:
      return context.memory->load(cfa + value, target) ? StepStatus::kOk : StepStatus::kBadMemory;
    case RegisterRule::kValOffset:
      *target = cfa + value;
      return StepStatus::kOk;
    case RegisterRule::kRegister:
      if (value >= MachineRegisters::kCount) {
        return StepStatus::kMalformed;
      }
      *target = context.registers->value[value];
      return context.known.has(static_cast<unsigned>(value)) ? StepStatus::kOk : StepStatus::kNeedsRegister;
    case RegisterRule::kExpression: {
      uint64_t slot = 0;
      const StepStatus status = evaluate_expression(context, value, &cfa, &slot);
      if (status != StepStatus::kOk) {
        return status;
      }
      return context.memory->load(slot, target) ? StepStatus::kOk : StepStatus::kBadMemory;
    }
    case RegisterRule::kValExpression:
      return evaluate_expression(context, value, &cfa, target);
  }
  return StepStatus::kMalformed;
}

}  // namespace flarestack
