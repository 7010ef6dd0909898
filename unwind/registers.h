// SPDX-License-Identifier: Apache-2.0
// MachineRegisters and StackBounds: where an unwinding starts. Both sides; signal-safe (no code).
#pragma once

#include <array>
#include <cstdint>

namespace flarestack {

// Register values by their DWARF number (System V ABI, AMD64 supplement, figure 3.36): 0 rax, 1 rdx, 2 rcx, 3 rbx, 4
// rsi, 5 rdi, 6 rbp, 7 rsp, 8-15 r8-r15, 16 the return address column, rip.
struct MachineRegisters {
  static constexpr unsigned kRbx = 3, kRbp = 6, kRsp = 7, kRip = 16, kCount = 17;
  std::array<uint64_t, kCount> value{};
};

// Which registers of a MachineRegisters are known: bit n is register n.
struct RegisterMask {
  uint32_t bits = 0;
  static constexpr RegisterMask all() { return {(1u << MachineRegisters::kCount) - 1}; }
  constexpr bool has(unsigned reg) const { return reg < MachineRegisters::kCount && ((bits >> reg) & 1) != 0; }
  constexpr void set(unsigned reg, bool known) { bits = (bits & ~(1u << reg)) | (known ? 1u << reg : 0); }
};

// The part of the stack segment known to be readable when the unwinding starts. Loads outside it are copied page by
// page with process_vm_readv on ourselves (alternate stacks, coroutines); what cannot be read ends the trace.
struct StackBounds {
  uint64_t low = 0;   // usually the stack pointer
  uint64_t high = 0;  // one past the last byte; 0: nothing is known
  // Where the trace starts on another stack (low == high): a slot from here up to `high` that turns out to be readable
  // vouches for all above it. 0: none.
  uint64_t reachable_from = 0;
};

}  // namespace flarestack
