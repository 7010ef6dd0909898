// SPDX-License-Identifier: Apache-2.0
#include "unwind/cfi_step.h"

#include "unwind/code_patterns.h"

namespace flarestack {
namespace {

constexpr unsigned kRbp = MachineRegisters::kRbp, kRsp = MachineRegisters::kRsp, kRip = MachineRegisters::kRip;

}  // namespace

const CfiRow* CfiStepper::find_row(const UnwindModule& module, uint64_t lookup) {
  if (find_frame_description(module, lookup, &fde_)) {
    return run_cfi(module, fde_, lookup, &scratch_) ? &scratch_.row : nullptr;
  }
  const CodePattern pattern = match_code(module, lookup, &scratch_.row);
  fde_.signal_frame = pattern == CodePattern::kSignalReturn;
  return pattern != CodePattern::kNone ? &scratch_.row : nullptr;
}

StepStatus CfiStepper::step(const UnwindModule& module, StackMemory* memory, FrameState* state) {
  if (find_row(module, state->lookup()) == nullptr) {
    return StepStatus::kMalformed;
  }
  if (scratch_.row.rule[kRip] == RegisterRule::kUndefined) {
    return StepStatus::kRoot;
  }
  context_ = {&module, &state->registers, state->known, memory};
  const StepStatus cfa_status = find_cfa();
  if (cfa_status != StepStatus::kOk) {
    return cfa_status;
  }
  caller_.known = {};
  caller_.exact_pc = fde_.signal_frame;
  for (unsigned reg = 0; reg < MachineRegisters::kCount; ++reg) {
    const StepStatus status = caller_register(reg, &caller_.registers.value[reg]);
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

StepStatus CfiStepper::find_cfa() {
  const CfiRow& row = scratch_.row;
  if (row.cfa_is_expression) {
    return expression_.evaluate(context_, static_cast<uint64_t>(row.cfa_value), nullptr, &cfa_);
  }
  if (row.cfa_register >= MachineRegisters::kCount) {
    return StepStatus::kMalformed;
  }
  cfa_ = context_.registers->value[row.cfa_register] + static_cast<uint64_t>(row.cfa_value);
  return context_.known.has(row.cfa_register) ? StepStatus::kOk : StepStatus::kNeedsRegister;
}

// kRoot stands for "undefined here".
StepStatus CfiStepper::caller_register(unsigned reg, uint64_t* target) {
  const auto value = static_cast<uint64_t>(scratch_.row.value[reg]);
  switch (scratch_.row.rule[reg]) {
    case RegisterRule::kSameValue:
      if (reg == kRsp) {
        *target = cfa_;
        return StepStatus::kOk;
      }
      if (reg == kRip) {
        return StepStatus::kMalformed;  // a caller at our own pc
      }
      *target = context_.registers->value[reg];
      return context_.known.has(reg) ? StepStatus::kOk : StepStatus::kNeedsRegister;
    case RegisterRule::kUndefined:
      return StepStatus::kRoot;
    case RegisterRule::kOffset:
      return context_.memory->load(cfa_ + value, target) ? StepStatus::kOk : StepStatus::kBadMemory;
    case RegisterRule::kValOffset:
      *target = cfa_ + value;
      return StepStatus::kOk;
    case RegisterRule::kRegister:
      if (value >= MachineRegisters::kCount) {
        return StepStatus::kMalformed;
      }
      *target = context_.registers->value[value];
      return context_.known.has(static_cast<unsigned>(value)) ? StepStatus::kOk : StepStatus::kNeedsRegister;
    case RegisterRule::kExpression: {
      const StepStatus status = expression_.evaluate(context_, value, &cfa_, target);
      if (status != StepStatus::kOk) {
        return status;
      }
      return context_.memory->load(*target, target) ? StepStatus::kOk : StepStatus::kBadMemory;
    }
    case RegisterRule::kValExpression:
      return expression_.evaluate(context_, value, &cfa_, target);
  }
  return StepStatus::kMalformed;
}

}  // namespace flarestack
