// SPDX-License-Identifier: Apache-2.0
// MappedFiles: executable code of ELF files that a process has mapped without its loader: V8 maps its own builtins a
// second time near the code it compiles, other programs bring a loader of their own. No agent knows of it, so the
// recorder looks at /proc/PID/maps while the process lives, and says at its end which file an address was of. Recorder
// side.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/fd.h"
#include "profiler/elf_layout.h"
#include "profiler/process_maps.h"

namespace flarestack {

class MappedFiles {
 public:
  // Reads the mappings of the process as they are now; those seen earlier are kept where nothing has taken their place.
  // Not more often than a twentieth of the time goes into it.
  void look(int32_t pid, uint64_t now_monotonic_ns);

  // The jitdump that a JIT compiler marked by mapping it executable, as perf asks it to; -1: none was seen.
  int jit_dump() const { return jit_dump_.get(); }

  struct Place {
    std::string path;
    std::vector<uint8_t> build_id;  // empty: none
    ModuleOffset offset;
  };
  // The place in a file that was mapped at the address. None: nothing was, or the file is gone or no ELF file.
  std::optional<Place> find(RuntimeAddress address);

 private:
  using Mapping = ProcessMaps::Mapping;

  void add(Mapping mapping);
  void open_jit_dump(int32_t pid, const Mapping& mapping);
  static ElfLayout read(const Mapping& mapping);

  std::map<uint64_t, Mapping> mappings_;    // by start, disjoint
  std::map<std::string, ElfLayout> files_;  // by path; those that find() met
  uint64_t next_look_monotonic_ns_ = 0;
  Fd jit_dump_;
};

}  // namespace flarestack
