// SPDX-License-Identifier: Apache-2.0
// The gate's file, flarestack.toml: which commands are measured, and what they have to hold. Offline side.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/gate.h"

namespace flarestack {

// A part of a step's run that the program names itself (docs/regions.md).
struct GateRegion {
  std::string path;  // "load/parse"
  std::vector<GateCheck> checks;
};

struct GateStep {
  std::string name;
  std::vector<std::string> command;
  std::string directory;  // empty: where the file is
  std::vector<std::pair<std::string, std::string>> environment;
  size_t runs = 10;
  size_t warmup = 1;
  std::vector<GateCheck> checks;
  std::vector<GateRegion> regions;
};

struct GateConfig {
  std::string path;
  std::string directory;   // of the file, absolute: what its paths are relative to
  std::string baseline;    // absolute; not used where there is a history
  std::string history;     // absolute; empty: the baseline's sessions are those before
  std::string branch;      // of the history only sessions of this one; empty: all
  std::string recordings;  // absolute; empty: none is kept
  std::vector<GateStep> steps;
};

// Error: the file cannot be read, is no TOML, or says what makes no sense: one sentence with file:line.
Result<GateConfig> read_gate_config(const std::string& path);

}  // namespace flarestack
