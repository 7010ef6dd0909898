// SPDX-License-Identifier: Apache-2.0
// Hint: code that was compiled with -O0, which keeps every variable in memory: it is known by the accesses to the stack
// frame by rbp, and by values that are stored there and loaded again at once.
#include <optional>

#include <fmt/format.h>

#include "model/work_findings.h"

namespace flarestack {
namespace {

constexpr double kLeastPartOfSlots = 0.3;  // of the instructions that cost something, or are beside one
constexpr uint32_t kAtOnce = 8;            // instructions between a store and its reload

bool is_slot(const Instruction& each) {
  return (each.loads || each.stores) && each.memory.base == registers::kRbp && each.memory.index >= registers::kCount &&
         each.memory.displacement < 0;
}

bool makes_frame(const AnnotatedPiece& piece) {
  for (size_t i = 0; i + 1 < piece.code.size() && i < 4; ++i) {
    const Instruction& each = piece.code[i];
    if (each.kind == InstructionKind::kMove && each.writes.contains(registers::kRbp) &&
        each.reads.contains(registers::kRsp) && !each.has_memory)
      return true;
  }
  return false;
}

struct Count {
  size_t instructions = 0;
  size_t slots = 0;
  size_t reloads = 0;  // of what was stored shortly before
  uint64_t cost = 0;
  std::vector<QuotedPlace> places;
};

void count_block(const PieceFacts& facts, const BasicBlock& block, Count& count) {
  const AnnotatedPiece& piece = facts.piece;
  for (uint32_t i = block.begin; i < block.end; ++i) {
    const Instruction& each = piece.code[i];
    ++count.instructions;
    if (!is_slot(each)) continue;
    ++count.slots;
    count.cost += facts.due[i];
    if (facts.due[i] != 0) count.places.push_back({&facts, i, facts.due[i]});
    for (uint32_t back = 1; each.loads && back <= kAtOnce && i >= back; ++back) {
      const Instruction& earlier = piece.code[i - back];
      if (!earlier.stores || !is_slot(earlier) || earlier.memory.displacement != each.memory.displacement) continue;
      ++count.reloads;
      break;
    }
  }
}

}  // namespace

void find_unoptimised(const WorkFacts& facts, WorkFindings& findings) {
  Count count;
  for (const PieceFacts& piece : facts.pieces) {
    if (!makes_frame(piece.piece)) continue;
    for (const BasicBlock& block : piece.piece.flow.blocks) {
      uint64_t self = 0;
      for (uint32_t i = block.begin; i < block.end; ++i) self += piece.piece.is_own[i] ? piece.piece.costs[i].self : 0;
      if (self != 0) count_block(piece, block, count);
    }
  }
  if (count.instructions == 0 || count.places.empty()) return;
  const double slots = static_cast<double>(count.slots) / static_cast<double>(count.instructions);
  if (slots < kLeastPartOfSlots || count.reloads * 12 < count.instructions) return;
  WorkFinding finding;
  finding.kind = WorkKind::kUnoptimised;
  finding.share = facts.share(count.cost);
  finding.confidence = slots >= 0.4 ? Confidence::kSure : Confidence::kLikely;
  finding.places = std::move(count.places);
  finding.why = fmt::format(
      "{} of its {} instructions that ran load or store local variables in memory, {} of them right after they were "
      "stored there: compilers do so without optimisation only.",
      count.slots, count.instructions, count.reloads);
  finding.remedy = "Compile with -O2; with -Og where it has to be debugged.";
  findings.push_back(std::move(finding));
}

}  // namespace flarestack
