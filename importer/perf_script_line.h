// SPDX-License-Identifier: Apache-2.0
// Lines of `perf script`, taken apart: a sample's first line, and a frame of its stack (tools/perf/builtin-script.c and
// util/evsel_fprintf.c of Linux 4.4 to 6.12). Pure functions; views into the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "trace/records.h"

namespace flarestack {

// "comm pid/tid [cpu] 1234.567890:    250000 cycles:u:  ip sym (dso)"; which of them are there is up to `perf script
// -F`.
struct PerfSampleLine {
  std::string_view comm;
  int32_t pid = -1;  // -1: not there
  int32_t tid = -1;
  std::optional<int64_t> time_ns;
  std::optional<uint64_t> period;
  std::string_view event;  // without its colon
  std::string_view rest;   // behind all that
};
// Without time and event only where `lenient`: then almost anything with a number in it is one.
std::optional<PerfSampleLine> parse_perf_sample_line(std::string_view line, bool lenient);

struct PerfFrameLine {
  std::string_view symbol;  // without "+0x12"; "[unknown]" where there is none
  std::string_view module;  // empty: unknown
  bool inlined = false;     // into the frame of the lines that follow
  uint64_t address = 0;
};
// None: it does not begin with an address.
std::optional<PerfFrameLine> parse_perf_frame_line(std::string_view line);
FrameKind kind_of_perf_frame(const PerfFrameLine& frame);

// "  file.c:12", which follows a frame where `perf script -F +srcline` asked for it, with what else would be behind
// that.
struct PerfSourceLine {
  std::string_view file;  // empty: unknown
  uint32_t line = 0;
  bool inlined = false;  // the frame before
};
PerfSourceLine parse_perf_source_line(std::string_view line);

}  // namespace flarestack
