// SPDX-License-Identifier: Apache-2.0
// links: flarestack_model
// Bytes as code of a hostile file: decoded, cut into blocks and loops, and searched for what a cost is due to.
#include <cstdlib>

#include "model/code_flow.h"
#include "symbolizer/disassembly.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flarestack;  // NOLINT: a program of one function
  const uint64_t known[] = {0x1003, 0x1010};
  AnnotatedPiece piece;
  piece.code = disassemble({data, size}, 0x1000, known);
  uint64_t next = 0x1000;
  for (const Instruction& each : piece.code) {
    if (each.module_offset != next || each.size_bytes == 0 || each.intel.empty()) std::abort();
    next = each.end();
  }
  if (next != 0x1000 + size) std::abort();
  piece.flow = control_flow(piece.code);
  piece.is_own.assign(piece.code.size(), true);
  piece.costs.assign(piece.code.size(), {1, 1, 1});
  const CodeFlow flow(piece);
  uint64_t sum = 0;
  for (const uint64_t due : flow.due_costs()) sum += due;
  if (sum != piece.code.size()) std::abort();
  for (uint32_t loop = 0; loop < piece.flow.loops.size() && loop < 4; ++loop) {
    const uint32_t first = piece.flow.blocks[piece.flow.loops[loop].header].begin;
    static_cast<void>(flow.sources(first, piece.code[first].reads, loop));
  }
  return 0;
}
