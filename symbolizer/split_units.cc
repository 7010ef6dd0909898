// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/split_units.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>
#include <vector>

#include <dwarf.h>
#include <fmt/format.h>

#include "base/fd.h"
#include "symbolizer/bundled_files.h"
#include "symbolizer/byte_reader.h"
#include "symbolizer/dwarf_attributes.h"
#include "symbolizer/elf_image.h"
#include "symbolizer/elf_sections.h"
#include "symbolizer/regular_file.h"
#include "symbolizer/split_package.h"

namespace flarestack {
namespace {

template <typename Number>  // uint8_t to uint64_t
void append(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);  // little endian
}

// What a skeleton says about its unit.
struct Skeleton {
  uint16_t version = 0;
  uint64_t dwo_id = 0;
  uint64_t base_address = 0;
  uint64_t address_base = 0;
  uint64_t ranges_base = 0;  // DWARF 4
};

std::optional<Skeleton> read_skeleton(Dwarf_Die unit) {
  Skeleton skeleton;
  uint8_t type = 0;
  if (dwarf_cu_info(unit.cu, &skeleton.version, &type, nullptr, nullptr, &skeleton.dwo_id, nullptr, nullptr) != 0 ||
      type != DW_UT_skeleton) {
    return std::nullopt;
  }
  if (Dwarf_Addr start = 0; dwarf_lowpc(&unit, &start) == 0) {
    skeleton.base_address = start;
  }
  skeleton.address_base = number_attribute(unit, skeleton.version >= 5 ? DW_AT_addr_base : DW_AT_GNU_addr_base);
  skeleton.ranges_base = number_attribute(unit, DW_AT_GNU_ranges_base);
  return skeleton;
}

// The .dwo file of a unit, with those strings only that it names.
std::string unit_file(const SplitUnit& unit, uint16_t version) {
  ByteReader reader(unit.string_offsets);
  std::string offsets;
  unsigned offset_bytes = 4;
  if (version >= 5) {
    ByteReader header = reader;
    offset_bytes = header.u32() == 0xffffffff ? 8 : 4;
    offsets = reader.text(offset_bytes == 8 ? 16 : 8);
  }
  std::string strings;
  while (reader.left() >= offset_bytes) {
    const uint64_t offset = reader.fixed(offset_bytes);
    const uint64_t moved = strings.size();
    offsets.append(reinterpret_cast<const char*>(&moved), offset_bytes);
    strings += offset < unit.strings.size() ? ByteReader(unit.strings.subspan(offset)).string() : std::string_view();
    strings += '\0';
  }
  ElfImage image;
  image.add(".debug_info.dwo", unit.info);
  image.add(".debug_abbrev.dwo", unit.abbreviations);
  image.add(".debug_str_offsets.dwo", offsets);
  image.add(".debug_str.dwo", strings);
  if (!unit.range_lists.empty()) {
    image.add(".debug_rnglists.dwo", unit.range_lists);
  }
  return image.bytes();
}

// A program of one skeleton unit, whose other half is the file `name`. Its bases are those of `addresses` and `ranges`.
std::string skeleton_file(const Skeleton& skeleton, const std::string& name, std::span<const uint8_t> addresses,
                          std::span<const uint8_t> ranges) {
  const bool is_5 = skeleton.version >= 5;
  std::string abbreviations;
  const auto abbreviate = [&](unsigned number) {  // ULEB128
    for (; number >= 0x80; number >>= 7) {
      abbreviations += char(number | 0x80);
    }
    abbreviations += char(number);
  };
  for (const unsigned number : {1u, unsigned(is_5 ? DW_TAG_skeleton_unit : DW_TAG_compile_unit), 0u,  //
                                unsigned(DW_AT_low_pc), unsigned(DW_FORM_addr),                       //
                                unsigned(is_5 ? DW_AT_dwo_name : DW_AT_GNU_dwo_name), unsigned(DW_FORM_string),
                                unsigned(is_5 ? DW_AT_addr_base : DW_AT_GNU_addr_base), unsigned(DW_FORM_sec_offset)}) {
    abbreviate(number);
  }
  if (!is_5) {
    abbreviate(DW_AT_GNU_dwo_id);
    abbreviate(DW_FORM_data8);
  }
  abbreviations.append(3, '\0');

  std::string unit;
  append(unit, uint16_t(is_5 ? 5 : 4));
  if (is_5) {
    append(unit, uint8_t{DW_UT_skeleton});
    append(unit, uint8_t{8});   // size of an address
    append(unit, uint32_t{0});  // where its abbreviations are
    append(unit, skeleton.dwo_id);
  } else {
    append(unit, uint32_t{0});
    append(unit, uint8_t{8});
  }
  append(unit, uint8_t{1});
  append(unit, skeleton.base_address);
  unit += name;
  unit += '\0';
  append(unit, uint32_t{0});
  if (!is_5) {
    append(unit, skeleton.dwo_id);
  }
  std::string info;
  append(info, uint32_t(unit.size()));
  info += unit;

  ElfImage image;
  image.add(".debug_info", info);
  image.add(".debug_abbrev", abbreviations);
  if (!addresses.empty()) {
    image.add(".debug_addr", addresses);
  }
  if (!ranges.empty()) {
    image.add(".debug_ranges", ranges);
  }
  return image.bytes();
}

// A file that libdw can open by name, until it goes out of scope.
class NamedBytes {
 public:
  explicit NamedBytes(std::string_view bytes) : file_(memfd_create("unit.dwo", MFD_CLOEXEC)) {
    path_ = fmt::format("/proc/self/fd/{}", file_.get());
    if (access(path_.c_str(), R_OK) != 0) {  // no /proc, in a chroot
      path_ = std::filesystem::temp_directory_path() / "flarestack-unit-XXXXXX";
      file_.reset(mkostemp(path_.data(), O_CLOEXEC));
      is_temporary_ = bool(file_);
    }
    complete_ = file_ && write_all(file_.get(), bytes, path_).ok();
  }
  NamedBytes(const NamedBytes&) = delete;
  NamedBytes& operator=(const NamedBytes&) = delete;
  ~NamedBytes() {
    if (is_temporary_) {
      unlink(path_.c_str());
    }
  }
  bool complete() const { return complete_; }
  const std::string& path() const { return path_; }

