// SPDX-License-Identifier: Apache-2.0
// ProcessMaps: /proc/PID/maps as it is now: which files' code is where, and where memory is free. The kernel's word, so
// it is believed where the target's is not. Recorder side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace flarestack {

class ProcessMaps {
 public:
  struct Mapping {
    uint64_t start = 0;
    uint64_t end = 0;
    uint64_t file_offset = 0;
    uint64_t inode = 0;
    bool readable = false;
    bool writable = false;
    bool executable = false;
    std::string path;  // "[heap]" and the like; empty: anonymous
  };

  // Of a line of /proc/PID/maps, or of a line of smaps that begins a mapping; none: it is another one.
  static std::optional<Mapping> parse_line(const std::string& line);

  static Result<ProcessMaps> read(int32_t pid);
  // Of the text of such a file.
  static ProcessMaps parse(std::string_view text);

  // Sorted by address.
  const std::vector<Mapping>& mappings() const { return mappings_; }

  // The file behind a mapping, whatever the process's root and even if it is deleted; the one that is mapped, and no
  // other that has taken its name.
  static Result<Fd> open_file_of(int32_t pid, const Mapping& mapping);

  // A free place for `size_bytes` (whole pages) that is within reach of a near jump from and to all of [low, high),
  // where neither the heap nor a stack grows to nor, if it can be helped, the kernel maps what the program maps next.
  // None: there is no such place. Taken from then on.
  std::optional<uint64_t> take_near(uint64_t low, uint64_t high, uint64_t size_bytes);

 private:
  // Between two mappings.
  struct Gap {
    uint64_t start = 0;
    uint64_t end = 0;
    bool is_small = false;
    bool is_behind_heap = false;
  };
  Gap gap_before(size_t index) const;

  std::vector<Mapping> mappings_;
  uint64_t heap_end_ = 0;  // of the executable, its zeroed data and the heap
};

}  // namespace flarestack
