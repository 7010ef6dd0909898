// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/function_bounds.h"

#include <cstring>
#include <string_view>

#include <dwarf.h>

#include "symbolizer/byte_reader.h"

namespace flarestack {
namespace {

constexpr uint8_t kOffsetOfHeader = DW_EH_PE_datarel | DW_EH_PE_sdata4;  // encoding of the table, by ld, gold and lld

struct Section {
  std::span<const uint8_t> bytes;
  uint64_t address = 0;
};

Section find(Elf* elf, std::string_view wanted) {
  size_t names = 0;
  Elf_Scn* section = nullptr;
  if (elf_getshdrstrndx(elf, &names) != 0) {
    return {};
  }
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    const char* name = gelf_getshdr(section, &header) == nullptr ? nullptr : elf_strptr(elf, names, header.sh_name);
    if (name == nullptr || name != wanted || header.sh_type == SHT_NOBITS) {
      continue;
    }
    if (Elf_Data* data = elf_rawdata(section, nullptr); data != nullptr && data->d_buf != nullptr) {
      return {{static_cast<const uint8_t*>(data->d_buf), data->d_size}, header.sh_addr};
    }
  }
  return {};
}

}  // namespace

FunctionBounds::FunctionBounds(Elf* elf) {
  const Section header = find(elf, ".eh_frame_hdr");
  const Section frames = find(elf, ".eh_frame");
  ByteReader reader(header.bytes);
  const uint8_t version = reader.u8();
  const uint8_t pointer_encoding = reader.u8();
  const uint8_t count_encoding = reader.u8();
  const uint8_t table_encoding = reader.u8();
  reader.skip(4);  // the pointer to .eh_frame
  const uint64_t count = reader.u32();
  if (reader.failed() || version != 1 || (pointer_encoding & 0x0f) != DW_EH_PE_sdata4 ||
      count_encoding != DW_EH_PE_udata4 || table_encoding != kOffsetOfHeader || count > reader.left() / 8) {
    return;
  }
  table_ = header.bytes.subspan(header.bytes.size() - reader.left(), count * 8);
  header_ = header.address;
  frames_ = frames.bytes;
  frames_address_ = frames.address;
}

uint64_t FunctionBounds::entry(size_t index, unsigned word) const {
  int32_t offset = 0;
  std::memcpy(&offset, table_.data() + index * 8 + size_t{word} * 4, sizeof offset);
  return header_ + uint64_t(int64_t{offset});
}

std::optional<FunctionBounds::Bounds> FunctionBounds::bounds_of(uint64_t address) const {
  size_t low = 0;
  size_t high = table_.size() / 8;
  while (low < high) {  // first entry behind `address`
    const size_t middle = (low + high) / 2;
    if (entry(middle, 0) <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) {
    return std::nullopt;
  }
  const uint64_t start = entry(low - 1, 0);
  const uint64_t size_bytes = size_of_fde(entry(low - 1, 1), start);
  return address - start < size_bytes ? std::optional<Bounds>({start, size_bytes}) : std::nullopt;
}

std::optional<uint64_t> FunctionBounds::start_of(uint64_t address) const {
  const std::optional<Bounds> bounds = bounds_of(address);
  return bounds ? std::optional(bounds->start) : std::nullopt;
}

uint64_t FunctionBounds::size_of(uint64_t address) const {
  const std::optional<Bounds> bounds = bounds_of(address);
  return bounds ? bounds->size_bytes : 0;
}

// An FDE is: length, distance to its CIE, start, size. A start in 4 bytes is what compilers write unless told otherwise
// (-mcmodel=large); then the size is in 4 bytes as well.
// 0: malformed, or of another function.
uint64_t FunctionBounds::size_of_fde(uint64_t fde_address, uint64_t start) const {
  if (fde_address < frames_address_ || fde_address - frames_address_ >= frames_.size()) {
    return 0;
  }
  ByteReader reader(frames_.subspan(fde_address - frames_address_));
  reader.skip(8);
  const auto relative = int64_t{int32_t(reader.u32())};
  const uint64_t size_bytes = reader.u32();
  return !reader.failed() && fde_address + 8 + uint64_t(relative) == start ? size_bytes : 0;
}

}  // namespace flarestack
