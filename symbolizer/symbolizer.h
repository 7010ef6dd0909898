// SPDX-License-Identifier: Apache-2.0
// Symbolizer: (module, offset) to functions, lines and inline frames; through elfutils, in parallel by module, each
// location once, results cached on disk by build id. Files are read by children of this process, so that one that
// breaks its reader costs its own names alone (isolated_work.h); what is cached costs no child. Offline side; the
// thread that calls is the process's only one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "symbolizer/bundled_files.h"

namespace flarestack {

// One function of a location. An address inside inlined code has several: innermost first, `inlined` true for all but
// the last. Strings are demangled.
struct SymbolFrame {
  std::string function;  // never empty: "module+0x1234" as a last resort, where possible of the function's start
  std::string file;      // source path as DWARF has it, made absolute with the compilation directory; empty: unknown
  uint32_t line = 0;     // of the instruction in the innermost frame, of the call site in outer ones; 0: unknown
  bool inlined = false;
  uint64_t function_offset = 0;  // module offset of the function's entry (of the outermost one for inlined); 0: unknown
};

struct SymbolModule {
  ModuleId id;
  std::string path;
  std::vector<uint8_t> build_id;         // empty: none
  const BundledFiles* bundle = nullptr;  // that came with the trace, looked at first; outlives who has the module
};

struct SymbolQuery {
  ModuleId module;
  ModuleOffset lookup;  // already "minus one" for return addresses (FrameAddress::lookup)
};

// How well a module could be symbolized; goes into reports' quality panels.
struct ModuleSymbols {
  enum class Level : uint8_t { kNone, kExportedSymbols, kSymbolTable, kLines };
  ModuleId id;
  Level level = Level::kNone;
  std::string
      problem;  // one sentence, empty when there is none: "/usr/bin/x changed since the recording (build id differs)"
  std::string remedy;  // a command that would get what is missing, empty when unknown: "apt install libc6-dbg"
};

struct SymbolizerOptions {
  std::string cache_directory;  // empty: no cache
  unsigned threads = 0;         // 0: as many as there are CPUs
  bool inline_frames = true;
  std::vector<std::string> debug_directories = {"/usr/lib/debug"};  // roots of separate debug files, as in gdb
};

// $FLARESTACK_CACHE_DIR, $XDG_CACHE_HOME/flarestack or ~/.cache/flarestack; empty when there is none.
std::string default_cache_directory();

class Symbolizer {
 public:
  Symbolizer(std::vector<SymbolModule> modules, SymbolizerOptions options);
  ~Symbolizer();

  // For each query, in order, its frames, innermost first; at least one. Never fails: what cannot be resolved is
  // "module+0x1234", and modules() says why.
  std::vector<std::vector<SymbolFrame>> resolve(std::span<const SymbolQuery> queries);
  // One entry per module that was asked about, valid after resolve().
  std::vector<ModuleSymbols> modules() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
