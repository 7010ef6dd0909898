// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/unit_reader.h"

#include <cstring>

#include <dwarf.h>

namespace flarestack {
namespace {

constexpr uint64_t kDenseCodes = 4096;
constexpr unsigned kMaxDepth = 256;  // of nested entries; gcc and clang stay below 40

// nullptr: cut, or longer than 64 bits.
const uint8_t* read_uleb(const uint8_t* position, const uint8_t* end, uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; position < end && shift < 70; shift += 7) {
    const uint8_t byte = *position++;
    value |= shift < 64 ? uint64_t(byte & 0x7f) << shift : 0;
    if ((byte & 0x80) == 0) {
      return position;
    }
  }
  return nullptr;
}

uint64_t read_fixed(const uint8_t* position, unsigned bytes) {
  uint64_t value = 0;
  std::memcpy(&value, position, bytes);  // little endian
  return value;
}

}  // namespace

std::optional<UnitReader> UnitReader::open(Dwarf_Die unit) {
  UnitReader reader(unit);
  Dwarf_Die unused;
  Dwarf_Half version = 0;
  uint8_t address_bytes = 0;
  uint8_t offset_bytes = 0;
  if (dwarf_cu_die(unit.cu, &unused, &version, nullptr, &address_bytes, &offset_bytes, nullptr, nullptr) == nullptr) {
    return std::nullopt;
  }
  reader.version_ = version;
  reader.address_bytes_ = address_bytes;
  reader.offset_bytes_ = offset_bytes;
  const Dwarf_Off within_unit = dwarf_cuoffset(&unit);
  const Dwarf_Off header = dwarf_dieoffset(&unit) - within_unit;
  Dwarf_Off next = 0;
  size_t header_bytes = 0;
  if (dwarf_next_unit(dwarf_cu_getdwarf(unit.cu), header, &next, &header_bytes, nullptr, nullptr, nullptr, nullptr,
                      nullptr, nullptr) != 0 ||
      next <= header + within_unit) {
    return std::nullopt;
  }
  reader.start_ = static_cast<const uint8_t*>(unit.addr) - within_unit;
  reader.end_ = reader.start_ + (next - header);
  reader.compile_abbreviations();
  return reader;
}

std::optional<int> UnitReader::fixed_size(unsigned form) const {
  switch (form) {
    case DW_FORM_flag_present:
    case DW_FORM_implicit_const:
      return 0;
    case DW_FORM_data1:
    case DW_FORM_ref1:
    case DW_FORM_flag:
    case DW_FORM_strx1:
    case DW_FORM_addrx1:
      return 1;
    case DW_FORM_data2:
    case DW_FORM_ref2:
    case DW_FORM_strx2:
    case DW_FORM_addrx2:
      return 2;
    case DW_FORM_strx3:
    case DW_FORM_addrx3:
      return 3;
    case DW_FORM_data4:
    case DW_FORM_ref4:
    case DW_FORM_ref_sup4:
    case DW_FORM_strx4:
    case DW_FORM_addrx4:
      return 4;
    case DW_FORM_data8:
    case DW_FORM_ref8:
    case DW_FORM_ref_sig8:
    case DW_FORM_ref_sup8:
      return 8;
    case DW_FORM_data16:
      return 16;
    case DW_FORM_addr:
      return address_bytes_;
    case DW_FORM_ref_addr:
      return version_ <= 2 ? address_bytes_ : offset_bytes_;
    case DW_FORM_strp:
    case DW_FORM_line_strp:
    case DW_FORM_strp_sup:
    case DW_FORM_sec_offset:
    case DW_FORM_GNU_ref_alt:
    case DW_FORM_GNU_strp_alt:
      return offset_bytes_;
    default:
      return std::nullopt;
  }
}

void UnitReader::compile_abbreviations() {
  Dwarf_Off offset = 0;
  while (true) {
    size_t length = 0;
    Dwarf_Abbrev* abbreviation = dwarf_getabbrev(&unit_, offset, &length);
    if (abbreviation == nullptr || abbreviation == DWARF_END_ABBREV || length == 0) {
      return;
    }
    offset += length;
    EntryShape shape;
    shape.tag = uint16_t(dwarf_getabbrevtag(abbreviation));
    shape.has_children = dwarf_abbrevhaschildren(abbreviation) > 0;
    unsigned name = 0;
    unsigned form = 0;
    // Not dwarf_getattrcnt: it miscounts behind a DW_FORM_implicit_const of 0 (elfutils 0.188).
    for (size_t i = 0; dwarf_getabbrevattr_data(abbreviation, i, &name, &form, nullptr, nullptr) == 0; ++i) {
      const std::optional<int> size = fixed_size(form);
      shape.has_code = shape.has_code || name == DW_AT_low_pc || name == DW_AT_ranges || name == DW_AT_entry_pc;
      const bool only_fixed_before = shape.steps.empty() || (shape.steps.size() == 1 && shape.steps[0] >= 0);
      const bool in_unit = form == DW_FORM_ref1 || form == DW_FORM_ref2 || form == DW_FORM_ref4 || form == DW_FORM_ref8;
      if (name == DW_AT_sibling && in_unit && only_fixed_before) {
        shape.sibling_offset = uint16_t(shape.steps.empty() ? 0 : shape.steps[0]);
        shape.sibling_bytes = uint8_t(*size);
      }
      if (!size) {
        shape.steps.push_back(-int32_t(form));
      } else if (shape.steps.empty() || shape.steps.back() < 0) {
        shape.steps.push_back(*size);
      } else {
        shape.steps.back() += *size;
      }
    }
    const uint64_t code = dwarf_getabbrevcode(abbreviation);
    if (code < kDenseCodes) {
      if (dense_.size() <= code) {
        dense_.resize(code + 1);
      }
      dense_[code] = std::move(shape);
    } else {
      sparse_[code] = std::move(shape);
    }
  }
}

