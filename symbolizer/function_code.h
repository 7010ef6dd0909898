// SPDX-License-Identifier: Apache-2.0
// The machine code of a function as the recorded module's file has it: every stretch of it that is asked about, since
// compilers split functions (foo, foo.cold) and make several of one. Offline side; each call opens the module anew.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "symbolizer/instruction.h"
#include "symbolizer/symbolizer.h"

namespace flarestack {

// [begin, end), which one symbol or one unwind entry covers.
struct CodePiece {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string symbol;  // demangled; empty: none covers it
  std::vector<Instruction> instructions;
};

struct FunctionCode {
  std::vector<CodePiece> pieces;  // ascending; of an offset that nothing delimits there is none
  // When the program was built at the latest, ns since the epoch: the older one of the file and its debug file. 0: they
  // came with the trace.
  int64_t built_ns = 0;
  std::string path;  // of the file
};

struct CodeRequest {
  SymbolModule module;
  std::vector<uint64_t>
      offsets;  // in the functions that are wanted; those that were sampled are starts of instructions
  // When the recording began, ns since the epoch: a file without a build id that is younger is not the recorded one.
  // 0: unknown.
  int64_t recorded_ns = 0;
  std::vector<std::string> debug_directories = {"/usr/lib/debug"};
};

// Error: a sentence that says why there is no code: no such file, changed since the recording, of another processor.
Result<FunctionCode> read_function_code(const CodeRequest& request);

}  // namespace flarestack
