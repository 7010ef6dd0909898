// SPDX-License-Identifier: Apache-2.0
// The numbers of call frame information: DWARF 5 (sections 7.7.1 and 7.24), LSB 5.0 core (10.5 and 10.6) for the GNU
// and .eh_frame ones. No code.
#pragma once

#include <cstdint>

namespace flarestack {

namespace pointer_encoding {  // DW_EH_PE_*
constexpr uint8_t kAbsolute = 0x00, kUleb128 = 0x01, kUdata2 = 0x02, kUdata4 = 0x03, kUdata8 = 0x04, kSleb128 = 0x09,
                  kSdata2 = 0x0a, kSdata4 = 0x0b, kSdata8 = 0x0c, kFormatMask = 0x0f;
constexpr uint8_t kPcRelative = 0x10, kDataRelative = 0x30, kBaseMask = 0xf0, kOmitted = 0xff;
}  // namespace pointer_encoding

namespace cfa_op {  // DW_CFA_*; the first three keep an operand in their low 6 bits
constexpr uint8_t kAdvanceLoc = 0x40, kOffset = 0x80, kRestore = 0xc0, kHighMask = 0xc0, kLowMask = 0x3f;
constexpr uint8_t kNop = 0x00, kSetLoc = 0x01, kAdvanceLoc1 = 0x02, kAdvanceLoc2 = 0x03, kAdvanceLoc4 = 0x04,
                  kOffsetExtended = 0x05, kRestoreExtended = 0x06, kUndefined = 0x07, kSameValue = 0x08,
                  kRegister = 0x09, kRememberState = 0x0a, kRestoreState = 0x0b, kDefCfa = 0x0c, kDefCfaRegister = 0x0d,
                  kDefCfaOffset = 0x0e, kDefCfaExpression = 0x0f, kExpression = 0x10, kOffsetExtendedSf = 0x11,
                  kDefCfaSf = 0x12, kDefCfaOffsetSf = 0x13, kValOffset = 0x14, kValOffsetSf = 0x15,
                  kValExpression = 0x16, kGnuArgsSize = 0x2e, kGnuNegativeOffsetExtended = 0x2f;
}  // namespace cfa_op

namespace dw_op {  // DW_OP_*
constexpr uint8_t kAddr = 0x03, kDeref = 0x06, kConst1u = 0x08, kConst1s = 0x09, kConst2u = 0x0a, kConst2s = 0x0b,
                  kConst4u = 0x0c, kConst4s = 0x0d, kConst8u = 0x0e, kConst8s = 0x0f, kConstu = 0x10, kConsts = 0x11,
                  kDup = 0x12, kDrop = 0x13, kOver = 0x14, kPick = 0x15, kSwap = 0x16, kRot = 0x17, kAbs = 0x19,
                  kAnd = 0x1a, kDiv = 0x1b, kMinus = 0x1c, kMod = 0x1d, kMul = 0x1e, kNeg = 0x1f, kNot = 0x20,
                  kOr = 0x21, kPlus = 0x22, kPlusUconst = 0x23, kShl = 0x24, kShr = 0x25, kShra = 0x26, kXor = 0x27,
                  kBra = 0x28, kEq = 0x29, kGe = 0x2a, kGt = 0x2b, kLe = 0x2c, kLt = 0x2d, kNe = 0x2e, kSkip = 0x2f,
                  kLit0 = 0x30, kLit31 = 0x4f, kReg0 = 0x50, kReg31 = 0x6f, kBreg0 = 0x70, kBreg31 = 0x8f,
                  kBregx = 0x92, kDerefSize = 0x94, kNop = 0x96;
}  // namespace dw_op

}  // namespace flarestack
