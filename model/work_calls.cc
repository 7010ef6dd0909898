// SPDX-License-Identifier: Apache-2.0
// Hints about calls: a function whose time is in what it calls, calls through the linkage table, and calls of functions
// so small that calling them costs more than they do.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "model/work_findings.h"

namespace flarestack {
namespace {

constexpr double kCallBound = 0.7;
constexpr uint64_t kStubBytes = 16;
constexpr double kLeastPartOfStub = 0.03;  // of a call's cost: below, what is called matters and the way there does not
constexpr size_t kTinyInstructions = 12;
constexpr size_t kMostCallees = 16;  // whose code is looked at

std::vector<QuotedPlace> calls_of(const WorkFacts& facts) {
  std::vector<QuotedPlace> calls;
  for (const PieceFacts& piece : facts.pieces) {
    for (uint32_t i = 0; i < piece.piece.code.size(); ++i) {
      const uint64_t cost = piece.piece.costs[i].total;
      if (piece.piece.is_own[i] && piece.piece.code[i].is_call() && cost != 0) calls.push_back({&piece, i, cost});
    }
  }
  std::stable_sort(calls.begin(), calls.end(),
                   [](const QuotedPlace& a, const QuotedPlace& b) { return a.cost > b.cost; });
  return calls;
}

void find_call_bound(const WorkFacts& facts, const std::vector<QuotedPlace>& calls, WorkFindings& findings) {
  const uint64_t in_callees = facts.annotation.total - facts.annotation.own;
  const double share = facts.share_of_total(in_callees);
  if (share < kCallBound || calls.empty()) return;
  WorkFinding finding;
  finding.kind = WorkKind::kCallBound;
  finding.share = share;
  finding.confidence = Confidence::kSure;
  finding.places = calls;
  finding.why = "The function's time is in what it calls: its own instructions have the rest.";
  finding.remedy = "Call less often, or look at what is called: `flarestack tree TRACE FUNCTION` shows it as a tree.";
  findings.push_back(std::move(finding));
}

// What was found in the stub that `call` leads to, called from this function.
uint64_t stub_self(const WorkFacts& facts, const Instruction& call) {
  const Recording& recording = facts.profile.recording;
  uint64_t sum = 0;
  for (const ProfileSample& sample : facts.profile.samples) {
    if (!call.target || sample.stack >= recording.stacks.size()) continue;
    const RecordedStack& leaf = recording.stacks[sample.stack];
    if (leaf.parent >= recording.stacks.size() || leaf.frame >= recording.frames.size()) continue;
    const RecordedFrame& stub = recording.frames[leaf.frame];
    const uint32_t caller = recording.stacks[leaf.parent].frame;
    if (caller >= recording.frames.size() || recording.frames[caller].module != stub.module) continue;
    const bool in_stub = stub.offset.value >= *call.target && stub.offset.value - *call.target < kStubBytes;
    if (in_stub && recording.frames[caller].offset.value == call.end()) sum += sample.value;
  }
  return sum;
}

void find_plt(const WorkFacts& facts, const std::vector<QuotedPlace>& calls, WorkFindings& findings) {
  const Function& function = facts.profile.functions[facts.annotation.function];
  WorkFinding finding;
  finding.kind = WorkKind::kPlt;
  finding.confidence = Confidence::kSure;
  finding.remedy =
      "Link with -z now and compile with -fno-plt to call through the table of addresses directly, link the library "
      "statically, or call less often.";
  if (function.name.ends_with("@plt")) {
    finding.share = 1;
    finding.why = "This is a stub of the linkage table, whose only work is to jump to the function.";
    const PieceFacts& piece = facts.pieces.front();
    for (uint32_t i = 0; i < piece.piece.code.size(); ++i) {
      if (piece.piece.costs[i].self != 0) finding.places.push_back({&piece, i, piece.piece.costs[i].self});
    }
    findings.push_back(std::move(finding));
    return;
  }
  uint64_t cost = 0;
  uint64_t in_stubs = 0;
  for (const QuotedPlace& call : calls) {
    const AnnotatedPiece& piece = call.facts->piece;
    if (!piece.leads_to[call.instruction].ends_with("@plt")) continue;
    const uint64_t stub = stub_self(facts, piece.code[call.instruction]);
    if (static_cast<double>(stub) < kLeastPartOfStub * static_cast<double>(call.cost)) continue;
    cost += call.cost;
    in_stubs += stub;
    finding.places.push_back(call);
  }
  if (finding.places.empty()) return;
  finding.share = facts.share_of_total(cost);
  finding.confidence = Confidence::kLikely;
  finding.why = fmt::format(
      "Each of these calls goes to a stub that loads the address of the function and jumps there, and what is called "
      "does "
      "so little that the stub alone has {} of the calls' cost.",
      format_percent(in_stubs, cost));
  findings.push_back(std::move(finding));
}

// How many instructions a call of the function at `offset` runs, where it is straight code without calls; 0: it is not,
// or it is too much.
size_t straight_instructions(const WorkFacts& facts, uint64_t offset) {
  for (const Module& module : facts.profile.recording.modules) {
    if (module.build_id != facts.annotation.build_id ||
        module.path != facts.profile.functions[facts.annotation.function].module_path)
      continue;
    CodeRequest request;
    request.module = {module.id, module.path, module.build_id};
    request.recorded_ns = facts.profile.recording.session.start_realtime_ns;
    request.offsets = {offset};
    const Result<FunctionCode> code = facts.sources.code(request);
    if (!code.ok() || code->pieces.empty() || code->pieces.front().begin != offset) return 0;
    size_t count = 0;
    for (const Instruction& each : code->pieces.front().instructions) {
      if (each.kind == InstructionKind::kPadding) continue;
      if (++count > kTinyInstructions || each.is_call() || each.is_jump() || is_slow(each)) return 0;
      if (each.kind == InstructionKind::kReturn) return count;
    }
    return 0;
  }
  return 0;
}

void find_tiny(const WorkFacts& facts, const std::vector<QuotedPlace>& calls, WorkFindings& findings) {
  std::map<uint64_t, size_t> sizes;  // by where the callee begins
  WorkFinding finding;
  finding.kind = WorkKind::kTinyCallees;
  uint64_t cost = 0;
  std::string names;
  for (const QuotedPlace& call : calls) {
    const AnnotatedPiece& piece = call.facts->piece;
    const Instruction& code = piece.code[call.instruction];
    const bool in_loop = piece.flow.blocks[piece.flow.block_of[call.instruction]].loop != kNoIndex;
    const std::string& name = piece.leads_to[call.instruction];
    if (!code.target || !in_loop || name.ends_with("@plt") || facts.share_of_total(call.cost) < 0.02) continue;
    if (sizes.size() == kMostCallees && !sizes.contains(*code.target)) continue;
    const auto [entry, added] = sizes.try_emplace(*code.target, 0);
    if (added) entry->second = straight_instructions(facts, *code.target);
    if (entry->second == 0) continue;
    if (added && names.size() < 100)
      names += fmt::format("{}{} ({} instruction{})", names.empty() ? "" : ", ", name, entry->second,
                           entry->second == 1 ? "" : "s");
    finding.places.push_back(call);
    cost += call.cost;
  }
  if (finding.places.empty()) return;
  finding.share = facts.share_of_total(cost);
  finding.confidence = Confidence::kLikely;
  finding.why = fmt::format(
      "What is called here is tiny: {}. A call and its return cost about as much, and keep the compiler from seeing "
      "both "
      "sides at once.",
      names);
  finding.remedy =
      "Let the compiler inline it: define it in the header or as static, take away noinline, or link with -flto.";
  findings.push_back(std::move(finding));
}

}  // namespace

void find_call_patterns(const WorkFacts& facts, WorkFindings& findings) {
  const std::vector<QuotedPlace> calls = calls_of(facts);
  find_call_bound(facts, calls, findings);
  find_plt(facts, calls, findings);
  find_tiny(facts, calls, findings);
}

}  // namespace flarestack
