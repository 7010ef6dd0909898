// SPDX-License-Identifier: Apache-2.0
// Inline hooks: a jump over a function's entry to a hook, and a way to call the function all the same
// (docs/inline-hooks.md). Pure planning: bytes in, bytes out, nothing of a target is touched. Recorder side.
//
//   entry:        jmp stub                      5 bytes, over the function's first instructions
//   stub:         lea trampoline(%rip), %ARG    ARG: the argument register behind the entry's own
//                 jmp *hook
//   trampoline:   the displaced instructions, relocated
//                 jmp entry + n
//
// displace_entry() judges and decodes a function once, wherever it will lie; build_hook() makes the code for one place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace flarestack {

inline constexpr size_t kEntryJumpBytes = 5;          // jmp rel32
inline constexpr size_t kMaxDisplacedBytes = 4 + 15;  // up to the last instruction that begins within the jump
inline constexpr size_t kHookCodeBytes = 64;          // room for a stub and its trampoline

// A function as it lies in its file.
struct FunctionCode {
  std::span<const uint8_t> bytes;  // from its entry, and some of what is behind it
  size_t size_bytes = 0;           // of the function itself; behind it padding may follow. 0: unknown, all of `bytes`
  size_t room_bytes = SIZE_MAX;    // from its entry to the next place that has a name
};

struct DisplacedInstruction {
  enum class Kind : uint8_t {
    kCopied,           // means the same anywhere
    kRipRelative,      // with an operand relative to the program counter
    kJump,             // jmp rel8, jmp rel32
    kConditionalJump,  // jcc rel8, jcc rel32
    kCall,             // call rel32, the last one displaced
    kCallThrough,      // call *disp32(%rip), the last one displaced
  };
  Kind kind = Kind::kCopied;
  uint8_t size_bytes = 0;
  uint8_t displacement_at = 0;  // kRipRelative: where in `bytes` its 32 bits are
  uint8_t condition = 0;        // kConditionalJump: the low four bits of its opcode
  int64_t target = 0;           // all but kCopied: as a distance from the function's entry
  std::array<uint8_t, 15> bytes{};
};

// What the jump displaces.
struct DisplacedEntry {
  std::vector<uint8_t> original;  // bytes from the entry, at least kEntryJumpBytes
  std::vector<DisplacedInstruction> instructions;
  bool returns_to_function = true;  // false: the last one is a jump, a return or a call
};

// Error: why the function cannot be hooked, as the rest of a sentence that begins with its name: "it is shorter than a
// jump".
Result<DisplacedEntry> displace_entry(const FunctionCode& function);

struct HookPlace {
  uint64_t entry_address = 0;
  uint64_t code_address = 0;  // of kHookCodeBytes, within 2 GiB of the entry
  uint64_t hook_address = 0;
  // How many arguments the entry has, 0 to 5; the next one is the trampoline. None: the hook knows where that is.
  std::optional<uint32_t> arity;
};

struct HookCode {
  std::vector<uint8_t> code;  // for code_address
  uint64_t trampoline_address = 0;
  std::array<uint8_t, kEntryJumpBytes> entry_jump{};
};

// Error: something is out of reach from the code's place.
Result<HookCode> build_hook(const DisplacedEntry& entry, const HookPlace& place);

// For callers that are led to the stub by a pointer: nothing is displaced, and the trampoline is a jump to the entry.
// The code may be anywhere; there is no jump to it.
HookCode build_table_hook(const HookPlace& place);

}  // namespace flarestack
