// SPDX-License-Identifier: Apache-2.0
// Whether a function's first instructions can be moved elsewhere, and what each needs for it. Everything that is not
// understood is a reason to leave the function alone: an entry that is not hooked costs a note, a wrong one the
// program.
#include <algorithm>
#include <cstring>
#include <string>

#include <capstone/capstone.h>
#include <fmt/format.h>

#include "profiler/inline_hook.h"

namespace flarestack {
namespace {

using Kind = DisplacedInstruction::Kind;

constexpr uint8_t kNotrackPrefix = 0x3e;
constexpr size_t kTableWindow = 6;  // instructions between the load from a jump table and the jump

// Capstone's handle and one instruction's memory.
class Decoder {
 public:
  Decoder() {
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle_) == CS_ERR_OK) {
      cs_option(handle_, CS_OPT_DETAIL, CS_OPT_ON);
      instruction_ = cs_malloc(handle_);
    }
  }
  ~Decoder() {
    if (instruction_ != nullptr) {
      cs_free(instruction_, 1);
      cs_close(&handle_);
    }
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // The instruction at `offset`, where branch targets are distances from the beginning of `code`; nullptr: none.
  // Borrowed until the next call.
  const cs_insn* at(std::span<const uint8_t> code, size_t offset) {
    const uint8_t* bytes = code.data() + offset;
    size_t left = code.size() - offset;
    uint64_t address = offset;
    return instruction_ != nullptr && cs_disasm_iter(handle_, &bytes, &left, &address, instruction_) ? instruction_
                                                                                                     : nullptr;
  }

 private:
  csh handle_ = 0;
  cs_insn* instruction_ = nullptr;
};

bool in_group(const cs_insn& instruction, uint8_t group) {
  const cs_detail& detail = *instruction.detail;
  return std::find(detail.groups, detail.groups + detail.groups_count, group) != detail.groups + detail.groups_count;
}

bool is_padding(const cs_insn& instruction) {
  return instruction.id == X86_INS_NOP || instruction.id == X86_INS_INT3 ||
         (instruction.id == X86_INS_XCHG && instruction.detail->x86.op_count == 2 &&
          instruction.detail->x86.operands[0].reg == instruction.detail->x86.operands[1].reg);
}

bool is_jump(const cs_insn& instruction) { return in_group(instruction, X86_GRP_JUMP); }
bool is_call(const cs_insn& instruction) { return in_group(instruction, X86_GRP_CALL); }

// Where a direct jump or call leads, as a distance from the entry.
std::optional<int64_t> direct_target(const cs_insn& instruction) {
  const cs_x86& x86 = instruction.detail->x86;
  const bool branches = is_jump(instruction) || is_call(instruction) || instruction.id == X86_INS_XBEGIN ||
                        instruction.id == X86_INS_LOOP || instruction.id == X86_INS_LOOPE ||
                        instruction.id == X86_INS_LOOPNE;
  if (!branches || x86.op_count == 0 || x86.operands[0].type != X86_OP_IMM) {
    return std::nullopt;
  }
  return x86.operands[0].imm;
}

const cs_x86_op* rip_operand(const cs_insn& instruction) {
  const cs_x86& x86 = instruction.detail->x86;
  for (uint8_t i = 0; i < x86.op_count; ++i) {
    if (x86.operands[i].type == X86_OP_MEM && x86.operands[i].mem.base == X86_REG_RIP) {
      return &x86.operands[i];
    }
  }
  return nullptr;
}

bool mentions_eip(const cs_insn& instruction) {
  const cs_x86& x86 = instruction.detail->x86;
  return std::any_of(x86.operands, x86.operands + x86.op_count, [](const cs_x86_op& operand) {
    return operand.type == X86_OP_MEM && (operand.mem.base == X86_REG_EIP || operand.mem.index == X86_REG_EIP);
  });
}

std::string text_of(const cs_insn& instruction) {
  return instruction.op_str[0] != '\0' ? fmt::format("{} {}", instruction.mnemonic, instruction.op_str)
                                       : std::string(instruction.mnemonic);
}

bool ends_flow(const cs_insn& instruction) {
  return instruction.id == X86_INS_JMP || instruction.id == X86_INS_RET || instruction.id == X86_INS_UD2 ||
         instruction.id == X86_INS_HLT;
}

Error cannot_move(const cs_insn& instruction, const char* why) {
  return Error{fmt::format("its entry holds `{}`, {}", text_of(instruction), why)};
}

// The place of the 32-bit displacement, which is checked rather than believed.
bool find_displacement(const cs_insn& instruction, const cs_x86_op& operand, DisplacedInstruction& result) {
  const uint8_t at = instruction.detail->x86.encoding.disp_offset;
  int32_t displacement = 0;
  if (at == 0 || at + sizeof(displacement) > instruction.size) {
    return false;
  }
  std::memcpy(&displacement, instruction.bytes + at, sizeof(displacement));
  if (displacement != operand.mem.disp) {
    return false;
  }
  result.displacement_at = at;
  result.target = static_cast<int64_t>(instruction.address + instruction.size) + displacement;
  return true;
}

Result<DisplacedInstruction> describe_branch(const cs_insn& instruction, DisplacedInstruction result) {
  const cs_x86& x86 = instruction.detail->x86;
  result.target = x86.operands[0].imm;
  if (x86.prefix[2] == X86_PREFIX_OPSIZE || x86.prefix[3] == X86_PREFIX_ADDRSIZE) {
    return cannot_move(instruction, "which processors understand differently");
  }
  if (is_call(instruction)) {
    result.kind = Kind::kCall;
  } else if (instruction.id == X86_INS_JMP) {
    result.kind = Kind::kJump;
  } else if ((x86.opcode[0] & 0xf0) == 0x70) {
    result.kind = Kind::kConditionalJump;
    result.condition = x86.opcode[0] & 0xf;
  } else if (x86.opcode[0] == 0x0f && (x86.opcode[1] & 0xf0) == 0x80) {
    result.kind = Kind::kConditionalJump;
    result.condition = x86.opcode[1] & 0xf;
  } else {
    return cannot_move(instruction, "which reaches no further than 127 bytes");  // loop, jrcxz, xbegin
  }
  return result;
}

Result<DisplacedInstruction> describe(const cs_insn& instruction) {
  DisplacedInstruction result;
  result.size_bytes = static_cast<uint8_t>(instruction.size);
  std::copy_n(instruction.bytes, instruction.size, result.bytes.begin());
  if (instruction.id == X86_INS_INT3 || instruction.id == X86_INS_INT1) {
    return cannot_move(instruction, "a breakpoint");
  }
  if (instruction.id == X86_INS_SYSCALL || in_group(instruction, X86_GRP_INT)) {
    return cannot_move(instruction, "in which a thread may stay");
  }
  if (mentions_eip(instruction)) {
    return cannot_move(instruction, "relative to a 32-bit program counter");
  }
  if (direct_target(instruction)) {
    return describe_branch(instruction, result);
  }
  const cs_x86_op* operand = rip_operand(instruction);
  if (is_call(instruction)) {
    // As a call it would leave a return address inside the trampoline, where no unwinder finds its way.
    if (operand == nullptr || instruction.size != 6 || instruction.bytes[0] != 0xff || instruction.bytes[1] != 0x15) {
      return cannot_move(instruction, "a call through a register or a pointer elsewhere");
    }
    result.kind = Kind::kCallThrough;
  } else if (operand != nullptr) {
    result.kind = Kind::kRipRelative;
  } else {
    return result;
  }
  if (!find_displacement(instruction, *operand, result)) {
    return cannot_move(instruction, "whose displacement is not where it should be");
  }
  return result;
}

// The rest of the bytes that the jump covers: nothing may ever run there, and no other function begin.
bool is_padded(Decoder& decoder, std::span<const uint8_t> code, size_t offset) {
  while (offset < kEntryJumpBytes) {
    const cs_insn* instruction = offset < code.size() ? decoder.at(code, offset) : nullptr;
    if (instruction == nullptr || !is_padding(*instruction)) {
      return false;
    }
    offset += instruction->size;
  }
  return true;
}

// Looks through the whole function for what leads into the displaced bytes.
Result<void> check_body(Decoder& decoder, std::span<const uint8_t> body, size_t displaced_bytes) {
  size_t since_table_load = kTableWindow;
  for (size_t offset = 0; offset < body.size();) {
    const cs_insn* instruction = decoder.at(body, offset);
    if (instruction == nullptr) {
      return Error{fmt::format("its byte {} begins no known instruction", offset)};
    }
    const std::optional<int64_t> target = direct_target(*instruction);
    // A call of itself is a call like any other. A jump back to the entry is a loop, whose registers are its own.
    if (target && *target >= 0 && static_cast<uint64_t>(*target) < displaced_bytes &&
        !(is_call(*instruction) && *target == 0)) {
      return Error{fmt::format("`{}` leads back into its entry", text_of(*instruction))};
    }
    const bool loads_offset = instruction->id == X86_INS_MOVSXD;
    since_table_load = loads_offset ? 0 : since_table_load + 1;
    if (instruction->id == X86_INS_JMP && !target) {
      const cs_x86_op& operand = instruction->detail->x86.operands[0];
      const bool through_table = operand.type == X86_OP_MEM && operand.mem.index != X86_REG_INVALID;
      const bool computed = operand.type == X86_OP_REG && since_table_load < kTableWindow;
      if (through_table || computed || instruction->bytes[0] == kNotrackPrefix) {
        return Error{fmt::format("`{}` leads nobody knows where (a jump table)", text_of(*instruction))};
      }
    }
    offset += instruction->size;
  }
  return {};
}

}  // namespace

