// SPDX-License-Identifier: Apache-2.0
#include "unwind/cfi.h"

#include "unwind/byte_cursor.h"
#include "unwind/dwarf_constants.h"
#include "unwind/local_memory.h"

namespace flarestack {
namespace {

// The search table holds sdata4 pairs relative to .eh_frame_hdr; every linker writes this form or none at all.
constexpr uint8_t kTableEncoding = pointer_encoding::kDataRelative | pointer_encoding::kSdata4;
constexpr uint64_t kTableEntry = 8;

// The length of a CIE or FDE, to which the cursor is limited.
void read_length(ByteCursor* cursor) {
  uint64_t length = cursor->fixed<uint32_t>();
  if (length == UINT32_MAX) {
    length = cursor->fixed<uint64_t>();
  }
  cursor->limit(length);
}

// Runtime address of the last FDE of the search table that starts at or before `lookup`; 0: none.
[[gnu::noinline]] uint64_t search_table(const UnwindModule& module, uint64_t lookup) {
  const uint64_t header = module.eh_frame_hdr;
  if (header == 0 || module.eh_frame_hdr_size > UINT64_MAX - header) {
    return 0;
  }
  ByteCursor cursor(module, header, header + module.eh_frame_hdr_size);
  const uint8_t version = cursor.u8();
  const uint8_t frame_encoding = cursor.u8();
  const uint8_t count_encoding = cursor.u8();
  const uint8_t table_encoding = cursor.u8();
  if (version != 1 || table_encoding != kTableEncoding) {
    return 0;
  }
  cursor.encoded(frame_encoding, header);
  uint64_t high = cursor.encoded(count_encoding, header);
  if (!cursor.ok() || high > cursor.left() / kTableEntry) {
    return 0;
  }
  // Beyond this point every entry lies inside the image.
  const uint64_t table = cursor.position() + static_cast<uint64_t>(module.local_delta);
  const auto field = [table, header](uint64_t index, uint64_t byte) {
    int32_t value = 0;
    __builtin_memcpy(&value, local_pointer(table + index * kTableEntry + byte), sizeof value);
    return header + static_cast<uint64_t>(int64_t{value});
  };
  uint64_t low = 0;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (field(middle, 0) <= lookup) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == 0 ? 0 : field(low - 1, 4);
}

// The same by an index of our own.
[[gnu::noinline]] uint64_t search_index(const UnwindModule& module, uint64_t lookup) {
  uint64_t low = 0;
  uint64_t high = module.index_count;
  lookup -= module.index_bias;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (module.index[middle].code_start <= lookup) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == 0 ? 0 : module.index[low - 1].fde + module.index_bias;
}

// Version 1 is what every compiler writes in .eh_frame; 3 and 4 differ in two fields.
[[gnu::noinline]] bool parse_cie(const UnwindModule& module, uint64_t address, FrameDescription* fde) {
  ByteCursor cursor(module, address);
  read_length(&cursor);
  const bool is_cie = cursor.fixed<uint32_t>() == 0;
  const uint8_t version = cursor.u8();
  const uint64_t augmentation = cursor.position();
  while (cursor.u8() != 0) {
  }
  if (!is_cie || (version != 1 && version != 3 && version != 4)) {
    return false;
  }
  if (version == 4) {
    const uint8_t address_size = cursor.u8();
    const uint8_t segment_size = cursor.u8();
    if (address_size != sizeof(uint64_t) || segment_size != 0) {
      return false;
    }
  }
  fde->code_align = cursor.uleb();
  fde->data_align = cursor.sleb();
  const uint64_t return_register = version == 1 ? cursor.u8() : cursor.uleb();
  if (return_register != MachineRegisters::kRip || !cursor.ok()) {
    return false;
  }
  fde->pointer_encoding = pointer_encoding::kAbsolute;
  fde->signal_frame = false;
  fde->has_augmentation_data = false;
  fde->initial_program_end = cursor.position() + cursor.left();

  ByteCursor letters(module, augmentation, cursor.position());
  uint8_t letter = letters.u8();
  if (letter != 0) {
    if (letter != 'z') {
      return false;  // without a length the rest cannot be skipped; only GCC 2 wrote such ("eh")
    }
    fde->has_augmentation_data = true;
    const uint64_t size = cursor.uleb();
    ByteCursor data(module, cursor.position(), fde->initial_program_end);
    while ((letter = letters.u8()) != 0) {
      if (letter == 'R') {
        fde->pointer_encoding = data.u8();
      } else if (letter == 'P') {
        const uint8_t encoding = data.u8();
        data.encoded(encoding & pointer_encoding::kFormatMask, 0);
      } else if (letter == 'L') {
        data.u8();
      } else if (letter == 'S') {
        fde->signal_frame = true;
      } else {
        break;  // later letters belong to data we cannot size, but `size` skips them
      }
    }
    cursor.skip(size);
  }
  fde->initial_program = cursor.position();
  return cursor.ok();
}

// Runtime address of the CIE that the FDE at `address` names; 0: it makes no sense. The parts of an FDE are parsed one
// after the other, not one within the other: that keeps stack use low.
[[gnu::noinline]] uint64_t cie_of(const UnwindModule& module, uint64_t address) {
  ByteCursor cursor(module, address);
  read_length(&cursor);
  const uint64_t pointer_field = cursor.position();
  const uint32_t distance = cursor.fixed<uint32_t>();
  return cursor.ok() && distance != 0 && distance < pointer_field ? pointer_field - distance : 0;
}

// The rest of an FDE, after its CIE.
[[gnu::noinline]] bool parse_fde(const UnwindModule& module, uint64_t address, FrameDescription* fde) {
  ByteCursor cursor(module, address);
  read_length(&cursor);
  fde->program_end = cursor.position() + cursor.left();
  cursor.skip(sizeof(uint32_t));
  fde->code_start = cursor.encoded(fde->pointer_encoding, module.eh_frame_hdr);
  const uint64_t size = cursor.encoded(fde->pointer_encoding & pointer_encoding::kFormatMask, module.eh_frame_hdr);
  fde->code_end = fde->code_start + size;
  if (fde->has_augmentation_data) {
    cursor.skip(cursor.uleb());
  }
  fde->program = cursor.position();
  return cursor.ok();
}

// Interprets one program. Rules go to scratch->row; `restore` takes them from scratch->initial.
class CfiProgram {
 public:
  CfiProgram(const UnwindModule& module, const FrameDescription& fde, CfiScratch* scratch)
      : module_(module), fde_(fde), scratch_(scratch) {}

