// SPDX-License-Identifier: Apache-2.0
// Hint: conditional jumps that go both ways, and cost on both. A jump that always goes one way is predicted and costs
// next to nothing; of one that goes both ways the instructions alone cannot tell whether it is predicted, so this hint
// is never sure.
#include <algorithm>

#include "model/work_findings.h"

namespace flarestack {
namespace {

constexpr uint32_t kBehindJump = 4;        // a wrong guess is paid for at the first instructions of the right side
constexpr double kLeastPartOfSide = 0.08;  // of the cost around the jump, on each side

uint64_t self_of(const PieceFacts& facts, uint32_t begin, uint32_t end) {
  uint64_t sum = 0;
  for (uint32_t i = begin; i < end; ++i) sum += facts.piece.is_own[i] ? facts.piece.costs[i].self : 0;
  return sum;
}

struct Side {
  uint32_t block = 0;
  bool exclusive = false;  // only this jump leads there
  uint64_t whole = 0;      // cost of the block
  uint64_t first = 0;      // of its first instructions
};

Side side_of(const PieceFacts& facts, uint32_t block) {
  const BasicBlock& there = facts.piece.flow.blocks[block];
  Side side;
  side.block = block;
  side.exclusive = there.predecessors.size() == 1;
  side.whole = self_of(facts, there.begin, there.end);
  side.first = self_of(facts, there.begin, std::min(there.end, there.begin + kBehindJump));
  return side;
}

// How much an instruction of the block costs, to compare blocks of different lengths.
double density(const PieceFacts& facts, const Side& side) {
  const BasicBlock& block = facts.piece.flow.blocks[side.block];
  return static_cast<double>(side.whole) / static_cast<double>(block.end - block.begin);
}

bool goes_both_ways(const PieceFacts& facts, const Side& a, const Side& b, uint64_t around) {
  const auto least = static_cast<uint64_t>(kLeastPartOfSide * static_cast<double>(around));
  if (a.whole <= least || b.whole <= least) return false;
  if (a.exclusive && b.exclusive) return true;
  // One side is where both ways meet again, which has cost in any case: the other one must run less often.
  if (!a.exclusive && !b.exclusive) return false;
  const Side& conditional = a.exclusive ? a : b;
  const Side& meeting = a.exclusive ? b : a;
  return density(facts, conditional) < 0.8 * density(facts, meeting);
}

}  // namespace

void find_branches(const WorkFacts& facts, WorkFindings& findings) {
  WorkFinding finding;
  finding.kind = WorkKind::kBranches;
  uint64_t cost = 0;
  bool certain_sides = false;
  for (const PieceFacts& piece : facts.pieces) {
    const ControlFlow& flow = piece.piece.flow;
    std::vector<bool> counted(piece.piece.code.size(), false);
    for (uint32_t each = 0; each < flow.blocks.size(); ++each) {
      const BasicBlock& block = flow.blocks[each];
      const uint32_t jump = block.end - 1;
      const bool decides = piece.piece.code[jump].kind == InstructionKind::kConditionalJump &&
                           block.successors.size() == 2 && block.loop != kNoIndex;
      if (!decides) continue;
      const uint32_t header = flow.loops[block.loop].header;
      const bool ends_round = std::any_of(block.successors.begin(), block.successors.end(), [&](uint32_t next) {
        return next == header || !flow.in_loop(next, block.loop);
      });
      if (ends_round) continue;
      const Side a = side_of(piece, block.successors[0]);
      const Side b = side_of(piece, block.successors[1]);
      const uint64_t around = a.whole + b.whole + self_of(piece, block.begin, block.end);
      if (!goes_both_ways(piece, a, b, around)) continue;
      certain_sides = certain_sides || (a.exclusive && b.exclusive);
      uint64_t due = 0;
      const auto count = [&](uint32_t begin, uint32_t end) {
        for (uint32_t i = begin; i < end; ++i) {
          if (!counted[i] && piece.piece.is_own[i]) due += piece.piece.costs[i].self;
          counted[i] = true;
        }
      };
      count(jump > block.begin ? jump - 1 : jump, block.end);  // with the comparison
      for (const Side& side : {a, b}) {
        const BasicBlock& there = flow.blocks[side.block];
        count(there.begin, std::min(there.end, there.begin + kBehindJump));
      }
      finding.places.push_back({&piece, jump, due});
      cost += due;
    }
  }
  if (finding.places.empty()) return;
  finding.share = facts.share(cost);
  finding.confidence = certain_sides && finding.share >= 0.4 ? Confidence::kLikely : Confidence::kPossible;
  finding.why =
      "These jumps go both ways, and the cost is at them and at the first instructions of either side, where a wrong "
      "guess of 15 to 20 cycles is paid. How many guesses were wrong was not recorded: `perf stat -e branch-misses` "
      "counts them.";
  finding.remedy =
      "Sort or partition the data by the condition, compute both sides and choose (a conditional move, a table), or "
      "take "
      "the decision out of the loop.";
  findings.push_back(std::move(finding));
}

}  // namespace flarestack
