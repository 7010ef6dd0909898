// SPDX-License-Identifier: Apache-2.0
// What kind of work a hot spot is, told from its instructions. For `annotate` and `report`. Offline side.
//
// Samples say where a program was, not why it was there. A hint is what the instructions there make likely, with the
// instructions, their share, and how sure it is; docs/annotate.md tells the rules. A hint needs 30 samples and a tenth
// of the function's cost; of metrics of the heap there is none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/annotation.h"
#include "model/confidence.h"

namespace flarestack {

enum class WorkKind : uint8_t {
  kDivision,
  kDependentLoads,
  kAtomic,
  kCallBound,
  kBranches,
  kScalarFloat,
  kString,
  kSystemCall,
  kSpinWait,
  kPageFault,
  kPlt,
  kUnoptimised,
  kTinyCallees,
};
const char* work_kind_name(WorkKind kind);   // "division", "dependent-loads", ...: for machines
const char* work_kind_title(WorkKind kind);  // "division", "loads that wait for loads", ...: for readers

// Whether its share and costs are of what the function costs with what it calls.
bool counts_callees(WorkKind kind);

struct QuotedInstruction {
  uint64_t module_offset = 0;
  std::string intel;
  std::string att;
  std::string leads_to;  // the name of what it calls; empty
  std::string file;      // empty: unknown
  uint32_t line = 0;
  uint64_t cost = 0;  // due to it, in the metric's unit; of calls, with what they call
};

struct WorkHint {
  WorkKind kind = WorkKind::kDivision;
  Confidence confidence = Confidence::kPossible;
  double share = 0;  // of the function's cost, 0 to 1; where it is about calls, of its cost with what it calls
  std::vector<QuotedInstruction> quoted;  // most cost first, a few
  std::string why;                        // a sentence each
  std::string remedy;
};

// Surest and greatest share first. `sources` is asked for the code of what the function calls.
std::vector<WorkHint> work_hints(const Profile& profile, const Annotation& annotation,
                                 const AnnotationSources& sources);

// The same from the profile alone, without the text of the source: for reports that have a few functions to explain.
std::vector<WorkHint> work_hints_of(const Profile& profile, uint32_t function, const AnnotationSources& sources);

}  // namespace flarestack
