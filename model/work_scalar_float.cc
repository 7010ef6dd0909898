// SPDX-License-Identifier: Apache-2.0
// Hint: a loop that computes with one floating point number at a time, where vector registers would hold several. Not
// where a round needs the result of the one before, but for sums and products, whose order may be given up.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "model/work_findings.h"

namespace flarestack {
namespace {

constexpr size_t kMostInstructions = 400;

enum class Carried : uint8_t { kNothing, kReduction, kRecurrence };

bool is_arithmetic(const Instruction& each) {
  return each.vector_use == VectorUse::kScalarFloat && !each.mnemonic.empty() &&
         (each.kind == InstructionKind::kOther || each.kind == InstructionKind::kFloatDivide) &&
         each.mnemonic.find("cvt") == std::string::npos;
}

bool is_packed_arithmetic(const Instruction& each) {
  const auto has = [&](const char* part) { return each.mnemonic.find(part) != std::string::npos; };
  return each.vector_use == VectorUse::kPackedFloat && (has("add") || has("sub") || has("mul") || has("div"));
}

bool is_addition(const Instruction& each) {
  return each.mnemonic.find("add") != std::string::npos || each.mnemonic.find("sub") != std::string::npos;
}

// What a round takes over from the one before: the arithmetic on the cycles of the dependences.
Carried carried_by(const PieceFacts& facts, uint32_t loop, const std::vector<uint32_t>& arithmetic) {
  std::vector<std::vector<bool>> made_of;
  for (const uint32_t i : arithmetic) made_of.push_back(facts.flow.all_sources(i, loop));
  Carried result = Carried::kNothing;
  for (size_t a = 0; a < arithmetic.size(); ++a) {
    if (!made_of[a][arithmetic[a]]) continue;  // on no cycle
    size_t additions = 0;
    size_t others = 0;
    for (size_t b = 0; b < arithmetic.size(); ++b) {
      if (!made_of[a][arithmetic[b]] || !made_of[b][arithmetic[a]]) continue;
      ++(is_addition(facts.piece.code[arithmetic[b]]) ? additions : others);
    }
    const bool product =
        additions == 0 && others == 1 && facts.piece.code[arithmetic[a]].mnemonic.find("mul") != std::string::npos;
    if (others != 0 && !product) return Carried::kRecurrence;
    result = Carried::kReduction;
  }
  return result;
}

struct LoopFacts {
  std::vector<uint32_t> code;
  std::vector<uint32_t> arithmetic;
  std::set<unsigned> vectors;  // registers
  size_t packed = 0;           // instructions that compute several numbers
  bool stores = false;
  bool branches = false;  // within a round
  bool gathers = false;   // an address is loaded
  bool walks = false;     // an access whose address changes from round to round
};

bool is_candidate(const PieceFacts& piece, uint32_t loop, LoopFacts& facts) {
  facts.code = piece.instructions_of(loop);
  if (facts.code.size() > kMostInstructions) return false;
  RegisterSet written;
  for (const uint32_t i : facts.code) written.add(piece.piece.code[i].writes);
  for (const uint32_t i : facts.code) {
    const Instruction& each = piece.piece.code[i];
    if (each.is_call() || each.locked || each.kind == InstructionKind::kSystemCall) return false;
    facts.packed += is_packed_arithmetic(each) ? 1 : 0;
    if (is_arithmetic(each)) facts.arithmetic.push_back(i);
    for (unsigned reg = registers::kVector0; reg < registers::kMask0; ++reg) {
      if (each.reads.contains(reg) || each.writes.contains(reg)) facts.vectors.insert(reg);
    }
    facts.stores = facts.stores || each.stores;
    if (!each.loads && !each.stores) continue;
    const RegisterSet address = each.memory.address_registers();
    facts.walks = facts.walks || address.meets(written);
    const std::vector<bool> made_of = piece.flow.sources(i, address, loop);
    for (const uint32_t other : facts.code)
      facts.gathers = facts.gathers || (made_of[other] && piece.piece.code[other].loads);
  }
  const auto& blocks = piece.piece.flow.loops[loop].blocks;
  facts.branches = blocks.size() > 1;
  // One that computes several at a time and then adds them up one by one is still bound by the latter.
  return !facts.arithmetic.empty() && facts.walks && facts.packed * 2 <= facts.arithmetic.size();
}

std::string register_list(const std::set<unsigned>& vectors) {
  std::string names;
  size_t named = 0;
  for (const unsigned reg : vectors) {
    if (++named > 6) return names + ", ...";
    names += (names.empty() ? "" : ", ") + register_name(reg);
  }
  return names;
}

}  // namespace

void find_scalar_float(const WorkFacts& facts, WorkFindings& findings) {
  for (const PieceFacts& piece : facts.pieces) {
    for (uint32_t loop = 0; loop < piece.loops().size(); ++loop) {
      LoopFacts found;
      if (!piece.loops()[loop].innermost || !is_candidate(piece, loop, found)) continue;
      const uint64_t cost = piece.self_of(found.code);
      const Carried carried = carried_by(piece, loop, found.arithmetic);
      if (facts.share(cost) < kLeastShare || carried == Carried::kRecurrence) continue;
      const Instruction& first = piece.piece.code[found.arithmetic.front()];
      const bool single = first.mnemonic.find("ss") != std::string::npos;
      WorkFinding finding;
      finding.kind = WorkKind::kScalarFloat;
      finding.share = facts.share(cost);
      const bool in_doubt = found.branches || found.gathers;
      finding.confidence = in_doubt ? Confidence::kPossible : Confidence::kLikely;
      for (const uint32_t i : found.arithmetic)
        finding.places.push_back({&piece, i, piece.piece.is_own[i] ? piece.piece.costs[i].self : 0});
      finding.why = fmt::format(
          "Each instruction computes one {} in the lowest {} bytes of {}; these registers hold {} in SSE2, {} in AVX2 "
          "and "
          "{} in AVX-512.{}{}",
          single ? "float" : "double", single ? 4 : 8, register_list(found.vectors), single ? 4 : 2, single ? 8 : 4,
          single ? 16 : 8, found.branches ? " There are branches in the loop, which have to become choices first." : "",
          found.gathers ? " Some addresses are loaded themselves, which takes gathering loads." : "");
      finding.remedy =
          std::string("Compile with -O3 and, where the machines allow it, -march=x86-64-v3") +
          (carried == Carried::kReduction
               ? "; the sum is carried from round to round, so the compiler may only regroup it with "
                 "-fassociative-math -fno-signed-zeros -fno-trapping-math, or keep several sums yourself."
           : found.stores ? "; __restrict on the pointers tells it that what is written is not what is read."
                          : ".") +
          " -fopt-info-vec-missed (gcc) and -Rpass-missed=loop-vectorize (clang) say what hinders it.";
      findings.push_back(std::move(finding));
    }
  }
}

}  // namespace flarestack
