// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/line_table.h"

#include <algorithm>
#include <filesystem>

#include <dwarf.h>

#include "symbolizer/unit_index.h"

namespace flarestack {
namespace {

std::string_view string_at(std::span<const uint8_t> section, uint64_t offset) {
  return offset < section.size() ? ByteReader(section.subspan(offset)).string() : std::string_view();
}

// One attribute of a file or directory: a string, or a number.
struct Value {
  std::string_view text;
  uint64_t number = 0;
};

std::optional<Value> read_form(ByteReader& reader, uint64_t form, uint8_t offset_bytes, const LineSections& sections) {
  switch (form) {
    case DW_FORM_string:
      return Value{reader.string()};
    case DW_FORM_line_strp:
      return Value{string_at(sections.line_strings, reader.fixed(offset_bytes))};
    case DW_FORM_strp:
      return Value{string_at(sections.strings, reader.fixed(offset_bytes))};
    case DW_FORM_udata:
      return Value{{}, reader.uleb()};
    case DW_FORM_data1:
      return Value{{}, reader.u8()};
    case DW_FORM_data2:
      return Value{{}, reader.u16()};
    case DW_FORM_data4:
      return Value{{}, reader.u32()};
    case DW_FORM_data8:
      return Value{{}, reader.u64()};
    case DW_FORM_data16:
      reader.skip(16);
      return Value{};
    case DW_FORM_block:
      reader.skip(reader.uleb());
      return Value{};
    default:
      return std::nullopt;
  }
}

// Hands the rows of a sequence to the addresses that they cover, as the rows come.
class RowMatcher {
 public:
  RowMatcher(std::span<const uint64_t> addresses, std::span<const CodeSection> code)
      : addresses_(addresses), code_(code), matches_(addresses.size()) {}

  void row(uint64_t address, uint64_t file, uint64_t line, bool ends_sequence) {
    if (!in_sequence_) {
      in_sequence_ = true;
      wanted_ = in_code(code_, address);
      next_ = std::lower_bound(addresses_.begin(), addresses_.end(), address);
    } else if (wanted_) {
      if (address < address_) {  // not allowed, but it costs nothing to be right
        next_ = std::lower_bound(addresses_.begin(), addresses_.end(), address);
      }
      for (; next_ != addresses_.end() && *next_ < address; ++next_) {
        LineMatch& match = matches_[size_t(next_ - addresses_.begin())];
        if (!match.found) {
          match = {file_, uint32_t(std::min<uint64_t>(line_, UINT32_MAX)), true};
        }
      }
    }
    address_ = address;
    file_ = file;
    line_ = line;
    in_sequence_ = !ends_sequence;
  }

  std::vector<LineMatch> take() { return std::move(matches_); }

 private:
  std::span<const uint64_t> addresses_;
  std::span<const CodeSection> code_;
  std::vector<LineMatch> matches_;
  std::span<const uint64_t>::iterator next_;
  bool in_sequence_ = false;
  bool wanted_ = false;
  uint64_t address_ = 0;  // of the row before
  uint64_t file_ = 0;
  uint64_t line_ = 0;
};

}  // namespace

LineSections line_sections(Dwarf* dwarf) {
  LineSections sections;
  Elf* elf = dwarf_getelf(dwarf);
  size_t names = 0;
  if (elf == nullptr || elf_getshdrstrndx(elf, &names) != 0) {
    return sections;
  }
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) {
      continue;
    }
    const char* name_pointer = elf_strptr(elf, names, header.sh_name);
    std::string_view name = name_pointer == nullptr ? std::string_view() : std::string_view(name_pointer);
    std::span<const uint8_t>* wanted = name == ".debug_line" || name == ".zdebug_line" ? &sections.line
                                       : name == ".debug_line_str" || name == ".zdebug_line_str"
                                           ? &sections.line_strings
                                       : name == ".debug_str" || name == ".zdebug_str" ? &sections.strings
                                                                                       : nullptr;
    // libdw has unpacked compressed sections in place when it opened the file.
    if (wanted != nullptr && header.sh_type != SHT_NOBITS) {
      if (Elf_Data* data = elf_getdata(section, nullptr); data != nullptr && data->d_buf != nullptr) {
        *wanted = {static_cast<const uint8_t*>(data->d_buf), data->d_size};
      }
    }
  }
  return sections;
}

std::optional<LineTable> LineTable::open(const LineSections& sections, uint64_t offset, std::string_view directory) {
  if (offset >= sections.line.size()) {
    return std::nullopt;
  }
  ByteReader reader(sections.line.subspan(offset));
  LineTable table;
  table.directory_ = directory;
  uint64_t length = reader.u32();
  if (length == 0xffffffff) {
    table.offset_bytes_ = 8;
    length = reader.u64();
  }
  ByteReader unit = reader.part(length);
  if (!table.read_header(unit, sections)) {
    return std::nullopt;
  }
  return table;
}

