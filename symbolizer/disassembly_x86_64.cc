// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <string_view>

#include <capstone/capstone.h>
#include <fmt/format.h>

#include "symbolizer/disassembly.h"

namespace flarestack {
namespace {

// Capstone's handle and one instruction's memory.
class Decoder {
 public:
  explicit Decoder(bool att) {
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle_) == CS_ERR_OK) {
      cs_option(handle_, CS_OPT_DETAIL, att ? CS_OPT_OFF : CS_OPT_ON);
      cs_option(handle_, CS_OPT_SYNTAX, att ? CS_OPT_SYNTAX_ATT : CS_OPT_SYNTAX_INTEL);
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

  // Borrowed until the next call; nullptr: no instruction begins there.
  const cs_insn* decode(std::span<const uint8_t> code, uint64_t module_offset) {
    const uint8_t* bytes = code.data();
    size_t left = code.size();
    return instruction_ != nullptr && cs_disasm_iter(handle_, &bytes, &left, &module_offset, instruction_)
               ? instruction_
               : nullptr;
  }
  csh handle() const { return handle_; }

 private:
  csh handle_ = 0;
  cs_insn* instruction_ = nullptr;
};

// ---- Registers
// -------------------------------------------------------------------------------------------------------

struct Family {
  unsigned number;
  x86_reg parts[5];
};
constexpr Family kGeneralPurpose[] = {
    {0, {X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH}},
    {1, {X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH}},
    {2, {X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH}},
    {3, {X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH}},
    {4, {X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL, X86_REG_INVALID}},
    {5, {X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL, X86_REG_INVALID}},
    {6, {X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL, X86_REG_INVALID}},
    {7, {X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL, X86_REG_INVALID}},
};

struct RegisterNumbers {
  uint8_t of[X86_REG_ENDING];
  uint16_t vector_bits[X86_REG_ENDING];
  RegisterNumbers() {
    std::fill(std::begin(of), std::end(of), uint8_t(registers::kCount));
    std::fill(std::begin(vector_bits), std::end(vector_bits), uint16_t{0});
    for (const Family& family : kGeneralPurpose) {
      for (const x86_reg part : family.parts) {
        of[part] = uint8_t(family.number);
      }
    }
    for (unsigned i = 0; i < 8; ++i) {
      of[X86_REG_R8 + i] = of[X86_REG_R8D + i] = of[X86_REG_R8W + i] = of[X86_REG_R8B + i] = uint8_t(8 + i);
      of[X86_REG_K0 + i] = uint8_t(registers::kMask0 + i);
      of[X86_REG_ST0 + i] = of[X86_REG_MM0 + i] = of[X86_REG_FP0 + i] = uint8_t(registers::kX87);
    }
    for (unsigned i = 0; i < 32; ++i) {
      of[X86_REG_XMM0 + i] = of[X86_REG_YMM0 + i] = of[X86_REG_ZMM0 + i] = uint8_t(registers::kVector0 + i);
      vector_bits[X86_REG_XMM0 + i] = 128;
      vector_bits[X86_REG_YMM0 + i] = 256;
      vector_bits[X86_REG_ZMM0 + i] = 512;
    }
    of[X86_REG_EFLAGS] = uint8_t(registers::kFlags);
    of[X86_REG_FPSW] = uint8_t(registers::kX87);
    of[X86_REG_RIP] = of[X86_REG_EIP] = uint8_t(registers::kRip);
    of[X86_REG_INVALID] = uint8_t(registers::kCount);
  }
};

const RegisterNumbers& numbers() {
  static const RegisterNumbers kNumbers;
  return kNumbers;
}

unsigned number_of(unsigned capstone_register) {
  return capstone_register < X86_REG_ENDING ? numbers().of[capstone_register] : registers::kCount;
}

// ---- Kinds
// -----------------------------------------------------------------------------------------------------------

bool in_group(const cs_insn& instruction, uint8_t group) {
  const cs_detail& detail = *instruction.detail;
  return std::find(detail.groups, detail.groups + detail.groups_count, group) != detail.groups + detail.groups_count;
}

bool starts_with_one_of(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view start) { return text.starts_with(start); });
}