Result<DisplacedEntry> displace_entry(const FunctionCode& function) {
  const size_t body_bytes =
      function.size_bytes == 0 ? function.bytes.size() : std::min(function.size_bytes, function.bytes.size());
  const std::span<const uint8_t> body = function.bytes.first(body_bytes);
  const std::span<const uint8_t> room = function.bytes.first(std::min(function.room_bytes, function.bytes.size()));
  if (room.size() < kEntryJumpBytes) {
    return Error{"it is shorter than a jump, and another function begins behind it"};
  }
  Decoder decoder;
  DisplacedEntry entry;
  size_t offset = 0;
  while (offset < kEntryJumpBytes && offset < body.size()) {
    const cs_insn* instruction = decoder.at(body, offset);
    if (instruction == nullptr) {
      return Error{fmt::format("its byte {} begins no known instruction", offset)};
    }
    Result<DisplacedInstruction> described = describe(*instruction);
    if (!described.ok()) {
      return described.error();
    }
    offset += instruction->size;
    const bool is_last_call = described->kind == Kind::kCall || described->kind == Kind::kCallThrough;
    entry.returns_to_function = !ends_flow(*instruction) && !is_last_call;
    entry.instructions.push_back(*described);
    // Behind a jump or a return, what follows runs only if something leads there, which check_body() looks for.
  }
  if (offset < kEntryJumpBytes) {
    if (entry.returns_to_function || !is_padded(decoder, room, offset)) {
      return Error{"it is shorter than a jump, and no padding follows"};
    }
    offset = kEntryJumpBytes;
  }
  if (offset > room.size()) {
    return Error{"another function begins within its first instructions"};
  }
  if (const Result<void> checked = check_body(decoder, body, offset); !checked.ok()) {
    return checked.error();
  }
  entry.original.assign(function.bytes.begin(), function.bytes.begin() + static_cast<ptrdiff_t>(offset));
  return entry;
}

}  // namespace flarestack
