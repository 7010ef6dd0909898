// SPDX-License-Identifier: Apache-2.0
// Hints about loops: loads whose addresses come from loads of the round before, and loops that only wait.
#include <algorithm>

#include <fmt/format.h>

#include "model/work_findings.h"

namespace flarestack {
namespace {

constexpr size_t kMostOfChain = 1000;  // instructions of a loop that is looked at for chains
constexpr size_t kMostOfSpin = 24;     // a loop that waits does little else

// The loads of a loop whose address needs what they themselves loaded in an earlier round.
std::vector<uint32_t> links_of_chain(const PieceFacts& facts, uint32_t loop, const std::vector<uint32_t>& code) {
  std::vector<uint32_t> links;
  for (const uint32_t i : code) {
    const Instruction& each = facts.piece.code[i];
    if (!each.loads || each.memory.address_registers().empty() || each.writes.empty()) continue;
    if (facts.flow.sources(i, each.memory.address_registers(), loop)[i]) links.push_back(i);
  }
  return links;
}

void find_chain(const WorkFacts& facts, const PieceFacts& piece, uint32_t loop, WorkFindings& findings) {
  const std::vector<uint32_t> code = piece.instructions_of(loop);
  if (code.size() > kMostOfChain || facts.share(piece.self_of(code)) < kLeastShare) return;
  const std::vector<uint32_t> links = links_of_chain(piece, loop, code);
  if (links.empty()) return;
  WorkFinding finding;
  finding.kind = WorkKind::kDependentLoads;
  uint64_t cost = 0;
  for (const uint32_t i : code) {
    const Instruction& each = piece.piece.code[i];
    if (!each.loads) continue;
    const bool is_link = std::find(links.begin(), links.end(), i) != links.end();
    const std::vector<bool> made_of = piece.flow.sources(i, each.memory.address_registers(), loop);
    const bool behind = std::any_of(links.begin(), links.end(), [&](uint32_t link) { return made_of[link]; });
    if (!is_link && !behind) continue;
    // Also what was found at the load itself and given to another one before it.
    const uint64_t due = std::max(piece.due[i], piece.piece.is_own[i] ? piece.piece.costs[i].self : 0);
    cost += due;
    if (due != 0 || is_link) finding.places.push_back({&piece, i, due});
  }
  finding.share = std::min(facts.share(cost), facts.share(piece.self_of(code)));
  finding.confidence = finding.share >= 0.5 ? Confidence::kLikely : Confidence::kPossible;
  finding.why =
      "Each round's address is loaded in the round before, so the loads cannot overlap: each takes the whole way to "
      "where "
      "the data is, 4 cycles in the first cache and some 300 in memory. How many missed the caches was not recorded.";
  finding.remedy =
      "Put what is visited together into one array, or follow several chains at a time; prefetch the next but one "
      "where "
      "its address is known.";
  findings.push_back(std::move(finding));
}

bool leaves(const PieceFacts& facts, uint32_t i, uint32_t loop) {
  const ControlFlow& flow = facts.piece.flow;
  const uint32_t block = flow.block_of[i];
  return facts.piece.code[i].kind == InstructionKind::kConditionalJump &&
         std::any_of(flow.blocks[block].successors.begin(), flow.blocks[block].successors.end(),
                     [&](uint32_t next) { return !flow.in_loop(next, loop); });
}

// What it waits for: a load from the same place in each round, which a jump out of the loop depends on. None: the loop
// does something else besides.
std::vector<uint32_t> awaited(const PieceFacts& facts, uint32_t loop, const std::vector<uint32_t>& code) {
  RegisterSet written;
  bool pauses = false;
  bool leaves_by_condition = false;
  for (const uint32_t i : code) {
    const Instruction& each = facts.piece.code[i];
    const bool is_swap = each.locked && each.kind == InstructionKind::kMove;  // xchg: test and set
    if (each.is_call() || (each.stores && !is_swap) || each.vector_bits != 0) return {};
    written.add(each.writes);
    pauses = pauses || each.kind == InstructionKind::kPause;
    leaves_by_condition = leaves_by_condition || leaves(facts, i, loop);
  }
  std::vector<uint32_t> found;
  for (const uint32_t i : code) {
    const Instruction& each = facts.piece.code[i];
    RegisterSet result = each.writes;
    RegisterSet flags;
    flags.add(registers::kFlags);
    result.remove(flags);
    if (each.loads && !each.memory.address_registers().meets(written)) found.push_back(i);
    // Something that changes from round to round counts, or walks: no waiting, but where the loop says so itself.
    const bool counts = result.meets(each.reads) && each.kind != InstructionKind::kMove && !each.loads;
    if (!pauses && counts && facts.flow.sources(i, each.reads, loop)[i]) return {};
  }
  return leaves_by_condition ? found : std::vector<uint32_t>();
}

void find_spin(const WorkFacts& facts, const PieceFacts& piece, uint32_t loop, WorkFindings& findings) {
  const std::vector<uint32_t> code = piece.instructions_of(loop);
  const uint64_t cost = piece.self_of(code);
  if (code.size() > kMostOfSpin || facts.share(cost) < kLeastShare) return;
  const std::vector<uint32_t> loads = awaited(piece, loop, code);
  if (loads.empty()) return;
  const auto paused = std::find_if(code.begin(), code.end(),
                                   [&](uint32_t i) { return piece.piece.code[i].kind == InstructionKind::kPause; });
  WorkFinding finding;
  finding.kind = WorkKind::kSpinWait;
  finding.share = facts.share(cost);
  finding.confidence = paused != code.end() ? Confidence::kSure : Confidence::kLikely;
  for (const uint32_t i : code) {
    const bool named = std::find(loads.begin(), loads.end(), i) != loads.end();
    const uint64_t self = piece.piece.is_own[i] ? piece.piece.costs[i].self : 0;
    if (named || self != 0) finding.places.push_back({&piece, i, self});
  }
  finding.why = std::string(
                    "The loop reads the same place again and again, and changes nothing, until another thread or "
                    "a device writes there: its time is waiting.") +
                (paused != code.end() ? " The pause in it says so as well." : "");
  finding.remedy =
      "Wait where the kernel can wake the thread (a futex, a condition variable, std::atomic::wait) after a short "
      "spin, "
      "or make what it waits for shorter.";
  findings.push_back(std::move(finding));
}

}  // namespace

void find_loop_patterns(const WorkFacts& facts, WorkFindings& findings) {
  for (const PieceFacts& piece : facts.pieces) {
    for (uint32_t loop = 0; loop < piece.loops().size(); ++loop) {
      if (!piece.loops()[loop].innermost) continue;
      find_chain(facts, piece, loop, findings);
      find_spin(facts, piece, loop, findings);
    }
  }
}

}  // namespace flarestack
