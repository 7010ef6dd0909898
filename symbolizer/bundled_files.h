// SPDX-License-Identifier: Apache-2.0
// BundledFiles: the files that came with a trace, which are looked at before those of this machine. Who reads traces
// implements it; the symbolizer asks. Safe to call from several threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bundled_kind.h"
#include "base/fd.h"

namespace flarestack {

class BundledFiles {
 public:
  virtual ~BundledFiles() = default;
  // A descriptor of the whole file, at its start; -1: there is none. `id`: of a module, its debug file and its package
  // bundle_key(); of a supplementary file its build id or checksum; of a split unit its id, eight bytes.
  virtual Fd open(BundledKind kind, std::span<const uint8_t> id) const = 0;
  // The same of a source file by its path as debug information has it. None is there that was younger than the program.
  virtual Fd open_source(const std::string& path) const = 0;
};

// What a module's files are found by: its build id, or its path if it has none.
inline std::vector<uint8_t> bundle_key(const std::string& path, const std::vector<uint8_t>& build_id) {
  return build_id.empty() ? std::vector<uint8_t>(path.begin(), path.end()) : build_id;
}

}  // namespace flarestack
