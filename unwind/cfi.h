// SPDX-License-Identifier: Apache-2.0
// Call frame information: from a program counter to the rules that restore its caller's registers. Finds the frame
// description entry (FDE) by the search table of .eh_frame_hdr and runs its program. No state, no allocation; every
// byte is untrusted and bounds-checked. Both sides.
#pragma once

#include <array>
#include <cstdint>

#include "unwind/module_snapshot.h"
#include "unwind/registers.h"

namespace flarestack {

// How a register of the caller is found (DWARF 5, section 6.4.1).
enum class RegisterRule : uint8_t {
  kSameValue,  // also: no rule, as GCC and LLVM mean it
  kUndefined,
  kOffset,         // saved at CFA + value
  kValOffset,      // is CFA + value
  kRegister,       // is in register `value`
  kExpression,     // saved at the address the expression at runtime address `value` yields
  kValExpression,  // is what that expression yields
};

// One row of the table that an FDE's program spells.
struct CfiRow {
  std::array<int64_t, MachineRegisters::kCount> value{};
  std::array<RegisterRule, MachineRegisters::kCount> rule{};
  bool cfa_is_expression = false;
  uint8_t cfa_register = 0;
  int64_t cfa_value = 0;  // CFA = register + this, or the runtime address of the expression (its ULEB128 length first)
};

// An FDE with what its common information entry (CIE) says. Addresses are runtime addresses.
struct FrameDescription {
  uint64_t code_start = 0;
  uint64_t code_end = 0;
  uint64_t program = 0;
  uint64_t program_end = 0;
  uint64_t initial_program = 0;
  uint64_t initial_program_end = 0;
  uint64_t code_align = 0;
  int64_t data_align = 0;
  uint8_t pointer_encoding = 0;
  bool has_augmentation_data = false;  // 'z': the FDE has data before its program
  bool signal_frame = false;           // a signal trampoline: the caller's pc is exact ('S' augmentation)
};

// Memory for run_cfi(), kept off the handler's stack. GCC nests remember_state once; eight is generous.
struct CfiScratch {
  static constexpr unsigned kRemembered = 8;
  CfiRow row;
  CfiRow initial;
  std::array<CfiRow, kRemembered> remembered;
};

// The FDE that covers `lookup`; false: none does, or it is malformed. [signal]
bool find_frame_description(const UnwindModule& module, uint64_t lookup, FrameDescription* found);

// The FDE at a runtime address; false: there is a CIE, or it is malformed. [signal]
bool read_frame_description(const UnwindModule& module, uint64_t fde_address, FrameDescription* found);

// Runs the programs of CIE and FDE up to `lookup` and leaves the rules in scratch->row; false: malformed. [signal]
bool run_cfi(const UnwindModule& module, const FrameDescription& fde, uint64_t lookup, CfiScratch* scratch);

}  // namespace flarestack
