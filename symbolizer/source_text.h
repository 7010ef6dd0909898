// SPDX-License-Identifier: Apache-2.0
// SourceText: the lines of a source file, or why they must not be shown. Offline side.
//
// Problem: a file that changed since the program was built has other text at a line's number, and a wrong line misleads
// more than none. Choice: a file that was modified after the program's own file was written counts as changed, and so
// does one that has fewer lines than were compiled. A checkout that merely touched it then costs its lines and misleads
// nobody; a program that was copied without its time stamps is younger than it says. The MD5 sums that clang writes
// into DWARF 5 would settle it for clang's programs; gcc 12 writes none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "symbolizer/bundled_files.h"

namespace flarestack {

struct SourceText {
  std::vector<std::string> lines;  // line n is lines[n - 1]; without line ends, tabs as blanks
  std::string problem;  // one sentence; empty: the lines are those that were compiled, as far as can be known
};

// What a source file may be at most: larger ones are machine-made, and nobody reads them.
constexpr uint64_t kMostSourceBytes = 16 << 20;

struct SourceRequest {
  std::string path;
  int64_t built_ns = 0;                  // when the program was built, ns since the epoch; 0: unknown
  uint32_t last_line = 0;                // the highest that the debug information names
  const BundledFiles* bundle = nullptr;  // looked at first, and not by time: that was done when it was packed
};
SourceText read_source(const SourceRequest& request);

}  // namespace flarestack