 private:
  Fd file_;
  std::string path_;
  bool is_temporary_ = false;
  bool complete_ = false;
};

// A skeleton in memory, and through it the unit.
struct JoinedUnit {
  std::string bytes;
  Elf* elf = nullptr;
  Dwarf* dwarf = nullptr;
  Dwarf_Die entries{};

  JoinedUnit() = default;
  JoinedUnit(const JoinedUnit&) = delete;
  JoinedUnit& operator=(const JoinedUnit&) = delete;
  ~JoinedUnit() {
    dwarf_end(dwarf);
    elf_end(elf);
  }
};

// DWARF 5, 7.5.1.2. Before that the id is an attribute; nobody compressed by zstd then.
std::optional<uint64_t> id_in_header(const SplitUnit& unit) {
  ByteReader reader(unit.info);
  reader.skip(4);
  const uint16_t version = reader.u16();
  reader.skip(6);
  const uint64_t id = reader.u64();
  return reader.failed() || version != 5 ? std::nullopt : std::optional(id);
}

}  // namespace

struct SplitUnits::State {
  Dwarf* main = nullptr;
  Sources sources;
  std::optional<std::vector<SplitPackage>> packages;
  std::vector<SplitPackage> single_units;
  std::map<uint64_t, JoinedUnit> joined;  // by id
  std::optional<std::vector<uint64_t>> address_bases;
  std::vector<uint64_t> ranges_bases;

  std::optional<SplitUnit> find(uint64_t dwo_id, std::span<const std::string> candidates);
  void collect_bases();
  std::span<const uint8_t> addresses_of(const Skeleton& skeleton);
  std::span<const uint8_t> ranges_of(const Skeleton& skeleton);
  void join(const Skeleton& skeleton, const SplitUnit& unit, JoinedUnit& joined_unit);
};

std::optional<SplitUnit> SplitUnits::State::find(uint64_t dwo_id, std::span<const std::string> candidates) {
  if (!packages) {
    packages.emplace();
    if (sources.bundle != nullptr) {
      Result<SplitPackage> package =
          SplitPackage::open(sources.bundle->open(BundledKind::kSplitPackage, sources.key), "a bundled package");
      if (package.ok()) {
        packages->push_back(std::move(*package));
      }
    }
    for (const std::string& path : sources.package_paths) {
      if (Result<SplitPackage> package = SplitPackage::open(path); package.ok()) {
        packages->push_back(std::move(*package));
      }
    }
  }
  for (const SplitPackage& package : *packages) {
    if (const std::optional<SplitUnit> unit = package.find(dwo_id)) {
      return unit;
    }
  }
  if (sources.bundle != nullptr) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&dwo_id);
    Result<SplitPackage> unit =
        SplitPackage::open(sources.bundle->open(BundledKind::kSplitUnit, {bytes, sizeof dwo_id}), "a bundled unit");
    if (unit.ok()) {
      return single_units.emplace_back(std::move(*unit)).find(dwo_id);
    }
  }
  // What libdw could not read of a file that is there: sections that zstd compressed.
  for (const std::string& path : candidates) {
    Result<SplitPackage> file = SplitPackage::open(path);
    const std::optional<SplitUnit> unit = file.ok() ? file->find(dwo_id) : std::nullopt;
    if (unit && id_in_header(*unit) == dwo_id) {
      single_units.push_back(std::move(*file));
      return unit;
    }
  }
  return std::nullopt;
}

