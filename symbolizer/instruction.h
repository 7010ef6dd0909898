// SPDX-License-Identifier: Apache-2.0
// Instruction: one machine instruction with what a reader of a profile wants to know of it: its text, what it does,
// what it reads and writes, where it leads. Made by disassemble(). Offline side; plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace flarestack {

// What an instruction does. One that does several things is the first of them in this list that fits, but for
// kUndecoded and kOther.
enum class InstructionKind : uint8_t {
  kOther,         // arithmetic, mostly
  kUndecoded,     // no instruction that Capstone knows; one byte
  kPadding,       // nop, endbr64, int3
  kSystemCall,    // syscall, sysenter, int 0x80
  kPause,         // the hint of a spin-wait loop
  kFence,         // mfence, lfence, sfence, cpuid: waits for what came before
  kCall,          // of a known address
  kIndirectCall,  // of one in a register or in memory
  kReturn,        // also by hlt and ud2: what follows is not reached
  kConditionalJump,
  kJump,  // to a known address
  kIndirectJump,
  kString,  // movs, stos, cmps, scas, lods
  kIntegerDivide,
  kFloatDivide,  // and square roots
  kCompare,      // cmp, test, comis*: writes nothing but flags
  kMove,         // copies a value, of any register file, without changing it; also by cmov, push and pop
  kPrefetch,
};

// Registers as numbers: 0 to 15 the general purpose registers as the ISA numbers them (rax, rcx, rdx, rbx, rsp, rbp,
// rsi, rdi, r8...), 16 to 47 the vector registers, then k0 to k7, the flags, rip, and all of x87 and MMX as one. A part
// of a register is that register.
namespace registers {
inline constexpr unsigned kRax = 0, kRcx = 1, kRdx = 2, kRsp = 4, kRbp = 5, kRsi = 6, kRdi = 7;
inline constexpr unsigned kVector0 = 16, kMask0 = 48, kFlags = 56, kRip = 57, kX87 = 58, kCount = 59;
}  // namespace registers

class RegisterSet {
 public:
  constexpr RegisterSet() = default;
  constexpr void add(unsigned number) { bits_ |= uint64_t{1} << number; }
  constexpr void add(RegisterSet other) { bits_ |= other.bits_; }
  constexpr void remove(RegisterSet other) { bits_ &= ~other.bits_; }
  constexpr bool contains(unsigned number) const { return (bits_ >> number & 1) != 0; }
  constexpr bool meets(RegisterSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const RegisterSet&) const = default;

 private:
  uint64_t bits_ = 0;
};

// [base + index * scale + displacement]; a register that is not there is registers::kCount.
struct MemoryOperand {
  unsigned base = registers::kCount;
  unsigned index = registers::kCount;
  uint8_t scale = 1;
  int64_t displacement = 0;
  uint32_t size_bytes = 0;
  bool thread_local_data = false;  // relative to %fs or %gs
  RegisterSet address_registers() const {
    RegisterSet set;
    if (base < registers::kCount) set.add(base);
    if (index < registers::kCount) set.add(index);
    return set;
  }
};

// How it uses the vector registers.
enum class VectorUse : uint8_t { kNone, kScalarFloat, kPackedFloat, kPackedInteger };

struct Instruction {
  uint64_t module_offset = 0;
  uint8_t size_bytes = 0;
  std::string mnemonic;  // Intel's, with its prefixes: "rep movsq"
  std::string intel;     // "mov     rax, qword ptr [rbp - 8]"
  std::string att;       // "movq    -8(%rbp), %rax"
  InstructionKind kind = InstructionKind::kOther;
  bool loads = false;   // from memory that an operand names; a stack pointer that push, pop, call and ret imply is none
  bool stores = false;  // to such memory
  bool locked = false;  // atomically: a lock prefix, or xchg with memory
  bool repeated = false;
  bool has_memory = false;  // `memory` is an operand; lea has one and touches nothing
  MemoryOperand memory;
  RegisterSet reads;  // address registers as well
  RegisterSet writes;
  VectorUse vector_use = VectorUse::kNone;
  uint16_t vector_bits = 0;             // widest vector register: 128, 256, 512
  std::optional<uint64_t> target;       // module offset, of a call or jump to a known address
  std::optional<uint64_t> data_offset;  // module offset that an operand relative to rip names

  uint64_t end() const { return module_offset + size_bytes; }
  bool is_jump() const {
    return kind == InstructionKind::kJump || kind == InstructionKind::kConditionalJump ||
           kind == InstructionKind::kIndirectJump;
  }
  bool is_call() const { return kind == InstructionKind::kCall || kind == InstructionKind::kIndirectCall; }
  // The instruction behind it is not reached by going on.
  bool ends_flow() const {
    return kind == InstructionKind::kReturn || kind == InstructionKind::kJump || kind == InstructionKind::kIndirectJump;
  }
};

// "rax", "xmm3", "flags"; of a part of a register the whole one's name.
std::string register_name(unsigned number);

}  // namespace flarestack
