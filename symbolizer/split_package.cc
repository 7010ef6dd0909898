// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/split_package.h"

#include <vector>

#include "symbolizer/byte_reader.h"
#include "symbolizer/elf_sections.h"
#include "symbolizer/regular_file.h"
#include "symbolizer/zstd_sections.h"

namespace flarestack {
namespace {

// Columns of the index that matter here; the same number in both versions of it but for the lists of ranges.
constexpr uint32_t kInfo = 1;
constexpr uint32_t kAbbreviations = 3;
constexpr uint32_t kStringOffsets = 6;
constexpr uint32_t kRangeLists5 = 8;  // .debug_macro in version 2
constexpr uint32_t kMaxColumns = 16;

struct Place {
  uint32_t offset = 0;
  uint32_t size = 0;
};
using Row = std::map<uint32_t, Place>;  // by column

}  // namespace

struct SplitPackage::State {
  std::string path;
  Fd file;
  Elf* elf = nullptr;
  std::span<const uint8_t> index;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { elf_end(elf); }

  std::optional<Row> row_of(uint64_t dwo_id, uint32_t& version) const;
  std::span<const uint8_t> part(const Row& row, uint32_t column, std::string_view section) const;
};

// A hash table of ids with open addressing, then a table of offsets and one of sizes, a row for each unit.
std::optional<Row> SplitPackage::State::row_of(uint64_t dwo_id, uint32_t& version) const {
  ByteReader reader(index);
  version = reader.u32() & 0xffff;  // in version 5 it has two bytes, and two of padding
  const uint64_t columns = reader.u32();
  const uint64_t units = reader.u32();
  const uint64_t slots = reader.u32();
  if (reader.failed() || (version != 2 && version != 5) || columns > kMaxColumns || slots == 0 ||
      (slots & (slots - 1)) != 0 || slots * 12 > reader.left()) {
    return std::nullopt;
  }
  ByteReader ids = reader.part(slots * 8);
  ByteReader numbers = reader.part(slots * 4);
  const std::span<const uint8_t> after = index.subspan(index.size() - reader.left());
  const uint64_t table_bytes = (units + 1) * columns * 4;
  const auto id_at = [ids](uint64_t slot) {
    ByteReader at = ids;
    at.skip(slot * 8);
    return at.u64();
  };
  uint64_t slot = dwo_id & (slots - 1);
  const uint64_t step = ((dwo_id >> 32) & (slots - 1)) | 1;
  for (uint64_t tries = 0; tries < slots && id_at(slot) != dwo_id; ++tries) {
    slot = (slot + step) & (slots - 1);
  }
  numbers.skip(slot * 4);
  const uint64_t number = numbers.u32();  // from 1
  if (id_at(slot) != dwo_id || number == 0 || number > units || table_bytes + units * columns * 4 > after.size()) {
    return std::nullopt;
  }
  ByteReader names(after);
  ByteReader offsets(after.subspan(number * columns * 4));
  ByteReader sizes(after.subspan(table_bytes + (number - 1) * columns * 4));
  Row row;
  for (uint64_t i = 0; i < columns; ++i) {
    const uint32_t column = names.u32();
    row[column] = {offsets.u32(), sizes.u32()};
  }
  return row;
}

std::span<const uint8_t> SplitPackage::State::part(const Row& row, uint32_t column, std::string_view section) const {
  const auto place = row.find(column);
  const std::span<const uint8_t> whole = section_contents(elf, section);
  if (place == row.end() || place->second.offset > whole.size() ||
      place->second.size > whole.size() - place->second.offset) {
    return {};
  }
  return whole.subspan(place->second.offset, place->second.size);
}

Result<SplitPackage> SplitPackage::open(const std::string& path) {
  Result<Fd> file = open_regular_file(path);
  if (!file.ok()) {
    return file.error();
  }
  return open(std::move(*file), path);
}

Result<SplitPackage> SplitPackage::open(Fd file, const std::string& path) {
  auto state = std::make_unique<State>();
  elf_version(EV_CURRENT);
  state->path = path;
  state->file = unpack_zstd_sections(std::move(file));
  state->elf = elf_begin(state->file.get(), ELF_C_READ_MMAP_PRIVATE, nullptr);
  state->index = section_contents(state->elf, ".debug_cu_index");
  if (state->index.empty() && section_contents(state->elf, ".debug_info.dwo").empty()) {
    return Error{path + " is not a package of split debug information"};
  }
  return SplitPackage(std::move(state));
}

SplitPackage::SplitPackage(std::unique_ptr<State> state) : state_(std::move(state)) {}
SplitPackage::SplitPackage(SplitPackage&&) noexcept = default;
SplitPackage& SplitPackage::operator=(SplitPackage&&) noexcept = default;
SplitPackage::~SplitPackage() = default;

std::optional<SplitUnit> SplitPackage::find(uint64_t dwo_id) const {
  if (state_->index.empty()) {
    return SplitUnit{
        section_contents(state_->elf, ".debug_info.dwo"), section_contents(state_->elf, ".debug_abbrev.dwo"),
        section_contents(state_->elf, ".debug_str_offsets.dwo"), section_contents(state_->elf, ".debug_rnglists.dwo"),
        section_contents(state_->elf, ".debug_str.dwo")};
  }
  uint32_t version = 0;
  const std::optional<Row> row = state_->row_of(dwo_id, version);
  if (!row) {
    return std::nullopt;
  }
  SplitUnit unit;
  unit.info = state_->part(*row, kInfo, ".debug_info.dwo");
  unit.abbreviations = state_->part(*row, kAbbreviations, ".debug_abbrev.dwo");
  unit.string_offsets = state_->part(*row, kStringOffsets, ".debug_str_offsets.dwo");
  if (version == 5) {
    unit.range_lists = state_->part(*row, kRangeLists5, ".debug_rnglists.dwo");
  }
  unit.strings = section_contents(state_->elf, ".debug_str.dwo");
  return unit.info.empty() || unit.abbreviations.empty() ? std::nullopt : std::optional(unit);
}

const std::string& SplitPackage::path() const { return state_->path; }

}  // namespace flarestack
