// SPDX-License-Identifier: Apache-2.0
#include "unwind/dwarf_expression.h"

#include "unwind/byte_cursor.h"
#include "unwind/dwarf_constants.h"

namespace flarestack {
namespace {

constexpr unsigned kMaxOperations = 1000;  // real ones have a dozen; `bra` can loop

class Evaluation {
 public:
  explicit Evaluation(const ExpressionContext& context) : context_(context), stack_(*context.stack) {}

  StepStatus run(uint64_t block, const uint64_t* cfa, uint64_t* result) {
    ByteCursor cursor(*context_.module, block);
    const uint64_t size = cursor.uleb();
    cursor.limit(size);
    const uint64_t begin = cursor.position();
    const uint64_t end = begin + cursor.left();
    if (cfa != nullptr) {
      push(*cfa);
    }
    for (unsigned count = 0; !cursor.at_end(); ++count) {
      if (count == kMaxOperations) {
        return StepStatus::kMalformed;
      }
      const uint8_t op = cursor.u8();
      if (op == dw_op::kBra || op == dw_op::kSkip) {
        const int64_t distance = cursor.fixed<int16_t>();
        if (op == dw_op::kSkip || pop() != 0) {
          const uint64_t target = cursor.position() + static_cast<uint64_t>(distance);
          if (target < begin) {
            return StepStatus::kMalformed;
          }
          cursor = ByteCursor(*context_.module, target, end);
        }
      } else {
        operation(op, &cursor);
      }
      if (!cursor.ok()) {
        status_ = StepStatus::kMalformed;
      }
      if (status_ != StepStatus::kOk) {
        return status_;
      }
    }
    *result = pop();
    return cursor.ok() ? status_ : StepStatus::kMalformed;
  }

 private:
  void fail(StepStatus status) {
    if (status_ == StepStatus::kOk) {
      status_ = status;
    }
  }
  void push(uint64_t value) {
    if (depth_ == stack_.size()) {
      fail(StepStatus::kMalformed);
    } else {
      stack_[depth_++] = value;
    }
  }
  uint64_t pop() {
    if (depth_ == 0) {
      fail(StepStatus::kMalformed);
      return 0;
    }
    return stack_[--depth_];
  }
  void push_copy_of(uint64_t index) {  // 0: the top
    if (index >= depth_) {
      fail(StepStatus::kMalformed);
    } else {
      push(stack_[depth_ - 1 - index]);
    }
  }
  void push_register(uint64_t reg, int64_t offset) {
    if (reg >= MachineRegisters::kCount) {
      fail(StepStatus::kMalformed);
    } else if (!context_.known.has(static_cast<unsigned>(reg))) {
      fail(StepStatus::kNeedsRegister);
    } else {
      push(context_.registers->value[reg] + static_cast<uint64_t>(offset));
    }
  }
  void dereference(unsigned bytes) {
    uint64_t value = 0;
    if (!context_.memory->load(pop(), &value)) {
      fail(StepStatus::kBadMemory);
    }
    push(bytes >= 8 ? value : value & ((uint64_t{1} << (8 * bytes)) - 1));
  }
  static uint64_t shifted(uint64_t value, uint64_t by, bool left) { return by > 63 ? 0 : left ? value << by : value >> by; }

  void operation(uint8_t op, ByteCursor* cursor) {
    if (op >= dw_op::kLit0 && op <= dw_op::kLit31) {
      push(op - dw_op::kLit0);
    } else if (op >= dw_op::kBreg0 && op <= dw_op::kBreg31) {
      push_register(op - dw_op::kBreg0, cursor->sleb());
    } else if (op >= dw_op::kConst1u && op <= dw_op::kConsts) {
      push(constant(op, cursor));
    } else if (op >= dw_op::kDup && op <= dw_op::kRot) {
      rearrange(op, cursor);
    } else {
      compute(op, cursor);
    }
  }

  static uint64_t constant(uint8_t op, ByteCursor* cursor) {
    switch (op) {
      case dw_op::kConst1u:
        return cursor->u8();
      case dw_op::kConst1s:
        return static_cast<uint64_t>(int64_t{cursor->fixed<int8_t>()});
      case dw_op::kConst2u:
        return cursor->fixed<uint16_t>();
      case dw_op::kConst2s:
        return static_cast<uint64_t>(int64_t{cursor->fixed<int16_t>()});
      case dw_op::kConst4u:
        return cursor->fixed<uint32_t>();
      case dw_op::kConst4s:
        return static_cast<uint64_t>(int64_t{cursor->fixed<int32_t>()});
      case dw_op::kConst8u:
      case dw_op::kConst8s:
        return cursor->fixed<uint64_t>();
      case dw_op::kConstu:
        return cursor->uleb();
      default:
        return static_cast<uint64_t>(cursor->sleb());
    }
  }

  void rearrange(uint8_t op, ByteCursor* cursor) {
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
        push_copy_of(cursor->u8());
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

  void compute(uint8_t op, ByteCursor* cursor) {
    switch (op) {
      case dw_op::kNop:
        return;
      case dw_op::kAddr:
        return push(cursor->fixed<uint64_t>());
      case dw_op::kBregx: {
        const uint64_t reg = cursor->uleb();
        return push_register(reg, cursor->sleb());
      }
      case dw_op::kDeref:
        return dereference(8);
      case dw_op::kDerefSize:
        return dereference(cursor->u8());
      case dw_op::kPlusUconst:
        return push(pop() + cursor->uleb());
      case dw_op::kNeg:
        return push(0 - pop());
      case dw_op::kNot:
        return push(~pop());
      case dw_op::kAbs: {
        const uint64_t value = pop();
        return push(value >> 63 != 0 ? 0 - value : value);
      }
      default:
        break;
    }
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
        return push(shifted(left, right, true));
      case dw_op::kShr:
        return push(shifted(left, right, false));
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

  const ExpressionContext& context_;
  std::array<uint64_t, 64>& stack_;
  unsigned depth_ = 0;
  StepStatus status_ = StepStatus::kOk;
};

}  // namespace

StepStatus evaluate_expression(const ExpressionContext& context, uint64_t block, const uint64_t* cfa, uint64_t* result) {
  return Evaluation(context).run(block, cfa, result);
}

}  // namespace flarestack
