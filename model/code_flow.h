// SPDX-License-Identifier: Apache-2.0
// CodeFlow: which instruction's result another one uses, within a basic block or around a loop; and which instruction a
// cost is due to. For work_hints(). Offline side.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/annotation.h"

namespace flarestack {

// How many instructions behind a slow one its cost is found. A processor goes on with what does not need the result,
// but ends instructions in order, up to 8 in one cycle (Zen, Golden Cove; 4 on Skylake): when the slow one has ended,
// those behind it end at once, and the interrupt that waited is taken at any of them. Measured on an EPYC: of the cost
// of a loop with one idiv 15 % was found at it, 2 to 18 % at each of the 8 behind it, and 0.1 to 2 % at the 7 others.
inline constexpr unsigned kSkidWindow = 8;

// So slow that what follows waits for it: a division, a locked instruction, a fence, a system call, a string
// instruction, pause.
bool is_slow(const Instruction& instruction);

class CodeFlow {
 public:
  explicit CodeFlow(const AnnotatedPiece& piece);  // borrowed for its life

  // The instruction that runs before `i`, where that is known: the one above it, or of a block's first one the last of
  // the block that leads there; of a loop's header, of the block of the loop that does. Of several blocks the one with
  // clearly the most cost is meant, if there is such a one.
  std::optional<uint32_t> before(uint32_t i) const;

  // The instructions in `loop` that may have written `reg` as `i` reads it, in this round or the one before.
  std::vector<uint32_t> writers(uint32_t i, unsigned reg, uint32_t loop) const;
  // All that the registers in `wanted`, as `i` reads them, are made of in `loop`, through any number of instructions,
  // and through memory where a place is stored to and loaded from by the same operand.
  std::vector<bool> sources(uint32_t i, RegisterSet wanted, uint32_t loop) const;
  // The same of all that `i` reads, memory as well.
  std::vector<bool> all_sources(uint32_t i, uint32_t loop) const;

  // What each instruction is due of the piece's own cost: what was found at a slow one or within kSkidWindow behind it,
  // and what was found at the user of a load's result, or right behind the load, is due to those.
  std::vector<uint64_t> due_costs() const;

 private:
  uint32_t culprit(uint32_t i) const;
  std::optional<uint32_t> load_behind(uint32_t i) const;
  std::vector<uint32_t> stores_behind(uint32_t i, uint32_t loop) const;
  void add_writers(uint32_t i, RegisterSet wanted, uint32_t loop, std::vector<bool>& found,
                   std::vector<uint32_t>& pending) const;
  void add_stores(uint32_t i, uint32_t loop, std::vector<bool>& found, std::vector<uint32_t>& pending) const;
  void follow(uint32_t loop, std::vector<bool>& found, std::vector<uint32_t>& pending) const;

  const AnnotatedPiece& piece_;
  std::vector<uint64_t> block_cost_;
};

}  // namespace flarestack