// Without "lock", "rep", "bnd", "notrack" in front, and without the v of a VEX form.
std::string_view bare_mnemonic(std::string_view mnemonic) {
  const size_t blank = mnemonic.rfind(' ');
  return blank == std::string_view::npos ? mnemonic : mnemonic.substr(blank + 1);
}
std::string_view without_v(std::string_view name) {
  return name.size() > 4 && name[0] == 'v' && !name.starts_with("ver") && !name.starts_with("vm") ? name.substr(1)
         : name.starts_with("vmov") || name.starts_with("vmul") || name.starts_with("vmax") || name.starts_with("vmin")
             ? name.substr(1)
             : name;
}

bool uses_vectors(const cs_insn& instruction) {
  const cs_x86& x86 = instruction.detail->x86;
  return std::any_of(x86.operands, x86.operands + x86.op_count, [](const cs_x86_op& operand) {
    return operand.type == X86_OP_REG && operand.reg < X86_REG_ENDING && numbers().vector_bits[operand.reg] != 0;
  });
}

// movsd and cmpsd are string instructions, and others of the same name move and compare doubles.
bool is_string(const cs_insn& instruction, std::string_view name) {
  if (uses_vectors(instruction) || name.size() != 5) {
    return false;
  }
  const std::string_view stem = name.substr(0, 4);
  const bool known = stem == "movs" || stem == "stos" || stem == "cmps" || stem == "scas" || stem == "lods";
  return known && std::string_view("bwdq").find(name[4]) != std::string_view::npos;
}

bool is_move(std::string_view name) {
  if (starts_with_one_of(name, {"movmsk", "movnti", "movnt"})) {
    return true;
  }
  return starts_with_one_of(name,
                            {"mov", "cmov", "push", "pop", "lddqu", "bswap", "xchg", "broadcast", "pbroadcast"}) &&
         !name.starts_with("popcnt");
}

bool is_compare(std::string_view name) {
  return name == "cmp" || name == "test" || starts_with_one_of(name, {"comis", "ucomis", "ptest", "testp", "bt"});
}

InstructionKind kind_of(const cs_insn& instruction, std::string_view name) {
  const cs_x86& x86 = instruction.detail->x86;
  const bool direct = x86.op_count == 1 && x86.operands[0].type == X86_OP_IMM;
  switch (instruction.id) {
    case X86_INS_NOP:
    case X86_INS_ENDBR64:
    case X86_INS_ENDBR32:
    case X86_INS_INT3:
      return InstructionKind::kPadding;
    case X86_INS_SYSCALL:
    case X86_INS_SYSENTER:
      return InstructionKind::kSystemCall;
    case X86_INS_INT:
      return direct && x86.operands[0].imm == 0x80 ? InstructionKind::kSystemCall : InstructionKind::kOther;
    case X86_INS_PAUSE:
      return InstructionKind::kPause;
    case X86_INS_MFENCE:
    case X86_INS_LFENCE:
    case X86_INS_SFENCE:
    case X86_INS_CPUID:
      return InstructionKind::kFence;
    case X86_INS_DIV:
    case X86_INS_IDIV:
      return InstructionKind::kIntegerDivide;
    case X86_INS_UD2:
    case X86_INS_HLT:
      return InstructionKind::kReturn;
    case X86_INS_XCHG:  // "xchg ax, ax" is a nop of two bytes
      return x86.operands[0].type == X86_OP_REG && x86.operands[1].type == X86_OP_REG &&
                     x86.operands[0].reg == x86.operands[1].reg
                 ? InstructionKind::kPadding
                 : InstructionKind::kMove;
    default:
      break;
  }
  if (in_group(instruction, X86_GRP_CALL)) {
    return direct ? InstructionKind::kCall : InstructionKind::kIndirectCall;
  }
  if (in_group(instruction, X86_GRP_RET) || in_group(instruction, X86_GRP_IRET)) {
    return InstructionKind::kReturn;
  }
  if (in_group(instruction, X86_GRP_JUMP)) {
    if (instruction.id != X86_INS_JMP) {
      return InstructionKind::kConditionalJump;
    }
    return direct ? InstructionKind::kJump : InstructionKind::kIndirectJump;
  }
  if (is_string(instruction, name)) {
    return InstructionKind::kString;
  }
  const std::string_view stem = without_v(name);
  if (starts_with_one_of(stem, {"divs", "divp", "sqrts", "sqrtp", "fdiv", "fidiv", "fsqrt", "fprem"})) {
    return InstructionKind::kFloatDivide;
  }
  if (is_compare(stem)) {
    return InstructionKind::kCompare;
  }
  if (is_move(stem)) {
    return InstructionKind::kMove;
  }
  return name.starts_with("prefetch") ? InstructionKind::kPrefetch : InstructionKind::kOther;
}

