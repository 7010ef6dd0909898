// SPDX-License-Identifier: Apache-2.0
// A line of collapsed stacks, "root;child;leaf 12", as stackcollapse-perf.pl, py-spy, async-profiler and flarestack
// write them, taken apart. Pure functions; views into the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "trace/records.h"

namespace flarestack {

struct CollapsedLine {
  std::string_view stack;  // frames with semicolons between; may be empty
  double value = 0;        // not negative; a whole number below 2^53 is exact
  std::optional<uint64_t> whole_value;
};
// None: it does not end in a number behind a space.
std::optional<CollapsedLine> parse_collapsed_line(std::string_view line);

// A frame as the tools annotate it: "f_[k]" of the kernel, "f_[j]" of a JIT, "f_[i]" inlined (into the frame before
// it), "f_[0]" interpreted, "f_[1]" compiled by a JIT's first stage, "f (file.py:12)" with its place.
struct CollapsedFrame {
  std::string_view name;
  std::string_view file;
  uint32_t line = 0;
  FrameKind kind = FrameKind::kSymbolized;
  bool inlined = false;
};
CollapsedFrame parse_collapsed_frame(std::string_view text);

}  // namespace flarestack
