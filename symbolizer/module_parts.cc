// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/module_parts.h"

#include <dwarf.h>

#include "symbolizer/module_file.h"
#include "symbolizer/regular_file.h"
#include "symbolizer/split_units.h"
#include "symbolizer/supplementary_file.h"

namespace flarestack {
namespace {

class Parts {
 public:
  // Whether there is a file at `path`.
  bool add(BundledKind kind, const std::string& path, const std::vector<uint8_t>& id) {
    Result<Fd> file = path == "[vdso]" ? open_module(path) : open_regular_file(path);
    if (!file.ok()) {
      return false;
    }
    parts_.push_back({kind, path, id, std::move(*file)});
    return true;
  }
  std::vector<ModulePart> take() { return std::move(parts_); }

 private:
  std::vector<ModulePart> parts_;
};

void add_split_units(ModuleFile& file, Parts& parts) {
  const std::string& holder = file.debug_path().empty() ? file.path() : file.debug_path();
  Dwarf_CU* unit = nullptr;
  uint8_t type = 0;
  Dwarf_Die entry;
  while (dwarf_get_units(file.dwarf(), unit, &unit, nullptr, &type, &entry, nullptr) == 0) {
    uint64_t dwo_id = 0;
    if (type != DW_UT_skeleton ||
        dwarf_cu_info(unit, nullptr, nullptr, nullptr, nullptr, &dwo_id, nullptr, nullptr) != 0) {
      continue;
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(&dwo_id);
    for (const std::string& path : SplitUnits::file_candidates(entry, holder)) {
      if (parts.add(BundledKind::kSplitUnit, path, {bytes, bytes + sizeof dwo_id})) {
        break;
      }
    }
  }
}

}  // namespace

Result<std::vector<ModulePart>> module_parts(const SymbolModule& module,
                                             const std::vector<std::string>& debug_directories) {
  Result<ModuleFile> file = ModuleFile::open(module, debug_directories);
  if (!file.ok()) {
    return file.error();
  }
  Parts parts;
  if (!parts.add(BundledKind::kModule, file->path(), file->key())) {
    return Error{file->path() + " cannot be read"};
  }
  if (file->dwarf() != nullptr) {
    if (!file->debug_path().empty()) {
      parts.add(BundledKind::kDebugFile, file->debug_path(), file->key());
    }
    if (!file->supplementary().path().empty()) {
      parts.add(BundledKind::kSupplementary, file->supplementary().path(), file->supplementary().id());
    }
    for (const std::string& path : file->package_paths()) {
      if (parts.add(BundledKind::kSplitPackage, path, file->key())) {
        return parts.take();
      }
    }
    add_split_units(*file, parts);
  }
  return parts.take();
}

}  // namespace flarestack