const EntryShape* UnitReader::shape(uint64_t code) const {
  if (code < dense_.size()) {
    return dense_[code].tag == 0 ? nullptr : &dense_[code];
  }
  auto found = sparse_.find(code);
  return found == sparse_.end() ? nullptr : &found->second;
}

// nullptr: unknown form, or past the end.
const uint8_t* UnitReader::skip_form(const uint8_t* position, int form) const {
  uint64_t value = 0;
  switch (form) {
    case DW_FORM_string: {
      const void* zero = std::memchr(position, 0, size_t(end_ - position));
      return zero == nullptr ? nullptr : static_cast<const uint8_t*>(zero) + 1;
    }
    case DW_FORM_block1:
    case DW_FORM_block2:
    case DW_FORM_block4: {
      const unsigned bytes = form == DW_FORM_block1 ? 1 : form == DW_FORM_block2 ? 2 : 4;
      if (size_t(end_ - position) < bytes) {
        return nullptr;
      }
      value = read_fixed(position, bytes);
      position += bytes;
      break;
    }
    case DW_FORM_block:
    case DW_FORM_exprloc:
      position = read_uleb(position, end_, value);
      break;
    case DW_FORM_indirect: {
      position = read_uleb(position, end_, value);
      if (position == nullptr || value == DW_FORM_indirect || value > 0x7fff) {
        return nullptr;
      }
      const std::optional<int> size = fixed_size(unsigned(value));
      if (!size) {
        return skip_form(position, int(value));
      }
      value = uint64_t(*size);
      break;
    }
    case DW_FORM_udata:
    case DW_FORM_sdata:
    case DW_FORM_ref_udata:
    case DW_FORM_strx:
    case DW_FORM_addrx:
    case DW_FORM_loclistx:
    case DW_FORM_rnglistx:
    case DW_FORM_GNU_addr_index:
    case DW_FORM_GNU_str_index:
      return read_uleb(position, end_, value);
    default:
      return nullptr;
  }
  return position == nullptr || value > uint64_t(end_ - position) ? nullptr : position + value;
}

bool UnitReader::read(const uint8_t* position, Entry& entry) const {
  entry.start = position;
  if (position == nullptr || position >= end_) {
    return false;
  }
  uint64_t code = *position;
  position = code < 0x80 ? position + 1 : read_uleb(position, end_, code);
  if (position == nullptr || code == 0 || (entry.shape = shape(code)) == nullptr) {
    return false;
  }
  const uint8_t* attributes = position;
  for (const int32_t step : entry.shape->steps) {
    if (step < 0) {
      position = skip_form(position, -step);
    } else {
      position = size_t(step) > size_t(end_ - position) ? nullptr : position + step;
    }
    if (position == nullptr) {
      return false;
    }
  }
  entry.children = position;
  entry.sibling = nullptr;
  if (entry.shape->sibling_bytes != 0) {
    const uint64_t offset = read_fixed(attributes + entry.shape->sibling_offset, entry.shape->sibling_bytes);
    if (offset < size_t(end_ - start_) && start_ + offset >= position) {
      entry.sibling = start_ + offset;
    }
  }
  return true;
}

const uint8_t* UnitReader::after_list(const uint8_t* position) const {
  return position != nullptr && position < end_ && *position == 0 ? position + 1 : nullptr;
}

const uint8_t* UnitReader::after(const Entry& entry) const {
  if (!entry.shape->has_children) {
    return entry.children;
  }
  if (entry.sibling != nullptr) {
    return entry.sibling;
  }
  unsigned depth = 1;
  const uint8_t* position = entry.children;
  while (depth > 0) {
    Entry child;
    if (!read(position, child)) {
      --depth;
      if ((position = after_list(position)) == nullptr) {
        return nullptr;
      }
    } else if (!child.shape->has_children || child.sibling != nullptr) {
      position = child.sibling != nullptr && child.shape->has_children ? child.sibling : child.children;
    } else if (++depth > kMaxDepth) {
      return nullptr;
    } else {
      position = child.children;
    }
  }
  return position;
}

Dwarf_Die UnitReader::die(const Entry& entry) const {
  Dwarf_Die result{};
  result.addr = const_cast<uint8_t*>(entry.start);  // libdw's type is not const; nothing writes through it
  result.cu = unit_.cu;
  return result;
}

}  // namespace flarestack
