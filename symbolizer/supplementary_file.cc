// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/supplementary_file.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "symbolizer/bundled_files.h"
#include "symbolizer/byte_reader.h"
#include "symbolizer/elf_image.h"
#include "symbolizer/elf_sections.h"
#include "symbolizer/hex.h"
#include "symbolizer/module_file.h"
#include "symbolizer/regular_file.h"
#include "symbolizer/zstd_sections.h"

namespace flarestack {
namespace {

struct SupplementaryLink {
  std::string_view name;
  std::vector<uint8_t> id;  // build id or checksum
};

// .debug_sup of a file that has one; `is_supplementary`: of the file itself, else of the one that it needs.
std::optional<SupplementaryLink> read_debug_sup(Elf* elf, bool is_supplementary) {
  ByteReader reader(section_contents(elf, ".debug_sup"));
  if (reader.u16() != 5 || (reader.u8() != 0) != is_supplementary) {
    return std::nullopt;
  }
  SupplementaryLink link;
  link.name = reader.string();
  const std::string_view checksum = reader.text(reader.uleb());
  link.id.assign(checksum.begin(), checksum.end());
  return reader.failed() || checksum.empty() ? std::nullopt : std::optional(link);
}

std::optional<SupplementaryLink> read_altlink(Elf* elf) {
  ByteReader reader(section_contents(elf, ".gnu_debugaltlink"));
  SupplementaryLink link;
  link.name = reader.string();
  const std::string_view id = reader.text(reader.left());
  link.id.assign(id.begin(), id.end());
  return id.empty() ? std::nullopt : std::optional(link);
}

std::vector<uint8_t> identity(Elf* elf) {
  const std::optional<SupplementaryLink> own = read_debug_sup(elf, true);
  return own ? own->id : read_build_id(elf);
}

}  // namespace

struct SupplementaryFile::State {
  std::string path;
  std::vector<uint8_t> id;
  Fd file;
  std::string image_bytes;
  Elf* image = nullptr;
  Dwarf* dwarf = nullptr;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    dwarf_end(dwarf);
    elf_end(image);
  }
};

SupplementaryFile::SupplementaryFile() : state_(std::make_unique<State>()) {}
SupplementaryFile::SupplementaryFile(SupplementaryFile&&) noexcept = default;
SupplementaryFile& SupplementaryFile::operator=(SupplementaryFile&&) noexcept = default;
SupplementaryFile::~SupplementaryFile() = default;
const std::string& SupplementaryFile::path() const { return state_->path; }
const std::vector<uint8_t>& SupplementaryFile::id() const { return state_->id; }

SupplementaryFile::SupplementaryFile(Dwarf* main, const std::string& main_path,
                                     std::span<const std::string> debug_directories, const BundledFiles* bundle)
    : SupplementaryFile() {
  std::optional<SupplementaryLink> wanted = read_altlink(dwarf_getelf(main));
  const bool is_altlink = wanted.has_value();
  if (!wanted) {
    wanted = read_debug_sup(dwarf_getelf(main), false);
  }
  if (!wanted) {
    return;
  }
  const auto take = [&](Fd found) {
    Fd file = unpack_zstd_sections(std::move(found));
    Dwarf* dwarf = file ? dwarf_begin(file.get(), DWARF_C_READ) : nullptr;
    if (dwarf == nullptr || identity(dwarf_getelf(dwarf)) != wanted->id) {
      dwarf_end(dwarf);
      return false;
    }
    state_->file = std::move(file);
    state_->id = wanted->id;
    state_->dwarf = dwarf;
    dwarf_setalt(main, dwarf);
    return true;
  };
  if (bundle != nullptr && take(bundle->open(BundledKind::kSupplementary, wanted->id))) {
    return;
  }
  std::vector<std::string> places;
  const std::string id = to_hex(wanted->id);
  for (const std::string& directory : debug_directories) {
    places.push_back(fmt::format("{}/.build-id/{}/{}.debug", directory, id.substr(0, 2), id.substr(2)));
  }
  if (!wanted->name.empty()) {
    places.push_back(path_beside(main_path, std::string(wanted->name)));
  }
  for (std::string& place : places) {
    Result<Fd> file = open_regular_file(place);
    if (file.ok() && take(std::move(*file))) {
      state_->path = std::move(place);
      return;
    }
  }
  // libdwfl may have found it elsewhere, by debuginfod.
  const bool safe = is_safe_to_open(path_beside(main_path, std::string(wanted->name)));
  if (Dwarf* found = is_altlink && safe ? dwarf_getalt(main) : nullptr;
      found != nullptr && identity(dwarf_getelf(found)) == wanted->id) {
    return;
  }
  // libdw would search by name again if it had none.
  ElfImage nothing;
  nothing.add(".debug_line", std::string_view("", 1));
  state_->image_bytes = nothing.bytes();
  state_->image = elf_memory(state_->image_bytes.data(), state_->image_bytes.size());
  state_->dwarf = dwarf_begin_elf(state_->image, DWARF_C_READ, nullptr);
  dwarf_setalt(main, state_->dwarf);
}

}  // namespace flarestack
