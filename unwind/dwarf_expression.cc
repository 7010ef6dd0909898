// SPDX-License-Identifier: Apache-2.0
#include "unwind/dwarf_expression.h"

#include "unwind/byte_cursor.h"
#include "unwind/dwarf_constants.h"

namespace flarestack {
namespace {

constexpr unsigned kMaxOperations = 1000;  // real ones have a dozen; `bra` can loop

uint64_t shift_left(uint64_t value, uint64_t by) { return by > 63 ? 0 : value << by; }
uint64_t shift_right(uint64_t value, uint64_t by) { return by > 63 ? 0 : value >> by; }

}  // namespace

StepStatus ExpressionMachine::evaluate(const ExpressionContext& context, uint64_t block, const uint64_t* cfa,
                                       uint64_t* result) {
  context_ = &context;
  cursor_ = ByteCursor(*context.module, block);
  cursor_.limit(cursor_.uleb());
  begin_ = cursor_.position();
  end_ = begin_ + cursor_.left();
  status_ = StepStatus::kOk;
  depth_ = 0;
  if (cfa != nullptr) {
    push(*cfa);
  }
  for (unsigned count = 0; !cursor_.at_end() && status_ == StepStatus::kOk; ++count) {
    if (count == kMaxOperations) {
      fail(StepStatus::kMalformed);
    }
    operation(cursor_.u8());
    if (!cursor_.ok()) {
      fail(StepStatus::kMalformed);
    }
  }
  const uint64_t top = pop();
  if (!cursor_.ok()) {
    fail(StepStatus::kMalformed);
  }
  if (status_ == StepStatus::kOk) {
    *result = top;
  }
  return status_;
}

void ExpressionMachine::fail(StepStatus status) {
  if (status_ == StepStatus::kOk) {
    status_ = status;
  }
}

void ExpressionMachine::push(uint64_t value) {
  if (depth_ == stack_.size()) {
    fail(StepStatus::kMalformed);
  } else {
    stack_[depth_++] = value;
  }
}

uint64_t ExpressionMachine::pop() {
  if (depth_ == 0) {
    fail(StepStatus::kMalformed);
    return 0;
  }
  return stack_[--depth_];
}

// 0: the top.
void ExpressionMachine::push_copy_of(uint64_t index) {
  if (index >= depth_) {
    fail(StepStatus::kMalformed);
  } else {
    push(stack_[depth_ - 1 - index]);
  }
}

void ExpressionMachine::push_register(uint64_t reg, int64_t offset) {
  if (reg >= MachineRegisters::kCount) {
    fail(StepStatus::kMalformed);
  } else if (!context_->known.has(static_cast<unsigned>(reg))) {
    fail(StepStatus::kNeedsRegister);
  } else {
    push(context_->registers->value[reg] + static_cast<uint64_t>(offset));
  }
}

void ExpressionMachine::dereference(unsigned bytes) {
  uint64_t value = 0;
  if (!context_->memory->load(pop(), &value)) {
    fail(StepStatus::kBadMemory);
  }
  push(bytes >= 8 ? value : value & ((uint64_t{1} << (8 * bytes)) - 1));
}

void ExpressionMachine::jump(uint8_t op) {
  const int64_t distance = cursor_.fixed<int16_t>();
  if (op == dw_op::kSkip || pop() != 0) {
    const uint64_t target = cursor_.position() + static_cast<uint64_t>(distance);
    cursor_ = ByteCursor(*context_->module, target, end_);
    if (target < begin_) {
      fail(StepStatus::kMalformed);
    }
  }
}

void ExpressionMachine::operation(uint8_t op) {
  if (op >= dw_op::kLit0 && op <= dw_op::kLit31) {
    push(op - dw_op::kLit0);
  } else if (op >= dw_op::kBreg0 && op <= dw_op::kBreg31) {
    push_register(op - dw_op::kBreg0, cursor_.sleb());
  } else if (op >= dw_op::kConst1u && op <= dw_op::kConsts) {
    push(constant(op));
  } else if (op == dw_op::kBra || op == dw_op::kSkip) {
    jump(op);
  } else if (op >= dw_op::kDup && op <= dw_op::kRot) {
    rearrange(op);
  } else {
    compute(op);
  }
}

uint64_t ExpressionMachine::constant(uint8_t op) {
  switch (op) {
    case dw_op::kConst1u:
      return cursor_.u8();
    case dw_op::kConst1s:
      return static_cast<uint64_t>(int64_t{cursor_.fixed<int8_t>()});
    case dw_op::kConst2u:
      return cursor_.fixed<uint16_t>();
    case dw_op::kConst2s:
      return static_cast<uint64_t>(int64_t{cursor_.fixed<int16_t>()});
    case dw_op::kConst4u:
      return cursor_.fixed<uint32_t>();
    case dw_op::kConst4s:
      return static_cast<uint64_t>(int64_t{cursor_.fixed<int32_t>()});
    case dw_op::kConst8u:
    case dw_op::kConst8s:
      return cursor_.fixed<uint64_t>();
    case dw_op::kConstu:
      return cursor_.uleb();
    default:
      return static_cast<uint64_t>(cursor_.sleb());
  }
}

void ExpressionMachine::rearrange(uint8_t op) {
  switch (op) {
    case dw_op::kDup:
      push_copy_of(0);
      break;
    case dw_op::kDrop:
      pop();
      break;
    case dw_op::kOver:
      push_copy_of(1);
      break;
    case dw_op::kPick:
      push_copy_of(cursor_.u8());
      break;
    case dw_op::kSwap: {
      const uint64_t top = pop();
      const uint64_t second = pop();
      push(top);
      push(second);
      break;
    }
    default: {  // rot: the top becomes the third
      const uint64_t top = pop();
      const uint64_t second = pop();
      const uint64_t third = pop();
      push(top);
      push(third);
      push(second);
      break;
    }
  }
}

void ExpressionMachine::compute(uint8_t op) {
  switch (op) {
    case dw_op::kNop:
      return;
    case dw_op::kAddr:
      return push(cursor_.fixed<uint64_t>());
    case dw_op::kBregx: {
      const uint64_t reg = cursor_.uleb();
      return push_register(reg, cursor_.sleb());
    }
    case dw_op::kDeref:
      return dereference(8);
    case dw_op::kDerefSize:
      return dereference(cursor_.u8());
    case dw_op::kPlusUconst:
      return push(pop() + cursor_.uleb());
    case dw_op::kNeg:
      return push(0 - pop());
    case dw_op::kNot:
      return push(~pop());
    case dw_op::kAbs: {
      const uint64_t value = pop();
      return push(value >> 63 != 0 ? 0 - value : value);
    }
    default:
      return compute_binary(op);
  }
}

void ExpressionMachine::compute_binary(uint8_t op) {
  const uint64_t right = pop();
  const uint64_t left = pop();
  const auto signed_right = static_cast<int64_t>(right);
  const auto signed_left = static_cast<int64_t>(left);
  switch (op) {
    case dw_op::kAnd:
      return push(left & right);
    case dw_op::kOr:
      return push(left | right);
    case dw_op::kXor:
      return push(left ^ right);
    case dw_op::kPlus:
      return push(left + right);
    case dw_op::kMinus:
      return push(left - right);
    case dw_op::kMul:
      return push(left * right);
    case dw_op::kDiv:  // signed, and the one quotient that overflows wraps
      if (right == 0) {
        return fail(StepStatus::kMalformed);
      }
      return push(signed_right == -1 ? 0 - left : static_cast<uint64_t>(signed_left / signed_right));
    case dw_op::kMod:
      return right == 0 ? fail(StepStatus::kMalformed) : push(left % right);
    case dw_op::kShl:
      return push(shift_left(left, right));
    case dw_op::kShr:
      return push(shift_right(left, right));
    case dw_op::kShra:
      return push(static_cast<uint64_t>(signed_left >> (right > 63 ? 63 : right)));
    case dw_op::kEq:
      return push(left == right);
    case dw_op::kNe:
      return push(left != right);
    case dw_op::kGe:
      return push(signed_left >= signed_right);
    case dw_op::kGt:
      return push(signed_left > signed_right);
    case dw_op::kLe:
      return push(signed_left <= signed_right);
    case dw_op::kLt:
      return push(signed_left < signed_right);
    default:
      return fail(StepStatus::kMalformed);
  }
}

}  // namespace flarestack
