// SPDX-License-Identifier: Apache-2.0
// CommandShape: what a shell has to know of a command to complete it, taken from the command's own declaration so that
// the two cannot differ. Offline side.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace flarestack {

enum class ValueKind {
  kNone,     // a flag
  kText,     // anything
  kChoice,   // one of `choices`
  kFile,     // a path
  kTrace,    // a path of a trace
  kProcess,  // a process id
  kProgram,  // a command line of its own, behind --
};

struct OptionShape {
  std::vector<std::string> names;  // "-o", "--output"; for a positional its name alone, "TRACE"
  std::string description;
  ValueKind value = ValueKind::kNone;
  std::vector<std::string> choices;
};

struct CommandShape {
  std::string name;  // empty: flarestack itself
  std::string summary;
  std::vector<OptionShape> options;
  std::vector<OptionShape> positionals;
};

CommandShape shape_of(const CLI::App& command);
// In the order of their declaration.
std::vector<CommandShape> shapes_of_commands(const CLI::App& app);

}  // namespace flarestack
