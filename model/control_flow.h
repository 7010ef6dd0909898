// SPDX-License-Identifier: Apache-2.0
// ControlFlow: the basic blocks of a function's instructions, which leads to which, and its loops. Offline side.
//
// Loops are natural loops (A. Aho, R. Sethi, J. Ullman, "Compilers", section 10.4): an edge back to a block that
// dominates its origin, and all that reaches the origin without passing that block. Dominators by K. Cooper, T. Harvey,
// K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001. Where an indirect jump leads is not known: it counts as an
// edge to every block that nothing else leads to.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/recording.h"
#include "symbolizer/instruction.h"

namespace flarestack {

struct BasicBlock {
  uint32_t begin = 0;  // in the instructions
  uint32_t end = 0;
  std::vector<uint32_t> successors;  // blocks; in the function only
  std::vector<uint32_t> predecessors;
  uint32_t loop = kNoIndex;  // the innermost one around it
};

struct Loop {
  uint32_t header = 0;           // block
  std::vector<uint32_t> blocks;  // ascending, with those of loops inside it
  uint32_t parent = kNoIndex;    // the next loop outwards
  bool innermost = true;         // no loop inside
};

struct ControlFlow {
  std::vector<BasicBlock> blocks;
  std::vector<uint32_t> block_of;  // by instruction
  std::vector<Loop> loops;         // smallest first
  // Whether `block` is in `loop`, whichever loop inside it is its innermost.
  bool in_loop(uint32_t block, uint32_t loop) const;
};

// `code` ascending, as disassemble() makes it.
ControlFlow control_flow(std::span<const Instruction> code);

// The index of the instruction that has the module offset within; kNoIndex: none.
uint32_t instruction_at(std::span<const Instruction> code, uint64_t module_offset);

}  // namespace flarestack