  bool run(uint64_t begin, uint64_t end, uint64_t lookup) {
    ByteCursor cursor(module_, begin, end);
    uint64_t location = fde_.code_start;
    unsigned remembered = 0;
    while (!cursor.at_end() && cursor.ok()) {
      const uint8_t byte = cursor.u8();
      const uint8_t operand = byte & cfa_op::kLowMask;
      switch (byte & cfa_op::kHighMask) {
        case cfa_op::kAdvanceLoc:
          location += operand * fde_.code_align;
          break;
        case cfa_op::kOffset:
          set(operand, RegisterRule::kOffset, factored(cursor.uleb()));
          break;
        case cfa_op::kRestore:
          restore(operand);
          break;
        default:
          if (operand == cfa_op::kRememberState) {
            if (remembered == CfiScratch::kRemembered) {
              return false;
            }
            scratch_->remembered[remembered++] = scratch_->row;
          } else if (operand == cfa_op::kRestoreState) {
            if (remembered == 0) {
              return false;
            }
            scratch_->row = scratch_->remembered[--remembered];
          } else if (operand >= cfa_op::kSetLoc && operand <= cfa_op::kAdvanceLoc4) {
            location = advance(operand, location, &cursor);
          } else if (!define(operand, &cursor)) {
            return false;
          }
          break;
      }
      if (location > lookup) {
        break;
      }
    }
    return cursor.ok();
  }

 private:
  int64_t factored(uint64_t operand) const {
    return static_cast<int64_t>(operand * static_cast<uint64_t>(fde_.data_align));
  }
  void set(uint64_t reg, RegisterRule rule, int64_t value) {
    if (reg < MachineRegisters::kCount) {  // vector registers are of no use here
      scratch_->row.rule[reg] = rule;
      scratch_->row.value[reg] = value;
    }
  }
  void restore(uint64_t reg) {
    if (reg < MachineRegisters::kCount) {
      set(reg, scratch_->initial.rule[reg], scratch_->initial.value[reg]);
    }
  }
  void set_cfa(uint64_t reg, int64_t value) {
    scratch_->row.cfa_is_expression = false;
    scratch_->row.cfa_register = reg < MachineRegisters::kCount ? static_cast<uint8_t>(reg) : UINT8_MAX;
    scratch_->row.cfa_value = value;
  }
  static int64_t skip_block(ByteCursor* cursor) {
    const uint64_t start = cursor->position();
    cursor->skip(cursor->uleb());
    return static_cast<int64_t>(start);
  }