// ---- Operands
// --------------------------------------------------------------------------------------------------------

void add_registers(csh handle, const cs_insn& source, Instruction& result) {
  cs_regs read;
  cs_regs written;
  uint8_t read_count = 0;
  uint8_t written_count = 0;
  if (cs_regs_access(handle, &source, read, &read_count, written, &written_count) != CS_ERR_OK) {
    return;
  }
  for (uint8_t i = 0; i < read_count; ++i) {
    if (const unsigned number = number_of(read[i]); number < registers::kCount) {
      result.reads.add(number);
    }
  }
  for (uint8_t i = 0; i < written_count; ++i) {
    if (const unsigned number = number_of(written[i]); number < registers::kCount) {
      result.writes.add(number);
    }
  }
}

// xor eax, eax: reads nothing, whatever is written there.
bool clears_itself(const cs_insn& source, std::string_view stem) {
  const cs_x86& x86 = source.detail->x86;
  if (!starts_with_one_of(stem, {"xor", "pxor", "sub", "psub"}) || x86.op_count < 2) {
    return false;
  }
  const cs_x86_op& last = x86.operands[x86.op_count - 1];
  const cs_x86_op& before = x86.operands[x86.op_count - 2];
  return last.type == X86_OP_REG && before.type == X86_OP_REG && last.reg == before.reg;
}

void add_memory(const cs_insn& source, std::string_view name, Instruction& result) {
  const cs_x86& x86 = source.detail->x86;
  const bool touches = result.kind != InstructionKind::kPadding && result.kind != InstructionKind::kPrefetch &&
                       name != "lea" && !name.starts_with("clflush") && !name.starts_with("clwb");
  // Capstone 4 calls the destination of VEX moves read.
  const bool vex_store = name.starts_with("v") && name != "vldmxcsr";
  for (uint8_t i = 0; i < x86.op_count; ++i) {
    const cs_x86_op& operand = x86.operands[i];
    if (operand.type != X86_OP_MEM) {
      continue;
    }
    if (!result.has_memory) {
      result.memory.base = number_of(operand.mem.base);
      result.memory.index = number_of(operand.mem.index);
      result.memory.scale = uint8_t(operand.mem.scale);
      result.memory.displacement = operand.mem.disp;
      result.memory.size_bytes = operand.size;
      result.memory.thread_local_data = operand.mem.segment == X86_REG_FS || operand.mem.segment == X86_REG_GS;
      if (operand.mem.base == X86_REG_RIP) {
        result.data_offset = result.end() + uint64_t(operand.mem.disp);
      }
    }
    result.has_memory = true;
    if (touches) {
      const bool stores = (operand.access & CS_AC_WRITE) != 0 || (i == 0 && vex_store && x86.op_count > 1);
      const bool moves = i == 0 && result.kind == InstructionKind::kMove && name != "push" && name != "xchg";
      result.stores |= stores || moves;
      result.loads |= (operand.access & CS_AC_READ) != 0 && !(i == 0 && vex_store && x86.op_count > 1) && !moves;
    }
  }
}

