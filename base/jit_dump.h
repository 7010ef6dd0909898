// SPDX-License-Identifier: Apache-2.0
// JitDump: what a JIT compiler says about its code in a file jit-PID.dump (Linux,
// tools/perf/Documentation/jitdump-specification.txt): names, lines, and when each piece of code came to its place.
// Read by the recorder at the end of a process. The file is untrusted: it may be cut, be still written to, or hold
// anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace flarestack {

struct JitQuery {
  RuntimeAddress lookup;
  uint64_t monotonic_ns = 0;
};

struct JitPlace {
  std::string name;  // empty: no code of the dump is there; at most 1024 bytes, control characters are '?'
  std::string file;  // empty: unknown
  uint32_t line = 0;
};

// One of a dump's lines: it begins at that address.
struct JitLine {
  uint64_t address = 0;
  uint32_t line = 0;
  std::string_view file;  // borrowed from the dump's bytes; empty: unknown
};

class JitDump {
 public:
  JitDump() = default;
  // Never fails. Records that make no sense are counted and left out; from one whose size makes none nothing more is
  // read. `bytes` are borrowed until the JitDump dies.
  static JitDump parse(std::string_view bytes);

  // For each query what was there at that time: the code that was loaded last before it, else the first one after it,
  // since programs may run code before they write of it. If the dump's clock is not CLOCK_MONOTONIC, what was loaded
  // last. n queries of m loads take O((n + m) log m).
  std::vector<JitPlace> resolve(std::span<const JitQuery> queries) const;

  // 0: not a dump of this machine's byte order.
  size_t loads() const { return codes_.size(); }
  size_t bad_records() const { return bad_records_; }
  int32_t pid() const { return pid_; }

 private:
  struct Lines {
    uint64_t code_address = 0;
    std::vector<JitLine> lines;  // ascending
  };
  struct Code {
    uint64_t start = 0;
    uint64_t end = 0;
    uint64_t original_start = 0;  // before it was moved: what its lines speak of
    uint64_t loaded_ns = 0;
    std::string_view name;
    size_t lines = SIZE_MAX;  // in lines_
  };
  void add_load(std::string_view body, uint64_t time_ns);
  void add_move(std::string_view body, uint64_t time_ns);
  void add_lines(std::string_view body);
  void settle();
  JitPlace place_in(const Code& code, uint64_t address) const;

  std::vector<Code> codes_;  // ascending by time
  std::vector<Lines> lines_;
  size_t bad_records_ = 0;
  int32_t pid_ = 0;
  bool has_times_ = true;
};

}  // namespace flarestack