// Before DWARF 5 nothing says where a unit's addresses and ranges end, but that the next one's begin there.
void SplitUnits::State::collect_bases() {
  if (address_bases) {
    return;
  }
  address_bases.emplace();
  Dwarf_Off offset = 0;
  Dwarf_Off next = 0;
  size_t header_bytes = 0;
  while (dwarf_next_unit(main, offset, &next, &header_bytes, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) ==
         0) {
    Dwarf_Die unit;
    if (dwarf_offdie(main, offset + header_bytes, &unit) != nullptr) {
      address_bases->push_back(number_attribute(unit, DW_AT_GNU_addr_base));
      ranges_bases.push_back(number_attribute(unit, DW_AT_GNU_ranges_base));
    }
    offset = next;
  }
  std::sort(address_bases->begin(), address_bases->end());
  std::sort(ranges_bases.begin(), ranges_bases.end());
}

std::span<const uint8_t> slice(std::span<const uint8_t> section, uint64_t start, const std::vector<uint64_t>& starts) {
  if (start >= section.size()) {
    return {};
  }
  const auto next = std::upper_bound(starts.begin(), starts.end(), start);
  const uint64_t end = next == starts.end() ? section.size() : std::min<uint64_t>(*next, section.size());
  return section.subspan(start, end - start);
}

std::span<const uint8_t> SplitUnits::State::addresses_of(const Skeleton& skeleton) {
  const std::span<const uint8_t> section = section_contents(dwarf_getelf(main), ".debug_addr");
  if (skeleton.version < 5) {
    collect_bases();
    return slice(section, skeleton.address_base, *address_bases);
  }
  // The base is behind a header, whose first four bytes are the size of what follows them.
  constexpr uint64_t kHeaderBytes = 8;
  if (skeleton.address_base < kHeaderBytes || skeleton.address_base > section.size()) {
    return {};
  }
  const uint64_t bytes = ByteReader(section.subspan(skeleton.address_base - kHeaderBytes)).u32();
  return section.subspan(skeleton.address_base,
                         std::min<uint64_t>(bytes < 4 ? 0 : bytes - 4, section.size() - skeleton.address_base));
}

std::span<const uint8_t> SplitUnits::State::ranges_of(const Skeleton& skeleton) {
  if (skeleton.version >= 5) {
    return {};
  }
  collect_bases();
  return slice(section_contents(dwarf_getelf(main), ".debug_ranges"), skeleton.ranges_base, ranges_bases);
}

void SplitUnits::State::join(const Skeleton& skeleton, const SplitUnit& unit, JoinedUnit& joined_unit) {
  const NamedBytes file(unit_file(unit, skeleton.version));
  if (!file.complete()) {
    return;
  }
  joined_unit.bytes = skeleton_file(skeleton, file.path(), addresses_of(skeleton), ranges_of(skeleton));
  joined_unit.elf = elf_memory(joined_unit.bytes.data(), joined_unit.bytes.size());
  joined_unit.dwarf = dwarf_begin_elf(joined_unit.elf, DWARF_C_READ, nullptr);
  Dwarf_CU* made = nullptr;
  if (joined_unit.dwarf != nullptr &&
      dwarf_get_units(joined_unit.dwarf, nullptr, &made, nullptr, nullptr, nullptr, &joined_unit.entries) != 0) {
    joined_unit.entries = {};
  }
}

SplitUnits::SplitUnits(Dwarf* main, Sources sources) : state_(std::make_unique<State>()) {
  state_->main = main;
  state_->sources = std::move(sources);
}

SplitUnits::~SplitUnits() = default;

Dwarf_Die SplitUnits::entries_of(Dwarf_Die unit) {
  Dwarf_Die split{};
  const std::optional<Skeleton> skeleton = read_skeleton(unit);
  if (!skeleton) {
    return unit;
  }
  const std::vector<std::string> candidates = file_candidates(unit, state_->sources.holder);
  const bool safe = std::all_of(candidates.begin(), candidates.end(), is_safe_to_open);
  if (safe && dwarf_cu_info(unit.cu, nullptr, nullptr, nullptr, &split, nullptr, nullptr, nullptr) == 0 &&
      split.addr != nullptr) {
    return split;
  }
  const auto [found, is_new] = state_->joined.try_emplace(skeleton->dwo_id);
  if (is_new) {
    if (const std::optional<SplitUnit> package_unit = state_->find(skeleton->dwo_id, candidates)) {
      state_->join(*skeleton, *package_unit, found->second);
    }
  }
  return found->second.entries.addr != nullptr ? found->second.entries : unit;
}

std::vector<std::string> SplitUnits::file_candidates(Dwarf_Die skeleton, const std::string& main_path) {
  std::string name = string_attribute(skeleton, DW_AT_dwo_name);
  if (name.empty()) {
    name = string_attribute(skeleton, DW_AT_GNU_dwo_name);
  }
  if (name.empty()) {
    return {};
  }
  return {path_beside(main_path, name), path_beside(string_attribute(skeleton, DW_AT_comp_dir) + "/", name)};
}

}  // namespace flarestack
