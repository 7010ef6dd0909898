// SPDX-License-Identifier: Apache-2.0
// Annotation: one function of a profile down to its instructions, each with what it cost, where in the source it is,
// and what it leads to. For `annotate`, and for work_hints(). Offline side.
//
// What an instruction costs itself: of samples, those whose innermost frame it is, and of a heap metric, what the call
// that it is allocates. A signal finds the instruction that has not retired yet, which is often the one behind the slow
// one; costs stand here where they were found, and work_hints() says whom they are due to. With its callees: all stacks
// that pass through it, each once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/control_flow.h"
#include "model/profile.h"
#include "symbolizer/function_code.h"
#include "symbolizer/source_text.h"

namespace flarestack {

struct InstructionCost {
  uint64_t self = 0;
  uint64_t total = 0;  // with its callees; kernel time that hangs on it as well
  uint64_t samples = 0;
};

// A piece of code: the function, a copy that the compiler made of it, a part that it moved away (.cold), or another
// function that it was inlined into, whose own instructions then count nothing.
struct AnnotatedPiece {
  uint64_t begin = 0;  // module offsets
  uint64_t end = 0;
  std::string name;      // of the function that the linker knows
  bool is_host = false;  // that is another function, which this one was inlined into
  uint64_t self = 0;     // of instructions of the function
  uint64_t total = 0;
  std::vector<Instruction> code;
  // Beside `code`:
  std::vector<InstructionCost> costs;
  std::vector<std::vector<SymbolFrame>> frames;  // innermost first, at least one
  std::vector<bool> is_own;                      // of the function, or inlined into it
  std::vector<std::string> leads_to;  // name of what is called, jumped to outside of the piece, or of the data; empty
  ControlFlow flow;
};

// One line of the source with cost, of its instructions in all pieces; or of its samples, where there is no code.
struct AnnotatedLine {
  std::string file;
  uint32_t line = 0;
  std::string function;  // whose line it is: the innermost one
  bool is_inlined = false;
  uint64_t self = 0;
  uint64_t total = 0;
};

struct Annotation {
  uint32_t function = 0;  // in Profile::functions
  uint64_t self = 0;      // as `report` has it: without what was inlined into it
  uint64_t own = 0;       // with what was inlined into it
  uint64_t total = 0;     // with what it calls
  uint64_t samples = 0;   // of `own`
  uint64_t total_samples = 0;
  std::vector<uint8_t> build_id;
  std::vector<AnnotatedPiece> pieces;         // most cost first
  std::vector<AnnotatedLine> lines;           // most own cost first
  std::map<std::string, SourceText> sources;  // by path; those of the function's lines
  std::vector<std::string> problems;  // one sentence each: no binary, changed, no debug information, few samples
  bool has_code() const { return !pieces.empty(); }
};

// Where it all comes from; tests answer themselves.
struct AnnotationSources {
  SymbolSource symbols;
  std::function<Result<FunctionCode>(const CodeRequest&)> code;
  std::function<SourceText(const SourceRequest&)> text;
  // Of data that instructions name: raw_symbols().
  std::function<std::vector<std::string>(const SymbolModule&, const std::vector<uint64_t>& offsets)> data_names;
};
// The files of this machine, and the default cache of symbols; of one recording, whose module ids they go by.
AnnotationSources annotation_sources(bool inline_frames);

// What the samples of a profile say of each recorded stack: made once for several functions of it.
struct StackCosts {
  explicit StackCosts(const Profile& profile);
  struct Cost {
    uint64_t value = 0;
    uint64_t samples = 0;
    bool is_zero() const { return value == 0 && samples == 0; }
  };
  std::vector<Cost> self;   // by stack: of samples with just this one
  std::vector<Cost> total;  // of those, and of the stacks that it is the root part of
};

// `function` is an index of Profile::functions. Never fails: what is not there, the problems say.
Annotation annotate(const Profile& profile, uint32_t function, const AnnotationSources& sources);
Annotation annotate(const Profile& profile, const StackCosts& stacks, uint32_t function,
                    const AnnotationSources& sources);

}  // namespace flarestack
