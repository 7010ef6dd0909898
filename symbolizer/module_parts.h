// SPDX-License-Identifier: Apache-2.0
// The files that are needed to symbolize a module, for packing them into a trace. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bundled_kind.h"
#include "base/fd.h"
#include "symbolizer/symbolizer.h"

namespace flarestack {

struct ModulePart {
  BundledKind kind = BundledKind::kModule;
  std::string path;
  std::vector<uint8_t> id;  // BundledFiles::open()
  Fd file;
};

// The module first, then what this machine has of its debug information. Error: the module itself is not there as it
// was recorded.
Result<std::vector<ModulePart>> module_parts(const SymbolModule& module,
                                             const std::vector<std::string>& debug_directories);

}  // namespace flarestack
