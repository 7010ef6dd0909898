// SPDX-License-Identifier: Apache-2.0
// What the rules behind work_hints() share: the facts they look at and the findings they make. Used by work_hints.cc
// and the work_*.cc files only. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/code_flow.h"
#include "model/work_hints.h"

namespace flarestack {

// One piece of code with what its instructions are due.
struct PieceFacts {
  explicit PieceFacts(const AnnotatedPiece& annotated) : piece(annotated), flow(annotated), due(flow.due_costs()) {}
  const AnnotatedPiece& piece;
  CodeFlow flow;
  std::vector<uint64_t> due;  // by instruction

  const std::vector<Loop>& loops() const { return piece.flow.loops; }
  // Indexes of the loop's instructions, ascending.
  std::vector<uint32_t> instructions_of(uint32_t loop) const;
  uint64_t self_of(const std::vector<uint32_t>& instructions) const;
};

struct WorkFacts {
  const Profile& profile;
  const Annotation& annotation;
  const AnnotationSources& sources;
  std::vector<PieceFacts> pieces;
  uint64_t kernel_near_ns = 0;  // time in the kernel while the function's threads were in it, by their part of it
  uint64_t faults_near = 0;     // page faults of its processes in the same moments; 0: they were not counted
  size_t threads = 0;           // that were in the function itself

  double share(uint64_t cost) const {
    return annotation.own == 0 ? 0 : static_cast<double>(cost) / static_cast<double>(annotation.own);
  }
  double share_of_total(uint64_t cost) const {
    return annotation.total == 0 ? 0 : static_cast<double>(cost) / static_cast<double>(annotation.total);
  }
};

struct QuotedPlace {
  const PieceFacts* facts = nullptr;
  uint32_t instruction = 0;
  uint64_t cost = 0;
};

struct WorkFinding {
  WorkKind kind = WorkKind::kDivision;
  Confidence confidence = Confidence::kPossible;
  double share = 0;
  std::vector<QuotedPlace> places;
  std::string why;
  std::string remedy;
};

// A hint below this share of the function's cost is not worth a reader's time.
inline constexpr double kLeastShare = 0.1;

using WorkFindings = std::vector<WorkFinding>;
void find_slow_instructions(const WorkFacts& facts, WorkFindings& findings);  // work_slow.cc
void find_loop_patterns(const WorkFacts& facts, WorkFindings& findings);      // work_loops.cc
void find_branches(const WorkFacts& facts, WorkFindings& findings);           // work_branches.cc
void find_scalar_float(const WorkFacts& facts, WorkFindings& findings);       // work_scalar_float.cc
void find_call_patterns(const WorkFacts& facts, WorkFindings& findings);      // work_calls.cc
void find_unoptimised(const WorkFacts& facts, WorkFindings& findings);        // work_unoptimised.cc

}  // namespace flarestack