  uint64_t advance(uint8_t op, uint64_t location, ByteCursor* cursor) const {
    switch (op) {
      case cfa_op::kSetLoc:
        return cursor->encoded(fde_.pointer_encoding, module_.eh_frame_hdr);
      case cfa_op::kAdvanceLoc1:
        return location + cursor->u8() * fde_.code_align;
      case cfa_op::kAdvanceLoc2:
        return location + cursor->fixed<uint16_t>() * fde_.code_align;
      default:
        return location + cursor->fixed<uint32_t>() * fde_.code_align;
    }
  }

  // The operations that set one rule. Operands are read in order: each statement reads at most one.
  bool define(uint8_t op, ByteCursor* cursor) {
    if (op == cfa_op::kNop) {
      return true;
    }
    if (op == cfa_op::kDefCfaExpression) {
      scratch_->row.cfa_value = skip_block(cursor);
      scratch_->row.cfa_is_expression = true;
      return true;
    }
    if (op == cfa_op::kDefCfaOffsetSf) {
      scratch_->row.cfa_value = factored(static_cast<uint64_t>(cursor->sleb()));
      return true;
    }
    const uint64_t first = cursor->uleb();  // a register in most of them
    switch (op) {
      case cfa_op::kDefCfa:
        set_cfa(first, static_cast<int64_t>(cursor->uleb()));
        return true;
      case cfa_op::kDefCfaSf:
        set_cfa(first, factored(static_cast<uint64_t>(cursor->sleb())));
        return true;
      case cfa_op::kDefCfaRegister:
        set_cfa(first, scratch_->row.cfa_value);
        return true;
      case cfa_op::kDefCfaOffset:
        scratch_->row.cfa_value = static_cast<int64_t>(first);
        return true;
      case cfa_op::kOffsetExtended:
        set(first, RegisterRule::kOffset, factored(cursor->uleb()));
        return true;
      case cfa_op::kOffsetExtendedSf:
        set(first, RegisterRule::kOffset, factored(static_cast<uint64_t>(cursor->sleb())));
        return true;
      case cfa_op::kGnuNegativeOffsetExtended:
        set(first, RegisterRule::kOffset, factored(0 - cursor->uleb()));
        return true;
      case cfa_op::kValOffset:
        set(first, RegisterRule::kValOffset, factored(cursor->uleb()));
        return true;
      case cfa_op::kValOffsetSf:
        set(first, RegisterRule::kValOffset, factored(static_cast<uint64_t>(cursor->sleb())));
        return true;
      case cfa_op::kRestoreExtended:
        restore(first);
        return true;
      case cfa_op::kUndefined:
        set(first, RegisterRule::kUndefined, 0);
        return true;
      case cfa_op::kSameValue:
        set(first, RegisterRule::kSameValue, 0);
        return true;
      case cfa_op::kRegister:
        set(first, RegisterRule::kRegister, static_cast<int64_t>(cursor->uleb()));
        return true;
      case cfa_op::kExpression:
        set(first, RegisterRule::kExpression, skip_block(cursor));
        return true;
      case cfa_op::kValExpression:
        set(first, RegisterRule::kValExpression, skip_block(cursor));
        return true;
      case cfa_op::kGnuArgsSize:  // pushed arguments: already in the CFA's offset where rsp is its register
        return true;
      default:
        return false;
    }
  }

  const UnwindModule& module_;
  const FrameDescription& fde_;
  CfiScratch* scratch_;
};

// Not a frame of its own on the stack of a handler.
[[gnu::always_inline]] inline bool read_frame(const UnwindModule& module, uint64_t fde, FrameDescription* found) {
  const uint64_t cie = cie_of(module, fde);
  return cie != 0 && parse_cie(module, cie, found) && parse_fde(module, fde, found);
}

}  // namespace

bool find_frame_description(const UnwindModule& module, uint64_t lookup, FrameDescription* found) {
  const uint64_t fde = module.index != nullptr ? search_index(module, lookup) : search_table(module, lookup);
  return fde != 0 && read_frame(module, fde, found) && found->code_start <= lookup && lookup < found->code_end;
}

bool read_frame_description(const UnwindModule& module, uint64_t fde_address, FrameDescription* found) {
  return read_frame(module, fde_address, found);
}

bool run_cfi(const UnwindModule& module, const FrameDescription& fde, uint64_t lookup, CfiScratch* scratch) {
  scratch->row = CfiRow{};
  CfiProgram program(module, fde, scratch);
  if (!program.run(fde.initial_program, fde.initial_program_end, UINT64_MAX)) {
    return false;
  }
  scratch->initial = scratch->row;
  return program.run(fde.program, fde.program_end, lookup);
}

}  // namespace flarestack
