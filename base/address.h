// SPDX-License-Identifier: Apache-2.0
// Kinds of address, so that the compiler tells them apart. Any side; signal-safe (no calls).
#pragma once

#include <compare>
#include <cstdint>

namespace flarestack {

// An address in the target's address space.
struct RuntimeAddress {
  uint64_t value = 0;
  constexpr auto operator<=>(const RuntimeAddress&) const = default;
};

// A runtime address minus its module's load bias: the address that the ELF file's own tables use (p_vaddr, st_value,
// DWARF). Not a file offset.
struct ModuleOffset {
  uint64_t value = 0;
  constexpr auto operator<=>(const ModuleOffset&) const = default;
};

// How a program counter of a stack came to be.
enum class AddressKind : uint8_t {
  kReturnAddress = 0,  // read from the stack: the call is the instruction BEFORE it
  kInstruction = 1,    // the leaf, or the frame a signal interrupted: the instruction itself
};

// A program counter as it crosses the ring and lies in unwind caches: 63 bits of address and, in bit 63, its kind.
// x86-64 user addresses have at most 56 bits, so the bit is free (Linux Documentation/arch/x86/x86_64/5level-paging).
class FrameAddress {
 public:
  constexpr FrameAddress() = default;
  constexpr FrameAddress(RuntimeAddress address, AddressKind kind)
      : bits_((address.value & ~kInstructionBit) | (kind == AddressKind::kInstruction ? kInstructionBit : 0)) {}
  static constexpr FrameAddress from_bits(uint64_t bits) {
    FrameAddress frame;
    frame.bits_ = bits;
    return frame;
  }
  constexpr uint64_t bits() const { return bits_; }
  constexpr RuntimeAddress address() const { return {bits_ & ~kInstructionBit}; }
  constexpr AddressKind kind() const {
    return (bits_ & kInstructionBit) != 0 ? AddressKind::kInstruction : AddressKind::kReturnAddress;
  }
  // The address to look up in symbol, line and CFI tables: the one place that knows the "minus one" rule.
  constexpr RuntimeAddress lookup() const {
    return {kind() == AddressKind::kReturnAddress ? address().value - 1 : address().value};
  }
  constexpr bool operator==(const FrameAddress&) const = default;

 private:
  static constexpr uint64_t kInstructionBit = uint64_t{1} << 63;
  uint64_t bits_ = 0;
};
static_assert(sizeof(FrameAddress) == 8);

}  // namespace flarestack
