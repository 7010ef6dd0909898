// SPDX-License-Identifier: Apache-2.0
#include "unwind/packed_row.h"

#include "unwind/byte_cursor.h"
#include "unwind/dwarf_constants.h"

namespace flarestack {
namespace {

constexpr unsigned kRbp = MachineRegisters::kRbp, kRsp = MachineRegisters::kRsp, kRip = MachineRegisters::kRip;

constexpr bool fits(uint64_t offset, uint64_t limit) { return offset % 8 == 0 && offset >= 8 && offset < limit; }

// ld's expression for a PLT entry, which pushes 8 bytes at its byte 11 (10 with some): breg7 8, breg16 0, lit15, and,
// litN, ge, lit3, shl, plus. N, or 0: it is another expression.
[[gnu::noinline]] uint64_t plt_boundary(const UnwindModule& module, uint64_t block) {
  ByteCursor cursor(module, block);
  bool match = cursor.u8() == 11;
  match = cursor.u8() == dw_op::kBreg0 + kRsp && match;
  match = cursor.u8() == 8 && match;
  match = cursor.u8() == dw_op::kBreg0 + kRip && match;
  match = cursor.u8() == 0 && match;
  match = cursor.u8() == dw_op::kLit0 + 15 && match;
  match = cursor.u8() == dw_op::kAnd && match;
  const uint8_t boundary = cursor.u8();
  match = cursor.u8() == dw_op::kGe && match;
  match = cursor.u8() == dw_op::kLit0 + 3 && match;
  match = cursor.u8() == dw_op::kShl && match;
  match = cursor.u8() == dw_op::kPlus && match;
  match = match && boundary > dw_op::kLit0 && boundary < dw_op::kLit0 + 16 && cursor.ok();
  return match ? boundary - dw_op::kLit0 : 0;
}

// GCC's frames that realign the stack: CFA = *(rbp - N) and rbp saved at *(rbp + 0). N, or 0: it is another row.
[[gnu::noinline]] uint64_t deref_distance(const UnwindModule& module, const CfiRow& row) {
  if (row.rule[kRbp] != RegisterRule::kExpression) {
    return 0;
  }
  ByteCursor saved(module, static_cast<uint64_t>(row.value[kRbp]));
  bool match = saved.u8() == 2;
  match = saved.u8() == dw_op::kBreg0 + kRbp && match;
  match = saved.u8() == 0 && match;

  ByteCursor cfa(module, static_cast<uint64_t>(row.cfa_value));
  const uint64_t size = cfa.uleb();
  cfa.limit(size);
  match = cfa.u8() == dw_op::kBreg0 + kRbp && match;
  const int64_t offset = cfa.sleb();
  match = cfa.u8() == dw_op::kDeref && match;
  match = match && saved.ok() && cfa.ok() && cfa.at_end() && offset < 0 && offset > -4096;
  const auto distance = static_cast<uint64_t>(-offset);
  return match && fits(distance, PackedRow::kCfaLimit) ? distance : 0;
}

PackedRow pack(const UnwindModule& module, const CfiRow& row) {
  if (row.rule[kRip] == RegisterRule::kUndefined) {
    return PackedRow(RowKind::kEnd);
  }
  const bool usual_return = row.rule[kRip] == RegisterRule::kOffset && row.value[kRip] == -8;
  if (!usual_return || row.rule[kRsp] != RegisterRule::kSameValue) {
    return PackedRow(RowKind::kSlow);
  }
  if (row.cfa_is_expression) {
    if (row.rule[kRbp] == RegisterRule::kSameValue) {
      const uint64_t boundary = plt_boundary(module, static_cast<uint64_t>(row.cfa_value));
      return boundary != 0 ? PackedRow(RowKind::kPlt, boundary * 8) : PackedRow(RowKind::kSlow);
    }
    const uint64_t distance = deref_distance(module, row);
    return distance != 0 ? PackedRow(RowKind::kCfaDeref, distance) : PackedRow(RowKind::kSlow);
  }
  const auto cfa_offset = static_cast<uint64_t>(row.cfa_value);
  const uint64_t rbp_offset = 0 - static_cast<uint64_t>(row.value[kRbp]);
  const bool rbp_saved = row.rule[kRbp] == RegisterRule::kOffset && fits(rbp_offset, PackedRow::kRbpLimit);
  const bool packable =
      (row.cfa_register == kRsp || row.cfa_register == kRbp) && fits(cfa_offset, PackedRow::kCfaLimit);
  if (!packable || (!rbp_saved && row.rule[kRbp] != RegisterRule::kSameValue)) {
    return PackedRow(RowKind::kSlow);
  }
  return PackedRow(row.cfa_register == kRsp ? RowKind::kCfaRsp : RowKind::kCfaRbp, cfa_offset,
                   rbp_saved ? rbp_offset : 0);
}

}  // namespace

// A return address that is the first instruction of a function, with no code we know of before it, was not left by a
// call but put there by whoever made the stack: makecontext() lets a coroutine return to __start_context. It is the
// outermost frame, though its CFI does not say so (and does not cover pc - 1, where a return address is looked up). So
// is glibc's _dl_start_user, which has none.
PackedRow build_row(const UnwindModule* module, uint64_t lookup, CfiStepper* stepper) {
  if (module == nullptr) {
    return PackedRow(RowKind::kFramePointer);
  }
  const CfiRow* row = stepper->find_row(*module, lookup);
  if (row == nullptr) {
    return PackedRow(module->is_loader || stepper->starts_at(*module, lookup + 1) ? RowKind::kEnd
                                                                                  : RowKind::kFramePointer);
  }
  return stepper->row_is_signal_frame() ? PackedRow(RowKind::kSlow) : pack(*module, *row);
}

}  // namespace flarestack
