// SPDX-License-Identifier: Apache-2.0
#include "unwind/byte_cursor.h"
#include "unwind/code_patterns.h"

namespace flarestack {
namespace {

// mov $15, %rax; syscall: rt_sigreturn.
constexpr uint8_t kSignalReturn[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};

bool stands_at(const UnwindModule& module, uint64_t address, const uint8_t* pattern, unsigned size) {
  ByteCursor code(module, address);
  for (unsigned i = 0; i < size; ++i) {
    if (code.u8() != pattern[i]) {
      return false;
    }
  }
  return code.ok();
}

// How many bytes a PLT entry has pushed at `lookup`, plus the return address; 0: it is no PLT entry. The entries
// (System V ABI, AMD64 supplement, figure 5.2) are 16 bytes: jmp *; push; jmp. The first one: push *; jmp *.
uint64_t plt_cfa_offset(const UnwindModule& module, uint64_t lookup) {
  constexpr uint8_t kJumpIndirect[] = {0xff, 0x25}, kPushIndirect[] = {0xff, 0x35}, kPush[] = {0x68}, kJump[] = {0xe9};
  const uint64_t entry = lookup & ~uint64_t{15};
  const uint64_t offset = lookup - entry;
  if (stands_at(module, entry, kJumpIndirect, 2) && stands_at(module, entry + 6, kPush, 1) &&
      stands_at(module, entry + 11, kJump, 1)) {
    return offset == 0 || offset == 6 ? 8 : offset == 11 ? 16 : 0;
  }
  if (stands_at(module, entry, kPushIndirect, 2) && stands_at(module, entry + 6, kJumpIndirect, 2)) {
    return offset == 0 ? 16 : offset == 6 ? 24 : 0;
  }
  return 0;
}

void set_register(CfiRow* row, unsigned reg, int64_t offset) {
  row->rule[reg] = RegisterRule::kOffset;
  row->value[reg] = offset;
}

}  // namespace

CodePattern match_code(const UnwindModule& module, uint64_t lookup, CfiRow* row) {
  *row = CfiRow{};
  row->cfa_register = MachineRegisters::kRsp;
  const uint64_t plt = plt_cfa_offset(module, lookup);
  if (plt != 0) {
    row->cfa_value = static_cast<int64_t>(plt);
    set_register(row, MachineRegisters::kRip, -8);
    return CodePattern::kPltEntry;
  }
  // A return address is looked up one byte before.
  if (stands_at(module, lookup, kSignalReturn, sizeof kSignalReturn) ||
      stands_at(module, lookup + 1, kSignalReturn, sizeof kSignalReturn)) {
    // rsp points at the kernel's ucontext (Linux arch/x86/include/asm/sigframe.h): gregs are at 40, in this order.
    constexpr uint8_t kOrder[] = {8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16};
    for (unsigned i = 0; i < sizeof kOrder; ++i) {
      set_register(row, kOrder[i], 40 + 8 * int64_t{i});
    }
    return CodePattern::kSignalReturn;
  }
  return CodePattern::kNone;
}

}  // namespace flarestack
