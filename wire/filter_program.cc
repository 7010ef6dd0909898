// SPDX-License-Identifier: Apache-2.0
// The instructions are those that Linux lets through in kernel/seccomp.c, seccomp_check_filter().
#include "wire/filter_program.h"

#include <cstring>

namespace flarestack {
namespace {

// False: a division by zero, which ends the program with 0.
bool compute(uint16_t code, uint32_t operand, uint32_t& accumulator) {
  switch (BPF_OP(code)) {
    case BPF_ADD:
      accumulator += operand;
      return true;
    case BPF_SUB:
      accumulator -= operand;
      return true;
    case BPF_MUL:
      accumulator *= operand;
      return true;
    case BPF_DIV:
      if (operand == 0) {
        return false;
      }
      accumulator /= operand;
      return true;
    case BPF_AND:
      accumulator &= operand;
      return true;
    case BPF_OR:
      accumulator |= operand;
      return true;
    case BPF_XOR:
      accumulator ^= operand;
      return true;
    case BPF_LSH:
      accumulator = operand < 32 ? accumulator << operand : 0;
      return true;
    case BPF_RSH:
      accumulator = operand < 32 ? accumulator >> operand : 0;
      return true;
    case BPF_NEG:
      accumulator = -accumulator;
      return true;
    default:
      return false;
  }
}

bool compare(uint16_t code, uint32_t accumulator, uint32_t operand) {
  switch (BPF_OP(code)) {
    case BPF_JEQ:
      return accumulator == operand;
    case BPF_JGT:
      return accumulator > operand;
    case BPF_JGE:
      return accumulator >= operand;
    default:
      return (accumulator & operand) != 0;  // BPF_JSET
  }
}

}  // namespace

uint32_t run_filter(const sock_filter* code, size_t count, const seccomp_data& data) {
  uint32_t accumulator = 0;
  uint32_t index = 0;
  uint32_t memory[BPF_MEMWORDS] = {};
  // Jumps go forward only, so this ends.
  for (size_t at = 0; at < count; ++at) {
    const sock_filter& step = code[at];
    const uint32_t operand = BPF_SRC(step.code) == BPF_X ? index : step.k;
    switch (BPF_CLASS(step.code)) {
      case BPF_LD:
      case BPF_LDX: {
        uint32_t value = step.k;  // BPF_IMM
        if (BPF_MODE(step.code) == BPF_ABS && step.k <= sizeof(data) - sizeof(value)) {
          memcpy(&value, reinterpret_cast<const char*>(&data) + step.k, sizeof(value));
        } else if (BPF_MODE(step.code) == BPF_LEN) {
          value = sizeof(data);
        } else if (BPF_MODE(step.code) == BPF_MEM) {
          value = memory[step.k % BPF_MEMWORDS];
        }
        (BPF_CLASS(step.code) == BPF_LD ? accumulator : index) = value;
        break;
      }
      case BPF_ST:
        memory[step.k % BPF_MEMWORDS] = accumulator;
        break;
      case BPF_STX:
        memory[step.k % BPF_MEMWORDS] = index;
        break;
      case BPF_ALU:
        if (!compute(step.code, operand, accumulator)) {
          return SECCOMP_RET_KILL_THREAD;  // 0
        }
        break;
      case BPF_JMP:
        at += BPF_OP(step.code) == BPF_JA ? step.k : (compare(step.code, accumulator, operand) ? step.jt : step.jf);
        break;
      case BPF_RET:
        return BPF_RVAL(step.code) == BPF_A ? accumulator : step.k;
      default:  // BPF_MISC
        (BPF_MISCOP(step.code) == BPF_TAX ? index : accumulator) =
            BPF_MISCOP(step.code) == BPF_TAX ? accumulator : index;
        break;
    }
  }
  return SECCOMP_RET_KILL_PROCESS;
}

}  // namespace flarestack
