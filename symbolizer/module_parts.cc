// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/module_parts.h"

#include <dwarf.h>

#include "symbolizer/isolated_work.h"
#include "symbolizer/location_table.h"
#include "symbolizer/module_file.h"
#include "symbolizer/regular_file.h"
#include "symbolizer/split_units.h"
#include "symbolizer/supplementary_file.h"

namespace flarestack {
namespace {

Result<Fd> open_part(const std::string& path) { return path == "[vdso]" ? open_module(path) : open_regular_file(path); }

// In a child, as the files may be anything: what is a part, or an error's message.
class Parts {
 public:
  // Whether there is a file at `path`.
  bool add(BundledKind kind, const std::string& path, const std::vector<uint8_t>& id) {
    if (!open_part(path).ok()) {
      return false;
    }
    put_uleb(parts_, uint64_t(kind));
    put_text(parts_, path);
    put_text(parts_, {reinterpret_cast<const char*>(id.data()), id.size()});
    return true;
  }
  std::string take(std::string_view problem = {}) const {
    std::string out;
    put_text(out, problem);
    return out + parts_;
  }

 private:
  std::string parts_;
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

std::string find_parts(const SymbolModule& module, const std::vector<std::string>& debug_directories) {
  Parts parts;
  Result<ModuleFile> file = ModuleFile::open(module, debug_directories);
  if (!file.ok()) {
    return parts.take(file.error().message);
  }
  if (!parts.add(BundledKind::kModule, file->path(), file->key())) {
    return parts.take(file->path() + " cannot be read");
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

}  // namespace

Result<std::vector<ModulePart>> module_parts(const SymbolModule& module,
                                             const std::vector<std::string>& debug_directories) {
  const Result<std::string> answer = run_isolated({}, [&] { return find_parts(module, debug_directories); });
  if (!answer.ok()) {
    return Error{module.path + ": reading it " + answer.error().message};
  }
  ByteReader reader({reinterpret_cast<const uint8_t*>(answer->data()), answer->size()});
  if (const std::string_view problem = take_text(reader); !problem.empty()) {
    return Error{std::string(problem)};
  }
  std::vector<ModulePart> parts;
  while (!reader.at_end()) {
    const auto kind = BundledKind(reader.uleb());
    const std::string path(take_text(reader));
    const std::string_view id = take_text(reader);
    if (Result<Fd> file = open_part(path); file.ok()) {
      parts.push_back({kind, path, {id.begin(), id.end()}, std::move(*file)});
    }
  }
  return parts;
}

}  // namespace flarestack
