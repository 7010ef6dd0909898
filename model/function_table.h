// SPDX-License-Identifier: Apache-2.0
// FunctionTable: a profile's functions with what they cost, by self time. Offline side.
#pragma once

#include <cstdint>
#include <vector>

#include "model/profile.h"

namespace flarestack {

struct ThreadShare {
  uint32_t thread = 0;  // in Recording::threads, or kLostIndex
  uint64_t self = 0;    // 0: it only passed through the function
};

struct LineShare {
  uint32_t file = 0;  // in Profile::files
  uint32_t line = 0;  // 0: no line is known
  uint64_t self = 0;
};

struct FunctionRow {
  uint32_t function = 0;
  uint64_t self = 0;                 // samples whose innermost frame it is; inlined frames are frames
  uint64_t total = 0;                // samples with the function anywhere in the stack, each once
  uint64_t samples = 0;              // of self
  LineShare hottest_line;            // by self
  std::vector<ThreadShare> threads;  // all whose stacks contain it, by self, most first
};

// Rows whose self or total is at least `threshold` (0.01: one percent) of the profile's total; by self, then by total,
// then by name. Without lines and threads.
std::vector<FunctionRow> function_rows(const Profile& profile, double threshold);

// The same rows in full.
std::vector<FunctionRow> function_table(const Profile& profile, double threshold);

// Amdahl's law: how many times faster the whole would be if `part` of `whole` cost nothing; infinite for all of it.
double speed_up_without(uint64_t part, uint64_t whole);

}  // namespace flarestack
