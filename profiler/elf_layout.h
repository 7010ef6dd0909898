// SPDX-License-Identifier: Apache-2.0
// ElfLayout: what of an ELF file tells where its code is when it is mapped, and which file it is. Recorder side.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace flarestack {

struct ElfLayout {
  struct Segment {
    uint64_t file_offset = 0;
    uint64_t size_bytes = 0;
    uint64_t virtual_address = 0;
  };
  std::vector<uint8_t> build_id;  // empty: none
  std::vector<Segment> segments;  // that can be loaded; empty: it is no ELF file
  bool is_go = false;             // it holds code that Go's compiler made

  // Reads, and does not map: a file that is cut while it is mapped raises SIGBUS.
  static ElfLayout read(int descriptor);

  // The virtual address that the byte of the file stands for. None: it is in no segment.
  std::optional<uint64_t> virtual_address_of(uint64_t file_offset) const;
};

}  // namespace flarestack