bool LineTable::read_header(ByteReader& reader, const LineSections& sections) {
  version_ = reader.u16();
  if (version_ < 2 || version_ > 5) {
    return false;
  }
  if (version_ >= 5) {
    reader.skip(2);  // sizes of an address and of a segment selector
  }
  ByteReader header = reader.part(reader.fixed(offset_bytes_));
  program_ = reader;  // what follows the header
  minimum_instruction_ = header.u8();
  if (version_ >= 4) {
    header.skip(1);  // operations per instruction: 1 but for VLIW machines
  }
  header.skip(1);  // default of is_stmt, which does not matter here
  line_base_ = int8_t(header.u8());
  line_range_ = header.u8();
  opcode_base_ = header.u8();
  for (unsigned opcode = 1; opcode < opcode_base_; ++opcode) {
    operand_counts_.push_back(header.u8());
  }
  if (header.failed() || line_range_ == 0 || opcode_base_ == 0) {
    return false;
  }
  if (version_ < 5) {
    read_entries_4(header);
    return !header.failed();
  }
  std::vector<File> directories;
  if (!read_entries_5(header, sections, directories) || !read_entries_5(header, sections, files_)) {
    return false;
  }
  for (const File& directory : directories) {
    directories_.push_back(directory.name);
  }
  return true;
}

// Directory 0 and file 0 are not in the table: the directory of the compilation, and no file.
void LineTable::read_entries_4(ByteReader& reader) {
  directories_.push_back(directory_);
  for (std::string_view name = reader.string(); !name.empty(); name = reader.string()) {
    directories_.push_back(name);
  }
  files_.emplace_back();
  for (std::string_view name = reader.string(); !name.empty(); name = reader.string()) {
    files_.push_back({name, reader.uleb()});
    reader.uleb();  // time of last change
    reader.uleb();  // size
  }
}

bool LineTable::read_entries_5(ByteReader& reader, const LineSections& sections, std::vector<File>& entries) {
  std::vector<std::pair<uint64_t, uint64_t>> format(reader.u8());  // content, form
  for (auto& [content, form] : format) {
    content = reader.uleb();
    form = reader.uleb();
  }
  const uint64_t count = reader.uleb();
  for (uint64_t i = 0; i < count && !format.empty(); ++i) {
    File& entry = entries.emplace_back();
    for (const auto& [content, form] : format) {
      const std::optional<Value> value = read_form(reader, form, offset_bytes_, sections);
      if (!value || reader.failed()) {
        return false;
      }
      if (content == DW_LNCT_path) {
        entry.name = value->text;
      } else if (content == DW_LNCT_directory_index) {
        entry.directory = value->number;
      }
    }
  }
  return !reader.failed();
}

std::vector<LineMatch> LineTable::match(std::span<const uint64_t> addresses, std::span<const CodeSection> code) const {
  RowMatcher matcher(addresses, code);
  ByteReader program = program_;
  uint64_t address = 0;
  uint64_t file = 1;
  uint64_t line = 1;
  const uint64_t constant_advance = uint64_t{uint8_t(255 - opcode_base_)} / line_range_ * minimum_instruction_;
  while (!program.at_end() && !program.failed()) {
    const uint8_t opcode = program.u8();
    if (opcode >= opcode_base_) {  // special: advances both, and makes a row
      const uint8_t adjusted = uint8_t(opcode - opcode_base_);
      address += uint64_t{uint8_t(adjusted / line_range_)} * minimum_instruction_;
      line += uint64_t(int64_t{line_base_} + adjusted % line_range_);
      matcher.row(address, file, line, false);
      continue;
    }
    switch (opcode) {
      case 0: {  // extended
        ByteReader operands = program.part(program.uleb());
        const uint8_t extended = operands.u8();
        if (extended == DW_LNE_end_sequence) {
          matcher.row(address, file, line, true);
          address = 0;
          file = 1;
          line = 1;
        } else if (extended == DW_LNE_set_address) {
          address = operands.fixed(unsigned(std::min<size_t>(operands.left(), 8)));
        }
        break;
      }
      case DW_LNS_copy:
        matcher.row(address, file, line, false);
        break;
      case DW_LNS_advance_pc:
        address += program.uleb() * minimum_instruction_;
        break;
      case DW_LNS_advance_line:
        line += uint64_t(program.sleb());
        break;
      case DW_LNS_set_file:
        file = program.uleb();
        break;
      case DW_LNS_const_add_pc:
        address += constant_advance;
        break;
      case DW_LNS_fixed_advance_pc:
        address += program.u16();
        break;
      default:
        for (uint8_t i = 0; i < operand_counts_[opcode - 1u]; ++i) {
          program.uleb();
        }
    }
  }
  return matcher.take();
}

const std::string& LineTable::file(uint64_t index) {
  const auto [found, is_new] = paths_.try_emplace(index);
  if (is_new) {
    found->second = read_path(index);
  }
  return found->second;
}

std::string LineTable::read_path(uint64_t index) const {
  if (index >= files_.size() || files_[index].name.empty()) {
    return {};
  }
  const File& file = files_[index];
  std::filesystem::path path(file.name);
  if (path.is_relative() && file.directory < directories_.size()) {
    path = std::filesystem::path(directories_[file.directory]) / path;
  }
  // "./stdlib/x.c" is relative to wherever -ffile-prefix-map has put the sources, not to the directory of the unit.
  if (path.is_relative() && !path.native().starts_with("./")) {
    path = std::filesystem::path(directory_) / path;
  }
  return path.lexically_normal().native();
}

}  // namespace flarestack
