// SPDX-License-Identifier: Apache-2.0
// OutsideModules: the code in a process that no agent tells of, for the stacks that are unwound from outside: which
// files are mapped where, and their CFI. From /proc/PID/maps to begin with, then from what the kernel reports of each
// mapping. Recorder side.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "profiler/elf_layout.h"
#include "profiler/module_image.h"
#include "profiler/module_map.h"
#include "profiler/process_maps.h"
#include "profiler/recording_tables.h"
#include "unwind/module_snapshot.h"

namespace flarestack {

// Files that the processes of a recording have mapped, each read once.
class CodeFiles {
 public:
  struct File {
    ElfLayout layout;
    std::shared_ptr<const ModuleImage> image;  // nullptr: it cannot be read, or is no 64-bit ELF file
  };
  const File& of(int32_t pid, const ProcessMaps::Mapping& mapping);

 private:
  std::map<std::pair<std::string, uint64_t>, File> files_;  // by path and inode
};

class OutsideModules {
 public:
  // Borrows both.
  OutsideModules(CodeFiles& files, RecordingTables& tables) : files_(&files), tables_(&tables) {}

  // Of a forked child, whose memory is as its parent's.
  OutsideModules copy() const;

  // All that is mapped now; what was there before and still is stays as it is.
  void read(int32_t pid);
  // `mapping` has taken the place of what was there.
  void add(int32_t pid, const ProcessMaps::Mapping& mapping);
  // An exec has emptied the process's memory.
  void clear();

  const ModuleMap& map() const { return map_; }
  // Of map(); changes with it.
  uint32_t generation() const { return generation_; }
  // Borrowed until the next change.
  const ModuleSnapshot& snapshot();
  // Where the direct call goes that would have left this return address; 0: none would.
  uint64_t call_target(uint64_t return_address);
  // Whether the address is in code that Go's compiler made.
  bool is_go(uint64_t address) const;
  bool has_go() const;  // any of it

 private:
  struct Piece {
    uint64_t end = 0;
    uint64_t file_offset = 0;
    std::pair<std::string, uint64_t> file;  // path and inode
    uint32_t number = 0;                    // in the ModuleMap
    uint64_t load_bias = 0;
    bool is_go = false;
    std::shared_ptr<const ModuleImage> image;
  };

  CodeFiles* files_;
  RecordingTables* tables_;
  std::map<uint64_t, Piece> pieces_;  // by start, disjoint
  ModuleMap map_;
  uint32_t generation_ = 1;
  uint32_t last_number_ = 0;
  std::vector<UnwindModule> unwind_modules_;
  ModuleSnapshot snapshot_;
};

}  // namespace flarestack
