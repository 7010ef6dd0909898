// SPDX-License-Identifier: Apache-2.0
// What one process of a corpus run found: a file that the preloaded library maps shared, so that it survives any death
// of the process, and that summary.py reads. Fixed layout; the version is in `magic`.
#pragma once

#include <cstdint>

namespace flarestack::oracle {

struct Place {
  char module[64];
  uint64_t module_offset;
  uint64_t address;
};

// Two traces of one moment that differ. `frame` counts from the leaf; the places are the last equal frame and what
// follows.
struct Difference {
  uint32_t
      kind;  // bit 0: at an allocation, not interrupted by the timer; bit 1: ours is heuristic and reached the root
  uint32_t frame;
  uint32_t our_count;
  uint32_t their_count;
  Place last_equal;
  Place ours;
  Place theirs;
};

struct Tally {
  uint64_t traces;  // compared
  uint64_t equal;
  uint64_t their_end_early;  // different, but theirs is the beginning of ours
  uint64_t our_end_early;
  uint64_t incremental_differs;  // the verified cache and a full walk disagree
  uint64_t frames;
  uint64_t kept;
  uint64_t heuristic;
  uint64_t to_root;
  uint64_t elided;
};

struct Counters {
  static constexpr uint64_t kMagic = 0x31656c6361726f00 + 1;
  static constexpr unsigned kDifferences = 32;
  uint64_t magic;
  char program[64];
  Tally samples;
  Tally allocations;
  uint64_t allocations_seen;
  uint64_t difference_count;
  Difference differences[kDifferences];
};
static_assert(sizeof(Tally) == 80 && sizeof(Difference) == 256 && sizeof(Counters) == 8 + 64 + 160 + 16 + 32 * 256);

}  // namespace flarestack::oracle
