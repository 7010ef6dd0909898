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

struct GateStep {
  std::string name;
  std::vector<std::string> command;
  std::string directory;  // empty: where the file is
  std::vector<std::pair<std::string, std::string>> environment;
  size_t runs = 10;
  size_t warmup = 1;
  std::vector<GateCheck> checks;
};

struct GateConfig {
  std::string path;
  std::string directory;   // of the file, absolute: what its paths are relative to
  std::string baseline;    // absolute
  std::string recordings;  // absolute; empty: none is kept
  std::vector<GateStep> steps;
};

// Error: the file cannot be read, is no TOML, or says what makes no sense: one sentence with file:line.
Result<GateConfig> read_gate_config(const std::string& path);

}  // namespace flarestack
