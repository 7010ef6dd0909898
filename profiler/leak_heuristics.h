// SPDX-License-Identifier: Apache-2.0
// LeakHeuristics: pointers into a block's middle that count as pointers to it, since libraries are known to keep no
// other: memcheck's --leak-check-heuristics=all (Valgrind 3.19, heuristic_reachedness() in memcheck/mc_leakcheck.c).
// Recorder side.
#pragma once

#include <cstdint>

#include "profiler/leak_scan.h"

namespace flarestack {

class LeakHeuristics {
 public:
  // Borrows the input.
  explicit LeakHeuristics(const LeakScanInput& input) : input_(input) {}

  // Whether the pointer, which is into the block behind its first byte, counts as one to its start. Any thread.
  bool is_start(uint64_t pointer, const ScannedBlock& block) const;

 private:
  bool read_word(uint64_t address, uint64_t& word) const {
    return input_.read(address, &word, sizeof(word)) == sizeof(word);
  }
  bool is_string(uint64_t pointer, const ScannedBlock& block) const;
  bool is_length(uint64_t pointer, const ScannedBlock& block) const;
  bool is_array(uint64_t pointer, const ScannedBlock& block) const;
  bool is_base_class(uint64_t pointer, const ScannedBlock& block) const;
  bool is_function_table(uint64_t address) const;

  const LeakScanInput& input_;
};

}  // namespace flarestack
