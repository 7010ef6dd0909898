// SPDX-License-Identifier: Apache-2.0
// Hints about single instructions that are slow by themselves: division, atomic, string instructions, system calls, and
// memory that faults. All of them are known by what CodeFlow::due_costs() makes due to them.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/work_findings.h"

namespace flarestack {
namespace {

// From this share on nothing but the instruction explains what was found at it and behind it.
constexpr double kSureShare = 0.3;

struct Slow {
  std::vector<QuotedPlace> places;
  uint64_t cost = 0;
  const Instruction& heaviest() const {
    const auto most = std::max_element(places.begin(), places.end(),
                                       [](const QuotedPlace& a, const QuotedPlace& b) { return a.cost < b.cost; });
    return most->facts->piece.code[most->instruction];
  }
};

template <typename Wanted>
Slow slow_places(const WorkFacts& facts, Wanted wanted) {
  Slow slow;
  for (const PieceFacts& piece : facts.pieces) {
    for (uint32_t i = 0; i < piece.piece.code.size(); ++i) {
      if (piece.due[i] == 0 || !wanted(piece.piece.code[i])) continue;
      slow.places.push_back({&piece, i, piece.due[i]});
      slow.cost += piece.due[i];
    }
  }
  return slow;
}

void add(const WorkFacts& facts, WorkKind kind, Slow slow, std::string why, std::string remedy,
         WorkFindings& findings) {
  WorkFinding finding;
  finding.kind = kind;
  finding.share = facts.share(slow.cost);
  finding.confidence = finding.share >= kSureShare ? Confidence::kSure : Confidence::kLikely;
  finding.places = std::move(slow.places);
  finding.why = std::move(why);
  finding.remedy = std::move(remedy);
  findings.push_back(std::move(finding));
}

// Whether the divisor is the same in every round: nothing in the loop writes what the operand is made of.
bool divisor_stays(const QuotedPlace& place) {
  const AnnotatedPiece& piece = place.facts->piece;
  const uint32_t loop = piece.flow.blocks[piece.flow.block_of[place.instruction]].loop;
  if (loop == kNoIndex) return false;
  RegisterSet divisor = piece.code[place.instruction].has_memory
                            ? piece.code[place.instruction].memory.address_registers()
                            : piece.code[place.instruction].reads;
  RegisterSet dividend;
  dividend.add(registers::kRax);
  dividend.add(registers::kRdx);
  dividend.add(registers::kRsp);
  divisor.remove(dividend);
  if (divisor.empty()) return false;
  for (const uint32_t i : place.facts->instructions_of(loop)) {
    if (piece.code[i].writes.meets(divisor) || piece.code[i].stores) return false;
  }
  return true;
}

void find_division(const WorkFacts& facts, WorkFindings& findings) {
  Slow whole = slow_places(facts, [](const Instruction& each) { return each.kind == InstructionKind::kIntegerDivide; });
  Slow real = slow_places(facts, [](const Instruction& each) { return each.kind == InstructionKind::kFloatDivide; });
  if (!whole.places.empty()) {
    const bool stays = std::all_of(whole.places.begin(), whole.places.end(), divisor_stays);
    std::string why =
        "An integer division takes 10 to 18 cycles on current processors (up to 90 in 64 bits on Intel's before Ice "
        "Lake), and the next one waits for it; what was found up to 8 instructions behind it is counted with it.";
    std::string remedy = stays
                             ? "The divisor stays the same in the loop: multiply by its inverse, computed once before "
                               "it (libdivide does), or make it a constant."
                             : "Divide less often, by a constant or a power of two, or in 32 bits where the values "
                               "allow it.";
    add(facts, WorkKind::kDivision, std::move(whole), std::move(why), std::move(remedy), findings);
  }
  if (!real.places.empty()) {
    add(facts, WorkKind::kDivision, std::move(real),
        "A floating point division or square root takes 10 to 20 cycles where a multiplication takes 4, and only one "
        "in "
        "4 to 8 cycles can begin.",
        "Multiply by an inverse that was computed once, where the last bit does not matter (-freciprocal-math, "
        "-fno-math-errno for square roots).",
        findings);
  }
}

void find_atomic(const WorkFacts& facts, WorkFindings& findings) {
  Slow slow = slow_places(facts, [](const Instruction& each) { return each.locked; });
  if (slow.places.empty()) return;
  const std::string contended =
      facts.threads > 1 ? fmt::format(
                              " {} threads were in this function: where they share the line, each waits for the "
                              "others.",
                              facts.threads)
                        : std::string();
  add(facts, WorkKind::kAtomic, std::move(slow),
      "A locked instruction waits until all earlier stores are done and its cache line is this core's alone: some 20 "
      "cycles where nobody else wants the line, hundreds where others do." +
          contended,
      "Count in a local variable and add it once, give each thread a line of its own, or use a weaker order where it "
      "suffices.",
      findings);
}

void find_string(const WorkFacts& facts, WorkFindings& findings) {
  Slow slow = slow_places(
      facts, [](const Instruction& each) { return each.kind == InstructionKind::kString && each.repeated; });
  if (slow.places.empty()) return;
  const std::string_view name = slow.heaviest().mnemonic;
  const bool compares = name.find("cmps") != std::string_view::npos || name.find("scas") != std::string_view::npos;
  add(facts, WorkKind::kString, std::move(slow),
      compares ? "A repeated string comparison is microcode that handles one element in about 2 cycles; no processor "
                 "has made it faster."
               : "A repeated string instruction is microcode that takes some 30 cycles to begin, whatever its length; "
                 "from about a kilobyte on it is as fast as memory allows.",
      compares ? "memchr, strlen and memcmp of the C library compare 16 to 64 bytes at once."
               : "For short blocks copy or fill with vector registers, as memcpy and memset do; for long ones, move "
                 "less.",
      findings);
}

std::string kernel_words(const WorkFacts& facts) {
  if (facts.kernel_near_ns == 0) return {};
  return fmt::format(" {} in [kernel] fell into the same moments, by the function's part of them.",
                     format_duration(facts.kernel_near_ns));
}

void find_system_calls(const WorkFacts& facts, WorkFindings& findings) {
  Slow slow = slow_places(facts, [](const Instruction& each) { return each.kind == InstructionKind::kSystemCall; });
  if (slow.places.empty()) return;
  const bool waits = facts.profile.options.metric == Metric::kWall;
  add(facts, WorkKind::kSystemCall, std::move(slow),
      std::string(waits
                      ? "The thread was in the system call or had just come back from it; where it waited, it is what "
                        "it waited for that counts."
                      : "Samples right behind a system call are of the way into the kernel and back; the time in the "
                        "kernel itself is not in this share.") +
          kernel_words(facts),
      waits
          ? "See in the callers what it waits for; let other work go on meanwhile, or wait for several things at once "
            "(epoll, io_uring)."
          : "Do more with each call (larger buffers, readv and writev, sendmmsg, io_uring), or none: cache what it "
            "says.",
      findings);
}

// A fault begins its instruction anew, so its cost is found at the very instruction; a slow access to memory that is
// there is found behind it.
void find_page_faults(const WorkFacts& facts, WorkFindings& findings) {
  Slow slow;
  uint64_t system_calls = 0;
  uint64_t kernel_on_it = 0;  // of kernel frames that hang on the instruction, where the recording has them
  for (const PieceFacts& piece : facts.pieces) {
    for (uint32_t i = 0; i < piece.piece.code.size(); ++i) {
      const Instruction& code = piece.piece.code[i];
      if (code.kind == InstructionKind::kSystemCall) system_calls += piece.due[i];
      if (!piece.piece.is_own[i] || !(code.loads || code.stores) || is_slow(code) || code.is_call()) continue;
      const InstructionCost& cost = piece.piece.costs[i];
      kernel_on_it += cost.total - cost.self;
      if (cost.total == 0) continue;
      slow.places.push_back({&piece, i, cost.total});
      slow.cost += cost.self;
    }
  }
  const double share = facts.share(slow.cost);
  const bool much_kernel = facts.kernel_near_ns > facts.annotation.own;
  const bool seen = kernel_on_it > facts.annotation.own / 2;
  if (slow.places.empty() || system_calls > slow.cost / 2 || (!seen && (share < 0.2 || !much_kernel))) return;
  WorkFinding finding;
  finding.kind = WorkKind::kPageFault;
  finding.share = seen ? facts.share_of_total(kernel_on_it) : share;
  // A fault with the page's clearing takes 0.5 us natively, 2.7 us were measured on a virtual machine.
  const bool counted = facts.faults_near * 500 > facts.kernel_near_ns / 8;
  finding.confidence = seen ? Confidence::kSure : counted ? Confidence::kLikely : Confidence::kPossible;
  finding.places = std::move(slow.places);
  finding.why =
      "These accesses were interrupted at the very instruction, as those are that the kernel begins anew once it has "
      "provided the page." +
      kernel_words(facts) + (counted ? fmt::format(" So did {} page faults.", format_count(facts.faults_near)) : "");
  finding.remedy =
      "Use memory again instead of giving it back (M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of mallopt, a pool), touch it "
      "in larger pages (MADV_HUGEPAGE), or all at once (MAP_POPULATE).";
  findings.push_back(std::move(finding));
}

}  // namespace

void find_slow_instructions(const WorkFacts& facts, WorkFindings& findings) {
  find_division(facts, findings);
  find_atomic(facts, findings);
  find_string(facts, findings);
  find_system_calls(facts, findings);
  find_page_faults(facts, findings);
}

}  // namespace flarestack