void add_vector_use(const cs_insn& source, std::string_view stem, Instruction& result) {
  const cs_x86& x86 = source.detail->x86;
  for (uint8_t i = 0; i < x86.op_count; ++i) {
    if (x86.operands[i].type == X86_OP_REG && x86.operands[i].reg < X86_REG_ENDING) {
      result.vector_bits = std::max(result.vector_bits, numbers().vector_bits[x86.operands[i].reg]);
    }
  }
  if (result.vector_bits == 0) {
    return;
  }
  // "ss" and "sd" end scalar operations and "ps" and "pd" packed ones, also in front of the 132, 213 and 231 of FMA's
  // names; conversions are of what they end in (cvtsi2sd) or of what they begin with (cvttsd2si).
  if (starts_with_one_of(stem, {"cvt"})) {
    const bool scalar = stem.find("ss") != std::string_view::npos || stem.find("sd") != std::string_view::npos;
    result.vector_use = scalar ? VectorUse::kScalarFloat : VectorUse::kPackedFloat;
    return;
  }
  const std::string_view end = stem.substr(stem.size() < 2 ? 0 : stem.size() - 2);
  if (stem.starts_with("p") || stem.starts_with("movdq") || stem == "movd" || stem == "movq") {
    result.vector_use = VectorUse::kPackedInteger;
  } else if (end == "ss" || end == "sd") {
    result.vector_use = VectorUse::kScalarFloat;
  } else if (end == "ps" || end == "pd") {
    result.vector_use = VectorUse::kPackedFloat;
  } else {
    result.vector_use = VectorUse::kPackedInteger;
  }
}

std::string text_of(const cs_insn& instruction) {
  return instruction.op_str[0] == '\0' ? std::string(instruction.mnemonic)
                                       : fmt::format("{:<7} {}", instruction.mnemonic, instruction.op_str);
}

Instruction instruction_of(csh handle, const cs_insn& source) {
  Instruction result;
  result.module_offset = source.address;
  result.size_bytes = uint8_t(source.size);
  result.mnemonic = source.mnemonic;
  result.intel = text_of(source);
  const std::string_view name = bare_mnemonic(result.mnemonic);
  const std::string_view stem = without_v(name);
  result.kind = kind_of(source, name);
  add_registers(handle, source, result);
  if (clears_itself(source, stem)) {
    result.reads = {};
  }
  add_memory(source, name, result);
  add_vector_use(source, stem, result);
  const uint8_t prefix = source.detail->x86.prefix[0];
  result.locked = prefix == X86_PREFIX_LOCK || (source.id == X86_INS_XCHG && result.has_memory);
  result.repeated = result.kind == InstructionKind::kString && (prefix == X86_PREFIX_REP || prefix == X86_PREFIX_REPNE);
  const cs_x86& x86 = source.detail->x86;
  if ((result.is_jump() || result.is_call()) && x86.op_count == 1 && x86.operands[0].type == X86_OP_IMM) {
    result.target = uint64_t(x86.operands[0].imm);
  }
  return result;
}

Instruction undecoded(uint8_t byte, uint64_t module_offset) {
  Instruction result;
  result.module_offset = module_offset;
  result.size_bytes = 1;
  result.mnemonic = ".byte";
  result.intel = result.att = fmt::format(".byte   0x{:02x}", byte);
  result.kind = InstructionKind::kUndecoded;
  return result;
}

}  // namespace

std::vector<Instruction> disassemble(std::span<const uint8_t> code, uint64_t module_offset,
                                     std::span<const uint64_t> known_starts) {
  Decoder intel(false);
  Decoder att(true);
  std::vector<Instruction> result;
  auto known = known_starts.begin();
  bool lost = false;  // behind undecoded bytes, up to the next known start
  for (size_t at = 0; at < code.size() && result.size() < kMostInstructions;) {
    const uint64_t offset = module_offset + at;
    while (known != known_starts.end() && *known <= offset) {
      lost = lost && *known != offset;
      ++known;
    }
    const std::span<const uint8_t> rest = code.subspan(at);
    const cs_insn* decoded = intel.decode(rest, offset);
    const bool runs_over = decoded != nullptr && lost && known != known_starts.end() && offset + decoded->size > *known;
    if (decoded == nullptr || decoded->size == 0 || runs_over) {
      lost = true;
      result.push_back(undecoded(code[at], offset));
      ++at;
      continue;
    }
    result.push_back(instruction_of(intel.handle(), *decoded));
    if (const cs_insn* same = att.decode(rest, offset)) {
      result.back().att = text_of(*same);
    }
    at += result.back().size_bytes;
  }
  return result;
}

}  // namespace flarestack
