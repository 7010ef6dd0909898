// SPDX-License-Identifier: Apache-2.0
// The code of a hook: encodings are those of Intel's SDM, volume 2.
#include <cassert>
#include <cstring>
#include <iterator>

#include "profiler/inline_hook.h"

namespace flarestack {
namespace {

using Kind = DisplacedInstruction::Kind;

constexpr size_t kHookPointerAt = 16;  // in the stub, aligned
constexpr size_t kTrampolineAt = 24;

// Writes instructions one behind the other.
class CodeWriter {
 public:
  explicit CodeWriter(uint64_t address) : address_(address) {}

  void add(std::initializer_list<uint8_t> bytes) { code_.insert(code_.end(), bytes); }
  void add_copy(const uint8_t* bytes, size_t count) { code_.insert(code_.end(), bytes, bytes + count); }
  void add_32(uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
      code_.push_back(static_cast<uint8_t>(value >> shift));
    }
  }
  // The last operand of an instruction that ends `tail_bytes` behind it: the distance to `target`.
  void add_distance(uint64_t target, size_t tail_bytes = 0) {
    const auto distance = static_cast<int64_t>(target - (here() + 4 + tail_bytes));
    reachable_ = reachable_ && distance == static_cast<int32_t>(distance);
    add_32(static_cast<uint32_t>(distance));
  }
  void add_64(uint64_t value) {
    add_32(static_cast<uint32_t>(value));
    add_32(static_cast<uint32_t>(value >> 32));
  }
  void pad_to(size_t size_bytes) { code_.resize(size_bytes, 0xcc); }

  uint64_t here() const { return address_ + code_.size(); }
  bool reachable() const { return reachable_; }
  std::vector<uint8_t> take() { return std::move(code_); }

 private:
  uint64_t address_;
  bool reachable_ = true;
  std::vector<uint8_t> code_;
};

// lea address(%rip), REGISTER of the argument with this number (System V ABI: rdi rsi rdx rcx r8 r9).
void add_load_argument(CodeWriter& code, uint32_t argument, uint64_t address) {
  constexpr uint8_t kRex[] = {0x48, 0x48, 0x48, 0x48, 0x4c, 0x4c};
  constexpr uint8_t kModRm[] = {0x3d, 0x35, 0x15, 0x0d, 0x05, 0x0d};
  code.add({kRex[argument], 0x8d, kModRm[argument]});
  code.add_distance(address);
}

// push of a 64-bit constant: push imm32, then the upper half (movl imm32, 4(%rsp)). A call may do so: below the stack
// pointer a caller keeps nothing across it.
void add_push(CodeWriter& code, uint64_t value) {
  code.add({0x68});
  code.add_32(static_cast<uint32_t>(value));
  code.add({0xc7, 0x44, 0x24, 0x04});
  code.add_32(static_cast<uint32_t>(value >> 32));
}

// `behind`: what follows the displaced bytes in the function.
void add_displaced(CodeWriter& code, const DisplacedInstruction& instruction, uint64_t entry_address, uint64_t behind) {
  const uint64_t target = entry_address + static_cast<uint64_t>(instruction.target);
  switch (instruction.kind) {
    case Kind::kCopied:
      code.add_copy(instruction.bytes.data(), instruction.size_bytes);
      break;
    case Kind::kRipRelative: {
      const size_t tail_at = instruction.displacement_at + size_t{4};
      const size_t tail_bytes = instruction.size_bytes - tail_at;
      code.add_copy(instruction.bytes.data(), instruction.displacement_at);
      code.add_distance(target, tail_bytes);
      code.add_copy(instruction.bytes.data() + tail_at, tail_bytes);
      break;
    }
    case Kind::kJump:
      code.add({0xe9});
      code.add_distance(target);
      break;
    case Kind::kConditionalJump:
      code.add({0x0f, static_cast<uint8_t>(0x80 | instruction.condition)});
      code.add_distance(target);
      break;
    case Kind::kCall:  // returns straight into the function, so that no return address is ever in a trampoline
      add_push(code, behind);
      code.add({0xe9});
      code.add_distance(target);
      break;
    case Kind::kCallThrough:
      add_push(code, behind);
      code.add({0xff, 0x25});
      code.add_distance(target);
      break;
  }
}

// The stub, up to where the trampoline begins.
void add_stub(CodeWriter& code, const HookPlace& place) {
  assert(!place.arity || *place.arity <= 5);
  if (place.arity) {
    add_load_argument(code, *place.arity, place.code_address + kTrampolineAt);
  }
  code.add({0xff, 0x25});  // jmp *disp32(%rip): the agent may be further away than a direct jump reaches
  code.add_distance(place.code_address + kHookPointerAt);
  code.pad_to(kHookPointerAt);
  code.add_64(place.hook_address);
}

}  // namespace

Result<HookCode> build_hook(const DisplacedEntry& entry, const HookPlace& place) {
  HookCode hook;
  hook.trampoline_address = place.code_address + kTrampolineAt;
  CodeWriter code(place.code_address);
  add_stub(code, place);
  const uint64_t behind = place.entry_address + entry.original.size();
  for (const DisplacedInstruction& instruction : entry.instructions) {
    add_displaced(code, instruction, place.entry_address, behind);
  }
  if (entry.returns_to_function) {
    code.add({0xe9});
    code.add_distance(behind);
  }
  CodeWriter jump(place.entry_address);
  jump.add({0xe9});
  jump.add_distance(place.code_address);
  if (!code.reachable() || !jump.reachable()) {
    return Error{"there is no room for code near enough to it"};
  }
  hook.code = code.take();
  const std::vector<uint8_t> jump_bytes = jump.take();
  std::copy(jump_bytes.begin(), jump_bytes.end(), hook.entry_jump.begin());
  return hook;
}

HookCode build_table_hook(const HookPlace& place) {
  HookCode hook;
  hook.trampoline_address = place.code_address + kTrampolineAt;
  CodeWriter code(place.code_address);
  add_stub(code, place);
  code.add({0xff, 0x25, 0, 0, 0, 0});  // jmp *(%rip): the pointer behind it
  code.add_64(place.entry_address);
  hook.code = code.take();
  return hook;
}

}  // namespace flarestack
