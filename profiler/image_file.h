// SPDX-License-Identifier: Apache-2.0
// ImageFile: a shared object that needs nothing, as far as one must understand it to put it into a process: segments,
// relative relocations, what becomes read-only. Recorder side.
#pragma once

#include <elf.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace flarestack {

struct ImageFile {
  static constexpr uint64_t kPageBytes = 4096;

  // Error: it is no such file: it needs libraries, has thread-local storage or other relocations.
  static Result<ImageFile> read(const std::string& path);

  static constexpr uint64_t page_down(uint64_t address) { return address / kPageBytes * kPageBytes; }
  static constexpr uint64_t page_up(uint64_t address) { return page_down(address + kPageBytes - 1); }

  // From the start of its page to the end of its last, as it is to be in memory at `base`: zeros behind what the file
  // has.
  std::string segment_bytes(const Elf64_Phdr& segment, uint64_t base) const;

  std::string bytes;                 // of the file, to the end of its last segment
  std::vector<Elf64_Phdr> segments;  // PT_LOAD, ascending; the first begins at address 0
  std::vector<Elf64_Rela> relocations;
  Elf64_Phdr relro{};  // p_memsz 0: none
  uint64_t entry = 0;
  uint64_t size_bytes = 0;  // whole pages
};

}  // namespace flarestack
